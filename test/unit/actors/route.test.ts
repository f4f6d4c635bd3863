import { describe, expect, test } from 'vitest';
import { DIRECT_HEAD_START_MS } from '../../../src/actors/route.ts';
import { RouteWorld } from './route-world.ts';

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

/** A race that has begun, and the line its user holds. */
function race() {
  const world = new RouteWorld();
  world.route.learn(4_001);
  const line = world.route.dial(world.events);
  return { world, line };
}

describe('a route', () => {
  test('without a direct port is the public address itself', () => {
    const world = new RouteWorld();
    const line = world.route.dial(world.events);
    expect(line).toBe(world.line(0));
    expect(world.line(0).events).toBe(world.events);
    expect(world.names).toEqual(['public']);
    expect(world.timerCount).toBe(0);
  });

  test('uses a learned port for one dial only, until it is named again', () => {
    const { world } = race();
    world.line(0).open();
    expect(world.route.dial(world.events)).toBe(world.line(1));
    world.route.learn(4_002);
    world.route.dial(world.events);
    expect(world.names).toEqual(['direct:4001', 'public', 'direct:4002']);
  });

  test('forgets its direct port when WELCOME names none', () => {
    const world = new RouteWorld();
    world.route.learn(4_001);
    world.route.learn(0);
    world.route.dial(world.events);
    expect(world.names).toEqual(['public']);
  });
});

describe('a race to the home of a session', () => {
  test('is won by the direct line alone when that opens within its head start', () => {
    const { world, line } = race();
    world.run(DIRECT_HEAD_START_MS - 1);
    world.line(0).open();
    expect(world.timerCount).toBe(0);
    world.run(10_000);
    expect(world.names).toEqual(['direct:4001']);
    expect(world.told).toEqual(['opened']);
    expect(line.ends).toBe(world.line(0).ends);
  });

  test('brings in the public line after the head start, and either may win', () => {
    for (const winner of [0, 1]) {
      const { world, line } = race();
      world.run(DIRECT_HEAD_START_MS - 1);
      expect(world.names).toEqual(['direct:4001']);
      world.run(DIRECT_HEAD_START_MS);
      expect(world.names).toEqual(['direct:4001', 'public']);
      world.line(winner).open();
      expect(line.ends).toBe(world.line(winner).ends);
      line.write([bytesOf('hello')]);
      expect(world.line(winner).calls).toEqual(['write hello']);
      expect(world.line(1 - winner).calls).toEqual(['destroy']);
      expect(world.told).toEqual(['opened']);
    }
  });

  test('starts the public line at once when the direct one fails', () => {
    const { world } = race();
    world.run(10);
    world.line(0).fail(new Error('ECONNREFUSED'));
    expect(world.names).toEqual(['direct:4001', 'public']);
    expect(world.timerCount).toBe(0);
    world.line(1).open();
    world.run(10_000);
    expect(world.names).toHaveLength(2);
    expect(world.told).toEqual(['opened']);
    expect(world.line(0).calls).toEqual([]);
  });

  test('goes on with the direct line when the public one fails', () => {
    const { world } = race();
    world.run(DIRECT_HEAD_START_MS);
    world.line(1).fail(new Error('public'));
    expect(world.told).toEqual([]);
    world.line(0).open();
    expect(world.told).toEqual(['opened']);
    expect(world.line(1).calls).toEqual([]);
  });

  test.each([
    ['direct', 0, 1],
    ['public', 1, 0],
  ])('tells the error of the public line once when both fail, %s first', (_, first, second) => {
    const { world, line } = race();
    world.run(DIRECT_HEAD_START_MS);
    const error = (index: number): Error => new Error(world.line(index).name);
    world.line(first).fail(error(first));
    world.line(second).fail(error(second));
    expect(world.told).toEqual(['closed public']);
    expect(world.timerCount).toBe(0);
    line.destroy();
    expect(line.write([bytesOf('late')])).toBe(true);
  });

  test('destroys a line that opens although it has lost', () => {
    const { world } = race();
    world.run(DIRECT_HEAD_START_MS);
    world.line(0).open();
    const late = world.line(1);
    late.events.opened();
    late.events.received(bytesOf('welcome'));
    late.events.drained();
    late.events.closed(new Error('late'));
    expect(late.calls).toEqual(['destroy', 'destroy']);
    expect(world.told).toEqual(['opened']);
  });

  test('hands everything on from its winner and to it', () => {
    const { world, line } = race();
    world.run(DIRECT_HEAD_START_MS);
    const winner = world.line(1);
    winner.open();
    winner.events.received(bytesOf('welcome'));
    winner.hasRoom = false;
    expect(line.write([bytesOf('a'), bytesOf('b')])).toBe(false);
    winner.events.drained();
    line.pause(true);
    line.ref(false);
    winner.fail(new Error('cut'));
    winner.events.closed(undefined);
    expect(winner.calls).toEqual(['write a+b', 'pause true', 'ref false']);
    expect(world.told).toEqual(['opened', 'received welcome', 'drained', 'closed cut']);
    expect(world.line(0).calls).toEqual(['destroy']);
  });

  test.each(['end', 'destroy'] as const)('that is left with %s before it is decided leaves nothing behind', (way) => {
    for (const untilMs of [10, DIRECT_HEAD_START_MS]) {
      const { world, line } = race();
      world.run(untilMs);
      line[way]();
      expect(world.timerCount).toBe(0);
      expect(world.lines.map(({ calls }) => calls)).toEqual(world.lines.map(() => [way]));
      for (const { events } of world.lines) {
        events.opened();
        events.closed(undefined);
      }
      world.run(10_000);
      expect(world.told).toEqual([]);
      expect(world.lines).toHaveLength(untilMs === 10 ? 1 : 2);
    }
  });

  test.each(['end', 'destroy'] as const)('that was won is left with %s of its winner', (way) => {
    const { world, line } = race();
    world.line(0).open();
    line[way]();
    expect(world.line(0).calls).toEqual([way]);
  });

  test('passes on to lines of later what was asked of it before', () => {
    const { world, line } = race();
    line.ref(false);
    line.pause(true);
    world.run(DIRECT_HEAD_START_MS);
    expect(world.line(0).calls).toEqual(['ref false', 'pause true']);
    expect(world.line(1).calls).toEqual(['ref false', 'pause true']);
    line.ref(true);
    line.pause(false);
    for (const { calls } of world.lines) expect(calls.slice(2)).toEqual(['ref true', 'pause false']);
  });

  test('keeps what is written too early for the winner', () => {
    for (const hasRoom of [true, false]) {
      const { world, line } = race();
      expect(line.write([bytesOf('hel')])).toBe(false);
      line.write([bytesOf('lo')]);
      world.run(DIRECT_HEAD_START_MS);
      world.line(1).hasRoom = hasRoom;
      world.line(1).open();
      expect(world.line(1).calls).toEqual(['write hel+lo']);
      expect(world.told).toEqual(hasRoom ? ['opened', 'drained'] : ['opened']);
    }
  });

  test('knows the ends of the direct line before it is decided', () => {
    const { world, line } = race();
    expect(line.ends).toBe(world.line(0).ends);
  });
});
