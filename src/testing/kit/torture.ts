/** Plays one list of steps again and again, each time with one fault more in another place: every byte, or every moment. */
import type { Fault } from '../plan.ts';
import type { Toward } from '../sim-line.ts';
import { Breath, type CheckReport, Tally } from './check.ts';
import { describeFailure } from './failure.ts';
import { alone } from './occupied.ts';
import type { KitPlan, PlannedStep } from './plan.ts';
import { play } from './play.ts';
import type { Simulation } from './scenario.ts';
import { isJson, ticketOf, tokenOf } from './token.ts';
import { Verdict } from './verdict.ts';

/** A step of a fixed list; at 0 ms and by client 0 unless said otherwise. */
export type FixedStep<Values extends Record<string, unknown>> = {
  [Name in keyof Values & string]: {
    readonly name: Name;
    readonly value?: Values[Name];
    readonly atMs?: number;
    readonly client?: number;
  };
}[keyof Values & string];

/** What is enumerated. */
export interface TortureOptions<Values extends Record<string, unknown>> {
  readonly steps: readonly FixedStep<Values>[];
  /** `byte`: a cut after every byte in each direction of each client; `crash`: a crash of each process at every ms. */
  readonly by: 'byte' | 'crash';
  /** Faults that come in each run beside the one that is enumerated. */
  readonly faults?: readonly Fault[] | undefined;
  readonly seed?: number | undefined;
  /** As in `check`. */
  readonly saveTo?: string | false | undefined;
}

/** Lines and processes get so many virtual milliseconds after the last step before the network is healed. */
const TAIL_MS = 50;

/**
 * Plays the steps once without the fault, then once for each place of it, and rejects with `SimulationFailed` for the first
 * run that fails. With HOMING_REPLAY in the environment it plays that token only, if it is of this scenario.
 */
export async function torture<Values extends Record<string, unknown>>(
  simulation: Simulation<Values>,
  options: TortureOptions<Values>,
): Promise<CheckReport> {
  const { scenario } = simulation;
  const { by, faults = [], seed = 1, saveTo = '.sim-failures' } = options;
  const steps = options.steps.map(({ name, value, atMs = 0, client = 0 }): PlannedStep => ({
    atMs,
    client,
    name,
    value,
  }));
  const last = Math.max(0, ...[...steps, ...faults].map(({ atMs = 0 }) => atMs));
  const calm: KitPlan = { seed, weather: {}, faults, steps, chaosMs: last + TAIL_MS };
  const tally = new Tally();
  const breath = new Breath();
  return alone(scenario, async () => {
    const asked = process.env['HOMING_REPLAY'];
    const ticket = asked === undefined ? undefined : ticketOf(scenario, asked);
    const { restMs, passed } = await once(calm, 'without a fault');
    const chaosMs = Math.ceil(restMs) + TAIL_MS;
    if (ticket?.type === 'listed') await once({ ...calm, ...ticket.plan, steps }, 'played again');
    else
      for (const fault of by === 'byte' ? cutsOf(passed) : crashesOf(passed.length, restMs)) {
        await once({ ...calm, chaosMs, faults: [fault, ...faults] }, `of every ${by}`);
      }
    return tally.report;
  });

  async function once(plan: KitPlan, found: string) {
    await breath.take();
    try {
      const report = await play(scenario, plan);
      tally.add(report);
      return report;
    } catch (verdict) {
      if (!(verdict instanceof Verdict)) throw verdict;
      const { steps: all, ...rest } = plan;
      const token = tokenOf(scenario, { type: 'listed', plan: isJson(plan) ? { ...rest, steps: all } : rest });
      throw await describeFailure({ scenario, plan, verdict, token, found, saveTo });
    }
  }
}

function* cutsOf(passed: readonly Readonly<Record<Toward, number>>[]): Generator<Fault> {
  for (const [client, bytes] of passed.entries()) {
    for (const toward of ['server', 'client'] as const) {
      for (let afterBytes = 1; afterBytes <= bytes[toward]; afterBytes += 1) {
        const by = afterBytes % 2 === 0 ? 'reset' : 'finish';
        yield { type: 'cut', atMs: 0, client, toward, afterBytes, by };
      }
    }
  }
}

function* crashesOf(clients: number, untilMs: number): Generator<Fault> {
  for (let atMs = 0; atMs <= untilMs; atMs += 1) {
    yield { type: 'crash', atMs, client: 0, side: 'server', isSilent: atMs % 2 === 1, forMs: 5 };
    for (let client = 0; client < clients; client += 1)
      yield { type: 'crash', atMs, client, side: 'client', isSilent: atMs % 2 === 1, forMs: 5 };
  }
}
