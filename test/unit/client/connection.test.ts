import { duplexPair } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { ConnectionView } from '../../../src/client/connection.ts';
import { HomingError } from '../../../src/errors.ts';
import { PeerServer } from '../../loopback/peer.ts';
import { Relay } from '../../loopback/relay.ts';
import {
  Warnings,
  diaryOf,
  loopback,
  namesOf,
  nextInfo,
  nextOf,
  nextTick,
  serverDiaryOf,
  until,
} from '../../loopback/world.ts';

const known = { id: 's-1', secret: new Uint8Array(32).fill(7), epoch: 1 };

describe('the events of a connection', () => {
  test('come in the order of its states, each once (U1, U4, E5)', async () => {
    await using world = await loopback();
    await using relay = await Relay.to(world.port);
    const client = world.client({ backoff: { firstMs: 0 } }, relay.port);
    const told = diaryOf(client.connection);
    await client.up();
    const back = nextOf(client.connection, 'up');
    relay.cut();
    await back;
    await client.close();
    expect(namesOf(told)).toEqual([
      'idle→connecting',
      'connecting→authenticating',
      'authenticating→up',
      'up',
      'up→backoff',
      'down',
      'reconnect',
      'backoff→connecting',
      'connecting→authenticating',
      'authenticating→up',
      'up',
      'up→closed',
      'down',
      'closed',
    ]);
    const details = told.filter(([name]) => name !== 'change');
    expect(details).toMatchObject([
      ['up', { resumed: false }],
      ['down', { code: 'line-lost' }],
      ['reconnect', { attempt: 1, delayMs: 0 }],
      ['up', { resumed: true }],
      ['down', { code: 'closed' }],
      ['closed', { code: 'closed', reason: '', unconfirmed: 0, carried: 0 }],
    ]);
  });

  test('come in the same order when bytes arrive inside a write', async () => {
    await using world = await loopback();
    const [near, far] = duplexPair();
    world.server.accept(far);
    const client = world.client({}, near);
    const told = diaryOf(client.connection);
    await client.up();
    expect(namesOf(told)).toEqual(['idle→connecting', 'connecting→authenticating', 'authenticating→up', 'up']);
  });

  test('show the state that is told', async () => {
    await using world = await loopback();
    const client = world.client();
    const states: string[] = [];
    client.connection.on('change', (state) => void states.push(`${state} ${client.connection.state}`));
    client.connection.on('up', () => void states.push(client.connection.state));
    await client.up();
    await client.close();
    expect(states).toEqual(['connecting connecting', 'authenticating authenticating', 'up up', 'up', 'closed closed']);
  });

  test('name attempt, delay and cause of each try (N26, N27)', async () => {
    const factory = { createConnection: () => Promise.reject(new Error('no route')) };
    await using world = await loopback();
    const client = world.client({ backoff: { firstMs: 2, baseMs: 2, maxMs: 8 } }, factory);
    const told = diaryOf(client.connection);
    for (let count = 0; count < 5; count += 1) await nextOf(client.connection, 'reconnect');
    const tries = told.filter(([name]) => name === 'reconnect').map(([, info]) => info as Record<string, unknown>);
    expect(tries.map(({ attempt }) => attempt)).toEqual([1, 2, 3, 4, 5]);
    expect(tries.every(({ cause }) => (cause as Error).message === 'no route')).toBe(true);
    const rangesMs = [2, 2, 4, 8, 8];
    for (const [index, { delayMs }] of tries.entries()) {
      expect(delayMs).toBeGreaterThanOrEqual(0);
      expect(delayMs).toBeLessThanOrEqual(rangesMs[index] ?? 0);
    }
    expect(told.filter(([name]) => name === 'down' || name === 'up' || name === 'error')).toEqual([]);
  });

  test('start the count of tries anew after a connection that moved the session forward', async () => {
    await using world = await loopback((session) => void session.on('say', () => {}));
    await using relay = await Relay.to(world.port);
    const { client } = await world.pair({}, relay.port);
    const attempts: number[] = [];
    client.connection.on('reconnect', ({ attempt }) => void attempts.push(attempt));
    for (let cut = 0; cut < 3; cut += 1) {
      await client.deliver('say');
      const back = nextOf(client.connection, 'up');
      relay.cut();
      await back;
    }
    expect(attempts).toEqual([1, 1, 1]);
  });

  test('start the count of tries anew with connect', async () => {
    await using world = await loopback();
    await using relay = await Relay.to(world.port);
    relay.isRefusing = true;
    const client = world.client({}, relay.port);
    const attempts: number[] = [];
    client.connection.on('reconnect', ({ attempt }) => void attempts.push(attempt));
    for (let count = 0; count < 3; count += 1) await nextOf(client.connection, 'reconnect');
    client.connect();
    await nextOf(client.connection, 'reconnect');
    client.disconnect();
    client.connect();
    await nextOf(client.connection, 'reconnect');
    client.disconnect();
    expect(attempts).toEqual([1, 2, 3, 4, 1]);
  });

  test('tell a stalled line once, then the recovery (N15, E25)', async () => {
    const heartbeat = { intervalMs: 20, timeoutMs: 60 };
    await using world = await loopback({}, { heartbeat });
    await using relay = await Relay.to(world.port);
    const { client } = await world.pair({ heartbeat }, relay.port);
    const told = diaryOf(client.connection);
    const down = nextInfo(client.connection, 'down');
    relay.stall();
    expect(await down).toEqual({ code: 'silent' });
    await nextOf(client.connection, 'up');
    expect(told.filter(([name]) => name === 'down')).toHaveLength(1);
    expect(told.at(-1)).toEqual(['up', { resumed: true }]);
  });

  test('tell one end alone of a line that is half open: the other is replaced at once (contract 3, 8)', async () => {
    await using world = await loopback((session) => void session.on('say', () => {}), { heartbeat: { intervalMs: 0 } });
    await using relay = await Relay.to(world.port);
    // Long enough that a busy machine is not taken for a second stall.
    const { client } = await world.pair({ heartbeat: { intervalMs: 100, timeoutMs: 400 } }, relay.port);
    const told = serverDiaryOf(world.server);
    relay.stall();
    client.send('say');
    await nextOf(client.connection, 'up');
    await client.flush();
    expect(told.map(([name, , detail]) => [name, detail])).toEqual([
      ['down', { code: 'replaced' }],
      ['up', { resumed: true }],
    ]);
    expect(world.server.counts).toMatchObject({ sessions: 1, connections: 1 });
  });

  test('never tell a stall while heartbeats are switched off', async () => {
    await using world = await loopback({}, { heartbeat: { intervalMs: 0 } });
    const { client } = await world.pair({ heartbeat: { intervalMs: 0 } });
    const told = diaryOf(client.connection);
    await client.deliver('say').catch(() => {});
    expect(told).toEqual([]);
  });

  test('measure the round trip', async () => {
    const heartbeat = { intervalMs: 5, timeoutMs: 1_000 };
    await using world = await loopback({}, { heartbeat });
    const { client, session } = await world.pair({ heartbeat });
    await until(() => client.connection.rttMs !== undefined, 'a measured round trip');
    expect(client.connection.rttMs).toBeGreaterThan(0);
    await until(() => session.connection.rttMs !== undefined, 'a measured round trip at the server');
  });

  test('of the peer never mix with events of the peer (U32)', async () => {
    const names = [
      'change',
      'up',
      'down',
      'reconnect',
      'gap',
      'refused',
      'closed',
      'error',
      '__proto__',
      'constructor',
    ];
    await using world = await loopback();
    const { client, session } = await world.pair();
    const told = diaryOf(client.connection);
    const heard: string[] = [];
    for (const name of names) client.on(name, (text) => void heard.push(`${name} ${String(text)}`));
    for (const name of names) await session.deliver(name, 'from the peer');
    expect(told).toEqual([]);
    expect(heard).toEqual(names.map((name) => `${name} from the peer`));
  });
});

