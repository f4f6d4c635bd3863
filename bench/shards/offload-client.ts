/**
 * Sessions of one shard: one asks for a piece of heavy work, another one pings meanwhile; then some ask for small tasks as
 * fast as they are answered. Says what it measured. Arguments: port, steps of the heavy work, rounds.
 */
import { type Client, createClient } from 'homing';
import type { Offloading } from './contracts.ts';

/** What was measured; times in milliseconds, one list for each round. */
export interface Offloaded {
  readonly pingMs: Readonly<Record<'idle' | 'offload' | 'work', readonly (readonly number[])[]>>;
  /** Heavy work handed off, from the request to the answer. */
  readonly heavyMs: readonly number[];
  /** Small tasks a second. */
  readonly rates: readonly number[];
}

/** Sessions that ask for small tasks, one at a time each: an event is handled once the one before it has settled. */
const ASKING = 16;
const SMALL_TASKS = 150;
const IDLE_MS = 300;

const [port = 0, steps = 0, rounds = 0] = process.argv.slice(2).map(Number);
process.on('disconnect', () => process.exit());
const pinging = await open();
const asking = await Promise.all(Array.from({ length: ASKING }, open));
const [first] = asking;
if (first === undefined) throw new Error('expected a session to ask');
const pingMs: Record<'idle' | 'offload' | 'work', number[][]> = { idle: [], offload: [], work: [] };
const heavyMs: number[] = [];
const rates: number[] = [];
await offload(first, 'echo', 1);
for (let round = 0; round < rounds; round += 1) {
  pingMs.idle.push(await pingDuring(new Promise((resolve) => setTimeout(resolve, IDLE_MS))));
  const startMs = performance.now();
  const heavy = offload(first, 'churn', steps).then(() => void heavyMs.push(performance.now() - startMs));
  pingMs.offload.push(await pingDuring(heavy));
  pingMs.work.push(await pingDuring(work(first, steps)));
  const smallMs = performance.now();
  await Promise.all(asking.map(askSmall));
  rates.push(((ASKING * SMALL_TASKS) / (performance.now() - smallMs)) * 1_000);
}
process.send?.({ pingMs, heavyMs, rates } satisfies Offloaded);

async function open(): Promise<Client<Offloading>> {
  const client = createClient<Offloading>(port);
  await client.up();
  return client;
}

/** Has a task run in the thread for tasks. */
function offload(client: Client<Offloading>, task: 'churn' | 'echo', input: number): Promise<number> {
  client.send('offload', task, input);
  return answerOf(client);
}

/** Has the handler itself compute. */
function work(client: Client<Offloading>, count: number): Promise<number> {
  client.send('work', count);
  return answerOf(client);
}

function answerOf(client: Client<Offloading>): Promise<number> {
  return new Promise((resolve) => void client.once('done', resolve));
}

async function askSmall(client: Client<Offloading>): Promise<void> {
  for (let task = 0; task < SMALL_TASKS; task += 1) await offload(client, 'echo', task);
}

/** Pings one after another until something is done; how long each took. */
async function pingDuring(done: Promise<unknown>): Promise<number[]> {
  const times: number[] = [];
  let isDone = false;
  void done.then(() => (isDone = true));
  while (!isDone) {
    const startMs = performance.now();
    pinging.send('ping');
    await new Promise<void>((resolve) => void pinging.once('pong', resolve));
    times.push(performance.now() - startMs);
  }
  await done;
  return times;
}
