import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { World } from '../../../src/testing/world.ts';
import { FrameType, frameOf } from '../../../src/wire/frame.ts';

/** A world in which a client says a number every now and then, and a server that counts them. */
function setUp(seed = 1): { world: World; heard: unknown[][]; say: (value: number) => void } {
  const world = new World(seed);
  const heard: unknown[][] = [];
  const server = world.addServer('server', () => (session) => {
    const mine: unknown[] = [];
    heard.push(mine);
    session.on('say', (value) => void mine.push(value));
  });
  const client = world.addClient('client', server, { backoff: { maxMs: 100 } });
  return { world, heard, say: (value) => void client.client.send('say', value) };
}

describe('a world', () => {
  it('has real ends that talk over its lines', async () => {
    const { world, heard, say } = setUp();
    say(1);
    await world.run(100);
    say(2);
    await world.run(100);
    expect(heard).toEqual([[1, 2]]);
  });

  it('gives the same ids and the same trace for the same seed', async () => {
    const stories = await Promise.all(
      [5, 5, 6].map(async (seed) => {
        const { world, say } = setUp(seed);
        say(1);
        await world.run(5_000);
        return [world.clients[0]?.client.id, world.trace.hash];
      }),
    );
    expect(stories[0]).toEqual(stories[1]);
    expect(stories[0]?.[0]).not.toBe(stories[2]?.[0]);
  });

  it('has processes that die and come back without memory', async () => {
    const { world, heard, say } = setUp();
    const server = world.servers[0];
    say(1);
    await world.run(100);
    server?.crash();
    await world.run(500);
    expect(world.clients[0]?.client.connection.state).not.toBe('up');
    world.heal();
    await world.run(500);
    say(2);
    await world.run(100);
    expect([heard, server?.lifeCount, world.clients[0]?.client.epoch]).toEqual([[[1], [2]], 2, 2]);
  });

  it('shows what its ends write to a linter, on each line of each client, and tells what is not legal', async () => {
    const told: string[] = [];
    const world = new World(1);
    world.lint((sentence) => told.push(sentence));
    const server = world.addServer('server', () => () => {});
    const { client, path } = world.addClient('client', server, { backoff: { maxMs: 100 } });
    await world.run(100);
    client.send('say', 1);
    path.cutAfter('client', 0);
    await world.run(1_000);
    client.send('say', 2);
    await world.run(100);
    expect([path.dialCount, told]).toEqual([2, []]);
    path.newest?.server.write([frameOf(FrameType.PONG, new Uint8Array(8), crc32)]);
    expect(told).toEqual(['client/2, server: it sent a PONG 0 that nobody asked for']);
  });

  it('has doubles: copies of a process as it was when the two were parted', async () => {
    const { world, heard, say } = setUp();
    const [server, client] = [world.servers[0], world.clients[0]];
    const double = server?.double();
    say(1);
    await world.run(100);
    double?.part();
    await world.run(100);
    const before = client?.client.id;
    server?.restoreDouble();
    await world.run(1_000);
    say(2);
    await world.run(100);
    expect([client?.client.id, client?.client.epoch]).toEqual([before, 1]);
    // The first two are the original and its double, which heard the same until they were parted.
    expect(heard).toEqual([[1], [1, 2]]);
  });
});
