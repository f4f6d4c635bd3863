import { getEventListeners } from 'node:events';
import { duplexPair } from 'node:stream';
import { createServer } from 'homing';
import { describe, expect, test } from 'vitest';
import { Peer } from '../../loopback/peer.ts';
import { Relay } from '../../loopback/relay.ts';
import {
  Gate,
  type Loose,
  Tally,
  Warnings,
  diaryOf,
  failureOf,
  loopback,
  namesOf,
  nextAt,
  nextInfo,
  nextOf,
  nextTick,
  serverDiaryOf,
  thrownBy,
  until,
} from '../../loopback/world.ts';

describe('a server', () => {
  test('tells of its sessions as plain facts, in order (U1, U4, E5, E7, E27)', async () => {
    await using world = await loopback({ authenticate: () => ({ id: 'ada' }) });
    await using relay = await Relay.to(world.port);
    const told = serverDiaryOf(world.server);
    const { client, session } = await world.pair({}, relay.port);
    const back = nextAt(world.server, 'up');
    relay.cut();
    await back;
    await client.close();
    await until(() => told.length === 6, 'the end');
    const info = { id: session.id, shard: 0, epoch: 1, identityId: 'ada', dialled: false };
    expect(told).toEqual([
      ['session', info],
      ['up', info, { resumed: false }],
      ['down', info, { code: 'line-lost' }],
      ['up', info, { resumed: true }],
      ['down', info, { code: 'closed' }],
      ['end', info, { code: 'closed', unconfirmed: 0, carried: 0 }],
    ]);
    expect(structuredClone(told)).toEqual(told);
  });

  test('serves 105 clients, each its own session (E26)', async () => {
    const heard: unknown[] = [];
    await using world = await loopback((session) => void session.on('say', (text) => void heard.push(text)));
    const clients = Array.from({ length: 105 }, () => world.client());
    await Promise.all(clients.map((client, index) => client.deliver('say', index)));
    expect(new Set(heard).size).toBe(105);
    expect(new Set(world.sessions.map(({ id }) => id)).size).toBe(105);
    expect(world.server.counts).toMatchObject({ sessions: 105, connections: 105, handshakes: 0 });
    await Promise.all(clients.map((client) => client.close()));
    await until(() => world.server.counts.connections === 0, 'no connection');
    expect(world.server.counts.sessions).toBe(0);
  });

  test('removes a listener when asked, and takes the same one once', async () => {
    await using world = await loopback();
    const heard: string[] = [];
    const listen = (): void => void heard.push('up');
    world.server.on('up', listen);
    const remove = world.server.on('up', listen);
    await world.pair();
    remove();
    await world.pair();
    expect(heard).toEqual(['up']);
    expect(thrownBy(() => world.server.on('up', 'x' as never))).toMatchObject({ code: 'BadOption' });
  });

  test('listeners that throw become warnings and stop nobody', async () => {
    using warnings = new Warnings();
    await using world = await loopback();
    world.server.on('up', () => {
      throw new Error('thrown by a server listener');
    });
    world.server.on('session', async () => {
      await nextTick();
      throw Object.create(null);
    });
    const { client } = await world.pair();
    await until(() => warnings.list.length === 2, 'two warnings');
    expect(warnings.list.map(({ message }) => message).join('\n')).toContain('thrown by a server listener');
    expect(client.connection.state).toBe('up');
  });

  test.each([[undefined], [null], [{}], [{ start: 5 }], ['chat']])('is refused %j as a behavior', (behavior) => {
    expect(thrownBy(() => createServer(behavior as never))).toMatchObject({ code: 'BadOption' });
  });

  test.each([
    [{ shards: 2 as 0 }, 'shards'],
    [{ handshakeMs: Number.NaN }, 'handshakeMs'],
    [{ lingerMs: -1 }, 'lingerMs'],
    [{ heartbeat: { timeoutMs: -1 } }, 'heartbeat.timeoutMs'],
    [{ limits: { sessions: 0 } }, 'limits.sessions'],
    [{ limits: { connections: 0 } }, 'limits.connections'],
    [{ limits: { handshakes: -1 } }, 'limits.handshakes'],
  ])('is refused %j as options', (options, name) => {
    const error = thrownBy(() => createServer(() => {}, options));
    expect(error).toMatchObject({ code: 'BadOption' });
    expect(error.message).toContain(name);
  });
});

