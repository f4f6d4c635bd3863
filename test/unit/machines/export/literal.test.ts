import { runInThisContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Code, identifierOf, literal, quote } from '../../../../src/machines/export/literal.ts';
import { type Plain, isPlain, jsonOf, plainOf } from '../../../../src/machines/export/values.ts';

const evaluated = (text: string): unknown => runInThisContext(`(${text})`);

const plain = fc.anything({
  withBigInt: true,
  withDate: true,
  withMap: true,
  withSet: true,
  withNullPrototype: false,
  withSparseArray: false,
  maxDepth: 3,
}) as fc.Arbitrary<Plain>;

describe('literal', () => {
  it('writes text that is the same value again', () => {
    fc.assert(
      fc.property(plain, fc.boolean(), (value, isOpen) => {
        expect(isPlain(value)).toBe(true);
        expect(evaluated(literal(value, { isOpen }))).toEqual(value);
      }),
      { numRuns: 200 },
    );
  });

  it('breaks what does not fit a line, never an object in two ways', () => {
    const long = { key: 'x'.repeat(60), other: ['y'.repeat(30), 'z'.repeat(30)] };
    const text = literal({ short: { a: 1, b: [true, undefined] }, long }, { isOpen: true });
    expect(text).toBe(`{
  short: { a: 1, b: [true, undefined] },
  long: {
    key: '${'x'.repeat(60)}',
    other: ['${'y'.repeat(30)}', '${'z'.repeat(30)}'],
  },
}`);
  });

  it('quotes a key only where it must, and puts remarks above what they are about', () => {
    const value = { plain: 1_000, 'a-b': -0, 7: 'seven', '07': "it's", stub: new Code('() => {}', 'Stub.') };
    expect(literal(value)).toBe(`{
  7: 'seven',
  plain: 1_000,
  'a-b': -0,
  '07': "it's",
  // Stub.
  stub: () => {},
}`);
  });

  it.each([
    ['door', 'door'],
    ['My door 2', 'myDoor2'],
    ['(machine)', 'machine'],
    ['2nd', 'machine2nd'],
    ['', 'machine'],
    ['a.b-c', 'aBC'],
  ])('makes of the id %s the name %s', (id, name) => {
    expect(identifierOf(id)).toBe(name);
  });

  it('takes the quotes that need fewer escapes', () => {
    expect([quote('a'), quote("it's"), quote(`"it's"`), quote('\n\u0000\u2028')]).toEqual([
      "'a'",
      `"it's"`,
      `'"it\\'s"'`,
      String.raw`'\n\u0000\u2028'`,
    ]);
  });
});

describe('plainOf', () => {
  it('leaves out what cannot be written, and tells where it was', () => {
    const lost: string[] = [];
    const circle: { self?: unknown } = {};
    circle.self = circle;
    const value = { ok: 1, f: () => 1, list: [new RegExp('x'), Symbol('s')], circle, map: new Map([['k', () => 1]]) };
    const kept = plainOf(value, { place: 'context', lose: (place, what) => void lost.push(`${place}: ${what}`) });
    expect(kept).toEqual({ ok: 1, list: [undefined, undefined], circle: {}, map: new Map([['k', undefined]]) });
    expect(lost).toEqual([
      'context.f: a function',
      'context.list.0: an instance of RegExp',
      'context.list.1: a symbol',
      'context.circle.self: a reference to itself',
      'context.map.k: a function',
    ]);
  });

  it('becomes JSON that nothing breaks', () => {
    fc.assert(
      fc.property(plain, (value) => {
        const text = JSON.stringify({ value: jsonOf(value) });
        expect(JSON.stringify({ value: jsonOf((JSON.parse(text) as { value: Plain }).value) })).toBe(text);
      }),
      { numRuns: 200 },
    );
  });
});
