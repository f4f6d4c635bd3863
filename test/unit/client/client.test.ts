import { getEventListeners } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type GapReport, createClient, createServer } from 'homing';
import { describe, expect, test } from 'vitest';
import { exitOf } from '../../loopback/program.ts';
import { Relay } from '../../loopback/relay.ts';
import {
  Gate,
  type Loose,
  type LooseClient,
  Tally,
  diaryOf,
  failureOf,
  loopback,
  namesOf,
  nextAt,
  nextInfo,
  nextOf,
  nextTick,
  thrownBy,
  until,
} from '../../loopback/world.ts';

describe('a client', () => {
  test('has no name before it was up once, then that of its session (U1)', async () => {
    await using world = await loopback();
    const client = world.client();
    expect([client.id, client.epoch, client.connection.state, client.connection.rttMs]).toEqual([
      '',
      0,
      'idle',
      undefined,
    ]);
    expect(await client.up()).toBe(client.remote);
    expect([client.connection.state, client.epoch]).toEqual(['up', 1]);
    await until(() => world.sessions.length === 1, 'a session');
    expect(world.sessions[0]?.id).toBe(client.id);
    expect(client.id).toMatch(/^[0-9a-f]{32}$/);
  });

  test('sends in the tick in which it was made, before any connection (U41, N4, N9)', async () => {
    const heard: unknown[] = [];
    await using world = await loopback((session) => void session.on('say', (text) => void heard.push(text)));
    const client = world.client();
    expect(client.send('say', 'at once')).toBe(true);
    const delivered = client.deliver('say', 'as well');
    await Promise.all([delivered, client.flush()]);
    expect(heard).toEqual(['at once', 'as well']);
  });

  test('hears what was sent before its handlers of the same tick were attached', async () => {
    await using world = await loopback((session) => void session.send('said', 'welcome'));
    const client = world.client();
    const heard = new Promise((resolve) => {
      client.on('said', resolve);
    });
    expect(await heard).toBe('welcome');
  });

  test('speaks and listens, both ends alike (U2, U3, D14, D20)', async () => {
    await using world = await loopback((session) => void session.on('say', (text) => session.send('said', text)));
    const { client } = await world.pair();
    const heard: unknown[] = [];
    client.on('said', (text) => void heard.push(text));
    const texts = ['plain', 'grüße', '日本語', '🏠 home', 'e\u0301', '\u0000'];
    for (const text of texts) client.send('say', text);
    await client.flush();
    await until(() => heard.length === texts.length, 'every answer');
    expect(heard).toEqual(texts);
  });

  test('keeps the order of one tick, with consecutive ids (E3)', async () => {
    const heard: unknown[] = [];
    await using world = await loopback((session) => {
      session.on('say', (text) => void heard.push([text, session.turn.messageId.split('/').at(-1)]));
    });
    const { client } = await world.pair();
    for (const text of ['a', 'b', 'c']) client.send('say', text);
    await client.flush();
    expect(heard).toEqual([
      ['a', '1'],
      ['b', '2'],
      ['c', '3'],
    ]);
  });

  test('hands over values that share nothing with those that were sent (N29)', async () => {
    const heard: unknown[] = [];
    await using world = await loopback((session) => void session.on('say', (value) => void heard.push(value)));
    const { client } = await world.pair();
    const value = {
      list: [1, { deep: true }],
      when: new Date(5),
      bytes: new Uint8Array([1, 2]),
      big: 12n,
      none: undefined,
    };
    const before = structuredClone(value);
    client.send('say', value);
    value.list.push(2);
    value.bytes[0] = 9;
    await client.flush();
    expect(heard).toEqual([before]);
  });

  test('is on until its signal aborts; the signal is let go when the client has closed', async () => {
    await using world = await loopback();
    const stop = new AbortController();
    const client = world.client({ signal: stop.signal });
    await client.up();
    expect(getEventListeners(stop.signal, 'abort')).toHaveLength(1);
    const closed = nextInfo(client.connection, 'closed');
    stop.abort();
    expect(await closed).toMatchObject({ code: 'closed' });
    const other = new AbortController();
    const second = world.client({ signal: other.signal });
    await second.up();
    await second.close();
    expect(getEventListeners(other.signal, 'abort')).toEqual([]);
  });

  test('whose signal was aborted before never dials', async () => {
    await using world = await loopback();
    const client = world.client({ signal: AbortSignal.abort() });
    const told = diaryOf(client.connection);
    await client.close();
    expect(namesOf(told)).toEqual(['idle→closed', 'closed']);
    expect(world.server.counts.connections).toBe(0);
  });

  test('closes at once when its signal aborts in the middle of a long goodbye', async () => {
    const gate = new Gate();
    await using world = await loopback((session) => void session.on('say', () => gate.passed));
    const stop = new AbortController();
    const { client } = await world.pair({ signal: stop.signal });
    client.send('say', 'this is never finished');
    const closing = client.close({ drainMs: 60_000 });
    stop.abort();
    await closing;
    expect(client.connection.state).toBe('closed');
    gate.open();
  });

  test('is disposed of by closing it', async () => {
    const heard: unknown[] = [];
    await using world = await loopback((session) => void session.on('say', (text) => void heard.push(text)));
    {
      await using client = createClient<Loose>(world.port);
      client.send('say', 'the last word');
      await client.up();
    }
    expect(heard).toEqual(['the last word']);
  });

  test('hears and is heard once and in order while the line is cut again and again (U11, U12)', async () => {
    const heard: unknown[] = [];
    await using world = await loopback((session) => {
      session.on('say', (text) => {
        heard.push(text);
        session.send('said', text);
      });
    });
    await using relay = await Relay.to(world.port);
    const { client } = await world.pair({}, relay.port);
    const echoed: unknown[] = [];
    const all = new Tally();
    client.on('said', (text) => {
      echoed.push(text);
      all.count();
      if (echoed.length % 40 === 0) relay.cut();
    });
    const sent = Array.from({ length: 400 }, (_each, index) => index);
    for (const text of sent) {
      client.send('say', text);
      if (text % 10 === 0) await nextTick();
      if (text % 50 === 49) relay.cut();
    }
    await all.reached(sent.length);
    expect(heard).toEqual(sent);
    expect(echoed).toEqual(sent);
    expect(world.sessions).toHaveLength(1);
  });

  test('works through a handle that was kept from before a reconnect (N30)', async () => {
    const heard: unknown[] = [];
    await using world = await loopback((session) => void session.on('say', (text) => void heard.push(text)));
    await using relay = await Relay.to(world.port);
    const { client } = await world.pair({}, relay.port);
    const { send, limited } = { send: client.send.bind(client), limited: client.with({ timeoutMs: 20_000 }) };
    const back = nextOf(client.connection, 'up');
    relay.cut();
    await back;
    send('say', 'one');
    await limited.deliver('say', 'two');
    expect(heard).toEqual(['one', 'two']);
  });
});

