import { describe, expect, it } from 'vitest';
import { type HeldCopy, HeldCopies } from '../../../src/actors/held-copies.ts';
import { selectionOf } from '../../../src/actors/selection.ts';

const memory = new Int32Array(new SharedArrayBuffer(4));
const payload = new Uint8Array([0x81, 0x61, 0x78]);

function copyFor(owner: number, index: number, selector: unknown, ticket = 0): HeldCopy {
  const message = { selection: selectionOf(selector), except: undefined, payload, from: undefined };
  return { owner, message, slot: { memory, index, ticket } };
}

function filled(...copies: readonly HeldCopy[]): HeldCopies {
  const held = new HeldCopies();
  for (const copy of copies) held.add(copy);
  return held;
}

describe('held copies', () => {
  it('are found by each value they ask for, in the order in which they came', () => {
    const [a, b, c, d] = [
      copyFor(0, 0, { room: 'a' }),
      copyFor(1, 0, { room: 'a', role: 'x' }),
      copyFor(0, 1, { room: 'b' }),
      copyFor(0, 2, 's-1'),
    ];
    const held = filled(a, b, c, d);
    expect(held.asking('room', 'a')).toEqual([a, b]);
    expect(held.asking('role', 'x')).toEqual([b]);
    expect(held.asking('room', 'c')).toEqual([]);
    expect(held.asking('s-1', 's-1')).toEqual([]);
    expect(held.all()).toEqual([a, b, c, d]);
  });

  it('tell values of different types apart', () => {
    const held = filled(copyFor(0, 0, { level: 1 }), copyFor(0, 1, { level: '1' }), copyFor(0, 2, { level: true }));
    expect(held.asking('level', 1)).toHaveLength(1);
    expect(held.asking('level', '1')).toHaveLength(1);
    expect(held.asking('level', true)).toHaveLength(1);
    expect(held.asking('level', false)).toHaveLength(0);
  });

  it('may be removed while somebody goes through them', () => {
    const held = filled(...[0, 1, 2].map((index) => copyFor(0, index, { room: 'a' })));
    for (const copy of held.asking('room', 'a')) held.remove(copy);
    for (const copy of held.all()) held.remove(copy);
    expect([held.size, held.asking('room', 'a')]).toEqual([0, []]);
  });

  it('are dropped by owner, index and ticket, and by nothing less', () => {
    const held = filled(copyFor(1, 2, { room: 'a' }, 4_096));
    held.drop(0, 2, 4_096);
    held.drop(1, 3, 4_096);
    held.drop(1, 2, 0);
    expect(held.size).toBe(1);
    held.drop(1, 2, 4_096);
    held.drop(1, 2, 4_096);
    expect([held.size, held.asking('room', 'a')]).toEqual([0, []]);
  });

  it('go with their owner, those of others stay', () => {
    const other = copyFor(1, 0, { room: 'a' });
    const held = filled(copyFor(0, 0, { room: 'a' }), other, copyFor(0, 1, { role: 'x' }), copyFor(-1, 0, 's-1'));
    held.dropOf(0);
    expect([held.size, held.asking('room', 'a'), held.asking('role', 'x')]).toEqual([2, [other], []]);
    held.dropOf(-1);
    expect(held.all()).toEqual([other]);
  });
});
