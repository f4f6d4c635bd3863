// Calls on real sockets: what they come to at the caller, and peers that break the rules of results and cancels.
import { createClient, createServer } from 'homing';
import { describe, expect, test } from 'vitest';
import { FrameType, Kind, readU64, writeU64 } from '../../src/wire/frame.ts';
import { Peer, PeerServer, cborOf } from './peer.ts';
import {
  Gate,
  type LooseMethods,
  Tally,
  diaryOf,
  failureOf,
  loopback,
  namesOf,
  nextInfo,
  serverDiaryOf,
  until,
} from './world.ts';

/** A RESULT body: u64 seq, u8 status, item. */
function resultBody(seq: number, status: number, item: Uint8Array = new Uint8Array(0)): Uint8Array {
  const body = new Uint8Array(9 + item.length);
  writeU64(body, 0, seq);
  body[8] = status;
  body.set(item, 9);
  return body;
}

/** A promise that rejects with what is no error. */
function rejectedWith(reason: unknown): Promise<never> {
  return Promise.resolve().then(() => {
    throw reason as Error;
  });
}

function cancelBody(seq: number, length = 8): Uint8Array {
  const body = new Uint8Array(8);
  writeU64(body, 0, seq);
  return body.slice(0, length);
}

describe('a call', () => {
  test('gives what the method returns, at both ends, of a class, by name or through the remote (N3, D14, D15)', async () => {
    class Desk {
      #lines = ['a', 'b', 'c'];
      history(count: unknown) {
        return this.#lines.slice(-Number(count));
      }
      async later(...values: unknown[]) {
        return { values, none: undefined };
      }
    }
    await using world = await loopback((session) => session.expose(new Desk() as unknown as LooseMethods));
    const { client, session } = await world.pair();
    client.expose({ mood: () => 'fine' });
    expect(await client.call('history', 2)).toEqual(['b', 'c']);
    expect(await client.remote['history']?.(1)).toEqual(['c']);
    expect(await client.with({ timeoutMs: 5_000 }).remote['later']?.(1, null, [2n])).toEqual({
      values: [1, null, [2n]],
      none: undefined,
    });
    expect(await session.call('mood')).toBe('fine');
    expect(await session.remote['mood']?.()).toBe('fine');
    expect(await session.with({ timeoutMs: 5_000 }).call('mood')).toBe('fine');
    const remotes = [client.remote, session.remote];
    expect([client.remote === remotes[0], session.remote === remotes[1]]).toEqual([true, true]);
  });

  test('made before there was any connection runs when there is one (N4, N9, U41)', async () => {
    await using world = await loopback((session) => session.expose({ twice: (value) => Number(value) * 2 }));
    const client = world.client({ autoConnect: false });
    const early = client.call('twice', 21);
    client.connect();
    expect(await early).toBe(42);
  });

  test('sees every event that was sent before it, handled to its end', async () => {
    let balance = 0;
    await using world = await loopback((session) => {
      session.on('deposit', async (amount) => {
        await Promise.resolve();
        balance += Number(amount);
      });
      session.expose({ balance: () => balance });
    });
    const { client } = await world.pair();
    for (let amount = 1; amount <= 100; amount += 1) client.send('deposit', amount);
    expect(await client.call('balance')).toBe(5_050);
  });

  test('shows its turn: id, epoch, and a signal', async () => {
    const turns: unknown[] = [];
    await using world = await loopback((session) => {
      session.expose({
        async turn() {
          const { messageId, epoch, attempt, from, signal } = session.turn;
          turns.push(messageId.split('/').slice(1), epoch, attempt, from, signal.aborted);
          await Promise.resolve();
          turns.push(await failureOf((async () => session.turn)()).then(({ code }) => code));
        },
      });
    });
    const { client } = await world.pair();
    client.send('nobody listens');
    await client.call('turn');
    expect(turns).toEqual([['1', '2'], 1, 1, undefined, false, 'NoTurn']);
  });

  test('is refused before anything leaves when its arguments cannot cross or are too large', async () => {
    await using world = await loopback({}, { limits: { messageBytes: 500 } });
    const { client } = await world.pair();
    expect(await failureOf(client.call('any', Symbol('s')))).toMatchObject({ code: 'NotEncodable' });
    expect(await failureOf(client.call('any', 'x'.repeat(600)))).toMatchObject({ code: 'MessageTooLarge' });
    expect(await failureOf((client.call as (name: unknown) => Promise<unknown>)(5))).toMatchObject({
      code: 'BadOption',
    });
    expect(await failureOf(client.call('any'))).toMatchObject({ code: 'NoMethod' });
  });
});

