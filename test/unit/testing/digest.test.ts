import { describe, expect, it } from 'vitest';
import { digestOf } from '../../../src/testing/digest.ts';

describe('the digest of arguments', () => {
  it('is equal for equal content, whatever the order of keys and the kind of bytes', () => {
    const left = [1, 'two', { three: [true, undefined], four: Buffer.from([5]) }, new Date(6), 7n];
    const right = [1, 'two', { four: new Uint8Array([5]), three: [true, undefined] }, new Date(6), 7n];
    expect(digestOf(left)).toBe(digestOf(right));
  });

  it('differs for different content', () => {
    const lists = [
      [],
      [1],
      ['1'],
      [1, 2],
      [[1, 2]],
      [{ a: 1 }],
      [{ b: 1 }],
      [{ a: [1] }],
      [null],
      [undefined],
      [true],
      [new Date(1)],
    ];
    expect(new Set(lists.map((list) => digestOf(list))).size).toBe(lists.length);
  });

  it('is not there for what arrives as something else', () => {
    for (const value of [() => {}, { a: () => {} }, new Map(), Symbol.iterator])
      expect(digestOf([1, value])).toBeUndefined();
  });
});
