import { describe, expect, test } from 'vitest';
import { nodeHost } from '../../../src/actors/host.ts';
import { ALONE } from '../../../src/actors/neighbors.ts';
import { settingsOf } from '../../../src/actors/options.ts';
import type { Line } from '../../../src/actors/ports.ts';
import { Shard, type ShardOwner } from '../../../src/actors/shard.ts';
import { Count, Tally as Counters } from '../../../src/actors/tally.ts';
import { Peer } from '../../loopback/peer.ts';
import { exitOf } from '../../loopback/program.ts';
import {
  Gate,
  Tally,
  diaryOf,
  loopback,
  namesOf,
  nextAt,
  nextInfo,
  nextOf,
  serverDiaryOf,
  until,
} from '../../loopback/world.ts';

describe('handshakes in flight', () => {
  test('beyond the limit wait unread for their turn', async () => {
    const gate = new Gate();
    const asked = new Tally();
    await using world = await loopback(
      {
        authenticate: async () => {
          asked.count();
          await gate.passed;
          return { id: 'x' };
        },
      },
      { limits: { handshakes: 2 } },
    );
    const first = [world.client(), world.client()];
    await asked.reached(2);
    const late = world.client();
    const told = diaryOf(late.connection);
    await until(() => world.server.counts.connections === 3, 'the third to wait');
    expect([world.server.counts.handshakes, asked.value]).toEqual([2, 2]);
    gate.open();
    await Promise.all([...first, late].map((client) => client.up()));
    expect(namesOf(told)).not.toContain('refused');
    expect(world.server.counts).toMatchObject({ handshakes: 0, connections: 3, sessions: 3 });
  });

  test('that waited for as long as a handshake may take are told to come back', async () => {
    const gate = new Gate();
    await using world = await loopback(
      {
        authenticate: async () => {
          await gate.passed;
          return { id: 'x' };
        },
      },
      { limits: { handshakes: 1 }, handshakeMs: 60 },
    );
    const first = world.client({ handshakeMs: 5_000 });
    await until(() => world.server.counts.handshakes === 1, 'a handshake');
    // Each holds the place until its handshake has taken too long: the third in line waits for two of them.
    const all = [first, ...Array.from({ length: 3 }, () => world.client({ handshakeMs: 5_000 }))];
    const refused = await Promise.race(all.map(({ connection }) => nextInfo(connection, 'refused')));
    expect(refused).toMatchObject({ code: 'overloaded', reason: 'too many handshakes' });
    gate.open();
    await Promise.all(all.map((client) => client.up()));
  });

  test('that wait are let go with the others when the server closes', async () => {
    const gate = new Gate();
    await using world = await loopback(
      {
        authenticate: async () => {
          await gate.passed;
          return { id: 'x' };
        },
      },
      { limits: { handshakes: 1 } },
    );
    const peers = [await Peer.dial(world.port), await Peer.dial(world.port)];
    for (const peer of peers) peer.hello();
    await until(() => world.server.counts.connections === 2, 'both');
    const closed = world.server.close({ drainMs: 0 });
    for (const peer of peers) expect(await peer.farewell()).toMatchObject({ code: 'going-away' });
    await closed;
    expect(world.server.counts).toMatchObject({ connections: 0, handshakes: 0 });
  });

  test('that say nothing hold their place only for the handshake time', async () => {
    await using world = await loopback({}, { limits: { handshakes: 1 }, handshakeMs: 50 });
    const silent = await Peer.dial(world.port);
    await until(() => world.server.counts.handshakes === 1, 'a handshake');
    const client = world.client();
    await client.up();
    expect(await silent.farewell()).toMatchObject({ code: 'handshake-timeout' });
  });
});

describe('connections', () => {
  test('beyond the limit are told to come back, and served when there is room', async () => {
    await using world = await loopback({}, { limits: { connections: 2 } });
    const first = world.client();
    const second = world.client();
    const third = world.client({ autoConnect: false });
    await Promise.all([first.up(), second.up()]);
    third.connect();
    expect(await nextInfo(third.connection, 'refused')).toMatchObject({
      code: 'overloaded',
      reason: 'too many connections',
    });
    expect(world.server.counts).toMatchObject({ connections: 2, sessions: 2 });
    const down = nextAt(world.server, 'down');
    first.disconnect();
    await down;
    await third.up();
    expect(world.server.counts.connections).toBe(2);
  });
});

