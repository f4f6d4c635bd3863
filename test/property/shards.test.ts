// The law of this library with shards, on virtual time: lines land in any shard and are carried home, clients come back
// while their old line is still being carried, shards stand still, hang and die. A failing plan shrinks to a short story;
// a seed that found a bug becomes a named example below.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Act, Fault, Plan, PlanOptions } from '../../src/testing/plan.ts';
import { type RehearsalReport, rehearse } from '../../src/testing/rehearsal.ts';
import { type ShardsPlan, fairShards } from '../../src/testing/shards-plan.ts';
import type { Toward } from '../../src/testing/sim-line.ts';
import type { Saying } from '../../src/testing/speaker.ts';
import { untilEnough } from './enough.ts';
import { holds } from './regressions.ts';
import {
  shardDeathPlans,
  shardedAlteredPlans,
  shardedClosingPlans,
  shardedLinePlans,
  shardedMemoryPlans,
} from './shard-plans.ts';

const RUNS = 200;

/** What all runs were like together. */
interface Sum {
  lossCount: number;
  gapCount: number;
  deliveredCount: number;
  shardLossCount: number;
  relayedCount: number;
}

/** Plays random plans, in which more happens of each than `floors` says. */
async function play(plans: fc.Arbitrary<Plan>, floors: Partial<Sum>): Promise<Sum> {
  const sum: Sum = { lossCount: 0, gapCount: 0, deliveredCount: 0, shardLossCount: 0, relayedCount: 0 };
  const add = ({ lossCount, gapCount, deliveredCount, shards }: RehearsalReport): void => {
    sum.lossCount += lossCount;
    sum.gapCount += gapCount;
    sum.deliveredCount += deliveredCount;
    sum.shardLossCount += shards?.lossCount ?? 0;
    if ((shards?.relayCountMax ?? 0) > 0) sum.relayedCount += 1;
  };
  const round = { numRuns: RUNS, play: async (plan: Plan) => add(await rehearse(plan)) };
  await untilEnough(sum, floors, () => holds('sessions', plans, round));
  return sum;
}

describe('sessions of a server with shards', () => {
  it('deliver every message once, in order, wherever their lines land and whatever befalls these', async () => {
    const sum = await play(shardedLinePlans, {
      lossCount: RUNS,
      deliveredCount: RUNS * 10,
      relayedCount: RUNS / 8,
    });
    expect([sum.gapCount, sum.shardLossCount]).toEqual([0, 0]);
  });

  it('do the same when bytes are altered on the way, with the checksum on', async () => {
    const sum = await play(shardedAlteredPlans, { relayedCount: RUNS / 8 });
    expect(sum.gapCount).toBe(0);
  });

  it('account for every message when shards die, hang and are given up, and processes and clients die', async () => {
    await play(shardedMemoryPlans, { shardLossCount: RUNS / 5, gapCount: RUNS / 5, relayedCount: RUNS / 8 });
  });

  it('know nothing of shards that die, unless theirs does', async () => {
    // A gap while the session's own shard is alive throws; so does a message that such a session loses.
    await play(shardDeathPlans, { shardLossCount: RUNS / 2, relayedCount: RUNS / 8 });
  });

  it('leave nothing behind, and nothing unconfirmed in a clean end, whenever somebody says goodbye', async () => {
    const sum = await play(shardedClosingPlans, { relayedCount: RUNS / 8 });
    expect([sum.gapCount, sum.shardLossCount]).toEqual([0, 0]);
  });
});

describe('a world with shards', () => {
  it('is the same twice for the same seed', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(shardedLinePlans, shardedMemoryPlans, shardedClosingPlans), async (plan) => {
        expect(await rehearse(plan)).toEqual(await rehearse(plan));
      }),
      { numRuns: 20 },
    );
  });
});

const options: PlanOptions = {
  checksum: true,
  lingerMs: 120_000,
  mailboxMessages: 1_024,
  mailboxBytes: 1_048_576,
  outboxMessages: 10_000,
  outboxBytes: 16_777_216,
  resends: false,
  discards: false,
};

const receipt: Saying = { how: 'deliver', bytes: 4, task: { type: 'nothing' } };
const slow: Saying = { how: 'deliver', bytes: 4, task: { type: 'works', forMs: 20 } };

function says(client: number, by: Toward, atMs: number, saying: Saying, count = 1): Act {
  return { type: 'say', client, by, atMs, count, saying };
}

/** Every session begins in a shard where its line did not land, and so does every resume: all bytes are relayed. */
const carried: ShardsPlan = { ...fairShards, door: 'spreads', landing: 'least' };

function story(acts: readonly Act[], faults: readonly Fault[], shards: ShardsPlan = carried): Plan {
  return { seed: 3, clients: 2, weather: {}, options: { ...options, shards }, chaosMs: 400, faults, acts };
}

const talk = [
  says(0, 'client', 60, receipt),
  says(0, 'client', 60, slow, 2),
  says(0, 'server', 70, receipt, 2),
  says(0, 'client', 110, receipt),
];

describe('a relayed connection', () => {
  it('is what these stories are about', async () => {
    expect((await rehearse(story(talk, []))).shards).toEqual({ lossCount: 0, relayCountMax: 2 });
  });

  it.each(['home', 'landing'] as const)('may lose its shard at the %s at any moment', async (which) => {
    for (let atMs = 20; atMs < 160; atMs += 1) {
      const crash: Fault = { type: 'shardCrash', client: 0, which, isSilent: atMs % 3 === 0, atMs };
      try {
        const { gapCount } = await rehearse(story(talk, [crash]));
        if (which === 'landing') expect(gapCount).toBeLessThanOrEqual(1);
      } catch (error) {
        throw new Error(`a crash of its ${which} at ${atMs} ms`, { cause: error });
      }
    }
  });

  it('may be taken over by a newer one of the same client at any moment, relayed or not', async () => {
    for (const shards of [carried, { ...carried, landing: 'any' as const, channelMs: 30 }]) {
      for (let atMs = 20; atMs < 160; atMs += 1) {
        const faults: Fault[] = [
          { type: 'reconnect', client: 0, atMs },
          { type: 'reconnect', client: 0, atMs: atMs + (atMs % 7) },
        ];
        const { gapCount } = await rehearse(story(talk, faults, shards));
        expect(gapCount).toBe(0);
      }
    }
  });
});
