import { describe, expect, test } from 'vitest';
import { RELAY_CREDIT_BYTES } from '../../../src/actors/relay-sender.ts';
import { joinLine, pipeDial } from '../../../src/actors/relay.ts';
import { VirtualClock } from '../../../src/testing/virtual-clock.ts';
import { MemoryPipe, RelayWorld, ScriptedLine, ends, stream } from './relay-world.ts';

const MANY = RELAY_CREDIT_BYTES * 4;

/** A line that takes nothing while the test runs. */
const stuck = { leaveMs: 1e9, roomBytes: 1 };

const reads = (count: number): number[] => Array.from({ length: count }, () => 65_536);

describe('a line over a pipe', () => {
  test('has the ends of the real line, opens later, and carries bytes both ways', () => {
    const world = new RelayWorld({ firstBytes: 700, weather: { reads: [10, 20] } });
    expect(world.home.ends).toBe(ends);
    world.run();
    expect(world.told).toEqual(['opened']);
    expect(world.heard.count).toBe(730);
    expect(world.write(1_000)).toBe(true);
    world.run();
    expect(world.line.wire.count).toBe(1_000);
  });

  test('opens before the first bytes, also when these are faster than the deferred task', () => {
    const world = new RelayWorld({ firstBytes: 700, deferMs: 50 });
    world.run(10);
    expect(world.told).toEqual(['opened']);
    expect(world.heard.count).toBe(700);
    world.run();
    expect(world.told).toEqual(['opened']);
  });

  test('is told nothing when it was given up before it opened', () => {
    const world = new RelayWorld({ firstBytes: 700 });
    world.home.destroy();
    world.run();
    expect(world.told).toEqual([]);
    expect(world.line.state).toBe('destroyed');
    expect(world.overCount).toBe(1);
  });

  test('takes bytes up to the credit, says false there, and says so when there is room again', () => {
    const world = new RelayWorld({ weather: { leaveMs: 100, roomBytes: 1 } });
    world.run(10);
    expect(world.write(RELAY_CREDIT_BYTES - 1)).toBe(true);
    expect(world.write(1)).toBe(false);
    expect(world.home.heldBytes).toBe(RELAY_CREDIT_BYTES);
    world.run(50);
    expect(world.told).toEqual(['opened']);
    world.run();
    expect(world.told).toEqual(['opened', 'drained']);
    expect(world.home.heldBytes).toBeLessThan(RELAY_CREDIT_BYTES / 4);
    expect(world.line.wire.count).toBe(RELAY_CREDIT_BYTES);
    expect(world.write(1)).toBe(true);
  });

  test('carries everything of a writer that does not wait', () => {
    const world = new RelayWorld();
    let last = true;
    for (let round = 0; round < 32; round += 1) last = world.write(MANY / 32);
    expect(last).toBe(false);
    expect(world.homePipe.underwayBytes).toBeLessThanOrEqual(RELAY_CREDIT_BYTES);
    expect(world.home.heldBytes).toBe(world.writtenBytes);
    world.run();
    expect(world.line.wire.count).toBe(world.writtenBytes);
    expect(world.told).toEqual(['opened', 'drained']);
  });

  test('says nothing of room to a writer that was never told false', () => {
    const world = new RelayWorld();
    for (let round = 1; round <= 8; round += 1) {
      expect(world.write(RELAY_CREDIT_BYTES / 2)).toBe(true);
      world.run();
    }
    expect(world.told).toEqual(['opened']);
  });

  test('carries one write that is larger than the credit', () => {
    const world = new RelayWorld();
    expect(world.write(MANY)).toBe(false);
    world.run();
    expect(world.line.wire.count).toBe(MANY);
    expect(world.homePipe.underwayBytesMax).toBeLessThanOrEqual(RELAY_CREDIT_BYTES);
  });

  test('posts nothing for a write of nothing', () => {
    const world = new RelayWorld();
    expect(world.home.write([])).toBe(true);
    expect(world.home.write([new Uint8Array(0)])).toBe(true);
    expect(world.homePipe.posted).toEqual([]);
  });

  test('leaves the bytes of its writer alone', () => {
    const world = new RelayWorld();
    const part = stream(0, 100);
    world.home.write([part]);
    world.run();
    expect(part).toEqual(stream(0, 100));
  });

  test('sends what waits and then its goodbye, without waiting for room', () => {
    const world = new RelayWorld({ weather: stuck });
    world.write(MANY);
    world.home.end();
    expect(world.home.heldBytes).toBe(0);
    expect(world.homePipe.posted.at(-1)).toBe('end');
    expect(world.homePipe.isClosed).toBe(true);
    world.run(1_000);
    expect(world.line.state).toBe('ended');
    expect(world.overCount).toBe(1);
    world.run();
    expect(world.line.wire.count).toBe(MANY);
    expect(world.told).toEqual([]);
  });

  test('hears nothing after its own goodbye, and both ends are let go', () => {
    const world = new RelayWorld({ weather: { reads: reads(30) } });
    world.run(5);
    const heard = world.heard.count;
    world.home.end();
    expect(world.write(10)).toBe(true);
    world.home.end();
    world.home.destroy();
    world.run();
    expect(heard).toBeGreaterThan(0);
    expect(world.heard.count).toBe(heard);
    expect(world.told).toEqual(['opened']);
    expect(world.line.state).toBe('ended');
    expect(world.overCount).toBe(1);
  });

  test('hears nothing after it was destroyed from inside of what it heard', () => {
    const world = new RelayWorld({ weather: { reads: reads(30) } });
    world.onTold = (what) => {
      if (what === 'bytes') world.home.destroy();
    };
    world.run();
    expect(world.heard.count).toBe(65_536);
    expect(world.told).toEqual(['opened']);
    expect(world.line.state).toBe('destroyed');
  });

  test('is closed when the line is, after everything that was read', () => {
    const world = new RelayWorld({ weather: { reads: reads(30), then: 'finish' } });
    world.run();
    expect(world.heard.count).toBe(30 * 65_536);
    expect(world.told).toEqual(['opened', 'closed']);
    expect(world.homePipe.isClosed).toBe(true);
    expect(world.home.heldBytes + world.landing.heldBytes).toBe(0);
  });

  test('is closed when the other thread is gone', () => {
    const world = new RelayWorld();
    world.run();
    world.landingPipe.die();
    world.run();
    expect(world.told).toEqual(['opened', 'closed']);
    expect(world.write(10)).toBe(true);
  });

  test('keeps at most the credit while it is paused, and gives it in order afterwards', () => {
    const world = new RelayWorld({ firstBytes: 700, weather: { reads: reads(30), then: 'finish' } });
    world.home.pause(true);
    world.run();
    expect(world.heard.count).toBe(0);
    expect(world.landingPipe.underwayBytes).toBeGreaterThan(RELAY_CREDIT_BYTES / 2);
    expect(world.line.isPaused).toBe(true);
    world.home.pause(false);
    expect(world.heard.count).toBe(0);
    world.run();
    expect(world.heard.count).toBe(700 + 30 * 65_536);
    expect(world.told).toEqual(['opened', 'closed']);
  });

  test('keeps what came before a goodbye until it is read again', () => {
    const world = new RelayWorld({ weather: { reads: [10, 10], then: 'finish' } });
    world.home.pause(true);
    world.run();
    expect(world.told).toEqual(['opened']);
    world.home.pause(false);
    world.run();
    expect(world.heard.count).toBe(20);
    expect(world.told).toEqual(['opened', 'closed']);
  });

  test('hears in order what comes between its reading on and the deferred task', () => {
    const world = new RelayWorld({ deferMs: 20 });
    world.home.pause(true);
    world.landing.received(stream(0, 10));
    world.run();
    world.home.pause(false);
    world.landing.received(stream(10, 10));
    world.run(world.clock.now() + 10);
    expect(world.heard.count).toBe(0);
    world.run();
    expect(world.heard.count).toBe(20);
  });

  test('may be paused again from inside of what it hears', () => {
    const world = new RelayWorld({ weather: { reads: [10, 10, 10] } });
    world.home.pause(true);
    world.run();
    world.onTold = (what) => {
      if (what === 'bytes') world.home.pause(true);
    };
    world.home.pause(false);
    world.run();
    expect(world.heard.count).toBe(10);
  });

  test('keeps the thread alive as its pipe does', () => {
    const world = new RelayWorld();
    world.home.ref(false);
    expect(world.homePipe.isReferenced).toBe(false);
    world.home.ref(true);
    expect(world.homePipe.isReferenced).toBe(true);
  });

  test('stops when more room comes back than was taken', () => {
    const clock = new VirtualClock();
    const [near, far] = MemoryPipe.pair(clock, () => 1);
    const told: string[] = [];
    pipeDial(near, ends, () => {})({
      opened: () => void told.push('opened'),
      received: () => {},
      drained: () => {},
      closed: () => {},
    }).write([stream(0, 1_000)]);
    far.open({ received: () => {}, closed: () => {} });
    far.post(1_000);
    clock.take()?.fire();
    clock.take()?.fire();
    near.underwayBytes = 1;
    far.post(1);
    expect(() => clock.take()?.fire()).toThrow(expect.objectContaining({ code: 'InvariantBroken' }));
    expect(told).toEqual(['opened']);
  });
});

