import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Numbered } from '../../src/session/numbered.ts';

/** Numbers that rise, far apart now and then, so that slots collide; negative ones too. */
const act = fc.record({
  type: fc.constantFrom('new', 'new', 'new', 'set', 'delete', 'delete'),
  skip: fc.constantFrom(0, 0, 0, 15, 1_023, 5_000, 2 ** 40),
  isNegative: fc.nat({ max: 9 }).map((value) => value === 0),
  which: fc.nat({ max: 10_000 }),
});

describe('values by rising numbers', () => {
  it('are those of a Map', () => {
    fc.assert(
      fc.property(fc.array(act, { maxLength: 600, size: 'max' }), (acts) => {
        const [table, model] = [new Numbered<number>(), new Map<number, number>()];
        let last = 0;
        acts.forEach(({ type, skip, isNegative, which }, value) => {
          last += type === 'new' ? 1 + skip : 0;
          const known = [...model.keys()][which % Math.max(1, model.size)] ?? which + 1;
          const number = type === 'new' ? (isNegative ? -last : last) : known;
          if (type === 'delete') expect(table.delete(number)).toBe(model.delete(number));
          else {
            table.set(number, value);
            model.set(number, value);
          }
          expect([table.size, table.get(number), table.get(last + 16)]).toEqual([
            model.size,
            model.get(number),
            model.get(last + 16),
          ]);
        });
        expect(table.entries()).toEqual([...model].sort(([left], [right]) => left - right));
      }),
      { numRuns: 200 },
    );
  });

  it('are never those of 0', () => {
    const table = new Numbered<string>();
    table.set(16, 'sixteen');
    expect([table.delete(0), table.get(0), table.size, table.get(16)]).toEqual([false, undefined, 1, 'sixteen']);
    expect([table.delete(16), table.delete(0), table.get(0), table.size]).toEqual([true, false, undefined, 0]);
    expect(() => table.set(0, 'zero')).toThrow('0');
  });

  it('are found when very many stay, and when one stays while thousands pass', () => {
    const table = new Numbered<string>();
    table.set(1, 'stays');
    for (let number = 2; number < 10_000; number++) {
      table.set(number, 'passes');
      expect(table.delete(number)).toBe(true);
    }
    expect([table.get(1), table.size]).toEqual(['stays', 1]);
    for (let number = 10_000; number < 13_000; number++) table.set(number, `${number}`);
    expect([table.size, table.get(10_000), table.get(12_999), table.get(1)]).toEqual([
      3_001,
      '10000',
      '12999',
      'stays',
    ]);
  });
});
