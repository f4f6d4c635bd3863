import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { nodeHost } from '../../../src/actors/host.ts';

describe('the clock of a process', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  test('fires once, at its time, and not when it was cleared', () => {
    const { clock } = nodeHost();
    const fired: string[] = [];
    clock.setTimeout(() => void fired.push('a'), 10);
    const ticket = clock.setTimeout(() => void fired.push('b'), 10);
    clock.clearTimeout(ticket);
    clock.clearTimeout(ticket);
    clock.clearTimeout(undefined);
    vi.advanceTimersByTime(9);
    expect(fired).toEqual([]);
    vi.advanceTimersByTime(1_000);
    expect(fired).toEqual(['a']);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('keeps delays longer than Node takes, and can clear them at any time', () => {
    const { clock } = nodeHost();
    const monthMs = 31 * 24 * 3_600_000;
    const fired: number[] = [];
    const beganAt = clock.now();
    clock.setTimeout(() => void fired.push(clock.now() - beganAt), monthMs);
    const ticket = clock.setTimeout(() => void fired.push(-1), monthMs);
    vi.advanceTimersByTime(monthMs - 1);
    expect(fired).toEqual([]);
    clock.clearTimeout(ticket);
    vi.advanceTimersByTime(1);
    expect(fired).toEqual([monthMs]);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('a host', () => {
  test('lets go of the process, and takes hold again, with all its timers', () => {
    const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    const host = nodeHost();
    const others = timers();
    const before = host.clock.setTimeout(() => {}, 60_000);
    expect(timers()).toBe(others + 1);
    host.ref(false);
    const after = host.clock.setTimeout(() => {}, 30_000);
    expect(timers()).toBe(others);
    host.ref(true);
    expect(timers()).toBe(others + 1);
    host.clock.clearTimeout(before);
    host.clock.clearTimeout(after);
    expect(timers()).toBe(others);
  });

  test('defers a task to after the current one', async () => {
    const { defer } = nodeHost();
    const order: string[] = [];
    await new Promise<void>((resolve) => {
      defer(() => {
        order.push('deferred');
        resolve();
      });
      order.push('now');
    });
    expect(order).toEqual(['now', 'deferred']);
  });

  test('draws bytes and numbers, signs, and compares without being told by lengths', () => {
    const { chance, secrets, checksum } = nodeHost();
    expect(chance.bytes(32)).toHaveLength(32);
    expect(chance.bytes(32)).not.toEqual(chance.bytes(32));
    expect(chance.number()).toBeLessThan(1);
    const secret = new Uint8Array([1]);
    const parts = [new Uint8Array([2]), new Uint8Array([3])] as const;
    const mac = secrets.sign(secret, ...parts);
    expect(mac).toHaveLength(32);
    expect(secrets.equal(mac, secrets.sign(secret, new Uint8Array([2, 3])))).toBe(true);
    expect(secrets.equal(mac, secrets.sign(new Uint8Array([9]), ...parts))).toBe(false);
    expect(secrets.equal(mac, mac.subarray(1))).toBe(false);
    expect(checksum(new TextEncoder().encode('123456789'))).toBe(0xcbf43926);
  });
});
