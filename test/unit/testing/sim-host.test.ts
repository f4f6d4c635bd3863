import { describe, expect, it } from 'vitest';
import { Loop } from '../../../src/testing/loop.ts';
import { SimHost } from '../../../src/testing/sim-host.ts';

function setUp(): { readonly loop: Loop; readonly host: SimHost; readonly log: string[] } {
  const loop = new Loop();
  return { loop, host: new SimHost(loop, 'host', 1), log: [] };
}

describe('a simulated process', () => {
  it('runs deferred tasks after the event they came from, and those that they defer', async () => {
    const { loop, host, log } = setUp();
    host.clock.setTimeout(() => {
      host.defer(() => {
        log.push('deferred');
        host.defer(() => log.push('deferred again'));
      });
      log.push('event');
    }, 1);
    host.clock.setTimeout(() => log.push('next event'), 1);
    await loop.run(10);
    expect(log).toEqual(['event', 'deferred', 'deferred again', 'next event']);
  });

  it('counts its timers', async () => {
    const { loop, host } = setUp();
    const first = host.clock.setTimeout(() => {}, 5);
    host.clock.setTimeout(() => {}, 10);
    expect(host.timerCount).toBe(2);
    host.clock.clearTimeout(first);
    expect(host.timerCount).toBe(1);
    await loop.run(20);
    expect(host.timerCount).toBe(0);
  });

  it('that stalls lets timers run late, in order, and reads what came only after them', async () => {
    const { loop, host, log } = setUp();
    host.stall(100);
    host.clock.setTimeout(() => log.push(`timer 40 at ${loop.clock.now()}`), 40);
    host.clock.setTimeout(() => log.push(`timer 20 at ${loop.clock.now()}`), 20);
    loop.clock.at(10, () => host.bring(() => log.push(`bytes at ${loop.clock.now()}`)));
    loop.clock.at(100, () => host.bring(() => log.push('later bytes')));
    await loop.run(200);
    expect(log).toEqual(['timer 20 at 100', 'timer 40 at 100', 'bytes at 100', 'later bytes']);
    expect([host.timerCount, host.isStalled]).toEqual([0, false]);
  });

  it('that stalls never runs a timer which is taken back by one before it', async () => {
    const { loop, host, log } = setUp();
    host.stall(100);
    host.clock.setTimeout(() => {
      log.push('first');
      host.clock.clearTimeout(second);
    }, 10);
    const second = host.clock.setTimeout(() => log.push('second'), 20);
    await loop.run(200);
    expect([log, host.timerCount]).toEqual([['first'], 0]);
  });

  it('that is dead does nothing any more', async () => {
    const { loop, host, log } = setUp();
    host.clock.setTimeout(() => log.push('timer'), 10);
    host.stall(5);
    host.bring(() => log.push('bytes'));
    host.hold(new Promise(() => {}));
    host.kill();
    host.defer(() => log.push('deferred'));
    host.clock.setTimeout(() => log.push('timer of a dead one'), 10);
    host.bring(() => log.push('bytes for a dead one'));
    await loop.run(100);
    expect([log, host.timerCount, loop.clock.pendingCount]).toEqual([[], 0, 0]);
  });

  it('draws the same ids for the same seed and name, others for another', () => {
    const loop = new Loop();
    const [first, same, other] = [new SimHost(loop, 'a', 1), new SimHost(loop, 'a', 1), new SimHost(loop, 'b', 1)];
    const drawn = first.chance.bytes(16);
    expect(same.chance.bytes(16)).toEqual(drawn);
    expect(other.chance.bytes(16)).not.toEqual(drawn);
  });
});
