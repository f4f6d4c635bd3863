// Keys and values of the store: what may be a key, which values groups can look at, and how one is read back.
import { describe, expect, it } from 'vitest';
import { isKey, plainOf, requireKey, valueOf } from '../../../src/actors/stored-values.ts';
import { HomingError } from '../../../src/errors.ts';
import { Codec } from '../../../src/wire/codec.ts';
import { defaultWireLimits } from '../../../src/wire/limits.ts';

describe('a key', () => {
  it('is a text of 1 to 256 characters', () => {
    for (const key of ['a', '__proto__', 'toString', ' ', 'k'.repeat(256)]) {
      expect(isKey(key)).toBe(true);
      requireKey(key);
    }
    for (const key of ['', 'k'.repeat(257), 0, 1, true, undefined, null, ['a'], Object('a')]) {
      expect(isKey(key)).toBe(false);
      expect(() => requireKey(key as string)).toThrow(HomingError);
    }
    expect(() => requireKey('')).toThrow(expect.objectContaining({ code: 'BadOption' }));
  });
});

describe('a value', () => {
  it('is plain as a text, a number or a boolean, and nothing else is', () => {
    for (const value of ['', 'text', 0, -0, NaN, true, false]) expect(plainOf(value)).toBe(value);
    for (const value of [undefined, null, 1n, {}, [], new Date(), Symbol.iterator, () => {}])
      expect(plainOf(value)).toBeUndefined();
  });

  it('is read from its payload anew each time, unless it is plain', () => {
    const codec = new Codec({ ...defaultWireLimits, depth: 100 });
    let deep: unknown = new Map([['k', 1n]]);
    for (let level = 0; level < 60; level += 1) deep = [deep];
    codec.encode(['key', deep]);
    const entry = { payload: codec.scratch.slice(codec.start, codec.end), plain: undefined };
    const [first, second] = [valueOf(entry), valueOf(entry)];
    expect(first).toEqual(deep);
    expect(first === second).toBe(false);
    expect(second).toEqual(deep);
    expect(valueOf({ payload: new Uint8Array(0), plain: 'as it is' })).toBe('as it is');
    expect(valueOf({ payload: new Uint8Array(0), plain: false })).toBe(false);
    expect(valueOf(undefined)).toBeUndefined();
  });
});
