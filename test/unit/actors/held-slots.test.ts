import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { HELD_MESSAGES_MAX, HeldSlots, type Slot, claim, isClaimedBy, isOpen } from '../../../src/actors/held-slots.ts';

function taken(slots: HeldSlots): Slot {
  const slot = slots.take();
  if (slot === undefined) throw new Error('expected a free cell');
  return slot;
}

/** The same cell as another thread has it. */
function elsewhere(slot: Slot): Slot {
  return structuredClone(slot);
}

describe('a held message', () => {
  it('is claimed by the first who asks, and all know by which place', () => {
    const slot = taken(new HeldSlots());
    const copies = [elsewhere(slot), elsewhere(slot)];
    expect(copies.every(isOpen)).toBe(true);
    expect([claim(copies[0] as Slot, 3), claim(copies[1] as Slot, 0), claim(slot, -1)]).toEqual([true, false, false]);
    expect([slot, ...copies].some(isOpen)).toBe(false);
    expect([-1, 0, 1, 2, 3, 4].filter((place) => isClaimedBy(slot, place))).toEqual([3]);
  });

  it.each([-1, 0, 1, 1_023])('may be claimed by place %i, and is open for nobody then', (place) => {
    const slot = taken(new HeldSlots());
    expect(isClaimedBy(slot, place)).toBe(false);
    expect(claim(slot, place)).toBe(true);
    expect([isClaimedBy(slot, place), isOpen(slot)]).toEqual([true, false]);
  });

  it('is gone for a late copy when its cell is used again', () => {
    const slots = new HeldSlots();
    const first = taken(slots);
    claim(first, 7);
    slots.release(first);
    for (let round = 0; round < 3_000; round += 1) {
      const again = taken(slots);
      expect(again.index).toBe(first.index);
      expect([isOpen(first), claim(elsewhere(first), 0), isClaimedBy(first, 7)]).toEqual([false, false, false]);
      expect(isOpen(again)).toBe(true);
      claim(again, round % 1_024);
      slots.release(again);
    }
  });

  it('has exactly one winner when threads race for it', async () => {
    const slots = new HeldSlots();
    const rounds = Array.from({ length: HELD_MESSAGES_MAX }, () => taken(slots));
    const module = new URL('../../../src/actors/held-slots.ts', import.meta.url).href;
    const program = `
      const { parentPort, workerData } = await import('node:worker_threads');
      const { claim } = await import(${JSON.stringify(module)});
      const { slots, place, gate } = workerData;
      let won = 0;
      for (const [round, slot] of slots.entries()) {
        Atomics.add(gate, round, 1);
        while (Atomics.load(gate, round) < 2);
        if (claim(slot, place)) won += 1;
      }
      parentPort.postMessage(won);
    `;
    const gate = new Int32Array(new SharedArrayBuffer(4 * HELD_MESSAGES_MAX));
    const url = new URL(`data:text/javascript,${encodeURIComponent(program)}`);
    const race = (place: number): Promise<number> => {
      const worker = new Worker(url, { workerData: { slots: rounds, place, gate } });
      return new Promise((resolve, reject) => worker.on('message', resolve).on('error', reject));
    };
    const [one, other] = await Promise.all([race(0), race(1)]);
    expect(one + other).toBe(HELD_MESSAGES_MAX);
    expect(rounds.filter((slot) => isClaimedBy(slot, 0))).toHaveLength(one);
  });
});

describe('the cells of a sender', () => {
  it('are bounded, and free again when they are released', () => {
    const slots = new HeldSlots();
    const all = Array.from({ length: HELD_MESSAGES_MAX }, () => taken(slots));
    expect(new Set(all.map(({ index }) => index)).size).toBe(HELD_MESSAGES_MAX);
    expect(slots.take()).toBeUndefined();
    const [first] = all as [Slot];
    claim(first, 0);
    slots.release(first);
    expect(slots.take()).toMatchObject({ index: first.index });
    expect(slots.take()).toBeUndefined();
  });
});
