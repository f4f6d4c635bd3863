/** `homing fuzz`: plays a user's simulation until one run fails or time is over, and says how to play the failure again. */
import type { CheckReport, RealReport, Simulation, SimulationFailed } from '../testing/index.ts';
import { type Kit, Unfit, loadKit, loadSimulation } from './fuzz-module.ts';
import { FuzzProgress } from './fuzz-progress.ts';

type Report = CheckReport | RealReport;

/** What may be asked beyond the module. */
export interface FuzzOptions {
  /** No run is begun after so many seconds. */
  readonly seconds?: number;
  readonly runs?: number;
  readonly seed?: number;
  /** Play what this token stands for, and nothing else. */
  readonly replay?: string;
  /** On real sockets, and with shards on real threads. */
  readonly real?: true;
  readonly shards?: number;
  /** One JSON object at the end instead of lines. */
  readonly json?: true;
}

/** What a command line ends with when it could not be understood. */
const USAGE_CODE = 2;
/** How long to play if neither runs nor seconds are given. */
const SECONDS = 10;

/** Plays the simulation of a module. Resolves to the exit code: 0 all held, 1 a run failed, 2 there is nothing to play. */
export async function fuzz(path: string, options: FuzzOptions): Promise<number> {
  const beginMs = performance.now();
  const seed = options.seed ?? Math.trunc(Math.random() * 0x7fff_ffff);
  const progress = new FuzzProgress(options.json !== true);
  try {
    const kit = await loadKit();
    const simulation = await loadSimulation(path);
    try {
      const report = await play(kit, simulation, { ...options, seed }, progress);
      progress.clear();
      printHeld(report, options, seed, (performance.now() - beginMs) / 1_000);
      return 0;
    } catch (error) {
      progress.clear();
      if (error instanceof kit.SimulationFailed) printFailed(error, options, path, seed);
      else if (isBadOption(error)) throw new Unfit(error.message);
      else throw error;
      return 1;
    }
  } catch (error) {
    if (!(error instanceof Unfit)) throw error;
    process.stderr.write(`error: ${error.message}\n`);
    return USAGE_CODE;
  }
}

async function play(
  kit: Kit,
  simulation: Simulation,
  { seed, runs, replay, real, shards, ...options }: FuzzOptions & { readonly seed: number },
  progress: FuzzProgress,
): Promise<Report> {
  const seconds = options.seconds ?? (runs === undefined ? SECONDS : undefined);
  const sharded = shards === undefined ? simulation : { scenario: { ...simulation.scenario, shards } };
  if (replay !== undefined) return kit.replay(sharded, replay);
  const onProgress = (report: Report, isShrinking: boolean): void => progress.tell(report, isShrinking);
  if (real === true) return kit.check(kit.onReal(simulation, { shards, seconds, seed }), { onProgress });
  const timeMs = seconds === undefined ? undefined : seconds * 1_000;
  return kit.check(sharded, { seed, runs: runs ?? Infinity, timeMs, onProgress });
}

// ---- what came of it

function printHeld(report: Report, { json, replay }: FuzzOptions, seed: number, seconds: number): void {
  if (json === true) return printJson({ verdict: 'held', seed, ...report, seconds });
  const { runs, disconnects, messages } = report;
  if (replay !== undefined)
    return print(`held: played again, ${disconnects} connections lost, ${messages} messages handled`);
  print(`held: ${amount(runs)} runs, ${amount(disconnects)} connections lost, ${amount(messages)} messages handled`);
  const lasted =
    'virtualMs' in report
      ? `${amount(Math.round(report.virtualMs / 60_000))} virtual minutes in ${seconds.toFixed(1)} s`
      : `${seconds.toFixed(1)} s on real sockets`;
  print(`      ${lasted}, seed ${seed}`);
  if ('skipped' in report) {
    print(`      faults: ${countsOf(report.faults)}`);
    if (Object.keys(report.skipped).length > 0) print(`      not to be had here: ${countsOf(report.skipped)}`);
  }
}

function printFailed(failure: SimulationFailed, { json }: FuzzOptions, path: string, seed: number): void {
  const { verdict, plan, token, picture, message } = failure;
  const { oracle, line } = verdict;
  if (json === true) return printJson({ verdict: 'failed', seed, oracle, line, token, plan, picture });
  print(`failed: ${message}`);
  print(`or by hand: npx homing fuzz ${path} --replay ${token}`);
}

function printJson(value: unknown): void {
  print(JSON.stringify(value, undefined, 2));
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

function amount(count: number): string {
  return count.toLocaleString('en');
}

function countsOf(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ');
}

function isBadOption(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && error.code === 'BadOption';
}
