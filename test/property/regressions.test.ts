// Every plan that failed once is played again, each with the story of what happens in it.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { replay } from 'homing/testing';
import { rehearse } from '../../src/testing/rehearsal.ts';
import { rehearseStore } from '../../src/testing/store-rehearsal.ts';
import { sell, shopOf } from '../kit/shop.ts';
import { playGroups } from './group-stage.ts';
import { linePlans } from './plans.ts';
import { type Plans, holds, readRegression, regressions } from './regressions.ts';

function play({ kind, plan }: Plans): Promise<unknown> {
  switch (kind) {
    case 'sessions':
      return rehearse(plan, { isWatched: true });
    case 'store':
      return rehearseStore(plan);
    case 'groups':
      return playGroups(plan);
    case 'kit':
      return replay(shopOf(sell), plan);
  }
}

describe('a plan that failed once', () => {
  const all = regressions();

  it('is kept, of each kind', () => {
    expect(new Set(all.map(({ plan }) => plan.kind))).toEqual(new Set(['sessions', 'store', 'groups', 'kit']));
  });

  it.each(all)('holds again: $story ($file)', async ({ plan }) => {
    expect(await play(plan)).toBeDefined();
  });

  it('is printed by the property that finds it, as the file that keeps it', async () => {
    const broken = holds('sessions', linePlans, {
      numRuns: 200,
      play: async ({ acts }) => {
        if (acts.length > 2) throw new Error('more than two acts');
      },
    });
    const message = await broken.catch((error: unknown) => (error as Error).message);
    const kept = /^\{.*^\}$/ms.exec(String(message))?.[0] ?? '';
    const { plan, found } = readRegression('printed.json', kept);
    expect([plan.kind, found]).toEqual(['sessions', 'more than two acts']);
    expect(plan).toMatchObject({ plan: { faults: [], acts: { length: 3 } } });
  });

  it('that is malformed, or of another version, is refused', () => {
    fc.assert(
      fc.property(linePlans, (plan) => {
        const text = (change: object): string =>
          JSON.stringify({ version: 1, kind: 'sessions', story: 'a', found: 'b', plan, ...change });
        expect(readRegression('x.json', text({})).plan.kind).toBe('sessions');
        expect(() => readRegression('x.json', text({ version: 2 }))).toThrow('expected x.json.version to be one of 1');
        expect(() => readRegression('x.json', text({ plan: { ...plan, acts: 1 } }))).toThrow(
          'acts to be a list, got 1',
        );
      }),
      { numRuns: 10 },
    );
  });
});
