import { inspect } from 'node:util';
import { defineBehavior } from 'homing';
import { describe, expect, test } from 'vitest';
import { Peer, cborOf } from '../../loopback/peer.ts';
import { Relay } from '../../loopback/relay.ts';
import {
  Gate,
  type Loose,
  type LooseSession,
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
  until,
} from '../../loopback/world.ts';

test('a behavior is typed and returned as it is', () => {
  const behavior = { start: () => {} };
  expect(defineBehavior<Loose>(behavior)).toBe(behavior);
});

describe('authenticate', () => {
  test.each([
    ['a value', () => ({ id: 'ada', role: 'boss' })],
    ['a promise', () => Promise.resolve({ id: 'ada', role: 'boss' })],
    [
      'a thenable',
      () => ({ then: (resolve: (value: object) => void) => resolve({ id: 'ada', role: 'boss' }) }) as never,
    ],
  ])('may answer with %s: what it found is the identity of the session', async (_how, authenticate) => {
    await using world = await loopback({ authenticate });
    const up = nextAt(world.server, 'up');
    const { session } = await world.pair();
    expect(session.identity).toEqual({ id: 'ada', role: 'boss' });
    expect((await up)[0].identityId).toBe('ada');
  });

  test('without it there is no identity', async () => {
    await using world = await loopback();
    const { session } = await world.pair();
    expect(session.identity).toBeUndefined();
  });

  test('runs on every connection; the rest of the identity replaces the old', async () => {
    let count = 0;
    await using world = await loopback({
      authenticate: () => {
        count += 1;
        return { id: 'ada', role: `role ${count}` };
      },
    });
    await using relay = await Relay.to(world.port);
    const { client, session } = await world.pair({}, relay.port);
    const up = nextAt(world.server, 'up');
    relay.cut();
    await up;
    await client.up();
    expect(session.identity).toEqual({ id: 'ada', role: 'role 2' });
    expect(count).toBe(2);
  });

  test.each([
    [
      'throws',
      () => {
        throw new Error('wrong token');
      },
    ],
    ['rejects', () => Promise.reject(new Error('wrong token'))],
  ])('that %s refuses for good: a reason, one event, no further dial (N25)', async (_how, authenticate) => {
    await using world = await loopback({ authenticate });
    await using relay = await Relay.to(world.port);
    const client = world.client({}, relay.port);
    const told = diaryOf(client.connection);
    client.send('say', 1);
    const waits = [client.up(), client.deliver('say', 2), client.flush(), client.writable().then(() => client.flush())];
    const closed = nextInfo(client.connection, 'closed');
    const codes = await Promise.all(waits.map(async (wait) => (await failureOf(wait)).code));
    expect(codes).toEqual(['Closed', 'OutcomeUnknown', 'OutcomeUnknown', 'OutcomeUnknown']);
    const report = { code: 'refused', reason: 'wrong token', unconfirmed: 0, carried: 2 };
    expect(await closed).toEqual(report);
    expect(namesOf(told)).toEqual([
      'idle→connecting',
      'connecting→authenticating',
      'refused',
      'authenticating→closed',
      'closed',
    ]);
    expect(relay.taken.value).toBe(1);
    await until(() => world.server.counts.connections === 0, 'no connection');
    expect(world.server.counts).toMatchObject({ sessions: 0, handshakes: 0 });
    expect(world.sessions).toEqual([]);
  });

  test.each([
    ['nothing', undefined, 'undefined'],
    ['text', 'no', 'no'],
    ['an object without prototype', Object.create(null), 'an error that cannot be read'],
    ['an object without id', { retry: false }, '[object Object]'],
  ])('may throw %s', async (_what, thrown, reason) => {
    await using world = await loopback({
      authenticate: () => {
        throw thrown;
      },
    });
    const client = world.client();
    expect(await nextInfo(client.connection, 'refused')).toMatchObject({ code: 'refused', reason });
  });

  test('has its reason cut to what fits', async () => {
    await using world = await loopback({
      authenticate: () => {
        throw new Error('ü'.repeat(5_000));
      },
    });
    const client = world.client();
    const { reason } = await nextInfo<{ reason: string }>(client.connection, 'refused');
    expect(reason).toMatch(/^ü{500,512}$/);
  });

  test('that asks for another try gets it', async () => {
    let count = 0;
    await using world = await loopback({
      authenticate: () => {
        count += 1;
        if (count < 3) throw Object.assign(new Error('the directory is down'), { retry: true });
        return { id: 'ada' };
      },
    });
    const client = world.client();
    const told = diaryOf(client.connection);
    await client.up();
    const refusals = told.filter(([name]) => name === 'refused').map(([, info]) => info);
    expect(refusals).toEqual([
      { code: 'try-later', reason: 'the directory is down', unconfirmed: 0, carried: 0 },
      { code: 'try-later', reason: 'the directory is down', unconfirmed: 0, carried: 0 },
    ]);
    expect(told.filter(([name]) => name === 'closed')).toEqual([]);
  });

  test.each([[undefined], [null], [{}], [{ id: 5 }], ['ada']])(
    'must say who it is: %j is refused',
    async (identity) => {
      await using world = await loopback({ authenticate: () => identity as never });
      const error = nextAt(world.server, 'error');
      const client = world.client();
      expect(await nextInfo(client.connection, 'refused')).toMatchObject({ code: 'refused' });
      expect((await error)[0].message).toContain('authenticate()');
    },
  );

  test('that never answers ends with the handshake, at both ends', async () => {
    await using world = await loopback({ authenticate: () => new Promise<never>(() => {}) }, { handshakeMs: 60 });
    const client = world.client();
    const { cause } = await nextInfo<{ cause: { code: string } }>(client.connection, 'reconnect');
    expect(cause.code).toBe('handshake-timeout');
    await client.close();
    await until(() => world.server.counts.handshakes === 0, 'no handshake');
    expect(world.server.counts).toMatchObject({ sessions: 0, connections: 0 });
  });

  test('that answers when the connection has gone makes no session', async () => {
    const gate = new Gate();
    const asked = new Tally();
    await using world = await loopback({
      authenticate: async () => {
        asked.count();
        await gate.passed;
        return { id: 'ada' };
      },
    });
    for (const last of ['hangs up', 'says something else'] as const) {
      const peer = await Peer.dial(world.port);
      peer.hello();
      await asked.reached(last === 'hangs up' ? 1 : 2);
      if (last === 'hangs up') peer.socket.destroy();
      else peer.hello();
      await peer.closed;
    }
    await until(() => world.server.counts.connections === 0, 'no connection');
    gate.open();
    await nextTick();
    expect(world.server.counts).toMatchObject({ sessions: 0, handshakes: 0 });
  });

  test('that finds somebody else on a resume refuses that connection; the session lives', async () => {
    const names = ['ada', 'eve'];
    await using world = await loopback({ authenticate: (credentials) => ({ id: String(credentials) }) });
    await using relay = await Relay.to(world.port);
    const { client, session } = await world.pair({ credentials: () => names.shift() ?? 'ada' }, relay.port);
    const told = serverDiaryOf(world.server);
    const closed = nextInfo(client.connection, 'closed');
    relay.cut();
    expect(await closed).toMatchObject({ code: 'identity-changed' });
    expect(told.map(([name]) => name)).toEqual(['down']);
    expect(session.identity).toEqual({ id: 'ada' });
    expect(world.server.counts.sessions).toBe(1);
  });

  test('that finds somebody else lets the right one come back afterwards', async () => {
    await using world = await loopback({ authenticate: (credentials) => ({ id: String(credentials) }) });
    const first = await Peer.dial(world.port);
    const known = await first.open({ credentials: cborOf('ada') });
    first.socket.destroy();
    const eve = await Peer.dial(world.port);
    eve.resume(known, { dialNumber: 2, credentials: cborOf('eve') });
    expect(await eve.answer()).toMatchObject({ refused: { code: 'identity-changed' } });
    const ada = await Peer.dial(world.port);
    ada.resume(known, { dialNumber: 2, credentials: cborOf('ada') });
    expect(await ada.answer()).toMatchObject({ welcome: { session: { type: 'resumed' } } });
    ada.socket.destroy();
  });

  test('sees no credentials that the scan does not let through', async () => {
    const seen: unknown[] = [];
    await using world = await loopback({
      authenticate: (credentials) => {
        seen.push(credentials);
        return { id: 'x' };
      },
    });
    const peer = await Peer.dial(world.port);
    // A tag that no end of ours writes.
    peer.hello({ credentials: new Uint8Array([0xd8, 0x40, 0x40]) });
    expect(await peer.farewell()).toMatchObject({ code: 'payload-refused' });
    expect(seen).toEqual([]);
  });
});

