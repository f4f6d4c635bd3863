// Numbers, spans and ids as the page writes them.
import { describe, expect, it } from 'vitest';
import {
  UNKNOWN,
  ageText,
  bytesText,
  countText,
  placeText,
  rateText,
  roundTripText,
  shortId,
  spanText,
  timeText,
  valueText,
} from '../../../../src/inspect/page/format.js';

describe('the page writes', () => {
  it('counts in full, and very large ones short', () => {
    expect([0, 999, 10_000, 99_999, 123_456].map(countText)).toEqual(['0', '999', '10,000', '99,999', '123.5K']);
  });

  it('rates with a decimal where they are small', () => {
    expect([0, 3.14, 9.96, 2_027.4].map(rateText)).toEqual(['0', '3.1', '10', '2,027']);
  });

  it('bytes in binary units', () => {
    expect([0, 1_023, 1_024, 1_536, 1_048_576, 5_000_000_000].map(bytesText)).toEqual([
      '0 B',
      '1,023 B',
      '1 KiB',
      '1.5 KiB',
      '1 MiB',
      '4.7 GiB',
    ]);
  });

  it('spans in their two largest units, ages more coarsely', () => {
    expect([-5, 0, 250, 1_500, 42_000, 754_000, 7_380_000, 180_000_000].map(spanText)).toEqual([
      '0 ms',
      '0 ms',
      '250 ms',
      '1.5 s',
      '42 s',
      '12 min 34 s',
      '2 h 3 min',
      '2 d 2 h',
    ]);
    expect([250, 42_000, 754_000, 7_380_000].map(ageText)).toEqual(['0 s', '42 s', '12 min', '2 h 3 min']);
    expect([0.42, 12.3, 1_200].map(roundTripText)).toEqual(['0.4 ms', '12 ms', '1.2 s']);
  });

  it('a dash for what it does not know', () => {
    expect(
      [countText, rateText, bytesText, spanText, ageText, roundTripText, shortId].map((text) => text(undefined)),
    ).toEqual(Array.from({ length: 7 }, () => UNKNOWN));
  });

  it('times of day with milliseconds', () => {
    expect(timeText(new Date(2026, 0, 2, 3, 4, 5, 6).getTime())).toBe('03:04:05.006');
  });

  it('ids, places and values', () => {
    expect(shortId('s-0123456789abcdef')).toBe('s-0123456789…');
    expect(shortId('s-01234')).toBe('s-01234');
    expect(['0', 'c2', 'worker'].map(placeText)).toEqual(['shard 0', 'client 2', 'worker']);
    expect(['main', 3, { a: 1 }, undefined].map(valueText)).toEqual(['main', '3', '{"a":1}', UNKNOWN]);
  });
});