describe('sessions', () => {
  test('beyond the limit are refused for now; those there are stay', async () => {
    await using world = await loopback({}, { limits: { sessions: 2 } });
    const { client: first } = await world.pair();
    const { client: second } = await world.pair();
    first.disconnect();
    const third = world.client();
    expect(await nextInfo(third.connection, 'refused')).toMatchObject({ code: 'overloaded' });
    expect(world.server.counts.sessions).toBe(2);
    await second.close();
    await third.up();
    const told = diaryOf(first.connection);
    first.connect();
    await first.up();
    expect(told.at(-1)).toEqual(['up', { resumed: true }]);
  });

  test('that nobody has seen and that have no connection go first', async () => {
    await using world = await loopback({}, { limits: { sessions: 2 } });
    const told = serverDiaryOf(world.server);
    const seen = await world.pair();
    seen.client.disconnect();
    const ghost = await Peer.dial(world.port);
    ghost.hello();
    const welcome = await ghost.answer();
    ghost.socket.destroy();
    await until(() => world.server.counts.connections === 0, 'no connection');
    expect(world.server.counts.sessions).toBe(2);
    await world.pair();
    expect(world.server.counts).toMatchObject({ sessions: 2, graves: 1 });
    expect(told.filter(([name]) => name === 'end')).toEqual([]);
    const fresh =
      welcome?.type === 'welcome' && welcome.welcome.session.type === 'new' ? welcome.welcome.session : undefined;
    const back = await Peer.dial(world.port);
    back.resume(fresh as never, { dialNumber: 2 });
    expect(await back.answer()).toMatchObject({ refused: { code: 'overloaded' } });
  });

  test('that nobody has seen can be resumed as long as there is room', async () => {
    await using world = await loopback();
    const first = await Peer.dial(world.port);
    first.hello();
    const answer = await first.answer();
    if (answer?.type !== 'welcome' || answer.welcome.session.type !== 'new') throw new Error('expected a session');
    first.socket.destroy();
    const second = await Peer.dial(world.port);
    second.resume(answer.welcome.session, { dialNumber: 2 });
    expect(await second.answer()).toMatchObject({ welcome: { session: { type: 'resumed' } } });
    second.ack(0);
    await until(() => world.sessions.length === 1, 'the session to be seen');
    second.socket.destroy();
  });

  test('many come and go, and nothing is left', async () => {
    await using world = await loopback((session) => void session.on('say', () => {}), { lingerMs: 0 });
    for (let round = 0; round < 5; round += 1) {
      const clients = Array.from({ length: 40 }, () => world.client());
      await Promise.all(clients.map((client) => client.deliver('say')));
      for (const client of clients.splice(0, 20)) client.disconnect();
      await Promise.all(clients.map((client) => client.close()));
    }
    await until(() => world.server.counts.sessions === 0, 'no session');
    expect(world.server.counts).toMatchObject({ connections: 0, handshakes: 0, failedProofs: 0 });
  });
});

test('sessions that have ended are let go, with their clients, whatever ended them', async () => {
  expect(await exitOf('collects.ts')).toEqual({ code: 0, output: '120 made, hardly any left\n' });
});

describe('a drain', () => {
  test('lets a client that comes back finish, and says GOAWAY to it again', async () => {
    const gate = new Gate();
    const heard: unknown[] = [];
    await using world = await loopback((session) => {
      session.on('say', async (text) => {
        await gate.passed;
        heard.push(text);
      });
    });
    const { client, session } = await world.pair();
    for (const text of [1, 2, 3]) client.send('say', text);
    await client
      .with({ timeoutMs: 50 })
      .flush()
      .catch(() => {});
    const closing = world.server.close({ drainMs: 20_000 });
    session.send('said', 'in the drain');
    await until(() => client.connection.state === 'up', 'up');
    gate.open();
    const redial = nextOf(client.connection, 'reconnect');
    await closing;
    await redial;
    expect(heard).toEqual([1, 2, 3]);
    expect(world.server.counts).toMatchObject({ sessions: 0, connections: 0 });
  });
});

test('each connection that a shard takes is a sign of life', () => {
  const tally = new Counters();
  const host = nodeHost();
  const owner = {} as ShardOwner;
  const shard = new Shard(host, settingsOf({}), undefined, owner, { place: 0, tally, neighbors: ALONE });
  const line = { write: () => true, end: () => {}, destroy: () => {}, pause: () => {}, ref: () => {} };
  for (let count = 0; count < 3; count += 1) shard.accept(() => line as unknown as Line);
  expect(tally.read(Count.BEATS)).toBe(3);
  shard.stop();
  expect(tally.read(Count.CONNECTIONS)).toBe(0);
});