describe('start', () => {
  test('runs once per session, when the first frame after WELCOME has come', async () => {
    await using world = await loopback();
    const peer = await Peer.dial(world.port);
    peer.hello();
    const answer = await peer.answer();
    expect(answer).toMatchObject({ type: 'welcome' });
    const other = await Peer.dial(world.port);
    await other.open();
    await until(() => world.sessions.length === 1, 'the session that confirmed');
    expect(world.server.counts.sessions).toBe(2);
    peer.ack(0);
    await until(() => world.sessions.length === 2, 'the other session');
    peer.ack(0);
    peer.socket.destroy();
    other.socket.destroy();
    await until(() => world.server.counts.connections === 0, 'no connection');
    expect(world.sessions).toHaveLength(2);
  });

  test('has attached its handlers before any message is released', async () => {
    const heard: unknown[] = [];
    await using world = await loopback((session) => void session.on('say', (text) => void heard.push(text)));
    const clients = Array.from({ length: 20 }, () => world.client());
    for (const client of clients) client.send('say', 1);
    await Promise.all(clients.map((client) => client.flush()));
    expect(heard).toHaveLength(20);
  });

  test('that is async holds messages back until its first handler stands, and the tick is over', async () => {
    const gate = new Gate();
    const heard: string[] = [];
    const begun = new Gate();
    await using world = await loopback(async (session) => {
      begun.open();
      await gate.passed;
      session.on('a', () => void heard.push('a'));
      session.on('b', () => void heard.push('b'));
      await new Promise(() => {});
    });
    const { client } = await world.pair();
    client.send('a');
    client.send('b');
    const flushed = client.flush();
    await begun.passed;
    for (let turn = 0; turn < 10; turn += 1) await nextTick();
    expect(heard).toEqual([]);
    gate.open();
    await flushed;
    expect(heard).toEqual(['a', 'b']);
  });

  test('that is async and attaches nothing holds them back until it has settled', async () => {
    const gate = new Gate();
    await using world = await loopback(() => gate.passed);
    const { client } = await world.pair();
    const delivered = failureOf(client.deliver('a'));
    let isSettled = false;
    void delivered.then(() => {
      isSettled = true;
    });
    for (let turn = 0; turn < 20; turn += 1) await nextTick();
    expect(isSettled).toBe(false);
    gate.open();
    expect(await delivered).toMatchObject({ code: 'NoHandler' });
  });

  test('that is async and attached a handler before it waited goes on at once', async () => {
    await using world = await loopback(async (session) => {
      session.on('a', () => {});
      await new Promise(() => {});
    });
    const { client } = await world.pair();
    await client.deliver('a');
  });

  test.each([
    [
      'throws',
      () => {
        throw new Error('no place for you');
      },
    ],
    ['rejects', () => Promise.reject(new Error('no place for you'))],
    [
      'rejects later',
      async (session: LooseSession) => {
        session.on('say', () => {});
        await nextTick();
        throw new Error('no place for you');
      },
    ],
  ])('that %s ends its session, told once at either end', async (_how, start) => {
    await using world = await loopback(start);
    const told = serverDiaryOf(world.server);
    const client = world.client();
    expect(await nextInfo(client.connection, 'closed')).toMatchObject({ code: 'ended' });
    await until(() => told.some(([name]) => name === 'end'), 'the end');
    const errors = told.filter(([name]) => name === 'error');
    expect(errors).toMatchObject([
      ['error', { code: 'HandlerFailed', cause: { message: 'no place for you' } }, { session: { epoch: 1 } }],
    ]);
    expect(world.server.counts.sessions).toBe(0);
  });

  test('that throws what is no error is told as well, and nobody listening is a warning', async () => {
    using warnings = new Warnings();
    await using world = await loopback(() => {
      throw Object.create(null);
    });
    const client = world.client();
    expect(await nextInfo(client.connection, 'closed')).toMatchObject({ code: 'ended' });
    await until(() => warnings.list.length === 1, 'a warning');
    expect(warnings.list[0]).toMatchObject({ code: 'HandlerFailed' });
  });

  test('may end its own session', async () => {
    await using world = await loopback((session) => session.close('not today'));
    const told = serverDiaryOf(world.server);
    const client = world.client();
    client.send('say', 1);
    expect(await nextInfo(client.connection, 'closed')).toMatchObject({ code: 'ended', reason: 'not today' });
    expect(namesOf(told)).toEqual(['session', 'end']);
    expect(world.server.counts.sessions).toBe(0);
  });

  test('may send: what it sends arrives first', async () => {
    await using world = await loopback((session) => {
      session.send('said', 'first');
      session.on('say', (text) => session.send('said', text));
    });
    const client = world.client();
    const heard: unknown[] = [];
    client.on('said', (text) => void heard.push(text));
    client.send('say', 'second');
    await until(() => heard.length === 2, 'both');
    expect(heard).toEqual(['first', 'second']);
  });
});