describe('options of a client', () => {
  test.each([
    [{ heartbeat: { intervalMs: -1 } }, 'heartbeat.intervalMs'],
    [{ heartbeat: { intervalMs: 100, timeoutMs: 50 } }, 'heartbeat.timeoutMs'],
    [{ handshakeMs: 0 }, 'handshakeMs'],
    [{ lingerMs: Number.NaN }, 'lingerMs'],
    [{ backoff: { firstMs: -1 } }, 'backoff.firstMs'],
    [{ backoff: { baseMs: Infinity } }, 'backoff.baseMs'],
    [{ backoff: { maxMs: '5' as unknown as number } }, 'backoff.maxMs'],
    [{ backoff: { stableMs: -5 } }, 'backoff.stableMs'],
    [{ limits: { outboxMessages: 0 } }, 'limits.outboxMessages'],
    [{ limits: { typo: 1 } }, 'limits.typo'],
  ])('are refused by name: %j', (options, name) => {
    const error = thrownBy(() => createClient(1, options as object));
    expect(error).toMatchObject({ name: 'HomingError', code: 'BadOption', retry: false });
    expect(error.message).toContain(name);
  });

  test.each([[null], [undefined], [''], [70_000], [{}], [{ port: 1, path: 'x' }], [{ createConnection: 5 }], [true]])(
    'do not take %j for an address',
    (where) => {
      expect(thrownBy(() => createClient(where as never))).toMatchObject({ code: 'BadAddress' });
    },
  );

  test('refuse another host without tls, unless that was said out loud', async () => {
    expect(thrownBy(() => createClient('example.org:80'))).toMatchObject({ code: 'InsecureHost' });
    const client = createClient({ host: 'example.invalid', port: 80, insecure: true }, { autoConnect: false });
    await client.close();
  });

  test('close refuses a time to drain that is none', async () => {
    await using world = await loopback();
    const { client } = await world.pair();
    expect(thrownBy(() => client.close({ drainMs: -1 }))).toMatchObject({ code: 'BadOption' });
    expect(client.connection.state).toBe('up');
  });
});