describe('closing a server', () => {
  test('lets clients finish, tells them to come back, and frees the port (E31, N20)', async () => {
    const heard: unknown[] = [];
    const world = await loopback((session) => {
      session.on('say', async (text) => {
        await nextTick();
        heard.push(text);
      });
    });
    const { client, session } = await world.pair();
    const told = serverDiaryOf(world.server);
    for (let count = 0; count < 50; count += 1) client.send('say', count);
    await client.with({ timeoutMs: 5_000 }).deliver('say', 50);
    session.send('said', 'the last word');
    const last = new Promise((resolve) => {
      client.on('said', resolve);
    });
    const redial = nextInfo<{ cause: { code: string } }>(client.connection, 'reconnect');
    await world.server.close();
    expect(await last).toBe('the last word');
    expect((await redial).cause.code).toBe('going-away');
    expect(heard).toHaveLength(51);
    expect(told.at(-1)).toMatchObject(['end', {}, { code: 'going-away', unconfirmed: 0, carried: 0 }]);
    expect(world.server.counts).toMatchObject({ sessions: 0, connections: 0 });
    await using next = await loopback();
    await next.server.listen(world.port);
    await world[Symbol.asyncDispose]();
  });

  test('settles once, however often it is called, and a second call ends everything now', async () => {
    const gate = new Gate();
    await using world = await loopback((session) => void session.on('say', () => gate.passed));
    const { client } = await world.pair();
    client.send('say');
    await until(() => client.connection.state === 'up', 'up');
    const closing = world.server.close({ drainMs: 60_000 });
    const second = world.server.close();
    expect(second).toBe(closing);
    await closing;
    await world.server.close({ drainMs: 5 });
    gate.open();
  });

  test('gives up after drainMs, with the counts of what was left', async () => {
    const gate = new Gate();
    await using world = await loopback();
    const { client, session } = await world.pair();
    client.on('said', () => gate.passed);
    for (let count = 0; count < 3; count += 1) session.send('said', count);
    const end = nextAt(world.server, 'end');
    await until(() => client.connection.state === 'up', 'up');
    await world.server.close({ drainMs: 60 });
    const [, detail] = await end;
    expect(detail).toEqual({ code: 'going-away', unconfirmed: 3, carried: 0 });
    gate.open();
  });

  test('with drainMs 0 is immediate', async () => {
    const gate = new Gate();
    await using world = await loopback((session) => void session.on('say', () => gate.passed));
    const { client } = await world.pair();
    client.send('say');
    const redial = nextInfo(client.connection, 'reconnect');
    await world.server.close({ drainMs: 0 });
    expect(await redial).toMatchObject({ cause: { code: 'going-away' } });
    gate.open();
  });

  test('waits for a handler whose client is away, and no longer than for that', async () => {
    const gate = new Gate();
    let isDone = false;
    const started = new Tally();
    await using world = await loopback((session) => {
      session.on('say', async () => {
        started.count();
        await gate.passed;
        isDone = true;
      });
    });
    const { client } = await world.pair();
    client.send('say');
    await started.reached(1);
    const down = nextAt(world.server, 'down');
    client.disconnect();
    await down;
    const closing = world.server.close({ drainMs: 60_000 });
    await nextTick();
    expect(isDone).toBe(false);
    gate.open();
    await closing;
    expect(isDone).toBe(true);
  });

  test('does not wait for sessions whose client is away and that owe nothing', async () => {
    await using world = await loopback();
    const { client } = await world.pair();
    const down = nextAt(world.server, 'down');
    client.disconnect();
    await down;
    await world.server.close({ drainMs: 60_000 });
  });

  test('ends handshakes that are under way', async () => {
    await using world = await loopback({ authenticate: () => new Promise<{ id: string }>(() => {}) });
    const peer = await Peer.dial(world.port);
    peer.hello();
    await until(() => world.server.counts.handshakes === 1, 'a handshake');
    await world.server.close();
    expect(await peer.farewell()).toMatchObject({ code: 'going-away' });
    await peer.closed;
    expect(world.server.counts).toMatchObject({ handshakes: 0, connections: 0 });
  });

  test('lets nothing in afterwards', async () => {
    const world = await loopback();
    await world.server.close();
    expect(await failureOf(world.server.listen(0))).toMatchObject({ code: 'Closed' });
    expect(thrownBy(() => world.server.accept(duplexPair()[0]))).toMatchObject({ code: 'Closed' });
  });

  test('in the middle of listen leaves no listener', async () => {
    const server = createServer<Loose>(() => {});
    const listening = failureOf(server.listen(0));
    await server.close();
    expect(await listening).toMatchObject({ code: 'Closed' });
  });

  test('before anything happened settles', async () => {
    await createServer(() => {}).close();
    const server = createServer(() => {});
    await server[Symbol.asyncDispose]();
    expect(thrownBy(() => server.close({ drainMs: Number.NaN }))).toMatchObject({ code: 'BadOption' });
  });

  test('by its signal is immediate, and the signal is let go', async () => {
    const stop = new AbortController();
    await using world = await loopback({}, { signal: stop.signal });
    const { client } = await world.pair();
    const redial = nextOf(client.connection, 'reconnect');
    stop.abort();
    await redial;
    expect(await failureOf(world.server.listen(0))).toMatchObject({ code: 'Closed' });
    const other = new AbortController();
    const server = createServer(() => {}, { signal: other.signal });
    expect(getEventListeners(other.signal, 'abort')).toHaveLength(1);
    await server.close();
    expect(getEventListeners(other.signal, 'abort')).toEqual([]);
    const never = createServer(() => {}, { signal: AbortSignal.abort() });
    expect(await failureOf(never.listen(0))).toMatchObject({ code: 'Closed' });
  });

  test.each(['session', 'up', 'down', 'end'] as const)('from a listener of %s harms nobody', async (name) => {
    using warnings = new Warnings();
    await using world = await loopback();
    await using relay = await Relay.to(world.port);
    const closing = Promise.withResolvers<void>();
    world.server.on(name, () => void world.server.close({ drainMs: 0 }).then(closing.resolve));
    const client = world.client({}, relay.port);
    if (name === 'down') world.server.on('up', () => relay.cut());
    if (name === 'end') void client.up().then(() => client.close());
    await closing.promise;
    expect(world.server.counts).toMatchObject({ sessions: 0, connections: 0, handshakes: 0 });
    expect(warnings.list).toEqual([]);
  });

  test('from a listener of down in the middle of a takeover harms nobody', async () => {
    await using world = await loopback();
    const first = await Peer.dial(world.port);
    const known = await first.open();
    await until(() => world.sessions.length === 1, 'a session');
    const closing = new Promise<void>((resolve) => {
      world.server.on('down', () => void world.server.close({ drainMs: 0 }).then(resolve));
    });
    const second = await Peer.dial(world.port);
    second.resume(known, { dialNumber: 2 });
    await closing;
    await Promise.all([first.closed, second.closed]);
    expect(world.server.counts).toMatchObject({ sessions: 0, connections: 0, handshakes: 0 });
  });
});

