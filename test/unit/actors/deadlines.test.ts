// One timer of Node for very many deadlines: whatever is set and cleared, each comes once, at its time and in its order.
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Deadlines } from '../../../src/actors/deadlines.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('deadlines', () => {
  test('that were not cleared fire once, by time and then in the order in which they were set', () => {
    const step = fc.record({ delayMs: fc.nat(20), clears: fc.option(fc.nat(60)), passMs: fc.nat(4) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const deadlines = new Deadlines(() => performance.now());
        const expected: { readonly number: number; readonly atMs: number }[] = [];
        const fired: { readonly number: number; readonly atMs: number }[] = [];
        const tickets: object[] = [];
        for (const [number, { delayMs, clears, passMs }] of steps.entries()) {
          const atMs = performance.now() + delayMs;
          expected.push({ number, atMs });
          tickets.push(deadlines.set(() => void fired.push({ number, atMs: performance.now() }), delayMs));
          if (clears !== null) {
            deadlines.clear(tickets[clears]);
            const at = expected.findIndex((one) => one.number === clears);
            if (at >= 0 && !fired.some((one) => one.number === clears)) expected.splice(at, 1);
          }
          vi.advanceTimersByTime(passMs);
        }
        vi.advanceTimersByTime(100);
        expected.sort((one, other) => one.atMs - other.atMs || one.number - other.number);
        expect(fired.map(({ number }) => number)).toEqual(expected.map(({ number }) => number));
        // The timers of Node that this clock imitates take whole milliseconds, and none of less than one.
        for (const [index, { atMs }] of fired.entries()) {
          expect(atMs - (expected[index]?.atMs ?? NaN)).toBeGreaterThanOrEqual(0);
          expect(atMs - (expected[index]?.atMs ?? NaN)).toBeLessThanOrEqual(1);
        }
        expect(vi.getTimerCount()).toBe(0);
      }),
    );
  });

  test('go on when one of them throws', () => {
    const deadlines = new Deadlines(() => performance.now());
    const fired: string[] = [];
    deadlines.set(() => {
      throw new Error('broken');
    }, 5);
    deadlines.set(() => void fired.push('next'), 5);
    expect(() => vi.advanceTimersByTime(5)).toThrow('broken');
    vi.advanceTimersByTime(5);
    expect(fired).toEqual(['next']);
  });

  test('that set themselves anew for now let others come between', () => {
    const deadlines = new Deadlines(() => performance.now());
    let count = 0;
    const again = (): void => {
      count += 1;
      deadlines.set(again, 0);
    };
    again();
    vi.advanceTimersByTime(10);
    expect(count).toBeGreaterThan(1);
    expect(count).toBeLessThan(20);
  });
});
