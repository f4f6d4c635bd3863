import { getEventListeners } from 'node:events';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { nodeHost } from '../../../src/actors/host.ts';
import { Waits } from '../../../src/actors/waits.ts';
import type { Outcome } from '../../../src/errors.ts';
import { HomingError } from '../../../src/errors.ts';
import { failureOf } from '../../loopback/world.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Waits whose tokens and give-ups are written down. */
function scene() {
  const waits = new Waits(nodeHost().clock);
  const begun: number[] = [];
  const givenUp: number[] = [];
  const start = (wait: Parameters<Waits['start']>[1], outcome: Outcome | undefined = 'unknown'): Promise<unknown> =>
    waits.start(
      'deliver',
      wait,
      (token) => void begun.push(token),
      (token) => {
        givenUp.push(token);
        return outcome;
      },
    );
  return { waits, begun, givenUp, start };
}

describe('a wait', () => {
  test('resolves with its value, and lets go of its timer and signal', async () => {
    const { waits, begun, givenUp, start } = scene();
    const stop = new AbortController();
    const waiting = start({ timeoutMs: 50, signal: stop.signal });
    expect([vi.getTimerCount(), getEventListeners(stop.signal, 'abort').length, waits.size]).toEqual([1, 1, 1]);
    expect(waits.whatOf(begun[0] ?? 0)).toBe('deliver');
    waits.resolve(begun[0] ?? 0, 'value');
    waits.resolve(begun[0] ?? 0, 'again');
    waits.reject(begun[0] ?? 0, new Error('late'));
    stop.abort();
    vi.advanceTimersByTime(100);
    expect(await waiting).toBe('value');
    expect([vi.getTimerCount(), getEventListeners(stop.signal, 'abort').length, waits.size]).toEqual([0, 0, 0]);
    expect(givenUp).toEqual([]);
  });

  test('whose deadline no longer binds when it comes goes on without one', async () => {
    const { waits } = scene();
    let isBound = true;
    let token = 0;
    const begin = (given: number): void => void (token = given);
    const free = waits.start(
      'flush',
      { timeoutMs: 50 },
      begin,
      () => 'unknown',
      () => isBound,
    );
    isBound = false;
    vi.advanceTimersByTime(100);
    expect(waits.size).toBe(1);
    waits.resolve(token, 'value');
    expect(await free).toBe('value');
    isBound = true;
    const bound = failureOf(
      waits.start(
        'flush',
        { timeoutMs: 50 },
        begin,
        () => 'unknown',
        () => isBound,
      ),
    );
    vi.advanceTimersByTime(50);
    expect(await bound).toMatchObject({ code: 'Deadline' });
  });

  test('ends at its deadline with what is known', async () => {
    const { waits, givenUp, begun, start } = scene();
    const failure = failureOf(start({ timeoutMs: 50 }, 'never-sent'));
    vi.advanceTimersByTime(49);
    expect(waits.size).toBe(1);
    vi.advanceTimersByTime(1);
    expect(await failure).toMatchObject({
      code: 'Deadline',
      outcome: 'never-sent',
      message: 'deliver: 50 ms are over',
    });
    expect(givenUp).toEqual(begun);
    waits.resolve(begun[0] ?? 0);
    expect(waits.size).toBe(0);
  });

  test('ends with its signal, whose reason is the cause', async () => {
    const { start } = scene();
    const stop = new AbortController();
    const failure = failureOf(start({ signal: stop.signal, timeoutMs: 50 }));
    stop.abort('enough');
    expect(await failure).toMatchObject({ code: 'Aborted', outcome: 'unknown', cause: 'enough' });
    expect(vi.getTimerCount()).toBe(0);
  });

  test('under a signal that was aborted before does not begin', async () => {
    const { begun, start, waits } = scene();
    const failure = await failureOf(start({ signal: AbortSignal.abort('before') }));
    expect(failure).toMatchObject({ code: 'Aborted', outcome: 'never-sent', cause: 'before' });
    expect([begun, waits.size]).toEqual([[], 0]);
  });

  test('without a deadline has no timer, and neither has an endless one', () => {
    const { start } = scene();
    void start({});
    void start({ timeoutMs: undefined });
    void start({ timeoutMs: Infinity });
    expect(vi.getTimerCount()).toBe(0);
  });

  test.each([-1, Number.NaN, '5', null])('refuses a deadline of %j', async (timeoutMs) => {
    const { begun, start } = scene();
    expect(await failureOf(start({ timeoutMs: timeoutMs as number }))).toMatchObject({ code: 'BadOption' });
    expect(begun).toEqual([]);
  });

  test('whose beginning throws is rejected with that', async () => {
    const { waits } = scene();
    const begin = (): never => {
      throw new HomingError('Closed', 'no');
    };
    const failure = await failureOf(waits.start('flush', { timeoutMs: 5 }, begin, () => undefined));
    expect(failure).toMatchObject({ code: 'Closed' });
    expect([waits.size, vi.getTimerCount()]).toEqual([0, 0]);
  });
});