describe('credentials', () => {
  const hook = (seen: unknown[]) => ({
    authenticate: (credentials: unknown) => {
      seen.push(credentials);
      return { id: 'one' };
    },
  });

  test('are a value, shown on every connection', async () => {
    const seen: unknown[] = [];
    await using world = await loopback(hook(seen));
    await using relay = await Relay.to(world.port);
    const { client } = await world.pair({ credentials: { token: 't', at: new Date(3) } }, relay.port);
    const back = nextOf(client.connection, 'up');
    relay.cut();
    await back;
    expect(seen).toEqual([
      { token: 't', at: new Date(3) },
      { token: 't', at: new Date(3) },
    ]);
  });

  test('are undefined when none were given', async () => {
    const seen: unknown[] = [];
    await using world = await loopback(hook(seen));
    await world.pair();
    expect(seen).toEqual([undefined]);
  });

  test.each([
    ['function', (count: number) => count],
    ['async function', (count: number) => Promise.resolve(count)],
  ])('are asked anew for each connection when they are a %s', async (_kind, answer) => {
    const seen: unknown[] = [];
    await using world = await loopback(hook(seen));
    await using relay = await Relay.to(world.port);
    let count = 0;
    const { client } = await world.pair({ credentials: () => answer((count += 1)) }, relay.port);
    for (let cut = 0; cut < 2; cut += 1) {
      const back = nextOf(client.connection, 'up');
      relay.cut();
      await back;
    }
    expect(seen).toEqual([1, 2, 3]);
  });

  test.each([
    [
      'throws',
      () => {
        throw new Error('the vault is shut');
      },
    ],
    ['rejects', () => Promise.reject(new Error('the vault is shut'))],
  ])('whose function %s are an error and another try', async (_how, fail) => {
    await using world = await loopback();
    let count = 0;
    const client = world.client({
      credentials: () => {
        count += 1;
        return count < 3 ? fail() : 'fine';
      },
    });
    const told = diaryOf(client.connection);
    await client.up();
    const errors = told.filter(([name]) => name === 'error').map(([, error]) => (error as Error).message);
    expect(errors).toEqual([
      expect.stringContaining('the vault is shut'),
      expect.stringContaining('the vault is shut'),
    ]);
    const redials = told.filter(([name]) => name === 'reconnect').map(([, info]) => info);
    expect(redials).toMatchObject([
      { attempt: 1, cause: { message: expect.stringContaining('the vault is shut') } },
      { attempt: 2, cause: { message: expect.stringContaining('the vault is shut') } },
    ]);
  });

  test('that cannot cross are an error with the path', async () => {
    await using world = await loopback();
    const client = world.client({ credentials: { token: () => 1 }, autoReconnect: false });
    const error = await nextInfo<Error & { code: string }>(client.connection, 'error');
    expect(error.code).toBe('NotEncodable');
    expect(error.message).toContain('token');
  });

  test('that come after the connection has gone are not used', async () => {
    const seen: unknown[] = [];
    await using world = await loopback(hook(seen));
    const answers: ((value: string) => void)[] = [];
    const client = world.client({
      credentials: () =>
        new Promise((resolve) => {
          answers.push(resolve);
        }),
    });
    await until(() => answers.length === 1, 'the first question');
    client.reconnect();
    await until(() => answers.length === 2, 'the second question');
    answers[0]?.('stale');
    await nextTick();
    answers[1]?.('fresh');
    await client.up();
    expect(seen).toEqual(['fresh']);
  });

  test('that never come end with the handshake, and the client goes on', async () => {
    await using world = await loopback();
    let count = 0;
    const client = world.client({
      handshakeMs: 40,
      credentials: () => {
        count += 1;
        return count === 1 ? new Promise(() => {}) : 'fine';
      },
    });
    const redial = await nextInfo<{ cause: { code: string } }>(client.connection, 'reconnect');
    expect(redial.cause.code).toBe('handshake-timeout');
    await client.up();
  });

  test('too large for a HELLO are an error', async () => {
    await using world = await loopback();
    const client = world.client({ credentials: 'x'.repeat(17_000), autoReconnect: false });
    expect(await nextInfo(client.connection, 'error')).toMatchObject({ code: 'MessageTooLarge' });
  });
});

