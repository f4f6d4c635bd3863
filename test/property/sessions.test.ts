// The law of this library, on virtual time: real ends, real bytes, every fault of a line and of a process. A failing plan
// shrinks to a short story and is printed with its seed; a seed that found a bug becomes a named example below.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Plan } from '../../src/testing/plan.ts';
import { rehearse } from '../../src/testing/rehearsal.ts';
import { untilEnough } from './enough.ts';
import { alteredPlans, closingPlans, linePlans, memoryPlans } from './plans.ts';
import { holds } from './regressions.ts';

/** Random plans of each family; `volume.test.ts` plays very many more that are like each other. */
const RUNS = 200;

type Sum = Record<'deliveredCount' | 'lossCount' | 'gapCount', number>;

/**
 * Plays random plans, in which more happens of each than `floors` says; gives what all of them were like together, and how
 * often each kind of fault was in them.
 */
async function play(
  plans: fc.Arbitrary<Plan>,
  floors: Partial<Sum> = {},
): Promise<{ readonly sum: Sum; readonly kinds: Map<string, number> }> {
  const sum: Sum = { deliveredCount: 0, lossCount: 0, gapCount: 0 };
  const kinds = new Map<string, number>();
  const round = {
    numRuns: RUNS,
    play: async (plan: Plan) => {
      const report = await rehearse(plan);
      sum.deliveredCount += report.deliveredCount;
      sum.lossCount += report.lossCount;
      sum.gapCount += report.gapCount;
      for (const { type } of plan.faults) kinds.set(type, (kinds.get(type) ?? 0) + 1);
    },
  };
  await untilEnough(sum, floors, () => holds('sessions', plans, round));
  return { sum, kinds };
}

const lineKinds = [
  'clog',
  'cut',
  'disconnect',
  'door',
  'flap',
  'freeze',
  'orphan',
  'reconnect',
  'replay',
  'stall',
  'swallow',
  'weather',
];

describe('two sessions over a random line', () => {
  it('deliver every message once, in order, lose nothing acknowledged, and come to rest once the line heals', async () => {
    const { sum, kinds } = await play(linePlans, { lossCount: RUNS, deliveredCount: RUNS * 10 });
    expect(sum.gapCount).toBe(0);
    expect([...kinds.keys()].toSorted()).toEqual(lineKinds);
  });

  it('do the same when bytes are altered on the way, with the checksum on', async () => {
    const { sum, kinds } = await play(alteredPlans);
    expect(sum.gapCount).toBe(0);
    expect([...kinds.keys()].toSorted()).toEqual([...lineKinds, 'acks', 'flip'].toSorted());
  });

  it('account for every message when processes die, forget and expire: new epochs, exact reports', async () => {
    const { kinds } = await play(memoryPlans, { gapCount: RUNS / 5 });
    expect([...kinds.keys()].toSorted()).toEqual([...lineKinds, 'crash'].toSorted());
  });

  it('leave nothing behind, and nothing unconfirmed in a clean end, whenever somebody says goodbye', async () => {
    const { sum } = await play(closingPlans);
    expect(sum.gapCount).toBe(0);
  });
});

describe('a world', () => {
  it('is the same twice for the same seed, and another for another seed', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(linePlans, alteredPlans, memoryPlans, closingPlans), async (plan) => {
        const first = await rehearse(plan);
        expect(await rehearse(plan)).toEqual(first);
        if (plan.weather.jitterMs === undefined || plan.weather.jitterMs === 0) return;
        expect((await rehearse({ ...plan, seed: plan.seed + 1 })).hash).not.toBe(first.hash);
      }),
      { numRuns: 30 },
    );
  });
});
