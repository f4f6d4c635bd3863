// Flushes that wait for verdicts: both the messages and the writes must be through, in whichever order that is known.
import { describe, expect, it } from 'vitest';
import { JudgedFlushes } from '../../../src/actors/judged-flushes.ts';

/** Writes up to this ordinal are judged. */
const through = (last: number) => ({ isUnjudged: (ordinal: number): boolean => ordinal > last });

describe('a flush', () => {
  it('that began without writes is over with its messages', () => {
    const flushes = new JudgedFlushes();
    flushes.begin(1, 0);
    expect([flushes.processed(1, through(0)), flushes.takeOver(through(9)), flushes.takeUnjudged(through(0))]).toEqual([
      true,
      [],
      [],
    ]);
  });

  it('waits for the verdict on the last write before it, and not for later ones', () => {
    const flushes = new JudgedFlushes();
    flushes.begin(1, 5);
    flushes.begin(2, 7);
    expect([flushes.processed(1, through(4)), flushes.processed(2, through(4))]).toEqual([false, false]);
    expect(flushes.takeOver(through(4))).toEqual([]);
    expect(flushes.takeOver(through(5))).toEqual([1]);
    expect(flushes.takeOver(through(6))).toEqual([]);
    expect(flushes.takeOver(through(7))).toEqual([2]);
    expect(flushes.takeOver(through(9))).toEqual([]);
  });

  it('waits for its messages when the verdict comes first', () => {
    const flushes = new JudgedFlushes();
    flushes.begin(1, 5);
    expect(flushes.takeOver(through(5))).toEqual([]);
    expect(flushes.processed(1, through(5))).toBe(true);
    expect(flushes.takeOver(through(9))).toEqual([]);
  });

  it('is forgotten when nobody waits any more', () => {
    const flushes = new JudgedFlushes();
    flushes.begin(1, 5);
    flushes.leave(1);
    expect([flushes.takeOver(through(9)), flushes.takeUnjudged(through(0))]).toEqual([[], []]);
  });

  it('is lost with its writes, processed or not; one whose writes are judged is not', () => {
    const flushes = new JudgedFlushes();
    flushes.begin(1, 3);
    flushes.begin(2, 5);
    flushes.begin(3, 6);
    expect(flushes.processed(2, through(3))).toBe(false);
    expect(flushes.takeUnjudged(through(3))).toEqual([2, 3]);
    expect([flushes.takeOver(through(9)), flushes.processed(1, through(0))]).toEqual([[], true]);
  });
});
