// Groups on virtual time: random sends to sessions in any shard, with and without a hold, while lines break, shards stand
// still and die, and clients start anew. A failing plan shrinks to a short story.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Plan } from '../../src/testing/plan.ts';
import { fairShards } from '../../src/testing/shards-plan.ts';
import { untilEnough } from './enough.ts';
import { type GroupAct, type GroupPlan, type GroupSum, playGroups } from './group-stage.ts';
import { holds } from './regressions.ts';
import { shardDeathPlans, shardedLinePlans, shardedMemoryPlans } from './shard-plans.ts';

const RUNS = 40;
const CLIENTS = 4;

const client = fc.nat({ max: CLIENTS - 1 });
const room = fc.constantFrom('a', 'b');
const role = fc.constantFrom('x', 'y');
const values = fc.oneof(fc.record({ room }), fc.record({ room, role }), fc.constant({ all: true }));

const send = fc.record({
  type: fc.constant('send' as const),
  target: fc.oneof({ weight: 5, arbitrary: fc.record({ values }) }, { weight: 1, arbitrary: fc.record({ client }) }),
  except: fc.option(client, { nil: undefined, freq: 2 }),
  holdMs: fc.option(fc.oneof(fc.integer({ min: 1, max: 1_500 }), fc.constant(60_000)), { nil: undefined, freq: 2 }),
  bytes: fc.oneof({ weight: 5, arbitrary: fc.nat({ max: 60 }) }, { weight: 1, arbitrary: fc.constant(1_500) }),
  count: fc.constantFrom(1, 1, 2, 6),
});

const store = fc
  .oneof(
    fc.record({ key: fc.constant('room'), value: fc.option(room, { nil: undefined }) }),
    fc.record({ key: fc.constant('role'), value: fc.option(role, { nil: undefined }) }),
  )
  .map((entry) => ({ type: 'store' as const, ...entry }));

const acts: fc.Arbitrary<readonly GroupAct[]> = fc.array(
  fc
    .tuple(
      fc.nat({ max: 4_000 }),
      client,
      fc.constantFrom('session' as const, 'client' as const),
      fc.oneof(send, store),
    )
    .map(([atMs, whose, by, act]) => ({ atMs, client: whose, by, ...act })),
  { minLength: 6, maxLength: 40, size: 'max' },
);

function groupPlans(plans: fc.Arbitrary<Plan>): fc.Arbitrary<GroupPlan> {
  return fc
    .record({ plan: plans, authorizeMs: fc.constantFrom(0, 3, 120), acts })
    .map(({ plan, ...rest }) => ({ ...rest, plan: { ...plan, clients: CLIENTS } }));
}

/** Plays random plans, in which more happens of each than `floors` says; gives what all of them were like together. */
async function play(plans: fc.Arbitrary<Plan>, floors: Partial<GroupSum>): Promise<GroupSum> {
  const sum: GroupSum = {
    sentCount: 0,
    copyCount: 0,
    refusedCount: 0,
    heldCount: 0,
    claimedCount: 0,
    expiredCount: 0,
    lossCount: 0,
    gapCount: 0,
    detachedCount: 0,
  };
  const add = (one: GroupSum): void => {
    for (const key of Object.keys(sum) as (keyof GroupSum)[]) sum[key] += one[key];
  };
  const round = { numRuns: RUNS, play: async (plan: GroupPlan) => add(await playGroups(plan)) };
  await untilEnough(sum, floors, () => holds('groups', groupPlans(plans), round));
  return sum;
}

describe('a send to a group', () => {
  it('reaches each member once, in the order of its sender, whatever befalls their lines', async () => {
    const sum = await play(shardedLinePlans, {
      copyCount: RUNS * 5,
      detachedCount: RUNS / 4,
      claimedCount: RUNS / 4,
      expiredCount: RUNS / 4,
      refusedCount: RUNS / 20,
    });
    expect([sum.gapCount, sum.lossCount]).toEqual([0, 0]);
  });

  it('is accounted for when shards die and are given up, and clients and servers start anew', async () => {
    const floors = { lossCount: RUNS / 3, gapCount: RUNS / 3, claimedCount: RUNS / 8, expiredCount: RUNS / 8 };
    await play(shardedMemoryPlans, floors);
  });

  it('leaves nothing open in the shards that live when others die', async () => {
    await play(shardDeathPlans, { lossCount: RUNS / 2, claimedCount: RUNS / 8 });
  });
});

describe('a held message', () => {
  const options = {
    checksum: true,
    lingerMs: 120_000,
    mailboxMessages: 1_024,
    mailboxBytes: 1_048_576,
    outboxMessages: 10_000,
    outboxBytes: 16_777_216,
    resends: false,
    discards: false,
    shards: { ...fairShards, channelMs: 60 },
  };

  /** Somebody comes to match what was held long before, and that shard dies a moment later. */
  function deathAfterMatch(seed: number, deadMs: number, holds: boolean): GroupPlan {
    const target = { values: { room: 'a' } };
    const send = { type: 'send' as const, target, except: undefined, holdMs: 60_000, bytes: 9, count: 3 };
    const sentMs = holds ? 500 : 995;
    const acts: GroupAct[] = [
      ...(['session', 'client'] as const).map((by) => ({ ...send, atMs: sentMs, client: 0, by })),
      { type: 'store', atMs: 1_000, client: 1, by: 'session', key: 'room', value: 'a' },
    ];
    const faults = [
      { type: 'shardCrash' as const, client: 1, which: 'home' as const, isSilent: false, atMs: 1_000 + deadMs },
    ];
    const plan: Plan = { seed, clients: 2, weather: {}, options, chaosMs: 2_000, faults, acts: [] };
    return { plan, authorizeMs: 0, acts };
  }

  it.each([
    ['was held', true],
    ['is asked about', false],
  ])('that %s is given to one, or told, when the shard dies that has just matched it', async (_, holds) => {
    let deadCount = 0;
    for (let seed = 1; seed <= 8; seed += 1) {
      for (let deadMs = 1; deadMs < 90; deadMs += 6) {
        try {
          const { lossCount } = await playGroups(deathAfterMatch(seed, deadMs, holds));
          deadCount += lossCount;
        } catch (error) {
          throw new Error(`seed ${seed}, dead after ${deadMs} ms`, { cause: error });
        }
      }
    }
    expect(deadCount).toBe(120);
  });
});
