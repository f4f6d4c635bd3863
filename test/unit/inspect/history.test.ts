import { describe, expect, it } from 'vitest';
import { Count, Tally } from '../../../src/actors/tally.ts';
import { Counters } from '../../../src/inspect/counters.ts';
import { History } from '../../../src/inspect/history.ts';

function source(place: string, generation = 1) {
  const tally = new Tally();
  const counters = new Counters({ place, generation, memory: tally.memory, order: () => {} });
  return { tally, counters };
}

describe('the history of a process', () => {
  it('keeps what each second added, and what was there', () => {
    const one = source('0');
    const history = new History();
    one.tally.set(Count.MESSAGES_IN, 5);
    one.tally.set(Count.CONNECTIONS, 2);
    history.add([one.counters.read()]);
    one.tally.set(Count.MESSAGES_IN, 12);
    history.add([one.counters.read()]);
    expect(history.series.messagesIn).toEqual([5, 7]);
    expect(history.series.connections).toEqual([2, 2]);
  });

  it('does not go below nothing when a shard is replaced by one that begins to count', () => {
    const old = source('0');
    const fresh = source('0', 2);
    const history = new History();
    old.tally.set(Count.MESSAGES_OUT, 100);
    history.add([old.counters.read()]);
    fresh.tally.set(Count.MESSAGES_OUT, 3);
    history.add([fresh.counters.read()]);
    expect(history.series.messagesOut).toEqual([100, 3]);
  });

  it('keeps five minutes', () => {
    const one = source('0');
    const history = new History();
    for (let second = 0; second < 400; second += 1) {
      one.tally.add(Count.ACKED, second);
      history.add([one.counters.read()]);
    }
    expect(history.series.acked).toHaveLength(300);
    expect(history.series.acked.at(-1)).toBe(399);
  });
});
