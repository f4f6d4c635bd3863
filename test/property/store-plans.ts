/** Random plans for the shared store: what befalls a world in any plan, and users at both ends who write the same keys. */
import fc from 'fast-check';
import type { Plan } from '../../src/testing/plan.ts';
import type { StoreAct, StorePlan } from '../../src/testing/store-plan.ts';
import { alteredPlans, linePlans, memoryPlans } from './plans.ts';
import { shardedLinePlans, shardedMemoryPlans } from './shard-plans.ts';

const act = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constant('write' as const),
      key: fc.nat({ max: 2 }),
      kind: fc.constantFrom('number' as const, 'object' as const, 'deleted' as const, 'large' as const),
      count: fc.integer({ min: 1, max: 4 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('ask' as const), worksMs: fc.constantFrom(0, 0, 30) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('flush' as const) }) },
);

const manners = fc.record({
  thinksMs: fc.constantFrom(0, undefined, 3, 150),
  echoes: fc.boolean(),
  chases: fc.boolean(),
  begins: fc.boolean(),
});

const toward = fc.constantFrom('server' as const, 'client' as const);

function withStore(plans: fc.Arbitrary<Plan>): fc.Arbitrary<StorePlan> {
  // Many acts at few moments: both ends write before they have heard of each other.
  const atMs = fc.oneof(
    fc.nat({ max: 4_000 }),
    fc.nat({ max: 20 }).map((step) => step * 200),
  );
  const acts = fc.array(fc.tuple(atMs, fc.nat({ max: 2 }), toward, act), { minLength: 1, maxLength: 40 });
  return fc.tuple(plans, acts, manners).map(([plan, acts, manners]) => ({
    ...plan,
    manners,
    acts: acts
      .map(([at, client, by, each]): StoreAct => ({ atMs: at, client, by, ...each }))
      .filter(({ client }) => client < plan.clients),
  }));
}

/** Plans in which nobody loses memory, also with bytes that are altered on the way. */
export const storeLinePlans = withStore(fc.oneof(linePlans, alteredPlans));

/** Plans in which processes die, and sessions expire. */
export const storeMemoryPlans = withStore(memoryPlans);

/** The same for a server with shards, some of which die. */
export const storeShardPlans = withStore(fc.oneof(shardedLinePlans, shardedMemoryPlans));