test('nothing secret is in any event, error, warning or log', async () => {
  using warnings = new Warnings();
  const secret = 'correct horse battery staple';
  const written: string[] = [];
  const watch = (chunk: string | Uint8Array): void => void written.push(String(chunk));
  const streams = [process.stdout, process.stderr] as const;
  const writes = streams.map((stream) => stream.write.bind(stream));
  for (const [index, stream] of streams.entries()) {
    stream.write = ((chunk: string, ...rest: []) => {
      watch(chunk);
      return writes[index]?.(chunk, ...rest);
    }) as typeof stream.write;
  }
  try {
    let count = 0;
    await using world = await loopback({
      authenticate: () => {
        count += 1;
        if (count === 2) throw Object.assign(new Error('come back'), { retry: true });
        return { id: count === 5 ? 'eve' : 'ada' };
      },
      start: (session) => {
        session.on('fail', () => {
          throw new Error('a handler failed');
        });
      },
    });
    await using relay = await Relay.to(world.port);
    const told = serverDiaryOf(world.server);
    const { client, session } = await world.pair({ credentials: { token: secret } }, relay.port);
    const mine = diaryOf(client.connection);
    const theirs = diaryOf(session.connection);
    const errors: unknown[] = [];
    errors.push(await failureOf(client.deliver('fail')), await failureOf(client.deliver('nobody')));
    for (let cut = 0; cut < 2; cut += 1) {
      const back = nextOf(client.connection, 'up');
      relay.cut();
      await back;
    }
    // A stranger who knows the id of the session and has no secret.
    const stranger = await Peer.dial(world.port);
    stranger.resume({ id: client.id, epoch: 1, secret: new Uint8Array(32) }, { dialNumber: 99 });
    expect(await stranger.answer()).toMatchObject({ refused: { code: 'proof-failed' } });
    const closed = nextOf(client.connection, 'closed');
    relay.cut();
    await closed;
    const bad = world.client({ credentials: { token: secret, broken: () => secret }, autoReconnect: false });
    const badDiary = diaryOf(bad.connection);
    await nextOf(bad.connection, 'error');
    await world.server.close({ drainMs: 0 });
    const everything = [told, mine, theirs, badDiary, errors, warnings.list, world.server.counts];
    const shown =
      inspect([everything, client, bad, session, world.server], { depth: 12, getters: true }) + written.join('');
    expect(shown).toContain('a handler failed');
    expect(shown).not.toContain(secret);
    expect(shown).not.toMatch(/secret: ?Uint8Array/);
  } finally {
    for (const [index, stream] of streams.entries()) stream.write = writes[index] as typeof stream.write;
  }
});
