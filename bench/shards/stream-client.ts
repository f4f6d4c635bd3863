/**
 * The client of the streams of shards, the same for every contestant. It sees to it that its connection is not the one
 * that began the session, and lands, unless it is dealt by a direct port, on another shard than its home.
 * Arguments: port, direction, milliseconds.
 */
import { once } from 'node:events';
import { createClient } from 'homing';
import { Meter } from './meter.ts';
import type { Streaming } from './contracts.ts';
import { pour } from './pour.ts';

const [port = '', direction = '', milliseconds = ''] = process.argv.slice(2);
process.on('disconnect', () => process.exit());
const options = { heartbeat: { intervalMs: 0 } };
// Sockets go to the shard with the fewest: the first of two sessions to the first shard, the other one to the second.
const other = createClient<Streaming>(Number(port), options);
await other.up();
const client = createClient<Streaming>(Number(port), options);
await client.up();
await other.close();
for (let order = 'again'; order === 'again';) {
  client.reconnect();
  await client.up();
  await client.flush();
  process.send?.('ready');
  [order] = (await once(process, 'message')) as ['go' | 'again'];
}
const [sent, count, rate] = await (direction === 'up' ? streamUp() : streamDown());
process.send?.({ rate, lost: sent - count });

async function streamUp(): Promise<readonly [sent: number, count: number, rate: number]> {
  const total = new Promise<[number, number]>((resolve) => client.on('total', (...got) => resolve(got)));
  const sent = await pour(client, Number(milliseconds));
  return [sent, ...(await total)];
}

async function streamDown(): Promise<readonly [sent: number, count: number, rate: number]> {
  const meter = new Meter();
  client.on('sample', (value) => meter.take(value.id));
  const ended = new Promise<number>((resolve) => client.on('end', resolve));
  client.send('pour', Number(milliseconds));
  return [await ended, meter.count, meter.rate()];
}
