/**
 * What a second shard gains for handlers that compute, against what a second bare thread gains for the same work: two
 * cores are seldom worth two, and a machine says in the same run how much they are.
 */
import { Program } from '../program.ts';
import { ratios } from '../statistics.ts';
import { type Measured, ofRounds } from '../table.ts';
import { stepsFor } from './arithmetic.ts';
import { startServer } from './start-server.ts';

/** How long it is measured. */
export interface WorkScale {
  readonly rounds: number;
  readonly milliseconds: number;
}

/** Work of one message. */
const PIECE_MS = 1;
const SESSIONS = 8;
const OUTSTANDING = 8;

interface Rates {
  /** Pieces a second of each thread. */
  readonly rates: readonly number[];
}

/** Throws when the work was not spread over both shards. */
export async function measureWork({ rounds, milliseconds }: WorkScale): Promise<readonly Measured[]> {
  const steps = stepsFor(PIECE_MS);
  const [bareOne, bareTwo, shardOne, shardTwo]: [number[], number[], number[], number[]] = [[], [], [], []];
  for (let round = 0; round < rounds; round += 1) {
    bareOne.push(await bare(1, steps, milliseconds));
    shardOne.push(await inShards(1, steps, milliseconds));
    bareTwo.push(await bare(2, steps, milliseconds));
    shardTwo.push(await inShards(2, steps, milliseconds));
  }
  const bareGain = ratios(bareTwo, bareOne);
  const shardGain = ratios(shardTwo, shardOne);
  return [
    ofRounds('handlers of 1 ms of arithmetic, 1 shard', shardOne, '/s'),
    ofRounds('handlers of 1 ms of arithmetic, 2 shards', shardTwo, '/s'),
    ofRounds('… gain of the second shard', shardGain, ''),
    ofRounds('the same in a loop, 1 bare thread', bareOne, '/s'),
    ofRounds('the same in a loop, 2 bare threads', bareTwo, '/s'),
    ofRounds('… gain of the second thread', bareGain, ''),
    ofRounds('gain of the second shard ÷ of the second thread', ratios(shardGain, bareGain), '', { atLeast: 0.9 }),
  ];
}

async function bare(threads: number, steps: number, milliseconds: number): Promise<number> {
  const args = [threads, steps, milliseconds].map(String);
  await using program = new Program(new URL('./bare-threads.ts', import.meta.url), args);
  return sumOf(await program.next<Rates>());
}

async function inShards(shards: number, steps: number, milliseconds: number): Promise<number> {
  await using server = await startServer('work', { options: { shards } });
  const args = [server.port, SESSIONS, OUTSTANDING, steps, milliseconds].map(String);
  await using client = new Program(new URL('./work-client.ts', import.meta.url), args);
  const done = await client.next<Rates>();
  const { length: threads } = done.rates;
  if (threads !== shards) throw new Error(`expected work in ${shards} shards, got it in ${threads}`);
  return sumOf(done);
}

function sumOf({ rates }: Rates): number {
  return rates.reduce((sum, rate) => sum + rate, 0);
}
