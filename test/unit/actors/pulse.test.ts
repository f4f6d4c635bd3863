// How a thread is, from beats at given times.
import { describe, expect, it } from 'vitest';
import { Pulse } from '../../../src/actors/pulse.ts';
import { Count, Tally } from '../../../src/actors/tally.ts';

function pulse() {
  const tally = new Tally();
  const pulse = new Pulse(tally, { periodMs: 250, nowMs: 1_000, startedAtMs: 1_700_000_000_500 });
  const lag = (): number => tally.read(Count.LOOP_LAG_SECONDS);
  return { tally, pulse, lag };
}

describe('the pulse of a thread', () => {
  it('says when the thread began and how much heap it uses', () => {
    const { tally } = pulse();
    expect(tally.read(Count.STARTED_SECONDS)).toBe(1_700_000_000.5);
    expect(tally.read(Count.HEAP_BYTES)).toBeGreaterThan(1_000_000);
  });

  it('counts a beat each time, for the watchdog', () => {
    const { tally, pulse: taken } = pulse();
    for (let atMs = 1_250; atMs <= 2_000; atMs += 250) taken.beat(atMs);
    expect(tally.read(Count.BEATS)).toBe(4);
  });

  it('shows the longest standstill for one window at least and two at most', () => {
    const { pulse: taken, lag } = pulse();
    taken.beat(1_250);
    expect(lag()).toBe(0);
    // It came 700 ms late.
    taken.beat(2_200);
    expect(lag()).toBe(0.7);
    let atMs = 2_200;
    const beatUntil = (endMs: number): void => {
      while (atMs + 250 <= endMs) {
        atMs += 250;
        taken.beat(atMs);
      }
    };
    beatUntil(7_200);
    expect(lag()).toBe(0.7);
    beatUntil(10_900);
    expect(lag()).toBe(0.7);
    beatUntil(11_800);
    expect(lag()).toBe(0);
  });

  it('that comes early is no lag', () => {
    const { pulse: taken, lag } = pulse();
    taken.beat(1_100);
    expect(lag()).toBe(0);
  });

  it('looks at the heap again once in a window', () => {
    const { tally, pulse: taken } = pulse();
    tally.set(Count.HEAP_BYTES, 0);
    taken.beat(5_999);
    expect(tally.read(Count.HEAP_BYTES)).toBe(0);
    taken.beat(6_000);
    expect(tally.read(Count.HEAP_BYTES)).toBeGreaterThan(1_000_000);
  });
});
