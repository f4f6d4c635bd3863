import { describe, expect, it } from 'vitest';
import { type Backoff, freshBackoff, nextDelay, resetBackoff } from '../../../src/session/backoff.ts';

const options = { firstMs: 10, baseMs: 250, maxMs: 20_000 };

function delays(count: number, chance: number): number[] {
  let backoff = freshBackoff(options);
  return Array.from({ length: count }, () => {
    const { delayMs, next } = nextDelay(backoff, chance);
    backoff = next;
    return delayMs;
  });
}

describe('backoff', () => {
  it('begins within firstMs, then doubles its range from baseMs up to maxMs', () => {
    expect(delays(10, 0.5)).toEqual([5, 125, 250, 500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
  });

  it('jitters over the whole range', () => {
    expect(delays(5, 0)).toEqual([0, 0, 0, 0, 0]);
  });

  it('stays at maxMs however often it is asked', () => {
    expect(delays(3_000, 0.5).at(-1)).toBe(10_000);
  });

  it('never comes back before the server asked it to, and spreads after that', () => {
    const quarter = nextDelay({ options, attemptCount: 20 }, 0.25).delayMs;
    expect(nextDelay({ options, attemptCount: 20 }, 0, 3_000).delayMs).toBe(3_000);
    expect(nextDelay({ options, attemptCount: 20 }, 0.25, 3_000).delayMs).toBe(3_000 + quarter);
  });

  it('is a value: asking changes nothing, and reset begins anew', () => {
    const fresh: Backoff = freshBackoff(options);
    const { next } = nextDelay(fresh, 0.5);
    expect([fresh.attemptCount, next.attemptCount]).toEqual([0, 1]);
    expect(resetBackoff(next)).toEqual(fresh);
    expect(resetBackoff(fresh)).toBe(fresh);
  });
});
