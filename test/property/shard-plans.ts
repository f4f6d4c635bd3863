/** Random plans for a server with shards: the plans of any server, and what befalls its threads beside that. */
import fc from 'fast-check';
import type { Fault, FaultAction, Plan } from '../../src/testing/plan.ts';
import type { ShardsPlan } from '../../src/testing/shards-plan.ts';
import { alteredPlans, closingPlans, linePlans, memoryPlans } from './plans.ts';

/** A shard that stands still for less than this is not taken for dead. */
const PATIENT_MS = 10_000;
const HASTY_MS = 1_000;

const which = fc.constantFrom('home' as const, 'landing' as const);

/** Nobody, or the wrong one, behind the direct ports. */
export const directDoor = fc.record({
  type: fc.constant('directDoor' as const),
  door: fc.constantFrom('refuses' as const, 'closesAtOnce' as const, 'staysSilent' as const, 'neverAnswers' as const),
  forMs: fc.nat({ max: 2_000 }),
});

/** What leaves every shard alive. */
const soft: fc.Arbitrary<FaultAction> = fc.oneof(
  fc.record({ type: fc.constant('reconnect' as const) }),
  fc.record({ type: fc.constant('shardPause' as const), which, forMs: fc.nat({ max: 800 }) }),
  directDoor,
);

/** A shard that ends by itself, or is ended because it stands still for too long. */
const hard: fc.Arbitrary<FaultAction> = fc.oneof(
  { weight: 3, arbitrary: soft },
  { weight: 3, arbitrary: fc.record({ type: fc.constant('shardCrash' as const), which, isSilent: fc.boolean() }) },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('shardPause' as const),
      which,
      forMs: fc.integer({ min: HASTY_MS, max: 3 * HASTY_MS }),
    }),
  },
);

const shards: fc.Arbitrary<ShardsPlan> = fc.record({
  count: fc.integer({ min: 2, max: 4 }),
  door: fc.constantFrom('public' as const, 'spreads' as const, 'fixedPorts' as const, 'freshPorts' as const),
  landing: fc.constantFrom('any' as const, 'least' as const),
  channelMs: fc.constantFrom(0.5, 5, 60),
  startMs: fc.constantFrom(5, 300),
  goneMs: fc.constantFrom(5, 200),
  watchdogMs: fc.constant(PATIENT_MS),
  restarts: fc.constant({ max: 1_000, withinMs: 60_000 }),
});

/** Shards that are ended soon when they stand still, and some of which are given up. */
const fragile: fc.Arbitrary<ShardsPlan> = fc
  .tuple(shards, fc.constantFrom(PATIENT_MS, HASTY_MS), fc.constantFrom(1_000, 1, 0))
  .map(([plan, watchdogMs, max]) => ({ ...plan, watchdogMs, restarts: { max, withinMs: 60_000 } }));

function withShards(
  plans: fc.Arbitrary<Plan>,
  shards: fc.Arbitrary<ShardsPlan>,
  fault: fc.Arbitrary<FaultAction>,
): fc.Arbitrary<Plan> {
  const faults = fc.array(fc.tuple(fc.nat({ max: 4_000 }), fc.nat({ max: 2 }), fault), { maxLength: 8 });
  return fc.tuple(plans, shards, faults).map(([plan, shards, more]) => {
    const clients = 1 + Math.max(plan.clients - 1, ...more.map(([, client]) => client));
    const added = more.map(([atMs, client, each]) => ({ atMs, client, ...each }));
    const all = [...plan.faults, ...added];
    return { ...plan, clients, faults: all, options: { ...plan.options, shards: lasting(shards, all) } };
  });
}

/** One place at least is never given up. */
function lasting(shards: ShardsPlan, faults: readonly Fault[]): ShardsPlan {
  const { count, restarts } = shards;
  const deathCount = faults.filter(({ type }) => type === 'shardCrash' || type === 'shardPause').length;
  return deathCount < count * (restarts.max + 1) ? shards : { ...shards, restarts: { ...restarts, max: deathCount } };
}

/** Plans in which nobody loses memory. */
export const shardedLinePlans = withShards(linePlans, shards, soft);

/** The same, with bytes that are altered on the way. */
export const shardedAlteredPlans = withShards(alteredPlans, shards, soft);

/** Plans in which shards die and hang, processes too, and sessions expire. */
export const shardedMemoryPlans = withShards(memoryPlans, fragile, hard);

/** Plans in which somebody says goodbye in the middle of everything. */
export const shardedClosingPlans = withShards(
  closingPlans,
  shards,
  soft.filter(({ type }) => type !== 'reconnect'),
);

/** Plans in which shards die and nothing else happens, on lines that are fast. */
export const shardDeathPlans = withShards(
  linePlans.map((plan) => ({ ...plan, weather: {}, faults: [] })),
  fragile,
  hard.filter(({ type }) => type === 'shardCrash'),
);