describe('listeners that act', () => {
  test('disconnect in change: the connection is up, then down, never the other way round', async () => {
    await using world = await loopback();
    const client = world.client();
    const told = diaryOf(client.connection);
    client.connection.on('change', (state) => {
      if (state === 'up') client.disconnect();
    });
    await nextOf(client.connection, 'down');
    expect(namesOf(told).slice(2)).toEqual(['authenticating→up', 'up', 'up→idle', 'down']);
    expect(client.connection.state).toBe('idle');
  });

  test('disconnect in up', async () => {
    await using world = await loopback();
    const client = world.client();
    const told = diaryOf(client.connection);
    client.connection.on('up', () => client.disconnect());
    await nextOf(client.connection, 'down');
    expect(namesOf(told).slice(2)).toEqual(['authenticating→up', 'up', 'up→idle', 'down']);
  });

  test('reconnect in up, three times', async () => {
    await using world = await loopback();
    const client = world.client();
    let count = 0;
    client.connection.on('up', () => {
      count += 1;
      if (count <= 3) client.reconnect();
    });
    await until(() => count === 4 && client.connection.state === 'up', 'the fourth connection');
    await client.deliver('say').catch(() => {});
    await until(() => world.server.counts.connections === 1, 'one connection');
    expect(world.server.counts.sessions).toBeLessThanOrEqual(4);
  });

  test('disconnect, then reconnect, in reconnect: what was asked for last happens', async () => {
    await using world = await loopback();
    await using relay = await Relay.to(world.port);
    const { client } = await world.pair({ backoff: { firstMs: 60_000 } }, relay.port);
    const told = diaryOf(client.connection);
    let count = 0;
    client.connection.on('reconnect', () => {
      count += 1;
      client.disconnect();
      if (count === 2) client.reconnect();
    });
    const first = nextOf(client.connection, 'reconnect');
    relay.cut();
    await first;
    expect(client.connection.state).toBe('idle');
    client.connect();
    await client.up();
    relay.cut();
    await nextOf(client.connection, 'reconnect');
    await client.up();
    expect(namesOf(told).filter((name) => name === 'down')).toHaveLength(2);
    expect(told.at(-1)).toEqual(['up', { resumed: true }]);
  });

  test('close in error: the end is the one that was asked for', async () => {
    await using world = await loopback();
    const client = world.client({
      credentials: () => {
        throw new Error('no credentials');
      },
    });
    const told = diaryOf(client.connection);
    client.connection.on('error', () => void client.close());
    expect(await nextInfo(client.connection, 'closed')).toMatchObject({ code: 'closed' });
    expect(namesOf(told).slice(-2)).toEqual(['authenticating→closed', 'closed']);
  });

  test('connect in down', async () => {
    await using world = await loopback();
    await using relay = await Relay.to(world.port);
    const { client } = await world.pair({ autoReconnect: false }, relay.port);
    client.connection.on('down', () => client.connect());
    const back = nextOf(client.connection, 'up');
    relay.cut();
    await back;
    await client.deliver('say').catch(() => {});
  });

  test.each(['change', 'up', 'down', 'reconnect'] as const)('close in %s', async (name) => {
    await using world = await loopback();
    await using relay = await Relay.to(world.port);
    const client = world.client({}, relay.port);
    const told = diaryOf(client.connection);
    const closed = nextInfo(client.connection, 'closed');
    client.connection.on(name as 'up', () => void client.close({ drainMs: 0 }));
    if (name === 'down' || name === 'reconnect') {
      await client.up();
      relay.cut();
    }
    expect(await closed).toMatchObject({ code: 'closed' });
    await client.close();
    expect(namesOf(told).filter((each) => each === 'closed')).toHaveLength(1);
    expect(namesOf(told).at(-1)).toBe('closed');
  });

  test('close in refused: the end is the refusal, with its counts', async () => {
    await using world = await loopback({
      authenticate: () => {
        throw new Error('not you');
      },
    });
    const client = world.client();
    client.send('say', 1);
    client.connection.on('refused', () => void client.close());
    const told = diaryOf(client.connection);
    const report = { code: 'refused', reason: 'not you', unconfirmed: 0, carried: 1 };
    expect(await nextInfo(client.connection, 'closed')).toEqual(report);
    expect(told.filter(([name]) => name === 'closed' || name === 'refused')).toEqual([
      ['refused', report],
      ['closed', report],
    ]);
  });

  test('close in the abort of a turn: the end is the one that began, with its counts', async () => {
    const done = Promise.withResolvers<void>();
    await using world = await loopback();
    const { client, session } = await world.pair();
    client.on('work', () => {
      client.turn.signal.addEventListener('abort', () => void client.close());
      return done.promise;
    });
    session.send('work');
    client.disconnect();
    client.connect();
    await client.up();
    await until(() => session.connection.state === 'up', 'the session to be up');
    await client.flush();
    client.disconnect();
    client.send('say', 'waits');
    const closed = nextInfo(client.connection, 'closed');
    const first = client.close({ drainMs: 0 });
    expect(await closed).toMatchObject({ code: 'closed', carried: 1 });
    await first;
    done.resolve();
  });

  test('that throw or reject become warnings and stop nobody', async () => {
    using warnings = new Warnings();
    await using world = await loopback();
    const client = world.client();
    const heard: string[] = [];
    client.connection.on('up', () => {
      throw new Error('thrown in a listener');
    });
    const reject: () => unknown = async () => {
      await nextTick();
      throw new Error('rejected in a listener');
    };
    client.connection.on('up', reject);
    client.connection.on('up', () => void heard.push('up'));
    await client.up();
    await until(() => warnings.list.length === 2, 'two warnings');
    expect(heard).toEqual(['up']);
    expect(warnings.list).toMatchObject([
      { code: 'HandlerFailed', message: expect.stringContaining('thrown in a listener') },
      { code: 'HandlerFailed', message: expect.stringContaining('rejected in a listener') },
    ]);
    expect(client.connection.state).toBe('up');
  });
});