describe('up', () => {
  test('resolves at once when there is a connection, and in the tick of the next one otherwise', async () => {
    await using world = await loopback();
    const client = world.client({ autoConnect: false });
    const waiting = client.up();
    client.connect();
    await waiting;
    await client.up({ timeoutMs: 0 });
  });

  test('is told that the time is over, and a later one resolves (N9)', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'homing-'));
    const path = join(folder, 'late.sock');
    await using client = createClient<Loose>(path, { backoff: { firstMs: 1, baseMs: 5, maxMs: 20 } });
    const error = await failureOf(client.up({ timeoutMs: 10 }));
    expect(error).toMatchObject({ code: 'Deadline', retry: true });
    await using server = createServer<Loose>(() => {});
    await server.listen(path);
    await client.up({ timeoutMs: 10_000 });
    await client.close();
    await server.close();
    await rm(folder, { recursive: true });
  });

  test('ends with its signal', async () => {
    const client = createClient<Loose>(1, { autoConnect: false });
    const stop = new AbortController();
    const waiting = failureOf(client.up({ signal: stop.signal }));
    stop.abort(new Error('no longer'));
    expect(await waiting).toMatchObject({ code: 'Aborted', cause: { message: 'no longer' } });
    expect(getEventListeners(stop.signal, 'abort')).toEqual([]);
    expect(await failureOf(client.up({ signal: stop.signal }))).toMatchObject({ code: 'Aborted' });
    await client.close();
  });

  test('rejects when the client is closed, before and after (N16)', async () => {
    const client = createClient<Loose>(1, { autoConnect: false });
    const waiting = failureOf(client.up());
    await client.close();
    expect(await waiting).toMatchObject({ code: 'Closed' });
    expect(await failureOf(client.up())).toMatchObject({ code: 'Closed' });
  });

  test.each([-1, Number.NaN])('refuses a deadline of %d', async (timeoutMs) => {
    const client = createClient<Loose>(1, { autoConnect: false });
    expect(await failureOf(client.up({ timeoutMs }))).toMatchObject({ code: 'BadOption' });
    await client.close();
  });
});

