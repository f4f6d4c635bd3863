import { describe, expect, it } from 'vitest';
import { Deque } from '../../../src/session/deque.ts';

describe('a deque', () => {
  it('gives first what came in first, and undefined when it is empty', () => {
    const deque = new Deque<number>();
    expect(deque.shift()).toBeUndefined();
    for (let value = 1; value <= 100; value += 1) deque.push(value);
    for (let value = 1; value <= 100; value += 1) expect(deque.shift()).toBe(value);
    expect(deque.shift()).toBeUndefined();
    expect(deque.length).toBe(0);
  });

  it('keeps its order while its head runs round the ring and it grows', () => {
    const deque = new Deque<number>();
    const model: number[] = [];
    for (let step = 0; step < 5_000; step += 1) {
      if (step % 7 < 4 || model.length === 0) {
        deque.push(step);
        model.push(step);
      } else expect(deque.shift()).toBe(model.shift());
      expect(deque.length).toBe(model.length);
      expect(deque.at(0)).toBe(model[0]);
      expect(deque.at(model.length - 1)).toBe(model.at(-1));
    }
    expect(Array.from({ length: deque.length }, (_, index) => deque.at(index))).toEqual(model);
  });

  it('puts a value before the first, also when it is full', () => {
    const deque = new Deque<number>();
    for (let value = 1; value <= 16; value += 1) deque.push(value);
    deque.unshift(0);
    deque.unshift(-1);
    expect(Array.from({ length: 4 }, (_, index) => deque.at(index))).toEqual([-1, 0, 1, 2]);
    expect(deque.at(17)).toBe(16);
  });

  it('has nothing outside of its values', () => {
    const deque = new Deque<number>();
    expect(deque.at(0)).toBeUndefined();
    deque.push(1);
    expect([deque.at(-1), deque.at(1)]).toEqual([undefined, undefined]);
  });

  it('forgets everything when it is cleared, and works on', () => {
    const deque = new Deque<number>();
    for (let value = 1; value <= 20; value += 1) deque.push(value);
    deque.clear();
    expect([deque.length, deque.at(0)]).toEqual([0, undefined]);
    deque.push(7);
    expect(deque.shift()).toBe(7);
  });
});
