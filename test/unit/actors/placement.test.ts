import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { homeOf } from '../../../src/actors/placement.ts';

const idCount = 10_000;

/** Ids as they are drawn, always the same ones; and ids that differ in a digit only. */
const kinds = {
  random: Array.from({ length: idCount }, (_, index) =>
    createHash('sha256').update(String(index)).digest('hex').slice(0, 32),
  ),
  numbered: Array.from({ length: idCount }, (_, index) => `s-${index}`),
};

function places(count: number): number[] {
  return Array.from({ length: count }, (_, place) => place);
}

describe('the home of a session', () => {
  test('never changes from one version to the next', () => {
    const ids = ['', 's-1', 's-2', '0123456789abcdef0123456789abcdef', 'f'.repeat(64), 'é🏠'];
    const homes = ids.map((id) => [2, 3, 8, 64].map((count) => homeOf(id, places(count))));
    expect(homes).toEqual([
      [0, 2, 2, 54],
      [1, 2, 3, 36],
      [1, 1, 7, 49],
      [0, 0, 7, 56],
      [0, 2, 6, 55],
      [0, 0, 3, 9],
    ]);
  });

  test('does not depend on the order of the places', () => {
    const forwards = places(7);
    const backwards = forwards.toReversed();
    for (const id of kinds.random.slice(0, 1_000)) expect(homeOf(id, backwards)).toBe(homeOf(id, forwards));
  });

  test.each(Object.entries(kinds))('is spread evenly over two to eight places: %s ids', (_, ids) => {
    for (let count = 2; count <= 8; count += 1) {
      const counts = new Map<number, number>();
      for (const id of ids) {
        const home = homeOf(id, places(count));
        counts.set(home, (counts.get(home) ?? 0) + 1);
      }
      const fair = idCount / count;
      for (const place of places(count)) {
        expect((counts.get(place) ?? 0) / fair, `${place} of ${count}`).toBeGreaterThan(0.92);
        expect((counts.get(place) ?? 0) / fair, `${place} of ${count}`).toBeLessThan(1.08);
      }
    }
  });

  test.each(Object.entries(kinds))('moves only the ids of a place that leaves, and to all others: %s ids', (_, ids) => {
    const all = places(6);
    for (const gone of all) {
      const left = all.filter((place) => place !== gone);
      const counts = new Map<number, number>();
      let orphans = 0;
      for (const id of ids) {
        const before = homeOf(id, all);
        const after = homeOf(id, left);
        if (before !== gone) {
          expect(after).toBe(before);
          continue;
        }
        orphans += 1;
        counts.set(after, (counts.get(after) ?? 0) + 1);
      }
      for (const place of left) {
        expect((counts.get(place) ?? 0) / (orphans / left.length)).toBeGreaterThan(0.8);
        expect((counts.get(place) ?? 0) / (orphans / left.length)).toBeLessThan(1.2);
      }
    }
  });

  test('of one place is that place', () => {
    expect(homeOf('s-1', [5])).toBe(5);
  });

  test('of no places is a broken invariant', () => {
    expect(() => homeOf('s-1', [])).toThrow(expect.objectContaining({ code: 'InvariantBroken' }));
  });
});