test('closing from a listener of gap, in the middle of a renewal, harms nobody', async () => {
  await using world = await loopback();
  const first = await Peer.dial(world.port);
  const known = await first.open();
  await until(() => world.sessions.length === 1, 'a session');
  const closing = new Promise<void>((resolve) => {
    world.server.on('gap', () => void world.server.close({ drainMs: 0 }).then(resolve));
  });
  const second = await Peer.dial(world.port);
  second.resume(known, { mode: 'renew', dialNumber: 2 });
  await closing;
  await Promise.all([first.closed, second.closed]);
  expect(world.server.counts).toMatchObject({ sessions: 0, connections: 0, handshakes: 0 });
  expect(world.sessions).toHaveLength(1);
});

describe('a server that forgot', () => {
  test('makes a new session: the client is told, the server knows no gap (U37)', async () => {
    await using old = await loopback();
    await using fresh = await loopback();
    await using relay = await Relay.to(old.port);
    const { client } = await old.pair({}, relay.port);
    const told = serverDiaryOf(fresh.server);
    const gap = nextInfo(client.connection, 'gap');
    relay.targetPort = fresh.port;
    relay.cut();
    expect(await gap).toMatchObject({ reason: 'history-lost', epoch: 2, unconfirmed: 0, carried: 0 });
    await client.up();
    await until(() => told.length === 2, 'the new session');
    expect(namesOf(told)).toEqual(['session', 'up']);
    expect(told[0]?.[1]).toMatchObject({ id: client.id, epoch: 2 });
  });

  test('a client that forgot: the old session ends with the same report, as a gap (contract 6)', async () => {
    await using world = await loopback();
    const told = serverDiaryOf(world.server);
    const first = await Peer.dial(world.port);
    const known = await first.open();
    await until(() => world.sessions.length === 1, 'a session');
    world.sessions[0]?.send('said', 'written');
    await first.nextOf(0x10);
    first.socket.destroy();
    await until(() => told.some(([name]) => name === 'down'), 'down');
    world.sessions[0]?.send('said', 'waits');
    const second = await Peer.dial(world.port);
    second.resume(known, { mode: 'renew', dialNumber: 2 });
    const answer = await second.answer();
    expect(answer).toMatchObject({ welcome: { session: { type: 'new', epoch: 2, loss: 'history-lost' } } });
    second.ack(0);
    await until(() => told.length === 7, 'the new session');
    const counts = { unconfirmed: 1, carried: 1 };
    expect(told.slice(3)).toMatchObject([
      ['gap', { id: known.id, epoch: 1 }, counts],
      ['end', { id: known.id, epoch: 1 }, { code: 'history-lost', ...counts }],
      ['session', { epoch: 2 }],
      ['up', { epoch: 2 }, { resumed: false }],
    ]);
    second.socket.destroy();
  });
});

test('both ends may live in one process and close in either order (E10)', async () => {
  for (const order of ['client', 'server'] as const) {
    const world = await loopback();
    const { client } = await world.pair();
    const told = diaryOf(client.connection);
    if (order === 'client') {
      await client.close();
      await world.server.close();
    } else {
      await world.server.close();
      await client.close();
    }
    expect(namesOf(told).at(-1)).toBe('closed');
    await world[Symbol.asyncDispose]();
  }
});
