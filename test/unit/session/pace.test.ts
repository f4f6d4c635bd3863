import { describe, expect, it } from 'vitest';
import { Pace } from '../../../src/session/pace.ts';

describe('pace', () => {
  it('allows a burst of one second, then as many as time gives back', () => {
    const pace = new Pace(5, 10);
    for (let count = 0; count < 5; count += 1) {
      expect(pace.allows('a', 0)).toBe(true);
      pace.spend('a', 0);
    }
    expect(pace.allows('a', 199)).toBe(false);
    expect(pace.allows('a', 200)).toBe(true);
    pace.spend('a', 200);
    expect(pace.allows('a', 399)).toBe(false);
    expect(pace.allows('a', 60_000)).toBe(true);
  });

  it('counts nothing when it is asked, and keys apart', () => {
    const pace = new Pace(1, 10);
    for (let count = 0; count < 5; count += 1) expect(pace.allows('a', 0)).toBe(true);
    pace.spend('a', 0);
    expect([pace.allows('a', 0), pace.allows('b', 0)]).toEqual([false, true]);
  });

  it('saves no more than one second of quiet', () => {
    const pace = new Pace(2, 10);
    pace.spend('a', 0);
    for (let count = 0; count < 2; count += 1) pace.spend('a', 3_600_000);
    expect(pace.allows('a', 3_600_000)).toBe(false);
  });

  it('forgets the key that was quiet longest when there are too many', () => {
    const pace = new Pace(1, 2);
    pace.spend('a', 0);
    pace.spend('b', 0);
    pace.spend('a', 0);
    pace.spend('c', 0);
    expect([pace.allows('a', 0), pace.allows('b', 0), pace.allows('c', 0)]).toEqual([false, true, false]);
  });
});
