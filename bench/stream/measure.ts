/** Runs the stream benchmark: contestants in turn, in processes of their own, several rounds. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';

/** What one contestant reached. */
export interface StreamResult {
  readonly name: string;
  /** Messages a second, one for each round. */
  readonly rates: readonly number[];
}

/** Who streams: over a plain socket, over Homing, or over Homing with an inspector at both ends that nobody looks at. */
export type Contestant = 'plain' | 'homing' | 'homing inspected';

/** Measures for `milliseconds` a round. Throws when a message was lost. */
export async function measureStream(
  rounds: number,
  milliseconds: number,
  contestants: readonly Contestant[] = ['plain', 'homing'],
): Promise<readonly StreamResult[]> {
  const rates = new Map<string, number[]>(contestants.map((name) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    // In turn from both ends: whoever comes after a busy neighbor is another one each time.
    const inTurn = round % 2 === 0 ? contestants : contestants.toReversed();
    for (const name of inTurn) rates.get(name)?.push(await runOnce(name, milliseconds));
  }
  return contestants.map((name) => ({ name, rates: rates.get(name) ?? [] }));
}

async function runOnce(contestant: Contestant, milliseconds: number): Promise<number> {
  const [name, ...words] = contestant.split(' ');
  const server = start(`./${name}-server.ts`, words);
  const [{ port }] = (await once(server, 'message')) as [{ port: number }];
  const client = start(`./${name}-client.ts`, [String(port), String(milliseconds), ...words]);
  const [{ rate, lost }] = (await once(client, 'message')) as [{ rate: number; lost: number }];
  client.disconnect();
  server.disconnect();
  await Promise.all([once(server, 'exit'), client.exitCode === null ? once(client, 'exit') : undefined]);
  if (lost !== 0) throw new Error(`${contestant}: expected every message to arrive, lost ${lost}`);
  return rate;
}

function start(file: string, args: readonly string[]): ChildProcess {
  return fork(new URL(file, import.meta.url), args, { execArgv: [...process.execArgv, ...profiling()] });
}

/** With BENCH_PROFILE=folder each process leaves a CPU profile there. */
function profiling(): string[] {
  const folder = process.env['BENCH_PROFILE'];
  return folder === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${folder}`];
}
