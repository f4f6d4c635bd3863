// Every state of a connection ends by itself when the other end falls silent: each is entered, time passes, and it is left
// within its bound. With the default options, so that these are the bounds users get.
import { describe, expect, it } from 'vitest';
import { defaults } from '../../src/actors/options.ts';
import type { ClientNode } from '../../src/testing/client-node.ts';
import { SimHost } from '../../src/testing/sim-host.ts';
import { type Door, SimPath } from '../../src/testing/sim-path.ts';
import { fairWeather } from '../../src/testing/world.ts';
import { Stage, type StageOptions } from './stage.ts';

const { handshakeMs, lingerMs, drainMs, backoff, heartbeat } = defaults;

/** Silence is noticed so much later than the heartbeat timeout, at most. */
const NOTICE_MS = 1_000;

const never = new Promise<never>(() => {});

/** Lets time pass until the client's connection leaves its state; gives how long that took. */
async function leave(stage: Stage): Promise<number> {
  const { connection } = stage.client;
  const before = connection.state;
  const begin = stage.world.nowMs;
  await stage.world.until(() => connection.state !== before, 10 * 60_000);
  expect(connection.state).not.toBe(before);
  return stage.world.nowMs - begin;
}

/** A stranger's line to the server, which says these bytes and nothing more; tells when it was given up. */
function stranger(stage: Stage, bytes: Uint8Array, door: Door = 'open'): { closedAtMs: number } {
  const { world, server } = stage;
  const host = new SimHost(world.loop, 'stranger', 1);
  const options = { name: 'stranger', seed: 1, clock: world.loop.clock, weather: fairWeather, address: '203.0.113.9' };
  const path = new SimPath({ ...options, client: () => host, server: () => server, watch: () => {} });
  path.door = door;
  const fate = { closedAtMs: Infinity };
  const line = path.dial({
    opened: () => void line.write([bytes]),
    received: () => {},
    drained: () => {},
    closed: () => void (fate.closedAtMs = world.nowMs),
  });
  return fate;
}

/** The first HELLO of a client, as bytes. */
async function helloOf(options: StageOptions = {}): Promise<Uint8Array> {
  const stage = new Stage(options);
  let hello: Uint8Array = new Uint8Array(0);
  stage.node.path.onHello = (bytes) => (hello = bytes);
  await stage.state('authenticating');
  return hello;
}

describe('the dialling end', () => {
  it('leaves connecting when the dial is never answered', async () => {
    const stage = new Stage();
    stage.node.path.door = 'neverAnswers';
    await stage.state('connecting');
    expect(await leave(stage)).toBeLessThanOrEqual(handshakeMs);
    expect(stage.client.connection.state).toBe('backoff');
  });

  it('leaves authenticating when HELLO is never answered', async () => {
    const stage = new Stage();
    stage.node.path.door = 'staysSilent';
    await stage.state('authenticating');
    expect(await leave(stage)).toBeLessThanOrEqual(handshakeMs);
    expect(stage.client.connection.state).toBe('backoff');
  });

  it('leaves authenticating when its own credentials never come', async () => {
    const stage = new Stage({ client: { credentials: () => never } });
    await stage.state('authenticating');
    expect(await leave(stage)).toBeLessThanOrEqual(handshakeMs);
  });

  it('leaves authenticating when WELCOME ends in its middle', async () => {
    const stage = new Stage();
    await stage.state('authenticating');
    stage.node.path.rewrite('client', () => stage.node.path.swallow('client'));
    stage.node.path.setWeather('client', { chunkBytes: 9 });
    expect(await leave(stage)).toBeLessThanOrEqual(handshakeMs);
    const readBytes = stage.node.path.passedBytes('client');
    expect(readBytes).toBeGreaterThan(0);
    expect(readBytes).toBeLessThan(100);
  });

  it.each(['server', 'client'] as const)('leaves up when everything toward the %s vanishes', async (toward) => {
    const stage = new Stage();
    await stage.up();
    stage.node.path.swallow(toward);
    expect(await leave(stage)).toBeLessThanOrEqual(heartbeat.timeoutMs + NOTICE_MS);
  });

  it('leaves backoff for the next dial', async () => {
    const stage = new Stage();
    stage.node.path.door = 'refuses';
    for (let count = 0; count < 12; count += 1) {
      await stage.state('backoff');
      expect(await leave(stage)).toBeLessThanOrEqual(backoff.maxMs);
    }
  });

  it('leaves a close that nobody answers', async () => {
    const stage = new Stage();
    await stage.up();
    stage.client.send('say', 'last words');
    stage.node.path.swallow('server');
    stage.node.path.swallow('client');
    stage.node.path.door = 'neverAnswers';
    const closed = stage.fate(stage.client.close());
    await stage.world.run(drainMs - 1);
    expect(closed.word).toBe('open');
    await stage.world.run(1);
    expect([closed.word, stage.node.host.timerCount]).toEqual(['resolved', 0]);
  });
});

