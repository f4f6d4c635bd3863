// The last five minutes from the counts of a fleet: rates, lives of shards, gaps and bounds.
import { describe, expect, it } from 'vitest';
import type { FleetShard } from '../../../../src/inspect/frames.ts';
import { Series } from '../../../../src/inspect/page/series.js';

const shard = (place: string, counts: Partial<FleetShard> = {}): FleetShard => ({
  place,
  generation: 1,
  states: {},
  entries: {},
  sessions: 0,
  connections: 0,
  handshakes: 0,
  messagesIn: 0,
  messagesOut: 0,
  bytesIn: 0,
  bytesOut: 0,
  acked: 0,
  cuts: 0,
  resumes: 0,
  outboxMessages: 0,
  outboxBytes: 0,
  ...counts,
});

const taken = (...moments: readonly (readonly [atMs: number, ...shards: FleetShard[]])[]): Series => {
  const series = new Series();
  for (const [atMs, ...shards] of moments) series.take({ type: 'fleet', atMs, shards });
  return series;
};

describe('a series', () => {
  it('makes rates of totals once a second, over all shards', () => {
    const series = new Series();
    const at = (atMs: number, one: number, two: number): boolean =>
      series.take({ type: 'fleet', atMs, shards: [shard('0', { messagesIn: one }), shard('1', { messagesIn: two })] });
    expect(at(10_000, 500, 0)).toBe(false);
    expect(at(10_250, 550, 10)).toBe(false);
    expect(at(11_250, 600, 25)).toBe(true);
    expect(series.pointsOf('messagesIn')).toEqual([100]);
    expect(series.endMs).toBe(11_250);
    expect(series.shardOf('1')).toMatchObject({ messagesIn: 20, points: [20] });
  });

  it('says how often states are entered, in all shards or in one, from when it has seen them', () => {
    const entered = (place: string, up: number, generation = 1): FleetShard =>
      shard(place, { generation, entries: { accepting: { up, closed: 1 } } });
    const series = taken([0, entered('0', 50), entered('1', 7)], [2_000, entered('0', 58), entered('1', 10)]);
    expect(series.entriesOf('accepting', undefined)).toEqual({ up: 5.5, closed: 0 });
    expect(series.entriesOf('accepting', '1')).toEqual({ up: 1.5, closed: 0 });
    expect(series.entriesOf('dialling', undefined)).toEqual({});
    // One began anew, one is gone, one is seen for the first time.
    series.take({ type: 'fleet', atMs: 3_000, shards: [entered('0', 6, 2), entered('2', 900)] });
    expect(series.entriesOf('accepting', undefined)).toEqual({ up: 6, closed: 1 });
    expect(series.entriesOf('accepting', '1')).toEqual({});
  });

  it('takes depths as they are', () => {
    const series = taken(
      [0, shard('0', { outboxMessages: 3 })],
      [1_000, shard('0', { outboxMessages: 8, connections: 2 })],
    );
    expect(series.lastOf('outboxMessages')).toBe(8);
    expect(series.lastOf('connections')).toBe(2);
  });

  it('counts a shard that began anew from zero, and never below', () => {
    const before = shard('0', { messagesIn: 900 });
    expect(taken([0, before], [1_000, shard('0', { generation: 2, messagesIn: 40 })]).lastOf('messagesIn')).toBe(40);
    expect(taken([0, before], [1_000, shard('0', { messagesIn: 40 })]).lastOf('messagesIn')).toBe(0);
  });

  it('does not take the past of a shard that appears for this second, and forgets one that is gone', () => {
    const series = taken(
      [0, shard('0')],
      [1_000, shard('0'), shard('1', { cuts: 70 })],
      [2_000, shard('1', { cuts: 71 })],
    );
    expect(series.pointsOf('cuts')).toEqual([0, 1]);
    expect(series.shardOf('0')).toBeUndefined();
    expect(series.shardOf('1')?.cuts).toBe(1);
  });

  it('fills a gap with its mean, so that a second stays a second', () => {
    expect(taken([0, shard('0')], [4_000, shard('0', { acked: 400 })]).pointsOf('acked')).toEqual([100, 100, 100, 100]);
  });

  it('holds three hundred points, the last minute for a shard', () => {
    const series = new Series();
    for (let second = 0; second <= 400; second += 1)
      series.take({ type: 'fleet', atMs: second * 1_000, shards: [shard('0', { messagesOut: second * second })] });
    expect(series.pointsOf('messagesOut').length).toBe(300);
    expect(series.lastOf('messagesOut')).toBe(400 * 400 - 399 * 399);
    expect(series.shardOf('0')?.points.length).toBe(60);
  });

  it('begins with what the hub remembers, and goes on from there', () => {
    const series = taken([0, shard('0')], [1_000, shard('0', { acked: 5 })]);
    series.restore({ type: 'history', everyMs: 1_000, endMs: 9_000, series: { acked: [1, 2, 3] } });
    expect(series.pointsOf('acked')).toEqual([1, 2, 3]);
    expect(series.pointsOf('cuts')).toEqual([]);
    series.take({ type: 'fleet', atMs: 9_000, shards: [shard('0', { acked: 50 })] });
    series.take({ type: 'fleet', atMs: 10_000, shards: [shard('0', { acked: 54 })] });
    expect(series.pointsOf('acked')).toEqual([1, 2, 3, 4]);
  });
});
