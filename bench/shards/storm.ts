/**
 * Thousands of sessions in two shards, with default options, lose their connections in the same moment: the server resets
 * every socket. Clients are in processes of their own; all come back at once.
 */
import { nowMs } from '../clock.ts';
import { Program } from '../program.ts';
import { type Measured, ofRounds, ofShare } from '../table.ts';
import type { CrowdOrder, Returned } from './crowd.ts';
import { startServer } from './start-server.ts';

/** How much is measured. */
export interface StormScale {
  readonly rounds: number;
  readonly sessions: number;
}

const CROWDS = 2;
const AT_ONCE = 100;

/** Throws when not all were cut. */
export async function measureStorm({ rounds, sessions }: StormScale): Promise<readonly Measured[]> {
  await using server = await startServer('tick', { options: { shards: 2 } });
  await using crowds = new AsyncDisposableStack();
  const programs: Program[] = [];
  for (let index = 0; index < CROWDS; index += 1) {
    const program = crowds.use(new Program(new URL('./crowd.ts', import.meta.url), [String(server.port)]));
    await program.next<'ready'>();
    programs.push(program);
  }
  const ask = <Answer>(order: CrowdOrder): Promise<Answer[]> =>
    Promise.all(programs.map((program) => program.ask<Answer>(order)));
  await ask({ type: 'open', sessions: sessions / CROWDS, atOnce: AT_ONCE });

  const up: number[][] = [];
  const answered: number[][] = [];
  const lost: number[] = [];
  const cpuMs: number[] = [];
  const setbacks: Record<string, number[]> = {};
  for (let round = 0; round < rounds; round += 1) {
    await ask({ type: 'watch' });
    const cpuBeforeMs = await server.cpuMs();
    const atMs = nowMs();
    const cut = (await server.tell('cut')).reduce((sum, { value }) => sum + Number(value), 0);
    // There may be more: of refused connections that still say goodbye.
    if (cut < sessions) throw new Error(`expected ${sessions} connections to cut, got ${cut}`);
    const returned = await Promise.all(programs.map((program) => program.next<Returned>()));
    const serverMs = (await server.cpuMs()) - cpuBeforeMs;
    cpuMs.push(returned.reduce((sum, one) => sum + one.cpuMs, serverMs));
    up.push(returned.flatMap(({ upAtMs }) => upAtMs.map((ms) => ms - atMs)));
    answered.push(returned.flatMap(({ answeredAtMs }) => answeredAtMs.map((ms) => ms - atMs)));
    lost.push(returned.reduce((sum, one) => sum + one.lost, 0));
    for (const { setbacks: some } of returned)
      for (const [code, count] of Object.entries(some)) {
        const counts = (setbacks[code] ??= Array.from({ length: rounds }, () => 0));
        counts[round] = (counts[round] ?? 0) + count;
      }
  }
  const last = (rows: readonly (readonly number[])[]): number[] => rows.map((values) => Math.max(...values));
  return [
    ofRounds(`${sessions} sessions cut at once, until all are up`, last(up), 'ms', { atMost: 3_000 }),
    ofRounds('… until all are answered what they sent meanwhile', last(answered), 'ms'),
    ofShare('… until up, p50', 0.5, up, 'ms'),
    ofShare('… until up, p99', 0.99, up, 'ms'),
    ofRounds('… processor time of server and clients together', cpuMs, 'ms'),
    ofRounds('… lost sessions or messages, all rounds', [lost.reduce((sum, count) => sum + count)], '', { atMost: 0 }),
    ...Object.entries(setbacks).map(([code, counts]) => ofRounds(`… dialled again because of ${code}`, counts, '')),
  ];
}
