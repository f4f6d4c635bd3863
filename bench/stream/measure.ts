/** Runs the stream benchmark: contestants in turn, in processes of their own, several rounds. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';

/** What one contestant reached. */
export interface StreamResult {
  readonly name: string;
  /** Messages a second, one for each round. */
  readonly rates: readonly number[];
}

const CONTESTANTS = ['plain', 'homing'] as const;

/** Measures for `milliseconds` a round. Throws when a message was lost. */
export async function measureStream(rounds: number, milliseconds: number): Promise<readonly StreamResult[]> {
  const rates = new Map<string, number[]>(CONTESTANTS.map((name) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const name of CONTESTANTS) rates.get(name)?.push(await runOnce(name, milliseconds));
  }
  return CONTESTANTS.map((name) => ({ name, rates: rates.get(name) ?? [] }));
}

async function runOnce(name: string, milliseconds: number): Promise<number> {
  const server = start(`./${name}-server.ts`, []);
  const [{ port }] = (await once(server, 'message')) as [{ port: number }];
  const client = start(`./${name}-client.ts`, [String(port), String(milliseconds)]);
  const [{ rate, lost }] = (await once(client, 'message')) as [{ rate: number; lost: number }];
  client.disconnect();
  server.disconnect();
  await Promise.all([once(server, 'exit'), client.exitCode === null ? once(client, 'exit') : undefined]);
  if (lost !== 0) throw new Error(`${name}: expected every message to arrive, lost ${lost}`);
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
