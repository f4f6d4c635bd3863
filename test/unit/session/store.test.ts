// The shared store without values: what fits, what shows, and when a verdict counts.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Copy, Entries, type Entry, STORE_BYTES_MAX, STORE_KEYS_MAX } from '../../../src/session/store.ts';

/** An entry of so many bytes, known by its plain value. */
function entry(plain: string, bytes = 1): Entry {
  return { payload: new Uint8Array(bytes), plain };
}

/** What a copy or entries show, by key. */
function shown(store: Copy | Entries): Record<string, unknown> {
  return Object.fromEntries(store.keys().map((key) => [key, store.get(key)?.plain]));
}

const pendingOf = (copy: Copy): unknown[] => [...copy.pending()].map(({ key, entry: own }) => [key, own?.plain]);

describe('entries', () => {
  it('are set, replaced and deleted, and count the bytes of what is there', () => {
    const entries = new Entries();
    expect([entries.size, entries.bytes, entries.keys(), entries.get('a')]).toEqual([0, 0, [], undefined]);
    entries.set('a', entry('1', 10));
    entries.set('b', entry('2', 5));
    entries.set('a', entry('3', 7));
    expect([entries.size, entries.bytes, shown(entries)]).toEqual([2, 12, { a: '3', b: '2' }]);
    entries.set('none', undefined);
    entries.set('a', undefined);
    expect([entries.size, entries.bytes, shown(entries)]).toEqual([1, 5, { b: '2' }]);
    entries.set('b', undefined);
    expect([entries.size, entries.bytes, entries.keys()]).toEqual([0, 0, []]);
    entries.set('c', entry('4', 3));
    entries.clear();
    expect([entries.size, entries.bytes, entries.keys()]).toEqual([0, 0, []]);
  });

  it('have names that mean something elsewhere', () => {
    const entries = new Entries();
    for (const key of ['__proto__', 'constructor', 'toString', 'hasOwnProperty'])
      expect(entries.get(key)).toBeUndefined();
    entries.set('__proto__', entry('own'));
    expect([entries.get('__proto__')?.plain, entries.keys(), entries.get('toString')]).toEqual([
      'own',
      ['__proto__'],
      undefined,
    ]);
  });

  it('take as many keys as there may be, and the last one may be replaced', () => {
    const entries = new Entries();
    for (let n = 0; n < STORE_KEYS_MAX; n += 1) {
      expect(entries.fits(`k${n}`, entry('x'))).toBe(true);
      entries.set(`k${n}`, entry('x'));
    }
    expect([entries.fits('one more', entry('x')), entries.fits('k0', entry('x'))]).toEqual([false, true]);
    entries.set('k1', undefined);
    expect(entries.fits('one more', entry('x'))).toBe(true);
  });

  it('take as many bytes as there may be, and what a key has makes room for what it gets', () => {
    const entries = new Entries();
    entries.set('a', entry('x', STORE_BYTES_MAX - 10));
    expect([entries.fits('b', entry('x', 10)), entries.fits('b', entry('x', 11))]).toEqual([true, false]);
    expect([
      entries.fits('a', entry('x', STORE_BYTES_MAX)),
      entries.fits('a', entry('x', STORE_BYTES_MAX + 1)),
    ]).toEqual([true, false]);
  });
});