describe('the accepting end', () => {
  it('leaves authenticating when no HELLO comes', async () => {
    const stage = new Stage();
    const fate = stranger(stage, new Uint8Array(0));
    await stage.world.run(handshakeMs + 10);
    expect(fate.closedAtMs).toBeLessThanOrEqual(handshakeMs + 10);
    expect(stage.server.server.counts).toMatchObject({ handshakes: 0, connections: 1 });
  });

  it('leaves authenticating when a HELLO ends in its middle', async () => {
    const hello = await helloOf();
    for (const count of [1, 15, 16, hello.length - 1]) {
      const stage = new Stage();
      const fate = stranger(stage, hello.subarray(0, count));
      await stage.world.run(handshakeMs + 10);
      expect(fate.closedAtMs, `after ${count} bytes`).toBeLessThanOrEqual(handshakeMs + 10);
    }
  });

  it('leaves authenticating when the auth hook never answers, and lets the session go on with its linger', async () => {
    let isStuck = false;
    const stage = new Stage({ authenticate: () => () => (isStuck ? never : { id: 'one' }) });
    await stage.up();
    isStuck = true;
    stage.client.reconnect();
    await stage.world.run(5);
    expect(stage.server.server.counts).toMatchObject({ handshakes: 1 });
    stage.node.crash();
    await stage.world.run(handshakeMs);
    expect(stage.server.server.counts).toMatchObject({ handshakes: 0, connections: 0, sessions: 1 });
    await stage.world.run(lingerMs);
    expect(stage.server.server.counts).toMatchObject({ sessions: 0 });
  });

  it.each(['server', 'client'] as const)('leaves up when everything toward the %s vanishes', async (toward) => {
    const stage = new Stage();
    await stage.up();
    stage.node.path.door = 'neverAnswers';
    stage.node.path.swallow(toward);
    const begin = stage.world.nowMs;
    await stage.world.until(() => stage.server.server.counts.connections === 0, 10 * 60_000);
    // If only the client hears nothing, its goodbye arrives, or its pings end with its connection.
    const boundMs = (heartbeat.timeoutMs + NOTICE_MS) * (toward === 'server' ? 1 : 2);
    expect(stage.world.nowMs - begin).toBeLessThanOrEqual(boundMs);
  });

  it('leaves up when the client process dies without a word', async () => {
    const stage = new Stage();
    await stage.up();
    await stage.world.run(3_333);
    stage.node.crash(true);
    await stage.world.run(heartbeat.timeoutMs + NOTICE_MS);
    expect(stage.server.server.counts).toMatchObject({ connections: 0, sessions: 1 });
    await stage.world.run(lingerMs);
    expect(stage.server.server.counts).toMatchObject({ sessions: 0 });
  });

  it('leaves up when a frame never ends though bytes go on coming', async () => {
    const stage = new Stage();
    await stage.up();
    // An altered length: from then on every frame looks like a part of a long one.
    stage.node.path.rewrite('server', (chunk) => {
      chunk[5] = 0;
      chunk[6] = 0xff;
      chunk[7] = 0xff;
    });
    stage.client.send('say', 'altered');
    /** Two seconds for each KiB that the header claims. */
    const FRAME_MS = 128_032;
    const begin = stage.world.nowMs;
    await stage.world.until(() => stage.told.some((word) => word.startsWith('down')), 10 * 60_000);
    expect(stage.world.nowMs - begin).toBeLessThanOrEqual(
      2 * heartbeat.timeoutMs + FRAME_MS + 3 * heartbeat.intervalMs + NOTICE_MS,
    );
    expect(stage.world.nowMs - begin).toBeGreaterThanOrEqual(2 * heartbeat.timeoutMs + FRAME_MS);
    await stage.up();
    await stage.world.run(100);
    expect(stage.heardByServer).toEqual(['altered']);
  });

  it('leaves draining', async () => {
    const stage = new Stage();
    await stage.up();
    stage.session.send('say', 'last words');
    for (const toward of ['server', 'client'] as const) stage.node.path.swallow(toward);
    stage.node.path.door = 'neverAnswers';
    const closed = stage.fate(stage.server.server.close());
    await stage.world.run(drainMs - 1);
    expect(closed.word).toBe('open');
    await stage.world.run(1);
    expect([closed.word, stage.server.host.timerCount]).toEqual(['resolved', 0]);
  });
});