describe('connect, disconnect, reconnect', () => {
  test('autoConnect: false waits for connect', async () => {
    await using world = await loopback();
    const client = world.client({ autoConnect: false });
    await nextTick();
    await nextTick();
    expect(client.connection.state).toBe('idle');
    client.connect();
    expect(client.connection.state).toBe('connecting');
    client.connect();
    await client.up();
  });

  test('disconnect in the tick of its making stays down', async () => {
    await using world = await loopback();
    const client = world.client();
    client.disconnect();
    await nextTick();
    await nextTick();
    expect(client.connection.state).toBe('idle');
    client.connect();
    await client.up();
  });

  test('disconnect lets go of the connection and keeps the session', async () => {
    const heard: unknown[] = [];
    await using world = await loopback((session) => void session.on('say', (text) => void heard.push(text)));
    const { client, session } = await world.pair();
    const told = diaryOf(client.connection);
    const down = nextAt(world.server, 'down');
    client.disconnect();
    expect(namesOf(told)).toEqual(['up→idle', 'down']);
    expect(told.at(-1)).toEqual(['down', { code: 'disconnected' }]);
    expect((await down)[1]).toEqual({ code: 'disconnected' });
    client.send('say', 'later');
    await nextTick();
    expect(client.connection.state).toBe('idle');
    client.connect();
    await client.flush();
    expect(heard).toEqual(['later']);
    expect([client.id, world.sessions.length]).toEqual([session.id, 1]);
    expect(told.at(-1)).toEqual(['up', { resumed: true }]);
  });

  test('disconnect while waiting to try again stays down (U29)', async () => {
    await using world = await loopback();
    await using relay = await Relay.to(world.port);
    relay.isRefusing = true;
    const client = world.client({ backoff: { firstMs: 5, baseMs: 5, maxMs: 5 } }, relay.port);
    await nextOf(client.connection, 'reconnect');
    client.disconnect();
    expect(client.connection.state).toBe('idle');
    const dials = relay.taken.value;
    const told = diaryOf(client.connection);
    const other = world.client({}, relay.port);
    for (let redial = 0; redial < 10; redial += 1) await nextOf(other.connection, 'reconnect');
    await other.close();
    expect(told).toEqual([]);
    expect(relay.taken.value).toBeGreaterThan(dials);
    relay.isRefusing = false;
    client.reconnect();
    await client.up();
  });

  test('reconnect makes exactly one new connection (U30)', async () => {
    await using world = await loopback();
    await using relay = await Relay.to(world.port);
    const { client } = await world.pair({}, relay.port);
    const told = diaryOf(client.connection);
    const up = nextAt(world.server, 'up');
    client.reconnect();
    await client.up();
    await up;
    await client.deliver('say').catch(() => {});
    expect(namesOf(told)).toEqual(['up→connecting', 'down', 'connecting→authenticating', 'authenticating→up', 'up']);
    expect(relay.taken.value).toBe(2);
    expect(world.server.counts).toMatchObject({ sessions: 1, connections: 1, handshakes: 0 });
  });

  test.each(['idle', 'connecting', 'backoff'])('reconnect works from %s', async (state) => {
    await using world = await loopback();
    await using relay = await Relay.to(world.port);
    const client = world.client({ autoConnect: state !== 'idle', backoff: { firstMs: 60_000 } }, relay.port);
    if (state === 'connecting') client.connect();
    if (state === 'backoff') {
      relay.isRefusing = true;
      await nextOf(client.connection, 'reconnect');
      relay.isRefusing = false;
    }
    expect(client.connection.state).toBe(state);
    client.reconnect();
    await client.up();
  });

  test('all three refuse, or do nothing, after the end (N17)', async () => {
    const client = createClient<Loose>(1);
    await client.close();
    expect(thrownBy(() => client.connect())).toMatchObject({ code: 'Closed' });
    expect(thrownBy(() => client.reconnect())).toMatchObject({ code: 'Closed' });
    client.disconnect();
    expect(client.connection.state).toBe('closed');
  });

  test('three rounds of up and down leave one session and no listener behind (N7, U13, U40)', async () => {
    await using world = await loopback();
    await using relay = await Relay.to(world.port);
    const { client, session } = await world.pair({}, relay.port);
    const told = diaryOf(client.connection);
    for (let round = 0; round < 20; round += 1) {
      const back = nextAt(world.server, 'up');
      relay.cut();
      await back;
      await client.up();
    }
    expect(namesOf(told).filter((name) => name === 'up')).toHaveLength(20);
    expect(namesOf(told).filter((name) => name === 'down')).toHaveLength(20);
    expect([client.id, client.epoch, world.sessions.length]).toEqual([session.id, 1, 1]);
    expect(world.server.counts).toMatchObject({ sessions: 1, connections: 1, handshakes: 0 });
    await client.close();
    await until(() => world.server.counts.connections === 0, 'no connection');
    expect(world.server.counts.sessions).toBe(0);
  });
});

describe('autoReconnect', () => {
  test('off: a lost connection stays lost until connect', async () => {
    await using world = await loopback();
    await using relay = await Relay.to(world.port);
    const { client } = await world.pair({ autoReconnect: false }, relay.port);
    expect(client.autoReconnect).toBe(false);
    const down = nextInfo(client.connection, 'down');
    relay.cut();
    expect(await down).toEqual({ code: 'line-lost' });
    expect(client.connection.state).toBe('idle');
    client.connect();
    await client.up();
    expect(world.sessions).toHaveLength(1);
  });

  test('off: a failed first dial is tried once', async () => {
    await using world = await loopback();
    await using relay = await Relay.to(world.port);
    relay.isRefusing = true;
    const client = world.client({ autoReconnect: false }, relay.port);
    const told = diaryOf(client.connection);
    await until(() => client.connection.state === 'idle' && told.length > 2, 'idle again');
    expect(namesOf(told)).toEqual(['idle→connecting', 'connecting→authenticating', 'authenticating→idle']);
  });

  test('may be switched at any time', async () => {
    await using world = await loopback();
    await using relay = await Relay.to(world.port);
    const { client } = await world.pair({ autoReconnect: false }, relay.port);
    client.autoReconnect = true;
    const back = nextOf(client.connection, 'up');
    relay.cut();
    await back;
    client.autoReconnect = false;
    const down = nextOf(client.connection, 'down');
    relay.cut();
    await down;
    expect(client.connection.state).toBe('idle');
  });

  test('off ends the wait for the next try', async () => {
    await using world = await loopback();
    await using relay = await Relay.to(world.port);
    relay.isRefusing = true;
    const client = world.client({ backoff: { firstMs: 60_000, baseMs: 60_000 } }, relay.port);
    await nextOf(client.connection, 'reconnect');
    expect(client.connection.state).toBe('backoff');
    client.autoReconnect = false;
    expect(client.connection.state).toBe('idle');
  });
});