describe('a copy', () => {
  it('shows the newest own write of a key until it is decided, and what is confirmed below it afterwards', () => {
    const copy = new Copy();
    copy.change('a', entry('theirs'));
    copy.write(1, 'a', entry('mine'));
    copy.write(2, 'a', entry('mine again'));
    copy.change('a', entry('theirs again'));
    expect(shown(copy)).toEqual({ a: 'mine again' });
    copy.refused();
    expect(shown(copy)).toEqual({ a: 'mine again' });
    copy.refused();
    expect([shown(copy), copy.pendingCount]).toEqual([{ a: 'theirs again' }, 0]);
  });

  it('hides a key that an own write deletes, and shows one that only an own write has', () => {
    const copy = new Copy();
    copy.change('a', entry('theirs'));
    copy.write(1, 'a', undefined);
    copy.write(2, 'b', entry('mine'));
    copy.write(3, 'c', undefined);
    expect([shown(copy), copy.get('a')]).toEqual([{ b: 'mine' }, undefined]);
    copy.refused();
    expect(shown(copy)).toEqual({ a: 'theirs', b: 'mine' });
  });

  it('confirms an accepted write after exactly the changes that came before it', () => {
    const copy = new Copy();
    copy.write(1, 'a', entry('mine'));
    copy.accepted(2);
    copy.change('a', entry('first'));
    expect([shown(copy), copy.confirmed.get('a')?.plain, copy.pendingCount]).toEqual([{ a: 'mine' }, 'first', 1]);
    copy.change('b', entry('second'));
    expect([shown(copy), copy.confirmed.get('a')?.plain, copy.pendingCount]).toEqual([
      { a: 'mine', b: 'second' },
      'mine',
      0,
    ]);
    copy.change('a', entry('third'));
    expect(shown(copy)).toEqual({ a: 'third', b: 'second' });
  });

  it('confirms at once what no change came before', () => {
    const copy = new Copy();
    copy.write(1, 'a', entry('mine'));
    copy.accepted(0);
    expect([copy.confirmed.get('a')?.plain, copy.pendingCount]).toEqual(['mine', 0]);
    copy.change('a', entry('theirs'));
    copy.write(2, 'a', undefined);
    copy.accepted(1);
    expect([shown(copy), copy.confirmed.size]).toEqual([{}, 0]);
  });

  it('lists what is pending in the order in which it was written, accepted or not', () => {
    const copy = new Copy();
    copy.write(3, 'a', entry('1'));
    copy.write(5, 'b', undefined);
    copy.write(9, 'a', entry('2'));
    copy.accepted(1);
    expect([pendingOf(copy), copy.pendingCount]).toEqual([
      [
        ['a', '1'],
        ['b', undefined],
        ['a', '2'],
      ],
      3,
    ]);
    expect([copy.lastUnjudged, copy.isUnjudged(3), copy.isUnjudged(5), copy.isUnjudged(9)]).toEqual([
      9,
      false,
      true,
      true,
    ]);
    expect([copy.oldestUnjudgedKey, copy.keyOf(9), copy.keyOf(3)]).toEqual(['b', 'a', undefined]);
  });

  it('takes back a write that was never sent, from anywhere in the line', () => {
    const copy = new Copy();
    copy.write(1, 'a', entry('1', 10));
    copy.write(2, 'a', entry('2', 20));
    copy.write(3, 'a', entry('3', 40));
    copy.takenBack(2);
    copy.takenBack(2);
    expect([pendingOf(copy), copy.pendingBytes]).toEqual([
      [
        ['a', '1'],
        ['a', '3'],
      ],
      50,
    ]);
    copy.takenBack(3);
    expect([shown(copy), copy.pendingBytes]).toEqual([{ a: '1' }, 10]);
    copy.takenBack(1);
    expect([shown(copy), copy.pendingBytes, copy.pendingCount, copy.lastUnjudged]).toEqual([{}, 0, 0, 0]);
  });

  it('ignores verdicts when nothing waits for one', () => {
    const copy = new Copy();
    copy.accepted(0);
    copy.refused();
    expect([copy.pendingCount, copy.pendingBytes, shown(copy)]).toEqual([0, 0, {}]);
  });

  it('counts the bytes of both, and forgets them when history was lost', () => {
    const copy = new Copy();
    copy.change('a', entry('x', 100));
    copy.write(1, 'b', entry('y', 10));
    copy.write(2, 'a', undefined);
    copy.write(3, 'c', entry('z', 1));
    copy.accepted(5);
    expect([copy.bytes, copy.pendingBytes]).toEqual([111, 11]);
    copy.clear();
    expect([copy.bytes, copy.pendingBytes, copy.pendingCount, shown(copy), copy.lastUnjudged]).toEqual([
      0,
      0,
      0,
      {},
      0,
    ]);
    // The changes of the new epoch are counted from the first one on.
    copy.write(4, 'a', entry('new'));
    copy.accepted(1);
    expect(copy.pendingCount).toBe(1);
    copy.change('b', entry('first'));
    expect([copy.pendingCount, shown(copy)]).toEqual([0, { b: 'first', a: 'new' }]);
  });

  it('does not keep what goes past the bounds, of the peer or accepted by it, and goes on counting', () => {
    const copy = new Copy();
    for (let n = 0; n < STORE_KEYS_MAX; n += 1) expect(copy.change(`k${n}`, entry('x'))).toBe(true);
    expect(copy.change('one more', entry('x'))).toBe(false);
    copy.write(1, 'mine', entry('x'));
    copy.write(2, 'k0', entry('mine'));
    copy.accepted(STORE_KEYS_MAX + 1);
    copy.accepted(STORE_KEYS_MAX + 1);
    expect([copy.pendingCount, copy.confirmed.size, copy.get('mine'), copy.get('k0')?.plain]).toEqual([
      0,
      STORE_KEYS_MAX,
      undefined,
      'mine',
    ]);
    copy.miss();
    copy.write(3, 'k1', undefined);
    copy.accepted(STORE_KEYS_MAX + 2);
    expect([copy.pendingCount, copy.confirmed.size]).toEqual([0, STORE_KEYS_MAX - 1]);
  });
});