describe('a call that fails', () => {
  test('tells name, message and code of the error and never a stack; nothing else happens (N28)', async () => {
    await using world = await loopback((session) =>
      session.expose({
        sync() {
          throw Object.assign(new RangeError('out of range'), { code: 'E_RANGE' });
        },
        later: () => Promise.reject(new TypeError('not a number')),
        plain: () => rejectedWith('just text'),
        odd: () => rejectedWith({ toString: () => ({}) }),
      }),
    );
    const told = serverDiaryOf(world.server);
    const { client } = await world.pair();
    const causes = [];
    for (const name of ['sync', 'later', 'plain', 'odd']) {
      const error = await failureOf(client.call(name));
      expect(error).toMatchObject({ name: 'HomingError', code: 'HandlerFailed' });
      const { name: kind, message, code } = error.cause as Error & { code?: string };
      causes.push([kind, message, code]);
    }
    expect(causes).toEqual([
      ['RangeError', 'out of range', 'E_RANGE'],
      ['TypeError', 'not a number', undefined],
      ['Error', 'just text', undefined],
      ['Error', 'an error that cannot be read', undefined],
    ]);
    expect([namesOf(told).includes('error'), client.connection.state]).toEqual([false, 'up']);
    const peer = await Peer.dial(world.port);
    await peer.open();
    peer.event(1, ['sync'], Kind.CALL);
    const frame = await peer.nextOf(FrameType.DIRECT);
    expect(Buffer.from(frame?.body ?? []).toString('latin1')).not.toMatch(/\bat |\.ts|stack/);
    peer.socket.destroy();
  });

  test.each(['nowhere', 'constructor', 'toString', '__proto__', 'hasOwnProperty'])(
    'for want of a method %s is NoMethod at the caller, and no error of the peer (D28)',
    async (name) => {
      await using world = await loopback((session) => session.expose({ here: () => 1 }));
      const told = serverDiaryOf(world.server);
      const { client, session } = await world.pair();
      expect(await failureOf(client.call(name))).toMatchObject({ code: 'NoMethod', retry: false });
      expect(await failureOf(session.call(name))).toMatchObject({ code: 'NoMethod' });
      expect(namesOf(told)).not.toContain('error');
    },
  );

  test('because its result cannot cross says so at both ends', async () => {
    await using world = await loopback((session) =>
      session.expose({
        symbol: () => ({ deep: [Symbol('s')] }),
        trap: () => ({
          get then(): never {
            throw new Error('in the getter');
          },
        }),
        after: () => 'after',
      }),
    );
    const told = serverDiaryOf(world.server);
    const { client } = await world.pair();
    const error = await failureOf(client.call('symbol'));
    expect(error).toMatchObject({ code: 'HandlerFailed', cause: { code: 'NotEncodable' } });
    expect((error.cause as Error).message).toContain('result.deep[0]');
    const errors = told.filter(([name]) => name === 'error');
    expect(errors).toEqual([
      ['error', expect.objectContaining({ code: 'HandlerFailed', messageId: expect.stringMatching(/\/1\/1$/) }), expect.anything()],
    ]); // prettier-ignore
    expect(await failureOf(client.call('trap'))).toMatchObject({ cause: { message: 'in the getter' } });
    expect([await client.call('after'), client.connection.state]).toEqual(['after', 'up']);
  });

  test.each([64, 1_000])('because its result is larger than the %i bytes the caller takes says so', async (bytes) => {
    await using world = await loopback((session) =>
      session.expose({
        large: () => 'x'.repeat(2_000),
        fails: () => {
          throw new Error('y'.repeat(2_000));
        },
        small: () => 'small',
      }),
    );
    serverDiaryOf(world.server);
    const { client } = await world.pair({ limits: { messageBytes: bytes } });
    const diary = diaryOf(client.connection);
    const large = await failureOf(client.call('large'));
    expect(large).toMatchObject({ code: 'HandlerFailed' });
    // An error that is too large itself goes without its text.
    if (bytes > 64) expect(large.cause).toMatchObject({ code: 'MessageTooLarge' });
    else expect(large.cause).toMatchObject({ message: 'too large' });
    expect(await failureOf(client.call('fails'))).toMatchObject({ cause: { message: 'too large' } });
    expect([await client.call('small'), namesOf(diary)]).toEqual(['small', []]);
  });
});

