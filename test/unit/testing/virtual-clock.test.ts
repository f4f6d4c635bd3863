import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../../src/testing/virtual-clock.ts';

/** Fires everything; gives what fired, in order. */
function fireAll(clock: VirtualClock): void {
  for (let timer = clock.take(); timer !== undefined; timer = clock.take()) timer.fire();
}

describe('virtual time', () => {
  it('stands still until somebody takes a timer, and then is where that timer was', () => {
    const clock = new VirtualClock();
    clock.setTimeout(() => {}, 250);
    expect([clock.now(), clock.nextMs, clock.pendingCount]).toEqual([0, 250, 1]);
    clock.take()?.fire();
    expect([clock.now(), clock.nextMs, clock.pendingCount]).toEqual([250, Infinity, 0]);
    expect(clock.take()).toBeUndefined();
  });

  it('takes delays as Node does: whole milliseconds, at least one', () => {
    const clock = new VirtualClock();
    const at: number[] = [];
    for (const delayMs of [0, 0.4, 1.9, -5, Number.NaN, 7]) clock.setTimeout(() => at.push(clock.now()), delayMs);
    fireAll(clock);
    expect(at).toEqual([1, 1, 1, 1, 1, 7]);
  });

  it('has exact moments too, and the past is now', () => {
    const clock = new VirtualClock();
    const at: number[] = [];
    clock.at(2.5, () => {
      clock.at(1, () => at.push(clock.now()));
      at.push(clock.now());
    });
    fireAll(clock);
    expect(at).toEqual([2.5, 2.5]);
  });

  it('passes without firing anything, and never beyond the next timer', () => {
    const clock = new VirtualClock();
    clock.at(100, () => {});
    clock.pass(40);
    expect(clock.now()).toBe(40);
    clock.pass(400);
    expect(clock.now()).toBe(100);
    clock.pass(10);
    expect(clock.now()).toBe(100);
  });

  it('fires in the order of time, and of setting where times are equal, whatever is taken back', () => {
    const timers = fc.array(fc.record({ atMs: fc.nat({ max: 20 }), isTakenBack: fc.boolean() }), { maxLength: 60 });
    fc.assert(
      fc.property(timers, (wanted) => {
        const clock = new VirtualClock();
        const fired: number[] = [];
        const tickets = wanted.map(({ atMs }, index) => clock.at(atMs, () => fired.push(index)));
        wanted.forEach(({ isTakenBack }, index) => {
          if (isTakenBack) clock.clearTimeout(tickets[index]);
        });
        fireAll(clock);
        const expected = wanted
          .map((each, index) => ({ ...each, index }))
          .filter(({ isTakenBack }) => !isTakenBack)
          .toSorted((one, other) => one.atMs - other.atMs || one.index - other.index);
        expect(fired).toEqual(expected.map(({ index }) => index));
      }),
    );
  });

  it('takes a timer back that has fired, or twice, without harm', () => {
    const clock = new VirtualClock();
    const first = clock.at(1, () => {});
    const second = clock.at(2, () => {});
    clock.take();
    clock.clearTimeout(first);
    expect(clock.pendingCount).toBe(1);
    clock.clearTimeout(second);
    clock.clearTimeout(second);
    expect(clock.pendingCount).toBe(0);
  });
});
