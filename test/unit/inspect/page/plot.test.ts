// Lines of small plots: where points lie, and what the scale ends with.
import { describe, expect, it } from 'vitest';
import { areaOf, lineOf, topOf } from '../../../../src/inspect/page/plot.js';

const frame = { width: 100, height: 10, top: 20, room: 5 };

describe('a line', () => {
  it('ends at the right edge, however many points there are', () => {
    expect(lineOf([0, 10, 20], frame)).toBe('M50.0 10.0L75.0 5.0L100.0 0.0');
    expect(lineOf([0, 0, 0, 0, 0], frame)).toMatch(/^M0\.0 10\.0/);
    expect(lineOf([], frame)).toBe('');
  });

  it('does not leave the plot', () => {
    expect(lineOf([400], frame)).toBe('M100.0 0.0');
  });

  it('encloses an area down to zero', () => {
    expect(areaOf([0, 10, 20], frame)).toBe('M50.0 10.0L75.0 5.0L100.0 0.0L100 10L50.0 10Z');
    expect(areaOf([], frame)).toBe('');
  });
});

describe('a scale', () => {
  it.each([
    [[], 1],
    [[0, 0.4], 1],
    [[1.2], 1.5],
    [[7], 8],
    [[9], 10],
    [[10], 10],
    [[2_787, 30], 3_000],
    [[99_001], 100_000],
  ])('over %j ends with %d', (values, top) => {
    expect(topOf(values)).toBe(top);
  });
});