describe('all waits', () => {
  test('resolve together, in the order in which they began', async () => {
    const { waits, start } = scene();
    const order: string[] = [];
    const both = [start({}).then(() => order.push('a')), start({}).then(() => order.push('b'))];
    waits.resolveAll();
    await Promise.all(both);
    expect([order, waits.size]).toEqual([['a', 'b'], 0]);
  });

  test('are rejected together', async () => {
    const { waits, start } = scene();
    const failures = [failureOf(start({})), failureOf(start({ timeoutMs: 5 }))];
    waits.rejectAll((what) => new HomingError('Closed', `${what} is over`));
    for (const failure of await Promise.all(failures)) expect(failure.message).toBe('deliver is over');
    expect([waits.size, vi.getTimerCount()]).toEqual([0, 0]);
  });
});

describe('a deadline that counts time with a connection', () => {
  test('stands still while there is none, and goes on with what was left', async () => {
    const { waits, start } = scene();
    const failure = failureOf(start({ timeoutMs: 100, clock: 'up' }));
    vi.advanceTimersByTime(60);
    waits.pause(true);
    expect(vi.getTimerCount()).toBe(0);
    vi.advanceTimersByTime(10_000);
    waits.pause(true);
    expect(waits.size).toBe(1);
    waits.pause(false);
    waits.pause(false);
    expect(vi.getTimerCount()).toBe(1);
    vi.advanceTimersByTime(20);
    waits.pause(true);
    vi.advanceTimersByTime(10_000);
    waits.pause(false);
    vi.advanceTimersByTime(19);
    expect(waits.size).toBe(1);
    vi.advanceTimersByTime(1);
    expect(await failure).toMatchObject({ code: 'Deadline', message: 'deliver: 100 ms are over' });
    expect(vi.getTimerCount()).toBe(0);
  });

  test('begins with the connection when there was none at first', async () => {
    const { waits, start } = scene();
    waits.pause(true);
    const failure = failureOf(start({ timeoutMs: 50, clock: 'up' }));
    vi.advanceTimersByTime(5_000);
    waits.pause(false);
    vi.advanceTimersByTime(49);
    expect(waits.size).toBe(1);
    vi.advanceTimersByTime(1);
    expect(await failure).toMatchObject({ code: 'Deadline' });
  });

  test('comes at once with the connection when nothing was left', async () => {
    const { waits, start } = scene();
    waits.pause(true);
    const failure = failureOf(start({ timeoutMs: 0, clock: 'up' }));
    vi.advanceTimersByTime(5_000);
    expect(waits.size).toBe(1);
    waits.pause(false);
    vi.advanceTimersByTime(1);
    expect(await failure).toMatchObject({ code: 'Deadline' });
  });

  test('leaves those of the wall alone, and lets go of its timer when the wait is over', async () => {
    const { waits, begun, start } = scene();
    waits.pause(true);
    const wall = failureOf(start({ timeoutMs: 50, clock: 'wall' }));
    const plain = failureOf(start({ timeoutMs: 50 }));
    const stop = new AbortController();
    const up = start({ timeoutMs: 50, clock: 'up', signal: stop.signal });
    const gone = failureOf(start({ timeoutMs: 50, clock: 'up', signal: stop.signal }));
    vi.advanceTimersByTime(50);
    for (const failure of [await wall, await plain]) expect(failure).toMatchObject({ code: 'Deadline' });
    waits.pause(false);
    // One timer serves them all.
    expect(vi.getTimerCount()).toBe(1);
    waits.resolve(begun[2] ?? 0, 'value');
    expect([await up, vi.getTimerCount()]).toEqual(['value', 1]);
    waits.pause(true);
    stop.abort();
    expect(await gone).toMatchObject({ code: 'Aborted' });
    waits.pause(false);
    expect([waits.size, vi.getTimerCount()]).toEqual([0, 0]);
  });

  test('of Infinity has no timer', () => {
    const { waits, start } = scene();
    void start({ timeoutMs: Infinity, clock: 'up' });
    void start({ clock: 'up' });
    waits.pause(true);
    waits.pause(false);
    expect([waits.size, vi.getTimerCount()]).toEqual([2, 0]);
  });
});

test('a wait on a clock that is not there is refused', async () => {
  const waits = new Waits(nodeHost().clock);
  const wait = waits.start(
    'call',
    { clock: 'sun' as 'up' },
    () => {},
    () => undefined,
  );
  await expect(wait).rejects.toMatchObject({ code: 'BadOption', message: "expected clock 'up' or 'wall', got sun" });
});
