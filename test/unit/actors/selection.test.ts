import { describe, expect, it } from 'vitest';
import { groupOptionsOf, selectionOf } from '../../../src/actors/selection.ts';
import { thrownBy } from '../../loopback/world.ts';

function keys(count: number): Record<string, number> {
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`key ${index}`, index]));
}

describe('a selector', () => {
  it('names one session by its id, or those who have all of its values', () => {
    expect(selectionOf('s-1')).toEqual({ type: 'id', id: 's-1' });
    expect(selectionOf({ room: 'a', level: 0, isIn: false })).toEqual({
      type: 'values',
      values: [
        ['room', 'a'],
        ['level', 0],
        ['isIn', false],
      ],
    });
    expect(selectionOf(keys(32))).toMatchObject({ type: 'values' });
  });

  it.each([
    ['nothing', undefined],
    ['null', null],
    ['an empty text', ''],
    ['an empty object', {}],
    ['a list', ['a']],
    ['an empty list', []],
    ['a number', 5],
    ['a function', () => true],
    ['a symbol', Symbol('all')],
    ['33 keys', keys(33)],
    ['an object in it', { room: { name: 'a' } }],
    ['a list in it', { room: ['a'] }],
    ['null in it', { room: null }],
    ['undefined in it', { room: undefined }],
    ['a bigint in it', { level: 1n }],
    ['a date in it', { since: new Date(0) }],
    ['bytes in it', { key: new Uint8Array(1) }],
    ['a function in it', { room: () => 'a' }],
    ['one bad value among good ones', { room: 'a', role: 'x', level: {} }],
    ['a map', new Map([['room', 'a']])],
    ['a date', new Date(0)],
  ])('is refused when it is %s', (_, selector) => {
    expect(thrownBy(() => selectionOf(selector))).toMatchObject({ code: 'BadOption' });
  });

  it('knows no inherited values, and takes a key called __proto__ for a key', () => {
    expect(thrownBy(() => selectionOf(Object.create({ room: 'a' })))).toMatchObject({ code: 'BadOption' });
    const odd: unknown = JSON.parse('{"__proto__":"x"}');
    expect(selectionOf(odd)).toEqual({ type: 'values', values: [['__proto__', 'x']] });
    expect(Object.getPrototypeOf(selectionOf(odd))).toBe(Object.prototype);
  });

  it('says in its refusal what was given, in few words', () => {
    const { message } = thrownBy(() => selectionOf([['x'.repeat(10_000)]]));
    expect(message).toMatch(/everybody is toAll\(\)/);
    expect(message.length).toBeLessThan(300);
  });
});

describe('the options of a group send', () => {
  it('may be left out', () => {
    for (const none of [undefined, null, {}]) expect(groupOptionsOf(none)).toEqual({});
    expect(groupOptionsOf({ except: 's-1', holdMs: 86_400_000, more: 1 })).toEqual({
      except: 's-1',
      holdMs: 86_400_000,
    });
    expect(groupOptionsOf({ holdMs: 1 }).holdMs).toBe(1);
  });

  it.each([0, -1, 1.5, Number.NaN, Infinity, -Infinity, 86_400_001, 2 ** 53, '5', null, true, {}, 5n])(
    'are refused with holdMs %s',
    (holdMs) => {
      expect(thrownBy(() => groupOptionsOf({ holdMs }))).toMatchObject({ code: 'BadOption' });
    },
  );

  it.each([5, null, true, {}, ['s-1'], () => 's-1'])('are refused with except %s', (except) => {
    expect(thrownBy(() => groupOptionsOf({ except }))).toMatchObject({ code: 'BadOption' });
  });
});
