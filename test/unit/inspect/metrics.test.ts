// The text that Prometheus is answered with, read by a strict reader of its format, and the names by its conventions.
import { describe, expect, it } from 'vitest';
import { Count, Tally } from '../../../src/actors/tally.ts';
import { Counters, type FleetShard, gauges, totals, vitals } from '../../../src/inspect/counters.ts';
import { METRICS_TYPE, metrics, metricsText } from '../../../src/inspect/metrics.ts';
import { readExposition } from './exposition.ts';

const main = { place: 'main', loopLagSeconds: 0.25, heapBytes: 5_000_000, startedSeconds: 1_700_000_000.5 };

function shard(place: string, fill: (tally: Tally) => void = () => {}): FleetShard {
  const tally = new Tally();
  fill(tally);
  return new Counters({ place, generation: 2, memory: tally.memory, order: () => {} }).read();
}

describe('metrics', () => {
  it('are in the text format, with a help, a type and their labels, and nothing else', () => {
    const families = readExposition(metricsText([shard('0'), shard('clients')], main));
    expect([...families].map(([name, { help, type }]) => [name, type, help])).toEqual(
      metrics.map(({ name, type, help }) => [name, type, help]),
    );
    for (const { name, labels } of metrics) {
      const { samples = [] } = families.get(name) ?? {};
      expect(samples.length, name).toBeGreaterThan(0);
      for (const one of samples) expect(Object.keys(one.labels), name).toEqual(labels);
    }
    expect(METRICS_TYPE).toBe('text/plain; version=0.0.4; charset=utf-8');
  });

  it('have the numbers of each thread under its place', () => {
    const busy = shard('0', (tally) => {
      tally.set(Count.BYTES_IN, 1_234);
      tally.set(Count.CONNECTIONS, 7);
      tally.set(Count.STARTED_SECONDS, 1_700_000_001);
      tally.set(Count.LOOP_LAG_SECONDS, 0.012);
      tally.moved('accepting', undefined, 'up');
      tally.moved('accepting', undefined, 'up');
      tally.moved('accepting', 'up', 'closed');
    });
    const families = readExposition(metricsText([busy, shard('clients')], main));
    const of = (name: string) => families.get(name)?.samples.map(({ labels, value }) => [labels['shard'], value]);
    expect(of('homing_received_bytes_total')).toEqual([['0', 1_234], ['clients', 0]]); // prettier-ignore
    expect(of('homing_connections')).toEqual([['0', 7], ['clients', 0]]); // prettier-ignore
    expect(of('homing_generation')).toEqual([['0', 2], ['clients', 2]]); // prettier-ignore
    // Who has no thread of its own has no heap and no loop of its own.
    expect(of('homing_loop_lag_seconds')).toEqual([['main', 0.25], ['0', 0.012]]); // prettier-ignore
    const up = families.get('homing_connection_states')?.samples.filter(({ value }) => value > 0);
    expect(up).toEqual([{ labels: { shard: '0', machine: 'accepting', state: 'up' }, value: 1 }]);
    const entered = families.get('homing_connection_state_entries_total')?.samples.filter(({ value }) => value > 0);
    expect(entered).toEqual([
      { labels: { shard: '0', machine: 'accepting', state: 'up' }, value: 2 },
      { labels: { shard: '0', machine: 'accepting', state: 'closed' }, value: 1 },
    ]);
  });

  it('keep any place within its quotes, and numbers that are none in the words of Prometheus', () => {
    const place = 'a "b" \\ c\nhoming_forged 1';
    const odd = { ...shard(place), sessions: Infinity, relays: Number.NaN, cuts: 1e21 };
    const families = readExposition(metricsText([odd], main));
    expect(families.get('homing_sessions')?.samples).toEqual([{ labels: { shard: place }, value: Infinity }]);
    expect(families.get('homing_relays')?.samples[0]?.value).toBeNaN();
    expect(families.get('homing_cuts_total')?.samples[0]?.value).toBe(1e21);
    expect(families.has('homing_forged')).toBe(false);
  });

  it('are named by the conventions: one prefix, base units, counters with _total and nothing else with it', () => {
    const names = metrics.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const { name, type } of metrics) {
      expect(name).toMatch(/^homing_[a-z]+(?:_[a-z]+)*$/u);
      expect(name.endsWith('_total'), name).toBe(type === 'counter');
      expect(name).not.toMatch(/_(?:ms|millis|milliseconds|kb|mb|count)(?:_|$)/u);
    }
    const bytes = Object.values(metrics).filter(({ help }) => /\bbytes\b|\bheap\b/iu.test(help));
    for (const { name } of bytes) expect(name).toMatch(/_bytes(?:_total)?$/u);
  });

  it('leave no counter out', () => {
    const every = Object.keys({ ...totals, ...gauges, ...vitals });
    // Two metrics of states, and the generation, which is no counter of the memory.
    expect(metrics).toHaveLength(every.length + 3);
  });
});
