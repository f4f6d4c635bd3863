import { expect, it } from 'vitest';
import { slopeOf } from '../../bench/allocation/slope.ts';
import { type Peer, Traffic } from '../../bench/allocation/traffic.ts';

it('the slope of points is that of the line with the least squares', () => {
  expect(slopeOf([0, 1, 2, 3], [5, 7, 9, 11])).toBeCloseTo(2);
  expect(slopeOf([0, 1, 2, 3], [5, 5, 5, 5])).toBe(0);
  // Off the line by as much above as below.
  expect(slopeOf([0, 1, 2, 3], [1, -1, -1, 1])).toBeCloseTo(0);
  expect(slopeOf([0, 2, 4], [0, 1, 8])).toBeCloseTo(2);
  expect(slopeOf([1], [1])).toBeNaN();
});

it('traffic counts numbers that were skipped, and those that came again or late', () => {
  const traffic = new Traffic();
  const heard: Parameters<Peer['on']>[1][] = [];
  traffic.join({
    on: (_, handler) => heard.push(handler),
    send: () => true,
    writable: () => Promise.resolve(),
    flush: () => Promise.resolve(),
  });
  const hear = (id: number): void => {
    for (const handler of heard) handler({ id } as Parameters<typeof handler>[0]);
  };
  for (const id of [0, 1, 2]) hear(id);
  expect(traffic).toMatchObject({ received: 3, lost: 0, doubled: 0 });
  hear(5);
  expect(traffic).toMatchObject({ received: 4, lost: 2, doubled: 0 });
  hear(5);
  hear(3);
  expect(traffic).toMatchObject({ received: 6, lost: 2, doubled: 2 });
  hear(6);
  expect(traffic).toMatchObject({ received: 7, lost: 2, doubled: 2 });
});

it('traffic sends from one rest to the next, goes on where it stopped, and rests when all is processed', async () => {
  const traffic = new Traffic();
  const ids: number[] = [];
  let flushes = 0;
  traffic.join({
    on: () => undefined,
    send: (_, { id }) => {
      ids.push(id);
      return false;
    },
    writable: () => new Promise((resolve) => setImmediate(resolve)),
    flush: async () => void (flushes += 1),
  });
  for (let rest = 1; rest <= 2; rest += 1) {
    traffic.stream();
    await traffic.rest();
    expect(flushes).toBe(rest);
  }
  expect(ids).toEqual([0, 1]);
  expect(traffic.messages).toBe(2);
  expect(traffic.isResting).toBe(true);
});