describe('a peer that breaks the rules', () => {
  test.each([
    ['a result that nobody asked for', Kind.RESULT, resultBody(1, 0, cborOf(1)), 'unknown-receipt'],
    ['a result of no message at all', Kind.RESULT, resultBody(0, 0, cborOf(1)), 'bad-frame'],
    ['a result of an unsafe number', Kind.RESULT, Uint8Array.from({ length: 10 }, () => 0xff), 'bad-frame'],
    ['a result of an unknown status', Kind.RESULT, resultBody(1, 5), 'bad-frame'],
    ['a result that is too short', Kind.RESULT, resultBody(1, 0).slice(0, 8), 'bad-frame'],
    ['a value without its bytes', Kind.RESULT, resultBody(1, 0), 'bad-frame'],
    ['an error without its bytes', Kind.RESULT, resultBody(1, 1), 'bad-frame'],
    ['a missing method with bytes', Kind.RESULT, resultBody(1, 2, cborOf(1)), 'bad-frame'],
    ['a refusal with bytes', Kind.RESULT, resultBody(1, 3, cborOf(1)), 'bad-frame'],
    ['a cancelled call with bytes', Kind.RESULT, resultBody(1, 4, cborOf(1)), 'bad-frame'],
    ['a value that is no CBOR', Kind.RESULT, resultBody(1, 0, Uint8Array.of(0xff)), 'payload-refused'],
    ['a value of two items', Kind.RESULT, resultBody(1, 0, Uint8Array.of(1, 2)), 'payload-refused'],
    ['a cancel of no message', Kind.CANCEL, cancelBody(0), 'bad-frame'],
    ['a cancel that is too short', Kind.CANCEL, cancelBody(1, 7), 'bad-frame'],
    ['a cancel that is too long', Kind.CANCEL, Uint8Array.of(...cancelBody(1), 0), 'bad-frame'],
    ['a cancel of an unsafe number', Kind.CANCEL, Uint8Array.from({ length: 8 }, () => 0xff), 'bad-frame'],
    ['a cancel further ahead than a mailbox', Kind.CANCEL, cancelBody(1_025), 'bad-frame'],
  ])('with %s loses its connection with a typed code and nothing else', async (_, kind, body, code) => {
    await using world = await loopback((session) => session.expose({ here: () => 'here' }));
    const told = serverDiaryOf(world.server);
    const peer = await Peer.dial(world.port);
    const known = await peer.open();
    peer.payload(FrameType.DIRECT, kind, 1, body);
    expect(await peer.farewell()).toMatchObject({ code });
    await peer.closed;
    await until(() => told.some(([name]) => name === 'down'), 'the server to notice');
    expect(namesOf(told)).toEqual(['session', 'up', 'down']);
    const again = await Peer.dial(world.port);
    again.resume(known, { dialNumber: 2 });
    expect((await again.answer())?.type).toBe('welcome');
    again.ack(0);
    again.event(1, ['here'], Kind.CALL);
    const frame = await again.nextOf(FrameType.DIRECT);
    expect(frame?.body).toEqual(resultBody(1, 0, cborOf('here')));
    again.socket.destroy();
  });

  test('with a second result for the same call loses its connection; the first one counts', async () => {
    await using world = await loopback();
    const peer = await Peer.dial(world.port);
    await peer.open();
    await until(() => world.sessions.length === 1, 'a session');
    const result = world.sessions[0]?.call('mood');
    const frame = await peer.nextOf(FrameType.ORDERED);
    expect([frame?.flags, frame?.seq]).toEqual([Kind.CALL, 1]);
    peer.payload(FrameType.DIRECT, Kind.RESULT, 1, resultBody(1, 0, cborOf('fine')));
    peer.payload(FrameType.DIRECT, Kind.RESULT, 2, resultBody(1, 0, cborOf('again')));
    expect(await result).toBe('fine');
    expect(await peer.farewell()).toMatchObject({ code: 'unknown-receipt' });
  });

  test('with a result for an event loses its connection', async () => {
    await using world = await loopback((session) => void session.send('said'));
    const peer = await Peer.dial(world.port);
    await peer.open();
    await peer.nextOf(FrameType.ORDERED);
    peer.payload(FrameType.DIRECT, Kind.RESULT, 1, resultBody(1, 0, cborOf('fine')));
    expect(await peer.farewell()).toMatchObject({ code: 'unknown-receipt' });
  });

  test.each([
    ['a link that leads nowhere', Uint8Array.of(0xd9, 0x9c, 0x45, 0x81, 0x05)],
    ['an error that is no array', undefined],
  ])('with %s as a result has its call fail, and only that', async (_, item) => {
    await using world = await loopback();
    const peer = await Peer.dial(world.port);
    await peer.open();
    await until(() => world.sessions.length === 1, 'a session');
    const failure = failureOf(world.sessions[0]?.call('mood') ?? Promise.resolve());
    await peer.nextOf(FrameType.ORDERED);
    const status = item === undefined ? 1 : 0;
    peer.payload(FrameType.DIRECT, Kind.RESULT, 1, resultBody(1, status, item ?? cborOf({ stack: 'x' })));
    expect(await failure).toMatchObject({ code: 'HandlerFailed' });
    const next = world.sessions[0]?.call('mood');
    await peer.nextOf(FrameType.ORDERED);
    peer.payload(FrameType.DIRECT, Kind.RESULT, 2, resultBody(2, 0, cborOf('fine')));
    expect(await next).toBe('fine');
    peer.socket.destroy();
  });

  test('with a flood of cancels, of anything, changes nothing but the calls that it made', async () => {
    const started: unknown[] = [];
    await using world = await loopback((session) => {
      session.on('say', () => {});
      session.expose({ work: (name) => void started.push(name) });
    });
    const told = serverDiaryOf(world.server);
    const peer = await Peer.dial(world.port);
    await peer.open();
    let direct = 0;
    const cancel = (seq: number): void => {
      direct += 1;
      peer.payload(FrameType.DIRECT, Kind.CANCEL, direct, cancelBody(seq));
    };
    for (let seq = 1; seq <= 500; seq += 1) {
      // Ahead of it, and once more when it is over: of an event, and of a call that never begins.
      for (let count = 0; count < 10; count += 1) cancel(seq);
      if (seq % 2 === 0) peer.event(seq, ['work', seq], Kind.CALL);
      else peer.event(seq, ['say', seq]);
      cancel(seq);
    }
    peer.event(501, ['work', 'kept'], Kind.CALL);
    const results = [];
    for (let count = 0; count < 251; count += 1) {
      const frame = await peer.nextOf(FrameType.DIRECT);
      results.push([readU64(frame?.body ?? new Uint8Array(9), 0), frame?.body[8]]);
    }
    expect(results).toEqual([...Array.from({ length: 250 }, (_, index) => [2 * index + 2, 4]), [501, 0]]);
    expect([started, namesOf(told)]).toEqual([['kept'], ['session', 'up']]);
    peer.socket.destroy();
  });

  test('that takes no results gets no more calls started, and is served when it does', async () => {
    let count = 0;
    const bytes = new Uint8Array(1_000_000);
    await using world = await loopback((session) =>
      session.expose({
        large() {
          count += 1;
          return bytes;
        },
      }),
    );
    const peer = await Peer.dial(world.port);
    await peer.open();
    for (let seq = 1; seq <= 30; seq += 1) peer.event(seq, ['large'], Kind.CALL);
    peer.control(FrameType.PING, new Uint8Array(8));
    await peer.nextOf(FrameType.PONG);
    expect(count).toBeLessThan(20);
    let acked = 0;
    while (count < 30) {
      const frame = await peer.nextOf(FrameType.DIRECT);
      if (frame === undefined) throw new Error('expected the connection to stay');
      // Of the last one there may be fragments to come.
      if (frame.seq - 1 > acked) peer.ack(0, 0, frame.seq - 1);
      acked = frame.seq - 1;
    }
    expect(count).toBe(30);
    peer.socket.destroy();
  });
});