describe('what a server by hand says', () => {
  test('GOAWAY and CLOSE of the retry class: the client comes back after the time it was told', async () => {
    await using world = await loopback();
    await using server = await PeerServer.open();
    const client = world.client({}, server.port);
    const first = await server.next();
    await first.greeting();
    first.welcomeNew(known);
    await client.up();
    const redial = nextInfo<{ delayMs: number; cause: { code: string } }>(client.connection, 'reconnect');
    first.close('going-away', 'come back', 37);
    const { delayMs, cause } = await redial;
    expect(delayMs).toBeGreaterThanOrEqual(37);
    expect(cause).toMatchObject({ code: 'going-away', message: 'come back' });
    const second = await server.next();
    const { hello, body } = await second.greeting();
    expect(hello.claim).toMatchObject({ mode: 'resume', id: 's-1', epoch: 1 });
    second.welcomeBack(known.secret, body);
    await client.up();
  });

  test('a wish to come back in a month is no reason to dial at once', async () => {
    using warnings = new Warnings();
    await using world = await loopback();
    await using server = await PeerServer.open();
    const client = world.client({}, server.port);
    const peer = await server.next();
    await peer.greeting();
    const redial = nextInfo<{ delayMs: number }>(client.connection, 'reconnect');
    peer.refuse('overloaded', 'see you', 4_294_967_295);
    expect((await redial).delayMs).toBeGreaterThanOrEqual(4_294_967_295);
    for (let turn = 0; turn < 20; turn += 1) await nextTick();
    expect(client.connection.state).toBe('backoff');
    expect(warnings.list).toEqual([]);
  });

  test.each(['ended', 'replaced', 'expired'] as const)('CLOSE %s is the end', async (code) => {
    await using world = await loopback();
    await using server = await PeerServer.open();
    const client = world.client({}, server.port);
    const peer = await server.next();
    await peer.greeting();
    peer.welcomeNew(known);
    await client.up();
    const told = diaryOf(client.connection);
    client.send('say', 'never confirmed');
    await peer.nextOf(0x10);
    const lost = nextInfo(client.connection, 'closed');
    peer.close(code, 'that was it');
    const report = { code, reason: 'that was it', unconfirmed: 1, carried: 0 };
    expect(await lost).toEqual(report);
    expect(told).toEqual([
      ['change', 'closed', 'up'],
      ['down', { code }],
      ['closed', report],
    ]);
  });

  test('a refusal of the retry class is told with counts, and tried again', async () => {
    await using world = await loopback();
    await using server = await PeerServer.open();
    const client = world.client({}, server.port);
    const told = diaryOf(client.connection);
    client.send('say', 1);
    const first = await server.next();
    await first.greeting();
    first.refuse('try-later', 'not now', 1);
    const second = await server.next();
    await second.greeting();
    second.welcomeNew(known);
    await client.up();
    expect(told.filter(([name]) => name === 'refused')).toEqual([
      ['refused', { code: 'try-later', reason: 'not now', unconfirmed: 0, carried: 1 }],
    ]);
    expect(told.find(([name]) => name === 'reconnect')).toMatchObject(['reconnect', { cause: { code: 'try-later' } }]);
  });
});

test('an error that nobody listens to is a warning, never a throw', async () => {
  using warnings = new Warnings();
  const view = new ConnectionView({ state: () => 'idle', rttMs: () => undefined });
  view.emit('error', new HomingError('HandlerFailed', 'unheard'));
  const heard: string[] = [];
  const remove = view.on('error', ({ message }) => void heard.push(message));
  view.emit('error', new HomingError('HandlerFailed', 'heard'));
  remove();
  view.emit('error', new HomingError('HandlerFailed', 'unheard again'));
  await until(() => warnings.list.length === 2, 'two warnings');
  expect(warnings.list.map(({ message }) => message)).toEqual(['unheard', 'unheard again']);
  expect(heard).toEqual(['heard']);
});