describe('close', () => {
  test('sends and finishes what there is, then tells the server (E31)', async () => {
    const heard: unknown[] = [];
    await using world = await loopback((session) => {
      session.on('say', async (text) => {
        await nextTick();
        heard.push(text);
      });
    });
    const { client } = await world.pair();
    const end = nextAt(world.server, 'end');
    for (let count = 0; count < 100; count += 1) client.send('say', count);
    const closed = nextInfo(client.connection, 'closed');
    await client.close();
    expect(await closed).toEqual({ code: 'closed', reason: '', unconfirmed: 0, carried: 0 });
    expect(heard).toHaveLength(100);
    expect((await end)[1]).toEqual({ code: 'closed', unconfirmed: 0, carried: 0 });
    expect(world.server.counts.sessions).toBe(0);
  });

  test('waits for its own handlers', async () => {
    const gate = new Gate();
    let isDone = false;
    await using world = await loopback();
    const { client, session } = await world.pair();
    const started = new Promise<void>((resolve) => {
      client.on('said', async () => {
        resolve();
        await gate.passed;
        isDone = true;
      });
    });
    session.send('said');
    await started;
    const closing = client.close();
    await nextTick();
    expect(client.connection.state).toBe('up');
    gate.open();
    await closing;
    expect(isDone).toBe(true);
  });

  test('before the first connection settles once, with what was accepted (N16)', async () => {
    const client = createClient<Loose>(1);
    const told = diaryOf(client.connection);
    client.send('say', 1);
    const delivered = failureOf(client.deliver('say', 2));
    const flushed = failureOf(client.flush());
    const closing = client.close();
    expect(client.close()).toBe(closing);
    await closing;
    expect(await delivered).toMatchObject({ code: 'OutcomeUnknown', outcome: 'never-sent' });
    expect(await flushed).toMatchObject({ code: 'OutcomeUnknown' });
    expect(told).toEqual([
      ['change', 'closed', 'idle'],
      ['closed', { code: 'closed', reason: '', unconfirmed: 0, carried: 2 }],
    ]);
  });

  test('while it dials ends at once', async () => {
    await using world = await loopback();
    const client = world.client();
    client.connect();
    expect(client.connection.state).toBe('connecting');
    await client.close();
    expect(client.connection.state).toBe('closed');
  });

  test('in backoff ends at once when nothing is owed', async () => {
    await using world = await loopback();
    await using relay = await Relay.to(world.port);
    const { client } = await world.pair({ backoff: { firstMs: 60_000 } }, relay.port);
    await client.deliver('say').catch(() => {});
    const redial = nextOf(client.connection, 'reconnect');
    relay.cut();
    await redial;
    await client.close();
    expect(client.connection.state).toBe('closed');
  });

  test('in backoff with something to send dials on and delivers it', async () => {
    const heard: unknown[] = [];
    await using world = await loopback((session) => void session.on('say', (text) => void heard.push(text)));
    await using relay = await Relay.to(world.port);
    const { client } = await world.pair({}, relay.port);
    relay.isRefusing = true;
    const redial = nextOf(client.connection, 'reconnect');
    relay.cut();
    await redial;
    client.send('say', 'late');
    const closing = client.close();
    for (let count = 0; count < 3; count += 1) await nextOf(client.connection, 'reconnect');
    relay.isRefusing = false;
    await closing;
    expect(heard).toEqual(['late']);
  });

  test('gives up after drainMs, with exact counts', async () => {
    const gate = new Gate();
    await using world = await loopback((session) => void session.on('say', () => gate.passed), {
      limits: { mailboxMessages: 2 },
    });
    const { client } = await world.pair();
    for (let count = 0; count < 5; count += 1) client.send('say', count);
    const closed = nextInfo(client.connection, 'closed');
    await client.close({ drainMs: 30 });
    expect(await closed).toEqual({
      code: 'closed',
      reason: 'the time to drain was over',
      unconfirmed: 2,
      carried: 3,
    });
    gate.open();
  });

  test('with drainMs 0 ends at once', async () => {
    const gate = new Gate();
    await using world = await loopback((session) => void session.on('say', () => gate.passed));
    const { client } = await world.pair();
    client.send('say', 1);
    const closing = client.close({ drainMs: 0 });
    expect(client.connection.state).toBe('closed');
    await closing;
    gate.open();
  });

  test('a second one may be more impatient', async () => {
    const gate = new Gate();
    await using world = await loopback((session) => void session.on('say', () => gate.passed));
    const { client } = await world.pair();
    client.send('say', 1);
    const first = client.close({ drainMs: 60_000 });
    const second = client.close({ drainMs: 5 });
    expect(second).toBe(first);
    await second;
    gate.open();
  });

  test('through any number of cuts settles once and delivers once', async () => {
    const heard: unknown[] = [];
    await using world = await loopback((session) => void session.on('say', (text) => void heard.push(text)));
    await using relay = await Relay.to(world.port);
    const { client } = await world.pair({}, relay.port);
    const told = diaryOf(client.connection);
    for (let count = 0; count < 500; count += 1) client.send('say', count);
    const closing = client.close();
    let isClosed = false;
    void closing.then(() => {
      isClosed = true;
    });
    for (let cut = 0; cut < 10 && !isClosed; cut += 1) {
      relay.cut();
      await nextTick();
      await nextTick();
    }
    await closing;
    expect(heard).toEqual(Array.from({ length: 500 }, (_each, index) => index));
    expect(namesOf(told).filter((name) => name === 'closed')).toHaveLength(1);
  });

  test('lets nothing in afterwards, except from handlers that still run (N17)', async () => {
    const gate = new Gate();
    const heard: unknown[] = [];
    await using world = await loopback((session) => void session.on('say', (text) => void heard.push(text)));
    const { client, session } = await world.pair();
    const started = new Promise<void>((resolve) => {
      client.on('said', async () => {
        resolve();
        await gate.passed;
        client.send('say', 'from inside');
      });
    });
    session.send('said');
    await started;
    const closing = client.close();
    gate.open();
    await closing;
    expect(heard).toEqual(['from inside']);
    expect(thrownBy(() => client.send('say', 'too late'))).toMatchObject({ code: 'Closed' });
    expect(await failureOf(client.deliver('say'))).toMatchObject({ code: 'Closed' });
    expect(await failureOf(client.flush())).toMatchObject({ code: 'Closed' });
    expect(await failureOf(client.writable())).toMatchObject({ code: 'Closed' });
  });
});

