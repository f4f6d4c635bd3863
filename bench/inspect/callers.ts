/**
 * Many sessions that make calls now and then, and one that is busy: it streams, and its connection breaks again and again.
 * Says how long the calls of the others took. Arguments: the port, how many the others are.
 */
import { createClient } from 'homing';
import { percentile } from '../statistics.ts';
import { type Watched, reading } from './contract.ts';

/** Lets the others call for so long; answered with the time below which 99 % of the calls took, in microseconds. */
export interface CallSlice {
  readonly milliseconds: number;
}

/** Of one session of the others. */
const CALL_EVERY_MS = 20;
const BUSY_EVERY_MS = 5;
const BUSY_MESSAGES = 10;
const BREAK_EVERY_MS = 100;

const [port = '', sessions = ''] = process.argv.slice(2);
const busy = createClient<Watched>(Number(port));
const others = Array.from({ length: Number(sessions) }, () => createClient<Watched>(Number(port)));
await Promise.all([busy, ...others].map((client) => client.up()));
let sent = 0;
setInterval(() => {
  for (let index = 0; index < BUSY_MESSAGES; index += 1) busy.send('read', reading((sent += 1)));
}, BUSY_EVERY_MS);
setInterval(() => busy.reconnect(), BREAK_EVERY_MS);
process.on('disconnect', () => process.exit());
process.on('message', (slice: CallSlice) => void listen(slice).then((p99Us) => process.send?.(p99Us)));
process.send?.(busy.id);

async function listen({ milliseconds }: CallSlice): Promise<number> {
  const times: number[] = [];
  const endMs = performance.now() + milliseconds;
  await Promise.all(others.map((client, index) => call(client, (index * CALL_EVERY_MS) / others.length, endMs, times)));
  return percentile(times, 0.99);
}

/** Each session has its own beat, so that they do not all call at once. */
function call(client: (typeof others)[number], beginAfterMs: number, endMs: number, times: number[]): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const turn = async (): Promise<void> => {
    const startMs = performance.now();
    if (startMs >= endMs) return resolve();
    const sum = await client.call('add', times.length, 1);
    if (!Number.isFinite(sum)) throw new Error(`expected a sum, got ${sum}`);
    const nowMs = performance.now();
    times.push((nowMs - startMs) * 1_000);
    setTimeout(() => void turn().catch(reject), Math.max(0, CALL_EVERY_MS - (nowMs - startMs)));
  };
  setTimeout(() => void turn().catch(reject), beginAfterMs);
  return promise;
}
