import { describe, expect, it } from 'vitest';
import { Loop } from '../../../src/testing/loop.ts';

describe('the loop of a world', () => {
  it('lets every promise that can settle do so between two events', async () => {
    const loop = new Loop();
    const log: string[] = [];
    loop.held();
    loop.clock.at(1, () => {
      void (async () => {
        for (let hop = 0; hop < 50; hop += 1) await Promise.resolve();
        log.push('settled');
      })();
    });
    loop.clock.at(1, () => log.push('next event'));
    await loop.run(5);
    expect(log).toEqual(['settled', 'next event']);
  });

  it('runs events up to and including the moment it is told, and leaves time there', async () => {
    const loop = new Loop();
    const at: number[] = [];
    for (const atMs of [10, 20, 30]) loop.clock.at(atMs, () => at.push(atMs));
    await loop.run(20);
    expect([at, loop.clock.now()]).toEqual([[10, 20], 20]);
    await loop.run(25);
    expect(loop.clock.now()).toBe(25);
  });

  it('stops as soon as something has come to be', async () => {
    const loop = new Loop();
    let count = 0;
    const tick = (): void => {
      count += 1;
      loop.clock.at(loop.clock.now() + 10, tick);
    };
    tick();
    expect(await loop.until(() => count === 4, 1_000)).toBe(true);
    expect([count, loop.clock.now()]).toEqual([4, 30]);
    expect(await loop.until(() => count === 400, 100)).toBe(false);
    expect(loop.clock.now()).toBe(100);
  });

  it('throws out of the run what was wrong where nobody could throw', async () => {
    const loop = new Loop();
    loop.clock.at(5, () => {
      try {
        loop.guard(() => {
          throw new Error('a broken promise');
        });
      } catch {
        // As an actor does with what a handler throws.
      }
    });
    await expect(loop.run(10)).rejects.toThrow('a broken promise');
  });

  it('throws when a world goes round in circles', async () => {
    const loop = new Loop();
    const spin = (): void => void loop.clock.at(loop.clock.now(), spin);
    spin();
    await expect(loop.run(1)).rejects.toThrow('expected rest');
  });
});
