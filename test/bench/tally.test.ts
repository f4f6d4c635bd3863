import { describe, expect, it } from 'vitest';
import { Tally, countOf, lostOf } from '../../bench/peers/tally.ts';

const tallyOf = (ids: readonly number[]): Tally => {
  const tally = new Tally();
  for (const id of ids) tally.take(id);
  return tally;
};

describe('the count of a receiver', () => {
  it.each([
    ['all in order', [0, 1, 2, 3], { came: 4, missing: 0, doubled: 0, reordered: 0 }, 0],
    ['one lost on the way', [0, 1, 3], { came: 3, missing: 1, doubled: 0, reordered: 0 }, 1],
    ['the last two lost', [0, 1], { came: 2, missing: 0, doubled: 0, reordered: 0 }, 2],
    ['one twice at once', [0, 1, 1, 2, 3], { came: 5, missing: 0, doubled: 1, reordered: 0 }, 0],
    ['one twice much later', [0, 1, 2, 3, 0], { came: 5, missing: 0, doubled: 1, reordered: 0 }, 0],
    ['two in each other’s place', [0, 2, 1, 3], { came: 4, missing: 0, doubled: 0, reordered: 1 }, 0],
    ['one late and then again', [0, 2, 3, 1, 1], { came: 5, missing: 0, doubled: 1, reordered: 1 }, 0],
    ['one lost and another twice', [0, 2, 2, 3], { came: 4, missing: 1, doubled: 1, reordered: 0 }, 1],
    ['none at all', [], { came: 0, missing: 0, doubled: 0, reordered: 0 }, 4],
  ])('of four messages tells %s', (_, ids, count, lost) => {
    const counted = countOf([tallyOf(ids)]);
    expect(counted).toEqual(count);
    expect(lostOf(4, counted)).toBe(lost);
  });

  it('adds up what several senders sent', () => {
    expect(countOf([tallyOf([0, 2]), tallyOf([0, 0]), tallyOf([1, 0])])).toEqual({
      came: 6,
      missing: 1,
      doubled: 1,
      reordered: 1,
    });
  });
});