describe('a gap', () => {
  /** A client whose server had processed 'a' and was at 'b' of 'b' to 'e' when another, fresh one took its place. */
  async function afterCrash(onGap: (report: GapReport, client: LooseClient) => void) {
    const heard: unknown[] = [];
    const gate = new Gate();
    const isReading = new Gate();
    const old = await loopback(
      (session) => {
        session.on('say', (text) => {
          heard.push(`old ${String(text)}`);
          if (text !== 'b') return undefined;
          isReading.open();
          return gate.passed;
        });
      },
      { limits: { mailboxMessages: 2 } },
    );
    const fresh = await loopback((session) => void session.on('say', (text) => void heard.push(`new ${String(text)}`)));
    const relay = await Relay.to(old.port);
    const { client } = await old.pair({}, relay.port);
    await client.deliver('say', 'a');
    const told = diaryOf(client.connection);
    const oldId = client.id;
    client.connection.on('gap', (report) => onGap(report, client));
    for (const text of ['b', 'c', 'd']) client.send('say', text);
    const last = client.deliver('say', 'e');
    last.catch(() => {});
    await isReading.passed;
    relay.targetPort = fresh.port;
    relay.cut();
    await nextOf(client.connection, 'gap');
    return {
      client,
      heard,
      told,
      last,
      oldId,
      async [Symbol.asyncDispose]() {
        gate.open();
        await client.close({ drainMs: 0 });
        await relay[Symbol.asyncDispose]();
        await old[Symbol.asyncDispose]();
        await fresh[Symbol.asyncDispose]();
      },
    };
  }

  test('is told before anything leaves: carried events follow, unconfirmed ones do not (U37, U39)', async () => {
    const reports: object[] = [];
    let state = '';
    await using scene = await afterCrash((report, client) => {
      reports.push({ ...report });
      state = client.connection.state;
    });
    const { client, heard, told, last, oldId } = scene;
    await last;
    await client.flush();
    expect(heard).toEqual(['old a', 'old b', 'new d', 'new e']);
    const counts = { unconfirmed: 2, carried: 2, incoming: 'unknown' };
    expect(reports).toMatchObject([{ reason: 'history-lost', oldId, epoch: 2, ...counts }]);
    expect(state).toBe('authenticating');
    expect(told.filter(([name]) => name === 'gap' || name === 'up')).toMatchObject([
      ['gap', {}],
      ['up', { resumed: false }],
    ]);
    expect([client.epoch, client.id === oldId]).toEqual([2, false]);
  });

  test('sends the unconfirmed events again before the carried ones when asked to', async () => {
    await using scene = await afterCrash((report) => report.resend());
    await scene.client.flush();
    expect(scene.heard).toEqual(['old a', 'old b', 'new b', 'new c', 'new d', 'new e']);
  });

  test('drops the carried events when asked to, and says so to those who wait', async () => {
    await using scene = await afterCrash((report) => report.discard());
    expect(await failureOf(scene.last)).toMatchObject({ code: 'OutcomeUnknown', outcome: 'never-sent' });
    await scene.client.deliver('say', 'f');
    expect(scene.heard).toEqual(['old a', 'old b', 'new f']);
  });

  test('resends and discards at once', async () => {
    await using scene = await afterCrash((report) => {
      report.discard();
      report.resend();
    });
    await scene.client.flush();
    expect(scene.heard).toEqual(['old a', 'old b', 'new b', 'new c']);
  });

  test('lets a listener send: after what is carried', async () => {
    await using scene = await afterCrash((report, client) => {
      client.send('say', 'f');
      report.resend();
    });
    await scene.client.flush();
    expect(scene.heard.slice(2)).toEqual(['new b', 'new c', 'new d', 'new e', 'new f']);
  });

  test('is a report that is spent once its listener has returned', async () => {
    const reports: GapReport[] = [];
    await using scene = await afterCrash((report) => void reports.push(report));
    const [report] = reports;
    expect(thrownBy(() => report?.resend())).toMatchObject({ code: 'GapReportSpent' });
    expect(thrownBy(() => report?.discard())).toMatchObject({ code: 'GapReportSpent' });
    await scene.client.flush();
    expect(scene.heard.slice(2)).toEqual(['new d', 'new e']);
  });

  test.each(['close', 'closeNow', 'disconnect', 'reconnect'] as const)('bears %s in its listener', async (what) => {
    await using scene = await afterCrash((_report, client) => {
      if (what === 'close') void client.close();
      else if (what === 'closeNow') void client.close({ drainMs: 0 });
      else client[what]();
    });
    const { client, heard, told } = scene;
    if (what === 'closeNow') {
      expect(client.connection.state).toBe('closed');
      expect(told.at(-1)).toEqual(['closed', { code: 'closed', reason: '', unconfirmed: 0, carried: 2 }]);
      return;
    }
    if (what === 'close') await client.close();
    else {
      if (what === 'disconnect') client.connect();
      await client.flush();
    }
    expect(heard).toEqual(['old a', 'old b', 'new d', 'new e']);
    expect(told.filter(([name]) => name === 'gap')).toHaveLength(1);
  });
});

