import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HomingError } from '../../../src/errors.ts';
import { faultKinds } from '../../../src/testing/kit/faults.ts';
import { readPlan } from '../../../src/testing/kit/plan-form.ts';
import type { KitPlan } from '../../../src/testing/kit/plan.ts';
import { faultTypes, planForm, storePlanForm } from '../../../src/testing/plan-form.ts';
import { alteredPlans, closingPlans, memoryPlans } from '../../property/plans.ts';
import { shardedMemoryPlans } from '../../property/shard-plans.ts';
import { storeShardPlans } from '../../property/store-plans.ts';

const written = (plan: unknown): unknown => JSON.parse(JSON.stringify(plan));

describe('a plan', () => {
  it('is the same when it was saved and read again, whatever is in it', () => {
    fc.assert(
      fc.property(fc.oneof(alteredPlans, memoryPlans, closingPlans, shardedMemoryPlans), (plan) => {
        expect(planForm(written(plan), 'the plan')).toEqual(written(plan));
      }),
      { numRuns: 200 },
    );
    fc.assert(
      fc.property(storeShardPlans, (plan) => {
        expect(storePlanForm(written(plan), 'the plan')).toEqual(written(plan));
      }),
      { numRuns: 50 },
    );
  });

  it('may have every kind of fault that is drawn', () => {
    expect(faultTypes).toEqual(expect.arrayContaining(Object.keys(faultKinds)));
  });
});

describe('a plan that is read', () => {
  const cut = { type: 'cut', atMs: 3, client: 0, toward: 'client', afterBytes: 1, by: 'reset' } as const;
  const on = { frame: 'ACK', nth: 2, toward: 'client', afterBytes: 3 } as const;
  const fine: KitPlan = {
    seed: 1,
    weather: {},
    faults: [cut],
    steps: [{ atMs: 0, client: 0, name: 'order', value: 2 }],
  };
  const saved = { version: 1 as const, verdict: 'rest: none', token: '1.x', plan: fine };
  const { atMs: _time, ...timeless } = cut;

  it('may be as it is, or as a failure saved it, with faults at times and on frames', () => {
    expect(readPlan(fine)).toEqual(fine);
    expect(readPlan(saved)).toEqual(fine);
    const onFrame = { ...fine, faults: [{ ...timeless, on }] };
    expect(readPlan(onFrame)).toEqual(onFrame);
  });

  it.each<[string, unknown, string]>([
    ['of another version', { ...saved, version: 2 }, 'expected the saved plan.version to be one of 1, got 2'],
    ['without faults', { ...fine, faults: undefined }, 'expected the plan.faults to be a list, got undefined'],
    [
      'with a key too many',
      { ...fine, color: 'red' },
      'expected the plan to be an object of seed, weather, faults, chaosMs, steps, got {"color":"red"}',
    ],
    [
      'with a fault of no kind',
      { ...fine, faults: [{ ...cut, type: 'bite' }] },
      'expected the plan.faults[0].type to be one of weather, stall, cut',
    ],
    [
      'with a fault to nowhere',
      { ...fine, faults: [{ ...cut, toward: 'moon' }] },
      'expected the plan.faults[0].toward to be one of server, client, got "moon"',
    ],
    [
      'with half a byte',
      { ...fine, faults: [{ ...cut, afterBytes: 0.5 }] },
      'expected the plan.faults[0].afterBytes to be a whole number of at least 0, got 0.5',
    ],
    [
      'with a fault that never comes',
      { ...fine, faults: [timeless] },
      'expected the plan.faults[0] to be a fault with either atMs or on',
    ],
    [
      'with a fault that comes twice',
      { ...fine, faults: [{ ...cut, on }] },
      'expected the plan.faults[0] to be a fault with either atMs or on',
    ],
    [
      'with a frame that does not exist',
      { ...fine, faults: [{ ...timeless, on: { ...on, frame: 'SYN' } }] },
      'expected the plan.faults[0].on.frame to be one of HELLO, WELCOME',
    ],
    [
      'with a 0th frame',
      { ...fine, faults: [{ ...timeless, on: { ...on, nth: 0 } }] },
      'expected the plan.faults[0].on.nth to be a whole number of at least 1, got 0',
    ],
    [
      'with a time before all times',
      { ...fine, faults: [{ ...cut, atMs: -1 }] },
      'expected the plan.faults[0].atMs to be a number of at least 0, got -1',
    ],
    [
      'with a step without a name',
      { ...fine, steps: [{ atMs: 0, client: 0, value: 1 }] },
      'expected the plan.steps[0].name to be a text, got undefined',
    ],
  ])('%s is refused with what was expected', (_what, plan, sentence) => {
    expect(() => readPlan(plan as KitPlan)).toThrow(HomingError);
    expect(() => readPlan(plan as KitPlan)).toThrow(sentence);
  });
});
