/**
 * What is left in a server's threads of sessions that came, exchanged messages and ended. The first crowd is not counted:
 * it leaves compiled code and filled pools, which the start is to have as well.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Program } from '../program.ts';
import { type Measured, ofRounds } from '../table.ts';
import type { CrowdOrder } from './crowd.ts';
import type { Memory } from './server.ts';
import { type BenchServer, startServer } from './start-server.ts';

/** How much is measured. */
export interface MemoryScale {
  /** Crowds that come after the first one; memory is weighed after each. */
  readonly rounds: number;
  /** Sessions of one crowd. */
  readonly sessions: number;
}

const SHARDS = 2;
const AT_ONCE = 200;
const TICKS = 10;

/** Sessions that are opened at the end, to see what one of them holds. */
const OPEN = 1_000;

/** An ended session leaves a tombstone for so long: short here, so that tombstones are not weighed too. */
const LINGER_MS = 500;

/** Throws when sessions are left. */
export async function measureMemory({ rounds, sessions }: MemoryScale): Promise<readonly Measured[]> {
  await using server = await startServer('tick', { options: { shards: SHARDS, lingerMs: LINGER_MS } });
  await using crowd = new Program(new URL('./crowd.ts', import.meta.url), [String(server.port)]);
  await crowd.next<'ready'>();
  const pass = async (count: number): Promise<void> => {
    await crowd.ask<'done'>({ type: 'pass', sessions: count, atOnce: AT_ONCE, ticks: TICKS } satisfies CrowdOrder);
    await emptied(server);
    await sleep(LINGER_MS);
  };
  /** Tombstones go when the next session ends after their time: a few for each shard. */
  const passAll = async (): Promise<number> => {
    const startMs = performance.now();
    await pass(sessions);
    const seconds = (performance.now() - startMs - LINGER_MS) / 1_000;
    await pass(2 * SHARDS);
    return sessions / seconds;
  };
  await passAll();
  const start = await server.memory();
  const rates: number[] = [];
  const after: Memory[] = [];
  for (let round = 0; round < rounds; round += 1) {
    rates.push(await passAll());
    after.push(await server.memory());
  }
  // Shows as well that the scales move.
  await crowd.ask<'done'>({ type: 'open', sessions: OPEN, atOnce: AT_ONCE } satisfies CrowdOrder);
  const open = await server.memory();
  const heapOfShards = (memory: Memory): number => memory.threads.slice(1).reduce((sum, { heap }) => sum + heap, 0);
  const emptyBytes = heapOfShards(after.at(-1) ?? start);
  const names = ['main thread', ...Array.from({ length: SHARDS }, (_, place) => `shard ${place}`)];
  return [
    ...names.flatMap((name, thread) => [
      ofRounds(`heap of the ${name}, ${sessions} sessions later ÷ start`, ratiosOf(heapOf(thread), start, after), '', {
        atMost: 1.1,
      }),
      ofRounds(`… at the start`, [heapOf(thread)(start) / 1e6], 'MB'),
      ofRounds(`… outside of its heap, later ÷ start`, ratiosOf(buffersOf(thread), start, after), ''),
    ]),
    ofRounds(
      'resident memory of the process, later ÷ start',
      ratiosOf(({ rss }) => rss, start, after),
      '',
    ),
    ofRounds('… at the start', [start.rss / 1e6], 'MB'),
    ofRounds('heap of an open session with its connection', [(heapOfShards(open) - emptyBytes) / OPEN / 1e3], 'KB'),
    ofRounds(`sessions that come, get ${TICKS} answers and end, ${AT_ONCE} at a time`, rates, '/s'),
  ];
}

type Part = (memory: Memory) => number;

function heapOf(thread: number): Part {
  return ({ threads }) => threads[thread]?.heap ?? NaN;
}

function buffersOf(thread: number): Part {
  return ({ threads }) => threads[thread]?.buffers ?? NaN;
}

function ratiosOf(part: Part, start: Memory, after: readonly Memory[]): readonly number[] {
  return after.map((memory) => part(memory) / part(start));
}

/** Sessions have ended for their clients a moment before they have for the server. */
async function emptied(server: BenchServer): Promise<void> {
  const endMs = performance.now() + 10_000;
  for (;;) {
    const { sessions, connections } = await server.counts();
    if (sessions + connections === 0) return;
    if (performance.now() > endMs)
      throw new Error(`expected none, left: ${sessions} sessions, ${connections} connections`);
    await sleep(20);
  }
}
