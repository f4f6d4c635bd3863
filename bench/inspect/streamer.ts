/**
 * Streams to either of two servers as it is told, a slice of time each, and says what it reached.
 * The client of the inspected server is inspected too. Arguments: the ports.
 */
import { createClient } from 'homing';
import { openInspector } from 'homing/inspect';
import { type Watched, reading } from './contract.ts';

/** Who streams, and for how long. */
export interface Slice {
  readonly name: 'bare' | 'inspected';
  readonly milliseconds: number;
}

/** What a slice reached. */
export interface Streamed {
  /** Messages processed a second. */
  readonly rate: number;
  readonly count: number;
  /** Processor time of this process, in microseconds. */
  readonly cpuUs: number;
}

/** Messages between two looks at the clock. */
const BURST = 256;

const [bare = '', inspected = ''] = process.argv.slice(2);
const clients = {
  bare: createClient<Watched>(Number(bare)),
  inspected: createClient<Watched>(Number(inspected), { inspect: await openInspector({ port: 0 }) }),
};
const sent = { bare: 0, inspected: 0 };
await Promise.all([clients.bare.up(), clients.inspected.up()]);
process.on('disconnect', () => process.exit());
process.on('message', (slice: Slice) => void stream(slice).then((streamed) => process.send?.(streamed)));
process.send?.('ready');

/** Throws when a message was lost. */
async function stream({ name, milliseconds }: Slice): Promise<Streamed> {
  const client = clients[name];
  const before = sent[name];
  const begun = process.cpuUsage();
  const beginMs = performance.now();
  while (performance.now() < beginMs + milliseconds) {
    let hasRoom = true;
    for (let index = 0; index < BURST && hasRoom; index += 1) {
      hasRoom = client.send('read', reading(sent[name]));
      sent[name] += 1;
    }
    if (!hasRoom) await client.writable();
  }
  await client.flush();
  const count = sent[name] - before;
  const rate = (count / (performance.now() - beginMs)) * 1_000;
  const { user, system } = process.cpuUsage(begun);
  const got = await client.call('count');
  if (got !== sent[name]) throw new Error(`${name}: expected ${sent[name]} messages, got ${got}`);
  return { rate, count, cpuUs: user + system };
}
