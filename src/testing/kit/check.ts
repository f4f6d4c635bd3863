/** Plays random plans of a scenario until one fails or enough have passed; makes a failing one small; plays tokens again. */
import fc from 'fast-check';
import { HomingError } from '../../errors.ts';
import { type Failure, describeFailure } from './failure.ts';
import { alone } from './occupied.ts';
import type { KitPlan, SavedPlan } from './plan.ts';
import { readPlan } from './plan-form.ts';
import { type PlayReport, play } from './play.ts';
import { allOf, minimize, partOf, plansOf } from './plans.ts';
import { type RealReport, type RealSimulation, checkReal } from './real.ts';
import type { AnyScenario, Simulation } from './scenario.ts';
import { ticketOf, tokenOf } from './token.ts';
import { Verdict } from './verdict.ts';

/** How long and how often. */
export interface CheckOptions {
  /** Random plans to play; 200 unless said otherwise. */
  readonly runs?: number | undefined;
  /** No new plan is begun after this time, in real milliseconds. */
  readonly timeMs?: number | undefined;
  /** Draws the same plans again; a new one each time unless given. */
  readonly seed?: number | undefined;
  /** How long a failing plan may be made smaller, in real milliseconds; 30,000. */
  readonly shrinkMs?: number | undefined;
  /** Where the plan of a failure is saved; false: nowhere. `.sim-failures` unless said otherwise. */
  readonly saveTo?: string | false | undefined;
  /** Told after each run how far it is, and, once one has failed, while its plan is made smaller. */
  readonly onProgress?: ((report: CheckReport | RealReport, isShrinking: boolean) => void) | undefined;
}

/** What the runs were like together. */
export interface CheckReport {
  readonly runs: number;
  /** Connections that faults took. */
  readonly disconnects: number;
  /** Handlers and methods of the user that were started. */
  readonly messages: number;
  readonly virtualMs: number;
}

const SAVED_IN = '.sim-failures';

/** Every so many runs one is played twice, and must be the same. */
const TWICE_EVERY = 100;
/** So many plans are drawn from one seed, and the next ones from the next seed. */
const BATCH_RUNS = 200;
/** The thread is let go for a moment after so many real milliseconds. */
const BREATH_MS = 50;

/** Plays on real sockets what `onReal` made, for its seconds. Rejects with `SimulationFailed` for the first run that goes wrong, or `BadOption`. */
export async function check(
  simulation: RealSimulation,
  options?: Pick<CheckOptions, 'saveTo' | 'onProgress'>,
): Promise<RealReport>;
/**
 * Plays random plans. Rejects with `SimulationFailed` for the smallest failing plan that is found, or `BadOption` while another
 * simulation is played in this thread. With HOMING_REPLAY in the environment that token is played instead, if it is of
 * this scenario.
 */
export async function check(simulation: Simulation, options?: CheckOptions): Promise<CheckReport>;
export async function check(
  simulation: Simulation | RealSimulation,
  options: CheckOptions = {},
): Promise<CheckReport | RealReport> {
  if ('real' in simulation) return checkReal(simulation, options.saveTo ?? SAVED_IN, options.onProgress);
  const { scenario } = simulation;
  const asked = process.env['HOMING_REPLAY'];
  const ticket = asked === undefined ? undefined : ticketOf(scenario, asked);
  if (asked !== undefined && ticket !== undefined) return replay(simulation, asked, options);
  return alone(scenario, () => search(scenario, options));
}

/**
 * Plays what a token stands for, a plan, or the content of a file of `.sim-failures`. Rejects as `check` does when it fails,
 * and with `BadOption` for a token or plan that is malformed, of another version or of another scenario.
 */
export async function replay(
  { scenario }: Simulation,
  token: string | KitPlan | SavedPlan,
  { saveTo = false }: Pick<CheckOptions, 'saveTo'> = {},
): Promise<CheckReport> {
  const plan = typeof token === 'string' ? planOf(scenario, token) : readPlan(token);
  const name = typeof token === 'string' ? token : tokenOf(scenario, { type: 'listed', plan });
  return alone(scenario, async () => {
    const tally = new Tally();
    const verdict = await judge(scenario, plan, false, tally);
    if (verdict !== undefined)
      throw await describeFailure({ scenario, plan, verdict, token: name, found: 'played again', saveTo });
    return tally.report;
  });
}

/** Sums up runs. */
export class Tally {
  report: CheckReport = { runs: 0, disconnects: 0, messages: 0, virtualMs: 0 };

  add({ disconnects, messages, virtualMs }: PlayReport): void {
    const { report } = this;
    this.report = {
      runs: report.runs + 1,
      disconnects: report.disconnects + disconnects,
      messages: report.messages + messages,
      virtualMs: report.virtualMs + virtualMs,
    };
  }
}

