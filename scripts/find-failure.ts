/**
 * Plays random plans against the sources it lies with until one fails, makes that one smaller, and writes what came of it as
 * one line of JSON; times are those of the processor. `scripts/shrinking.ts` runs it in copies with a bug; alone it is a search without an end but the time.
 *
 *   node --conditions=homing-source scripts/find-failure.ts [seconds to search] [seconds to shrink] [seed]
 */
import fc from 'fast-check';
import type { Plan } from '../src/testing/plan.ts';
import { rehearse } from '../src/testing/rehearsal.ts';
import { sendCountOf, smaller } from '../src/testing/smaller.ts';
import type { StorePlan } from '../src/testing/store-plan.ts';
import { rehearseStore } from '../src/testing/store-rehearsal.ts';
import { alteredPlans, closingPlans, linePlans, memoryPlans } from '../test/property/plans.ts';
import { shardedLinePlans, shardedMemoryPlans } from '../test/property/shard-plans.ts';
import { storeLinePlans, storeMemoryPlans } from '../test/property/store-plans.ts';

/** What a search came to. */
export interface Finding {
  readonly isFound: boolean;
  readonly runs: number;
  readonly family: string;
  readonly why: string;
  readonly faults: number;
  readonly sends: number;
  readonly clients: number;
  readonly shrinkMs: number;
  readonly plan: unknown;
}

const families: Readonly<Record<string, fc.Arbitrary<Plan | StorePlan>>> = {
  line: linePlans,
  store: storeLinePlans,
  memory: memoryPlans,
  closing: closingPlans,
  altered: alteredPlans,
  storeMemory: storeMemoryPlans,
  sharded: shardedLinePlans,
  shardedMemory: shardedMemoryPlans,
};

/** Plans of a family that are played before the next has its turn. */
const TURN = 12;

const [searchSeconds = 20, shrinkSeconds = 5, seed = 1] = process.argv.slice(2).map(Number);
Error.stackTraceLimit = 0;
console.log(JSON.stringify(await search(searchSeconds * 1_000, shrinkSeconds * 1_000)));
process.exit(0);

async function search(forMs: number, shrinkMs: number): Promise<Finding> {
  const untilMs = spentMs() + forMs;
  let runs = 0;
  for (let turn = 0; spentMs() < untilMs; turn += 1) {
    for (const [family, plans] of Object.entries(families)) {
      for (const plan of fc.sample(plans, { numRuns: TURN, seed: seed * 10_007 + turn })) {
        runs += 1;
        const why = await failureOf(plan);
        if (why !== undefined) return found({ plan, runs, family, shrinkMs });
      }
    }
  }
  return { isFound: false, runs, family: '', why: '', faults: 0, sends: 0, clients: 0, shrinkMs: 0, plan: undefined };
}

async function found(at: {
  readonly plan: Plan | StorePlan;
  readonly runs: number;
  readonly family: string;
  readonly shrinkMs: number;
}): Promise<Finding> {
  const { runs, family } = at;
  const beganAt = spentMs();
  const plan = await smaller(
    at.plan,
    async (each) => (await failureOf(each)) !== undefined,
    () => spentMs() > beganAt + at.shrinkMs,
  );
  const shrinkMs = Math.round(spentMs() - beganAt);
  const { faults, clients } = plan;
  const why = (await failureOf(plan)) ?? '';
  const sends = sendCountOf(plan);
  return { isFound: true, runs, family, why, faults: faults.length, sends, clients, shrinkMs, plan };
}

/** Time of the processor in milliseconds: what a quiet machine would take, however busy this one is. */
function spentMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

async function failureOf(plan: Plan | StorePlan): Promise<string | undefined> {
  try {
    const { gapCount } = 'manners' in plan ? await rehearseStore(plan) : await rehearse(plan);
    return gapCount > 0 && !mayLose(plan) ? `${gapCount} gaps, and nobody had died` : undefined;
  } catch (error) {
    return String(error);
  }
}

function mayLose({ faults, options }: Plan | StorePlan): boolean {
  const isHung = options.shards !== undefined && faults.some(({ type }) => type === 'shardPause' || type === 'freeze');
  return options.lingerMs < 60_000 || isHung || faults.some(({ type }) => type === 'crash' || type === 'shardCrash');
}