describe('a history', () => {
  const step = fc.record({
    by: fc.constantFrom('server' as const, 'accepted' as const, 'refused' as const),
    key: fc.constantFrom('a', 'b', 'c'),
    value: fc.option(fc.nat({ max: 999 }), { nil: undefined }),
  });

  it('is what every copy is a prefix of, however late its changes come after its verdicts', () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 40 }),
        fc.array(fc.nat({ max: 3 }), { maxLength: 200 }),
        (steps, delays) => {
          const copy = new Copy();
          const history = [''];
          const entries = new Entries();
          const text = (of: Entries): string =>
            JSON.stringify(
              of
                .keys()
                .toSorted()
                .map((key) => [key, of.get(key)?.plain]),
            );
          history[0] = text(entries);
          const changes: (() => unknown)[] = [];
          let at = 0;
          let changeCount = 0;
          let ordinal = 0;
          const look = (): void => {
            at = history.indexOf(text(copy.confirmed), at);
            expect(at).toBeGreaterThanOrEqual(0);
          };
          const own = steps.filter(({ by }) => by !== 'server');
          const entryOf = (value: number | undefined): Entry | undefined =>
            value === undefined ? undefined : { payload: new Uint8Array(1), plain: value };
          for (const { key, value } of own) copy.write((ordinal += 1), key, entryOf(value));
          steps.forEach(({ by, key, value }, index) => {
            if (by === 'server') {
              changeCount += 1;
              changes.push(() => copy.change(key, entryOf(value)));
            }
            if (by !== 'refused') {
              entries.set(key, entryOf(value));
              history.push(text(entries));
            }
            // A verdict overtakes the changes before it, never one after it.
            if (by === 'accepted') copy.accepted(changeCount);
            if (by === 'refused') copy.refused();
            look();
            for (let count = delays[index] ?? 0; count > 0 && changes.length > 0; count -= 1) {
              changes.shift()?.();
              look();
            }
          });
          for (const change of changes) {
            change();
            look();
          }
          expect([text(copy.confirmed), copy.pendingCount, copy.pendingBytes]).toEqual([history.at(-1), 0, 0]);
        },
      ),
      { numRuns: 500 },
    );
  });
});