describe('ref and unref', () => {
  test('a process ends while its only client, unreferenced, waits to try again (U42)', async () => {
    expect(await exitOf('unreferenced.ts', 'backoff')).toEqual({ code: 0, output: 'waiting\n' });
  });

  test('a process ends while its only client, unreferenced, is connected', async () => {
    await using world = await loopback();
    expect(await exitOf('unreferenced.ts', 'up', String(world.port))).toEqual({ code: 0, output: 'up\n' });
  });

  test('every further socket is unreferenced as well (U10)', async () => {
    await using world = await loopback();
    await using relay = await Relay.to(world.port);
    const cuts = new Tally();
    world.server.on('up', () => {
      cuts.count();
      if (cuts.value < 3) relay.cut();
    });
    expect(await exitOf('unreferenced.ts', 'again', String(relay.port))).toEqual({ code: 0, output: 'up 3\n' });
    expect(relay.taken.value).toBe(3);
  });

  test('ref takes it back', async () => {
    await using world = await loopback((session) => void session.on('bye', () => session.close('go home')));
    expect(await exitOf('unreferenced.ts', 'ref', String(world.port))).toEqual({ code: 0, output: 'ended\n' });
  });

  test('a process ends by itself once client and server are closed: no timer, no socket is left', async () => {
    expect(await exitOf('closes.ts')).toEqual({ code: 0, output: 'closed\n' });
  });
});
