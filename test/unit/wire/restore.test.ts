// The walk after decoding: tags become values in place, links become the objects they lead to or are refused.
import { describe, expect, it } from 'vitest';
import { HomingError } from '../../../src/errors.ts';
import { ValueTag } from '../../../src/wire/limits.ts';
import { Tagged } from '../../../src/wire/reader.ts';
import { fromWire } from '../../../src/wire/restore.ts';

const link = (...steps: (string | number)[]): Tagged => new Tagged(steps, ValueTag.LINK);

describe('the walk after decoding', () => {
  const code = (act: () => unknown): unknown => {
    try {
      return act();
    } catch (error) {
      return error instanceof HomingError ? error.code : error;
    }
  };

  it('puts values in the place of tags and keeps every other object', () => {
    const [inner, list] = [{ at: new Tagged(7, ValueTag.DATE) }, [new Tagged(Uint8Array.of(1, 2), ValueTag.BIGINT)]];
    const root = { inner, list };
    expect(fromWire(root)).toBe(root);
    expect(root).toEqual({ inner: { at: new Date(7) }, list: [-2n] });
    expect([root.inner === inner, root.list === list]).toEqual([true, true]);
    expect(fromWire(new Tagged([1, 2], ValueTag.SET))).toEqual(new Set([1, 2]));
  });

  it('restores a link that points into a map, a set or an error around it', () => {
    const map = fromWire(new Tagged(['self', link(), 'list', [link()], 'again', link(3)], ValueTag.MAP)) as Map<
      string,
      unknown
    >;
    expect(map.get('self')).toBe(map);
    expect(map.get('again')).toBe(map.get('list'));
    expect((map.get('list') as unknown[])[0]).toBe(map);
    const set = fromWire(new Tagged([[link()]], ValueTag.SET)) as Set<unknown[]>;
    expect([...set][0]?.[0]).toBe(set);
    const error = fromWire(new Tagged(['Error', 'x', undefined, { of: link() }], ValueTag.ERROR)) as Error;
    expect(error.cause).toEqual({ of: error });
    expect(Object.keys(error)).toEqual([]);
  });

  it('follows a link to a link', () => {
    const [one, two, three] = fromWire([[1], link(0), link(1)]) as unknown[][];
    expect([one === two, two === three]).toEqual([true, true]);
  });

  it('refuses links that lead to nothing, to no object, or to what is not there yet', () => {
    const wrong = [
      [link(1)],
      [link(0)],
      ['a', link(0)],
      [{}, link(0, 'a')],
      [{}, link(0, '__proto__')],
      [[], link(0, 'length')],
      [{ 0: {} }, link(0, 0)],
      [link(1), new Tagged(1, ValueTag.DATE)],
      [new Tagged([], ValueTag.SET), link(0, 0)],
      [Uint8Array.of(1), link(0, 0)],
      [new Tagged(1, ValueTag.DATE), link(0, 'getTime')],
    ];
    for (const one of wrong) expect(code(() => fromWire(one))).toBe('payload-refused');
  });

  it('refuses a Map or a Set that would be smaller than what came', () => {
    expect(code(() => fromWire(new Tagged(['a', 1, 'a', 2], ValueTag.MAP)))).toBe('payload-refused');
    expect(code(() => fromWire([{}, new Tagged([link(0), link(0)], ValueTag.SET)]))).toBe('payload-refused');
    expect(code(() => fromWire(new Tagged(1, 40006)))).toBe('payload-refused');
  });

  it('lets an error have the name it says, but only the classes of the language', () => {
    const name = (said: string): Error =>
      fromWire(new Tagged([said, 'm', undefined, undefined], ValueTag.ERROR)) as Error;
    expect(name('TypeError')).toBeInstanceOf(TypeError);
    for (const said of ['Function', 'RegExp', 'toString', '__proto__', 'AggregateError', '']) {
      expect([Object.getPrototypeOf(name(said)), name(said).name]).toEqual([Error.prototype, said]);
    }
  });
});
