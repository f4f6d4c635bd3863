// The survey: what may go to the CBOR library as it stands, and that one message leaves no trace for the next.
import { describe, expect, it } from 'vitest';
import { defaultWireLimits } from '../../../src/wire/limits.ts';
import { isPlain } from '../../../src/wire/survey.ts';

const plain = (value: unknown): boolean => isPlain(value, defaultWireLimits);

describe('the survey', () => {
  it('finds plain what JSON has, undefined and bytes', () => {
    const value = ['say', { a: 1, b: 'x', c: true, d: null, e: undefined, f: [NaN, Infinity], g: Uint8Array.of(1) }];
    expect(plain(value)).toBe(true);
    expect(plain(Object.assign(Object.create(null) as object, { a: [] }))).toBe(true);
    for (const one of ['', 0, -1, 1.5, false, null, undefined, [], {}]) expect(plain(one)).toBe(true);
  });

  it('finds not plain what needs a tag or cannot cross', () => {
    const others: unknown[] = [
      -0,
      1n,
      Symbol('s'),
      () => 1,
      new Date(1),
      new Map(),
      new Set(),
      new Error('x'),
      /a/,
      new Float32Array(1),
      new (class Own {})(),
      Object.create({}),
      `${'x'.repeat(70)}\ud800`,
      new Array(1),
    ];
    for (const one of others)
      for (const value of [one, [one], { a: [1, { b: one }] }]) expect(plain(value)).toBe(false);
  });

  it('finds an object that occurs twice, early, late and after many others', () => {
    const many = (count: number): object[] => Array.from({ length: count }, () => ({}));
    for (const before of [0, 1, 13, 14, 15, 16, 17, 100]) {
      const [all, twice] = [many(before), {}];
      expect(plain([...all, twice])).toBe(true);
      expect(plain([...all, twice, twice])).toBe(false);
      expect(plain([twice, ...all, twice])).toBe(false);
      expect(plain([twice, ...all, { deep: [twice] }])).toBe(false);
    }
    expect(plain([{}, {}])).toBe(true);
  });

  it('remembers nothing of the message before, refused or not', () => {
    const once = {};
    for (let round = 0; round < 3; round++) {
      expect(plain([once])).toBe(true);
      expect(plain([once, new Date(1)])).toBe(false);
      expect(() =>
        plain([
          once,
          {
            get a() {
              throw new Error('x');
            },
          },
        ]),
      ).toThrow('x');
      expect(plain([[[once]], { deep: {} }])).toBe(true);
    }
  });

  it('goes no deeper and no further than a message may', () => {
    const nest = (depth: number): unknown => (depth === 0 ? 1 : [nest(depth - 1)]);
    expect([plain(nest(32)), plain(nest(33))]).toEqual([true, false]);
    const small = { ...defaultWireLimits, messageBytes: 100, arrayItems: 20 };
    expect(isPlain(['x'.repeat(99)], small)).toBe(true);
    for (const large of [
      ['x'.repeat(100)],
      [new Uint8Array(100)],
      new Array(21).fill(1),
      new Array(20).fill(new Array(20).fill(1)),
      { ['k'.repeat(99)]: 1 },
    ]) {
      expect(isPlain(large, small)).toBe(false);
    }
  });
});