describe('liveness', () => {
  it.each([
    ['server', 'client'],
    ['client', 'server'],
    ['both', 'client'],
    ['both', 'server'],
  ] as const)(
    'a line half-open toward %s is noticed by the %s, whenever in the course of the pings it happens',
    async (hole, by) => {
      for (let atMs = 0; atMs < heartbeat.intervalMs * 2; atMs += 487) {
        const stage = new Stage();
        await stage.up();
        await stage.world.run(atMs);
        if (hole !== 'client') stage.node.path.swallow('server');
        if (hole !== 'server') stage.node.path.swallow('client');
        const begin = stage.world.nowMs;
        const isNoticed = (): boolean =>
          by === 'client' ? hasLeftUp(stage.node) : stage.node.hosted?.isAttached === false;
        const begunDials = stage.node.path.dialCount;
        await stage.world.until(() => isNoticed() || stage.node.path.dialCount > begunDials, 60_000);
        expect(stage.world.nowMs - begin, `after ${atMs} ms`).toBeLessThanOrEqual(heartbeat.timeoutMs + NOTICE_MS);
      }
    },
  );

  it.each(['client', 'server'] as const)(
    'a loop of the %s that stood still asks once more before it blames its peer',
    async (side) => {
      const patient = { intervalMs: 5_000, timeoutMs: 60_000 };
      const hasty = { intervalMs: 500, timeoutMs: 1_500 };
      for (const stallMs of [1_400, 1_600, 3_000, 20_000]) {
        const stage = new Stage({
          client: { heartbeat: side === 'client' ? hasty : patient },
          server: { heartbeat: side === 'server' ? hasty : patient },
        });
        await stage.up();
        await stage.world.run(1_234);
        const host = side === 'client' ? stage.node.host : stage.server.host;
        host.stall(stallMs);
        await stage.world.run(stallMs + 10_000);
        expect(stage.told, `stalled for ${stallMs} ms`).toEqual(['up']);
      }
    },
  );

  it('a loop that stood still notices all the same when the peer is gone', async () => {
    const stage = new Stage({ client: { heartbeat: { intervalMs: 500, timeoutMs: 1_500 } } });
    await stage.up();
    stage.node.path.swallow('client');
    stage.node.host.stall(20_000);
    await stage.world.run(20_000);
    const begin = stage.world.nowMs;
    await stage.world.until(() => hasLeftUp(stage.node), 60_000);
    expect(stage.world.nowMs - begin).toBeLessThanOrEqual(1_500 + NOTICE_MS);
  });

  it('a message that nobody acknowledges brings the ping early', async () => {
    const stage = new Stage();
    await stage.up();
    await stage.world.run(100);
    stage.node.path.swallow('server');
    stage.client.send('say', 'into the void');
    await stage.world.run(0);
    const written = (): number => stage.node.path.newest?.toServer.writtenBytes ?? 0;
    const before = written();
    await stage.world.run(990);
    expect(written()).toBe(before);
    await stage.world.run(20);
    expect(written()).toBe(before + 24);
  });
});

function hasLeftUp(node: ClientNode): boolean {
  return node.client.connection.state !== 'up';
}
