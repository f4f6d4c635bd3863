/** Streams samples over Homing for a time, waits for the total, says messages per second; with 'inspected' inspected. */
import { createClient } from 'homing';
import type { StreamContract } from './contract.ts';
import { BURST, sample } from './sample.ts';

const [port = '', milliseconds = '', inspected] = process.argv.slice(2);
const inspect = inspected === undefined ? undefined : { port: 0 };
const client = createClient<StreamContract>(Number(port), { heartbeat: { intervalMs: 0 }, inspect });
await client.up();
const total = new Promise<[number, number]>((resolve) => client.on('total', (...got) => resolve(got)));
const endMs = performance.now() + Number(milliseconds);
let sent = 0;
while (performance.now() < endMs) {
  let hasRoom = true;
  for (let index = 0; index < BURST && hasRoom; index += 1) {
    hasRoom = client.send('sample', sample(sent));
    sent += 1;
  }
  if (!hasRoom) await client.writable();
}
client.send('end');
const [count, rate] = await total;
process.send?.({ rate, lost: sent - count });
await client.close();
