/** One event to every session of a server: its main thread sends, the shards deliver, a process of clients counts. */
import { Program } from '../program.ts';
import { type Measured, ofRounds } from '../table.ts';
import type { FanOutOrder, FannedOut } from './fan-out-server.ts';

/** How much is measured. */
export interface FanOutScale {
  readonly rounds: number;
  readonly milliseconds: number;
  readonly sessions: number;
}

const SHARDS = 2;
const OUTSTANDING = 64;

/** Throws when a copy was lost, came twice or not in its order, or was refused. */
export async function measureFanOut({ rounds, milliseconds, sessions }: FanOutScale): Promise<readonly Measured[]> {
  const args = [SHARDS, sessions].map(String);
  await using server = new Program(new URL('./fan-out-server.ts', import.meta.url), args);
  await server.next<'ready'>();
  const run = async (outstanding: number): Promise<number> => {
    const order: FanOutOrder = { outstanding, milliseconds };
    const { rate, ...failed } = await server.ask<FannedOut>(order);
    const { lost, refused, held } = failed;
    if (lost + refused + held > 0) throw new Error(`expected each copy to arrive once, got ${JSON.stringify(failed)}`);
    return rate;
  };
  const [single, many]: [number[], number[]] = [[], []];
  for (let round = 0; round < rounds; round += 1) {
    single.push(await run(1));
    many.push(await run(OUTSTANDING));
  }
  const what = `90 B to ${sessions} sessions in two shards`;
  return [
    ofRounds(`${what}, one at a time`, single, '/s'),
    ofRounds(`${what}, ${OUTSTANDING} events on their way`, many, '/s', { atLeast: 300_000 }),
  ];
}