describe('a result', () => {
  test('counts when the connection ends with the same bytes', async () => {
    await using server = await PeerServer.open();
    const options = { autoReconnect: false };
    const client = createClient<{ server: { methods: { last(): string } }; client: object }>(server.port, options);
    const peer = await server.next();
    await peer.greeting();
    peer.welcomeNew({ id: 's', secret: new Uint8Array(32), epoch: 1 });
    const result = client.call('last');
    await peer.nextOf(FrameType.ORDERED);
    peer.socket.cork();
    peer.payload(FrameType.DIRECT, Kind.RESULT, 1, resultBody(1, 0, cborOf('done')));
    peer.close('going-away', 'bye');
    peer.socket.uncork();
    expect(await result).toBe('done');
    await client.close({ drainMs: 0 });
  });
});

describe('a closed end', () => {
  test('rejects new calls, through the remote as well, and those that waited', async () => {
    const gate = new Gate();
    const started = new Tally();
    await using world = await loopback((session) =>
      session.expose({
        async wait() {
          started.count();
          await gate.passed;
        },
      }),
    );
    const { client, session } = await world.pair();
    const waiting = failureOf(client.call('wait'));
    await started.reached(1);
    await client.close({ drainMs: 0 });
    expect(await waiting).toMatchObject({ code: 'OutcomeUnknown', outcome: 'unknown' });
    expect(await failureOf(client.call('wait'))).toMatchObject({ code: 'Closed' });
    expect(await failureOf(client.remote['wait']?.() ?? Promise.resolve())).toMatchObject({ code: 'Closed' });
    await until(() => session.connection.state === 'closed', 'the end at the server');
    expect(await failureOf(session.call('mood'))).toMatchObject({ code: 'Closed' });
    gate.open();
  });

  test('tells a call that runs why its session is over', async () => {
    const reasons: unknown[] = [];
    await using server = createServer((session) => {
      session.expose({
        wait: () =>
          new Promise((resolve) => {
            const { signal } = session.turn;
            signal.addEventListener('abort', () => {
              reasons.push((signal.reason as { code: string }).code);
              resolve(undefined);
            });
            void session.close('on purpose');
          }),
      });
    });
    const { port } = await server.listen(0);
    const client = createClient<{ server: { methods: { wait(): void } }; client: object }>(port);
    const closed = nextInfo(client.connection, 'closed');
    expect(await failureOf(client.call('wait'))).toMatchObject({ code: 'OutcomeUnknown' });
    expect(await closed).toMatchObject({ code: 'ended' });
    expect(reasons).toEqual(['ended']);
  });
});
