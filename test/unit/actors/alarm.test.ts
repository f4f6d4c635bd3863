import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Alarm } from '../../../src/actors/alarm.ts';
import { nodeHost } from '../../../src/actors/host.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function scene() {
  const { clock } = nodeHost();
  const rang: number[] = [];
  const beganAt = clock.now();
  const alarm = new Alarm(clock, () => void rang.push(clock.now() - beganAt));
  return { rang, set: (atMs: number) => alarm.set(beganAt + atMs), stop: () => alarm.stop() };
}

test('an alarm rings once, at the time set last', () => {
  const { rang, set } = scene();
  set(100);
  set(50);
  set(80);
  vi.advanceTimersByTime(1_000);
  expect(rang).toEqual([80]);
  expect(vi.getTimerCount()).toBe(0);
});

test('an alarm that is pushed ahead again and again has one timer', () => {
  const { rang, set } = scene();
  for (let at = 10; at <= 1_000; at += 10) {
    set(at + 100);
    vi.advanceTimersByTime(10);
    expect(vi.getTimerCount()).toBe(1);
  }
  expect(rang).toEqual([]);
  vi.advanceTimersByTime(200);
  expect(rang).toEqual([1_100]);
});

test('an alarm set to never, or stopped, does not ring, and can be set again', () => {
  const { rang, set, stop } = scene();
  set(10);
  set(Infinity);
  vi.advanceTimersByTime(100);
  expect(rang).toEqual([]);
  set(110);
  stop();
  stop();
  expect(vi.getTimerCount()).toBe(0);
  set(130);
  vi.advanceTimersByTime(100);
  expect(rang).toEqual([130]);
});

test('an alarm set to a time that has passed rings in the next turn', () => {
  const { rang, set } = scene();
  set(-5);
  expect(rang).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(rang).toHaveLength(1);
});

test('an alarm may be set from inside its ring', () => {
  const { clock } = nodeHost();
  const beganAt = clock.now();
  const rang: number[] = [];
  const alarm = new Alarm(clock, () => {
    rang.push(clock.now() - beganAt);
    if (rang.length < 3) alarm.set(clock.now() + 10);
  });
  alarm.set(beganAt + 10);
  vi.advanceTimersByTime(100);
  expect(rang).toEqual([10, 20, 30]);
});

test('an alarm keeps a time that is a month away', () => {
  const { rang, set } = scene();
  const monthMs = 31 * 24 * 3_600_000;
  set(monthMs);
  vi.advanceTimersByTime(monthMs - 1);
  expect(rang).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(rang).toEqual([monthMs]);
});
