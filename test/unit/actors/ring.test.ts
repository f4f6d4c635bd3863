import { describe, expect, it } from 'vitest';
import { RING_EVENTS, Rings } from '../../../src/actors/ring.ts';

describe('the rings of a thread', () => {
  it('keep the last events of each connection, oldest first', () => {
    const rings = new Rings();
    rings.clear(0);
    rings.clear(700);
    for (let index = 0; index < RING_EVENTS + 3; index += 1) rings.add(0, index + 0.5, `E${index}`, 'up');
    rings.add(700, 9, 'CONNECT', 'connecting');
    const events = [...rings.of(0)];
    expect(events.map(({ event }) => event)).toEqual(Array.from({ length: RING_EVENTS }, (_each, at) => `E${at + 3}`));
    expect(events[0]).toEqual({ atMs: 3.5, event: 'E3', state: 'up' });
    expect([...rings.of(700)]).toEqual([{ atMs: 9, event: 'CONNECT', state: 'connecting' }]);
    expect([rings.lastMs(0), rings.lastMs(700), rings.lastMs(1)]).toEqual([RING_EVENTS + 2.5, 9, undefined]);
  });

  it('forget what was in a slot before', () => {
    const rings = new Rings();
    rings.clear(3);
    rings.add(3, 1, 'A', 'a');
    rings.clear(3);
    expect([...rings.of(3)]).toEqual([]);
    expect([...rings.of(4_000)]).toEqual([]);
  });
});
