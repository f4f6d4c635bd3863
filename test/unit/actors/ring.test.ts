import { describe, expect, it } from 'vitest';
import { RING_EVENTS, Rings } from '../../../src/actors/ring.ts';

describe('the rings of a thread', () => {
  it('keep the last events of each connection, oldest first', () => {
    const rings = new Rings(() => 1_000);
    rings.clear(0);
    rings.clear(700);
    for (let index = 0; index < RING_EVENTS + 3; index += 1) rings.add(0, index, `E${index}`, 'up');
    rings.add(700, 9, 'CONNECT', 'connecting');
    const events = [...rings.of(0)];
    expect(events.map(({ event }) => event)).toEqual(Array.from({ length: RING_EVENTS }, (_each, at) => `E${at + 3}`));
    expect(events[0]).toEqual({ atMs: 3, event: 'E3', state: 'up' });
    expect([...rings.of(700)]).toEqual([{ atMs: 9, event: 'CONNECT', state: 'connecting' }]);
    expect([rings.lastMs(0), rings.lastMs(700), rings.lastMs(1)]).toEqual([RING_EVENTS + 2, 9, undefined]);
  });

  it('know times of today, however many milliseconds have passed since 1970', () => {
    const nowMs = 1_795_355_433_561;
    for (const agoMs of [0, 1, 3_600_000, 2 ** 32 - 1]) {
      const rings = new Rings(() => nowMs);
      rings.clear(0);
      rings.add(0, nowMs - agoMs, 'A', 'a');
      expect(rings.lastMs(0)).toBe(nowMs - agoMs);
    }
  });

  it('do not tell words apart of which there are too many', () => {
    const rings = new Rings(() => 0);
    rings.clear(0);
    for (let index = 0; index < 300; index += 1) rings.add(0, 0, `E${index}`, 'up');
    expect([...rings.of(0)].map(({ event, state }) => [event, state])).toEqual(
      Array.from({ length: RING_EVENTS }, () => ['…', 'up']),
    );
  });

  it('forget what was in a slot before', () => {
    const rings = new Rings(() => 0);
    rings.clear(3);
    rings.add(3, 1, 'A', 'a');
    rings.clear(3);
    expect([...rings.of(3)]).toEqual([]);
    expect([...rings.of(4_000)]).toEqual([]);
  });
});
