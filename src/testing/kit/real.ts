/** The same simulation on real sockets and threads, for real seconds: run after run of random plans until time is over. */
import fc from 'fast-check';
import { HomingError } from '../../errors.ts';
import type { FaultAction } from '../plan.ts';
import { type SimulationFailed, describeReal } from './failure.ts';
import type { ChaosProxy } from '../proxy/chaos-proxy.ts';
import { throughProxies } from './network.ts';
import { plansOf } from './plans.ts';
import { requireModule } from './real-ensemble.ts';
import { RealRun } from './real-run.ts';
import { type AnyScenario, type Simulation, requireCount } from './scenario.ts';
import { Verdict } from './verdict.ts';

/** How a simulation is played on real sockets. */
export interface RealOptions {
  /** Threads that sessions live in; what the scenario says, 0 unless it does. The behavior needs a `module` then. */
  readonly shards?: number | undefined;
  /** How many clients; what the scenario says unless given. */
  readonly clients?: number | undefined;
  /** No run is begun after this time; 10 seconds. The last one is brought to its end. */
  readonly seconds?: number | undefined;
  /** Draws the same plans again; when things happen is up to the machine. */
  readonly seed?: number | undefined;
  /** Servers with their clients that are played side by side; 4, and 1 with shards. */
  readonly atOnce?: number | undefined;
  /** Makes the proxy of each client, anew for each run: `() => chaosProxy({ plan })`. One without a plan unless given. */
  readonly proxy?: (() => ChaosProxy) | undefined;
}

/** A simulation that `check` plays on real sockets. */
export interface RealSimulation {
  /** With the numbers of clients and shards that are played. */
  readonly scenario: AnyScenario;
  /** As the simulator plays it, to which failures are shown. */
  readonly simulated: AnyScenario;
  readonly real: RealOptions;
}

/** What the runs on real sockets were like together. */
export interface RealReport {
  readonly runs: number;
  /** Connections that clients lost. */
  readonly disconnects: number;
  /** Handlers and methods that were started where they can be seen: not in threads. */
  readonly messages: number;
  readonly seconds: number;
  /** Faults that came true, by type. */
  readonly faults: Readonly<Partial<Record<FaultAction['type'], number>>>;
  /** Faults that cannot be had on real sockets, or not without shards, by type; nothing was done for them. */
  readonly skipped: Readonly<Partial<Record<FaultAction['type'], number>>>;
}

/**
 * The same simulation on real sockets through a proxy, and with `shards` on real worker threads; give it to `check`. Throws
 * `BadOption` for shards of a behavior without a module.
 */
export function onReal({ scenario }: Simulation, options: RealOptions = {}): RealSimulation {
  const { shards = scenario.shards ?? 0, clients = scenario.clients ?? 2, seconds = 10, atOnce = 1 } = options;
  requireCount('shards', shards, 0);
  requireCount('clients', clients, 1);
  requireCount('atOnce', atOnce, 1);
  if (!(seconds > 0)) throw new HomingError('BadOption', `expected seconds to be a number above 0, got ${seconds}`);
  if (shards > 0 && typeof scenario.behavior !== 'function') requireModule(scenario.behavior);
  return { scenario: { ...scenario, shards, clients }, simulated: scenario, real: options };
}

/** What is told while runs are played. */
export type RealProgress = (report: RealReport, isShrinking: boolean) => void;

/** Plays runs until time is over. Rejects with `SimulationFailed` for the first that goes wrong. */
export async function checkReal(
  { scenario, simulated, real }: RealSimulation,
  saveTo: string | false,
  onProgress: RealProgress = () => {},
): Promise<RealReport> {
  const { seconds = 10, proxy, seed = Math.trunc(Math.random() * 0x7fff_ffff) } = real;
  const { atOnce = (scenario.shards ?? 0) > 0 ? 1 : 4 } = real;
  const beginMs = performance.now();
  const endMs = beginMs + seconds * 1_000;
  const sum = { runs: 0, disconnects: 0, messages: 0 };
  const faults: Partial<Record<FaultAction['type'], number>> = {};
  const skipped: Partial<Record<FaultAction['type'], number>> = {};
  let failure: Promise<SimulationFailed> | undefined;
  let begun = 0;
  const report = (): RealReport => ({
    ...sum,
    seconds: (performance.now() - beginMs) / 1_000,
    faults: { ...faults },
    skipped: { ...skipped },
  });

  async function playOne(drawnBy: number): Promise<void> {
    const [plan] = fc.sample(plansOf(scenario), { seed: drawnBy, numRuns: 1 });
    if (plan === undefined) return;
    const count = ({ type }: FaultAction, isDone: boolean): void => {
      const counts = isDone ? faults : skipped;
      counts[type] = (counts[type] ?? 0) + 1;
    };
    const run = new RealRun({ scenario, plan, network: throughProxies(proxy), endMs, told: count });
    try {
      const { disconnects, messages } = await run.play();
      sum.runs += 1;
      sum.disconnects += disconnects;
      sum.messages += messages;
      onProgress(report(), false);
    } catch (error) {
      if (!(error instanceof Verdict)) throw error;
      const verdict = error;
      if (verdict.place.cause instanceof HomingError && verdict.place.cause.code === 'BadOption')
        throw verdict.place.cause;
      const found = `run ${sum.runs + 1} on real sockets, seed ${seed}`;
      failure ??= describeReal({ scenario: simulated, plan: run.plan, verdict, picture: run.picture, found, saveTo });
    }
  }

  async function playOn(): Promise<void> {
    while (failure === undefined && performance.now() < endMs) {
      begun += 1;
      await playOne(seed + begun - 1);
    }
  }

  await Promise.all(Array.from({ length: atOnce }, playOn));
  if (failure !== undefined) throw await failure;
  return report();
}