describe('a line joined to a pipe', () => {
  test('is paused while the home takes nothing, and read on when there is room', () => {
    const world = new RelayWorld({ weather: { reads: reads(30) } });
    world.home.pause(true);
    world.run();
    expect(world.line.pauses).toEqual([true]);
    expect(world.landing.heldBytes).toBe(RELAY_CREDIT_BYTES);
    world.home.pause(false);
    world.run();
    expect(world.line.isPaused).toBe(false);
    expect(world.heard.count).toBe(30 * 65_536);
    expect(world.landing.heldBytes).toBeLessThan(RELAY_CREDIT_BYTES / 4);
  });

  test('keeps what a line still brings after it was paused', () => {
    const world = new RelayWorld();
    world.home.pause(true);
    for (let at = 0; at < MANY; at += 1_024) world.landing.received(stream(at, 1_024));
    expect(world.line.pauses).toEqual([true]);
    expect(world.landing.heldBytes).toBe(MANY);
    world.run();
    world.home.pause(false);
    let heldAtReadingOn: number | undefined;
    world.run(Infinity, () => {
      if (!world.line.isPaused) heldAtReadingOn ??= world.landing.heldBytes;
    });
    expect(world.heard.count).toBe(MANY);
    expect(heldAtReadingOn).toBeLessThanOrEqual(RELAY_CREDIT_BYTES);
  });

  test('gives no room back for what the line has not taken', () => {
    const world = new RelayWorld({ weather: stuck });
    for (let round = 0; round < 20; round += 1) world.write(65_536);
    world.run(1_000);
    expect(world.landingPipe.posted).toEqual([]);
    expect(world.line.waitingBytesMax).toBe(RELAY_CREDIT_BYTES);
  });

  test('says goodbye to the line when the home does, and reads on so that nothing resets it', () => {
    const world = new RelayWorld({ weather: { reads: reads(30) } });
    world.home.pause(true);
    world.run();
    expect(world.line.isPaused).toBe(true);
    world.home.end();
    world.run();
    expect(world.line.pauses).toEqual([true, false]);
    expect(world.line.state).toBe('ended');
    expect(world.overCount).toBe(1);
    expect(world.landingPipe.isClosed).toBe(true);
  });

  test('is destroyed when the thread of its home is gone', () => {
    const world = new RelayWorld({ weather: { reads: reads(30) } });
    world.run(5);
    world.homePipe.die();
    world.run();
    expect(world.line.state).toBe('destroyed');
    expect(world.overCount).toBe(1);
    expect(world.landing.heldBytes).toBe(0);
  });

  test('sends what it had read when the line breaks, beyond the credit if need be, and is over at once', () => {
    const world = new RelayWorld({ weather: { reads: reads(30) } });
    world.home.pause(true);
    world.run();
    world.landing.received(stream(world.line.readCount, 5));
    world.line.readCount += 5;
    world.line.reset();
    expect(world.overCount).toBe(1);
    expect(world.landingPipe.posted.at(-1)).toBe('end');
    world.home.pause(false);
    world.run();
    expect(world.heard.count).toBe(world.line.readCount);
    expect(world.told).toEqual(['opened', 'closed']);
  });

  test('ignores what its line tells once it is over', () => {
    const clock = new VirtualClock();
    const [near, far] = MemoryPipe.pair(clock, () => 1);
    const line = new ScriptedLine(
      clock,
      { roomBytes: 1, leaveBytes: 1, leaveMs: 1, reads: [], readMs: 1, then: 'nothing' },
      0,
    );
    let overCount = 0;
    const events = joinLine(line, near, stream(0, 0), () => (overCount += 1));
    far.open({ received: () => {}, closed: () => {} });
    events.opened();
    events.closed(undefined);
    events.received(stream(0, 10));
    events.drained();
    events.closed(new Error('again'));
    far.close();
    while (clock.take() !== undefined);
    expect(near.posted).toEqual(['end']);
    expect(overCount).toBe(1);
  });
});
