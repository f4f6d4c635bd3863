import { describe, expect, it } from 'vitest';
import { Flushes } from '../../../src/session/flushes.ts';

function flushesAt(...ordinals: readonly number[]): Flushes {
  const flushes = new Flushes();
  ordinals.forEach((ordinal, index) => flushes.add(ordinal, index + 1));
  return flushes;
}

describe('flushes', () => {
  it('settle in order, when all their messages are older than the oldest outstanding one', () => {
    const flushes = flushesAt(3, 3, 5);
    expect(flushes.takeSettled(3)).toBe(0);
    expect([flushes.takeSettled(4), flushes.takeSettled(4), flushes.takeSettled(4)]).toEqual([1, 2, 0]);
    expect([flushes.takeSettled(Infinity), flushes.takeSettled(Infinity)]).toEqual([3, 0]);
  });

  it('are taken from an ordinal on, and the others stay in order', () => {
    const flushes = flushesAt(1, 2, 3, 4);
    expect(flushes.takeFrom(3)).toEqual([3, 4]);
    expect([flushes.takeSettled(9), flushes.takeSettled(9), flushes.takeSettled(9)]).toEqual([1, 2, 0]);
  });

  it('are left by those who give up', () => {
    const flushes = flushesAt(1, 2, 3);
    expect([flushes.leave(2), flushes.leave(2)]).toEqual([true, false]);
    expect([flushes.takeSettled(9), flushes.takeSettled(9)]).toEqual([1, 3]);
  });

  it('ask for the newest that is numbered, once on each connection', () => {
    const flushes = flushesAt(2, 4, 9);
    expect(flushes.takeAsked(1)).toBe(0);
    expect(flushes.takeAsked(5)).toBe(4);
    expect(flushes.takeAsked(8)).toBe(0);
    expect(flushes.takeAsked(9)).toBe(9);
    expect(flushes.takeAsked(20)).toBe(0);
    flushes.attach();
    expect(flushes.takeAsked(20)).toBe(9);
  });
});