/** Lets the rest of the thread have its turn now and then. */
export class Breath {
  #lastMs = performance.now();

  async take(): Promise<void> {
    if (performance.now() - this.#lastMs < BREATH_MS) return;
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    this.#lastMs = performance.now();
  }
}

async function search(scenario: AnyScenario, options: CheckOptions): Promise<CheckReport> {
  const { runs = 200, timeMs = Infinity, shrinkMs = 30_000, saveTo = SAVED_IN, onProgress } = options;
  const tally = new Tally();
  const breath = new Breath();
  let endMs = performance.now() + timeMs;
  let first: Verdict | undefined;
  const property = fc.asyncProperty(plansOf(scenario), async (plan) => {
    await breath.take();
    if (performance.now() >= endMs) return;
    const isTwice = first === undefined ? tally.report.runs % TWICE_EVERY === 0 : first.oracle === 'determinism';
    const verdict = await judge(scenario, plan, isTwice, first === undefined ? tally : undefined);
    onProgress?.(tally.report, first !== undefined);
    if (verdict === undefined || (first !== undefined && verdict.oracle !== first.oracle)) return;
    if (first === undefined) endMs = performance.now() + shrinkMs;
    first = verdict;
    throw verdict;
  });
  let seed = options.seed ?? Math.trunc(Math.random() * 0x7fff_ffff);
  let outcome = await fc.check(property, { seed, numRuns: Math.min(runs, BATCH_RUNS) });
  while (!outcome.failed && tally.report.runs < runs && performance.now() < endMs) {
    seed += 1;
    outcome = await fc.check(property, { seed, numRuns: Math.min(runs - tally.report.runs, BATCH_RUNS) });
  }
  if (!outcome.failed) return tally.report;
  const verdict = outcome.errorInstance;
  const drawn = outcome.counterexample?.[0];
  if (drawn === undefined || !(verdict instanceof Verdict)) throw outcome.errorInstance;
  const found = `run ${tally.report.runs + 1}, seed ${seed}, ${outcome.numShrinks} times made smaller`;
  const failure = { scenario, verdict, found, saveTo };
  throw await describeFailure({
    ...failure,
    ...(await smallest(scenario, drawn, { verdict, seed, path: outcome.counterexamplePath ?? '', endMs })),
  });
}

/** Where a failing plan was drawn, and until when it may be made smaller. */
interface Drawn {
  readonly verdict: Verdict;
  readonly seed: number;
  readonly path: string;
  readonly endMs: number;
}

async function smallest(
  scenario: AnyScenario,
  plan: KitPlan,
  { verdict, seed, path, endMs }: Drawn,
): Promise<Pick<Failure, 'plan' | 'token'>> {
  const kept = await minimize(plan, async (part) => {
    if (performance.now() >= endMs) return false;
    return (await judge(scenario, part, verdict.oracle === 'determinism', undefined))?.oracle === verdict.oracle;
  });
  const token = tokenOf(scenario, { type: 'drawn', seed, path, kept });
  return { plan: partOf(plan, kept), token };
}

/** Plays a plan, or plays it twice; gives what is wrong, undefined when nothing is. */
async function judge(
  scenario: AnyScenario,
  plan: KitPlan,
  isTwice: boolean,
  tally: Tally | undefined,
): Promise<Verdict | undefined> {
  try {
    const report = await play(scenario, plan);
    tally?.add(report);
    if (!isTwice || (await play(scenario, plan)).hash === report.hash) return undefined;
    const sentence =
      'the same plan played twice went two ways: code of the behavior or of a step depends on something else';
    return new Verdict('determinism', sentence);
  } catch (error) {
    if (error instanceof Verdict) return error;
    throw error;
  }
}

function planOf(scenario: AnyScenario, token: string): KitPlan {
  const ticket = ticketOf(scenario, token);
  if (ticket === undefined)
    throw new HomingError('BadOption', 'the token is of a scenario with other steps, clients or shards');
  if (ticket.type === 'listed') {
    const { steps, ...plan } = ticket.plan;
    if (steps !== undefined) return { ...plan, steps };
    const sentence = 'the steps of this token are not JSON: play it with HOMING_REPLAY in the torture that printed it';
    throw new HomingError('BadOption', sentence);
  }
  const [plan] = fc.sample(plansOf(scenario), { seed: ticket.seed, path: ticket.path, numRuns: 1 });
  if (plan === undefined) throw new HomingError('BadOption', 'the token names a plan that is not drawn any more');
  return partOf(plan, ticket.kept ?? allOf(plan));
}
