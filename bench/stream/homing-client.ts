/** Streams samples over Homing for a time, waits for the total, says messages per second. */
import { createClient } from 'homing';
import type { StreamContract } from './contract.ts';
import { BURST, sample } from './sample.ts';

const [port = '', milliseconds = ''] = process.argv.slice(2);
const client = createClient<StreamContract>(Number(port), { heartbeat: { intervalMs: 0 } });
await client.up();
const total = new Promise<number>((resolve) => client.on('total', (count) => resolve(count)));
const startedMs = performance.now();
const endMs = startedMs + Number(milliseconds);
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
const count = await total;
const seconds = (performance.now() - startedMs) / 1_000;
process.send?.({ rate: count / seconds, lost: sent - count });
await client.close();
