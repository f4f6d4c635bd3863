import { getEventListeners } from 'node:events';
import { describe, expect, test } from 'vitest';
import { Handlers } from '../../../src/actors/handlers.ts';
import { thrownBy } from '../../loopback/world.ts';

describe('handlers', () => {
  test('are kept by name, in order; a list in use never changes', () => {
    const handlers = new Handlers();
    const [a, b] = [() => 'a', () => 'b'];
    const removeA = handlers.on('say', a);
    const list = handlers.of('say');
    handlers.on('say', b);
    removeA();
    expect(list).toEqual([a]);
    expect(handlers.of('say')).toEqual([b]);
    expect(handlers.of('other')).toBeUndefined();
    expect(handlers.count).toBe(1);
  });

  test('may be there twice, and are removed one at a time', () => {
    const handlers = new Handlers();
    const handler = (): void => {};
    const first = handlers.on('say', handler);
    const second = handlers.on('say', handler);
    expect(handlers.of('say')).toHaveLength(2);
    first();
    first();
    expect(handlers.of('say')).toHaveLength(1);
    second();
    expect([handlers.of('say'), handlers.count]).toEqual([undefined, 0]);
  });

  test('bear names of every kind', () => {
    const handlers = new Handlers();
    for (const name of ['', '__proto__', 'constructor', 'toString', 'é']) {
      handlers.on(name, () => name);
      expect(handlers.of(name)?.[0]?.()).toBe(name);
    }
  });

  test('for once are gone before they run', () => {
    const handlers = new Handlers();
    const heard: unknown[] = [];
    handlers.once('say', (text) => {
      heard.push(text, handlers.of('say'));
      return 'returned';
    });
    expect(handlers.of('say')?.[0]?.('a')).toBe('returned');
    expect(heard).toEqual(['a', undefined]);
  });

  test('leave with their signal, and hold no signal after they left or the session ended', () => {
    const handlers = new Handlers();
    const stop = new AbortController();
    const listenerCount = (): number => getEventListeners(stop.signal, 'abort').length;
    handlers.on('a', () => {}, stop.signal)();
    expect(listenerCount()).toBe(0);
    handlers.on('a', () => {}, stop.signal);
    handlers.on('b', () => {}, stop.signal);
    expect(listenerCount()).toBe(2);
    stop.abort();
    expect([handlers.count, listenerCount()]).toEqual([0, 0]);
    const other = new AbortController();
    handlers.on('c', () => {}, other.signal);
    handlers.close();
    handlers.on('d', () => {}, other.signal);
    expect(getEventListeners(other.signal, 'abort')).toEqual([]);
    expect(handlers.of('d')).toBeUndefined();
  });

  test('tell when the first is there', () => {
    const handlers = new Handlers();
    let count = 0;
    handlers.attached = () => {
      count += 1;
    };
    handlers.on('a', () => {}, AbortSignal.abort());
    expect(count).toBe(0);
    handlers.on('a', () => {});
    expect(count).toBe(1);
  });

  test('are functions', () => {
    const handlers = new Handlers();
    for (const handler of [undefined, null, 'x', {}]) {
      expect(thrownBy(() => handlers.on('a', handler as never))).toMatchObject({ code: 'BadOption' });
      expect(thrownBy(() => handlers.once('a', handler as never))).toMatchObject({ code: 'BadOption' });
    }
  });
});
