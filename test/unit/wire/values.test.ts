// The walk before encoding, with a tag class that stands for the CBOR library's.
import { describe, expect, it } from 'vitest';
import { LINKS_MAX, ValueTag, defaultWireLimits } from '../../../src/wire/limits.ts';
import { Tagged } from '../../../src/wire/reader.ts';
import { NEGATIVE_ZERO_MARK, toWire } from '../../../src/wire/values.ts';

const tree = (value: unknown): unknown => toWire(value, defaultWireLimits, Tagged).tree;
const link = (...steps: (string | number)[]): Tagged => new Tagged(steps, ValueTag.LINK);

describe('the walk before encoding', () => {
  it('replaces each kind by its tag, in a copy', () => {
    const value = { at: new Date(7), map: new Map([['k', new Set([1])]]), big: -258n, list: [1, -0] };
    expect(tree(value)).toEqual({
      at: new Tagged(7, ValueTag.DATE),
      map: new Tagged(['k', new Tagged([1], ValueTag.SET)], ValueTag.MAP),
      big: new Tagged(Uint8Array.of(1, 1, 2), ValueTag.BIGINT),
      list: [1, NEGATIVE_ZERO_MARK],
    });
    expect(value.list).toEqual([1, -0]);
    expect(toWire(value, defaultWireLimits, Tagged).hasNegativeZero).toBe(true);
    expect(toWire([0], defaultWireLimits, Tagged).hasNegativeZero).toBe(false);
  });

  it('writes an error as name, message, code and cause', () => {
    const error = Object.assign(new RangeError('far', { cause: 1n }), { code: 'E_FAR', other: 'lost' });
    expect(tree(error)).toEqual(
      new Tagged(['RangeError', 'far', 'E_FAR', new Tagged(Uint8Array.of(0, 1), ValueTag.BIGINT)], ValueTag.ERROR),
    );
    expect(tree(new Error(''))).toEqual(new Tagged(['Error', '', undefined, undefined], ValueTag.ERROR));
  });

  it('writes a repeated object as the steps to its first place, through the arrays of maps, sets and errors', () => {
    const one = {};
    expect(tree([one, one])).toEqual([{}, link(0)]);
    expect(tree({ a: { 'b c': one }, z: one })).toEqual({ a: { 'b c': {} }, z: link('a', 'b c') });
    expect(tree([new Map([['k', one]]), one])).toEqual([new Tagged(['k', {}], ValueTag.MAP), link(0, 1)]);
    expect(tree([new Set([1, one]), one])).toEqual([new Tagged([1, {}], ValueTag.SET), link(0, 1)]);
    expect(tree([new Error('x', { cause: one }), one])).toEqual([
      new Tagged(['Error', 'x', undefined, {}], ValueTag.ERROR),
      link(0, 3),
    ]);
    const self: unknown[] = [];
    self.push([self]);
    expect(tree(self)).toEqual([[link()]]);
  });

  it('stops at the depth that a message may have, in objects as in arrays', () => {
    const nest = (depth: number, around: (inner: unknown) => unknown): unknown =>
      depth === 0 ? new Date(1) : around(nest(depth - 1, around));
    for (const around of [
      (inner: unknown) => [inner],
      (inner: unknown) => ({ a: inner }),
      (inner: unknown) => new Set([inner]),
    ]) {
      expect(() => tree(nest(32, around))).not.toThrow();
      expect(() => tree(nest(33, around))).toThrow('nested deeper than 32');
    }
  });

  it('allows so many repeated references and no more', () => {
    const one = {};
    expect(() => tree(new Array(LINKS_MAX + 1).fill(one))).not.toThrow();
    expect(() => tree(new Array(LINKS_MAX + 2).fill(one))).toThrow('more than 1000 repeated references');
  });
});
