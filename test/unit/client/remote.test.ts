import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { remoteOf } from '../../../src/client/remote.ts';

type Functions = Record<string | symbol, ((...args: unknown[]) => Promise<unknown>) | undefined>;

/** A remote and the calls made through it. */
function scene() {
  const calls: unknown[] = [];
  const remote = remoteOf(async (method, args) => {
    calls.push([method, ...args]);
    return `${method} done`;
  }) as Functions;
  return { remote, calls };
}

describe('a remote', () => {
  it('calls the method that is named as its property, with all arguments', async () => {
    const { remote, calls } = scene();
    expect(await remote['history']?.(10, { a: 1 })).toBe('history done');
    await remote['_private']?.();
    await (remote['constructor'] as () => Promise<unknown>)();
    const { history } = remote;
    await history?.('on its own');
    expect(calls).toEqual([['history', 10, { a: 1 }], ['_private'], ['constructor'], ['history', 'on its own']]);
  });

  it('gives the same function each time', () => {
    const { remote } = scene();
    expect(remote['history']).toBe(remote['history']);
    expect(remote['history']).not.toBe(remote['other']);
  });

  it.each(['then', 'catch', 'toJSON', Symbol.iterator, Symbol.toPrimitive, Symbol.asyncDispose, Symbol('any')])(
    'has no %s',
    (name) => {
      expect(scene().remote[name]).toBeUndefined();
    },
  );

  it('can be awaited, returned from async functions, printed and made JSON of without a call', async () => {
    const { remote, calls } = scene();
    expect(await Promise.resolve(remote)).toBe(remote);
    expect(await (async () => remote)()).toBe(remote);
    expect([JSON.stringify(remote), inspect(remote), Object.keys(remote), 'history' in remote]).toEqual([
      '{}',
      '{}',
      [],
      false,
    ]);
    expect(calls).toEqual([]);
  });

  it('cannot be changed', () => {
    const { remote } = scene();
    expect(() => {
      remote['history'] = async () => 'mine';
    }).toThrow(TypeError);
    expect(() => Object.defineProperty(remote, 'x', { value: 1 })).toThrow(TypeError);
  });
});
