import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Draws, draw, entityOf } from '../../../src/testing/draws.ts';

describe('a draw', () => {
  it('depends on its keys and on nothing else', () => {
    fc.assert(
      fc.property(fc.nat(), fc.string(), fc.nat({ max: 50 }), (seed, name, count) => {
        const lonely = new Draws(seed, name);
        const busy = new Draws(seed, name);
        const others = new Draws(seed, `${name}'s neighbour`);
        for (let index = 0; index < count; index += 1) {
          others.number();
          expect(busy.number()).toBe(lonely.number());
        }
      }),
    );
  });

  it('differs between seeds, entities and counts', () => {
    const seen = new Set<number>();
    for (let seed = 0; seed < 20; seed += 1) {
      for (const name of ['client', 'server', 'client/1', 'client/2']) {
        for (let counter = 0; counter < 20; counter += 1) seen.add(draw(seed, entityOf(name), counter));
      }
    }
    expect(seen.size).toBe(20 * 4 * 20);
  });

  it('is spread evenly', () => {
    const buckets = new Array<number>(16).fill(0);
    const draws = new Draws(42, 'dice');
    for (let count = 0; count < 16_000; count += 1) buckets[draws.below(16)] = (buckets[draws.below(16)] ?? 0) + 1;
    const bits = new Draws(43, 'coins');
    let heads = 0;
    for (let count = 0; count < 16_000; count += 1) heads += bits.below(2);
    expect(Math.min(...buckets)).toBeGreaterThan(800);
    expect(Math.max(...buckets)).toBeLessThan(1_200);
    expect(Math.abs(heads - 8_000)).toBeLessThan(400);
  });

  it('gives bytes of any count, and numbers below one', () => {
    const draws = new Draws(7, 'bytes');
    for (const count of [0, 1, 3, 4, 32]) expect(draws.bytes(count)).toHaveLength(count);
    expect(new Set(draws.bytes(64)).size).toBeGreaterThan(40);
    for (let count = 0; count < 1_000; count += 1) {
      const number = draws.number();
      expect(number >= 0 && number < 1).toBe(true);
    }
  });
});
