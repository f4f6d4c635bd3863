// The shared store on real sockets: what its users see, and peers that break its rules.
import { createClient, createServer } from 'homing';
import { describe, expect, test } from 'vitest';
import { STORE_BYTES_MAX, STORE_KEYS_MAX } from '../../src/session/store.ts';
import { readAck } from '../../src/wire/control.ts';
import { FrameType, Kind, readU64, writeU64 } from '../../src/wire/frame.ts';
import { array, list, of, tag, text, uint } from '../payload/items.ts';
import { Peer, PeerServer, cborOf } from './peer.ts';
import {
  Gate,
  type LooseClient,
  Tally,
  diaryOf,
  failureOf,
  loopback,
  namesOf,
  nextInfo,
  nextTick,
  serverDiaryOf,
  thrownBy,
  until,
} from './world.ts';

const known = { id: 's', secret: new Uint8Array(32), epoch: 1 };

/** A VERDICT body: u64 seq, u8 status, u64 changes, error. */
function verdictBody(seq: number, status: number, changes = 0, error: Uint8Array = new Uint8Array(0)): Uint8Array {
  const body = new Uint8Array(17 + error.length);
  writeU64(body, 0, seq);
  body[8] = status;
  writeU64(body, 9, changes);
  body.set(error, 17);
  return body;
}

const refusal = cborOf(['HomingError', 'not this one', 'WriteRefused']);

/** The verdict that comes next: the seq of its write, its status, and the changes before it. */
async function nextVerdict(peer: Peer): Promise<number[] | undefined> {
  for (;;) {
    const frame = await peer.nextOf(FrameType.DIRECT);
    if (frame === undefined) return undefined;
    if (frame.flags === Kind.VERDICT) return [readU64(frame.body, 0), frame.body[8] ?? 255, readU64(frame.body, 9)];
  }
}

/** A server made by hand and a real client that is up, with its diary. */
async function welcomed() {
  const server = await PeerServer.open();
  const client = createClient<{ server: object; client: object }>(server.port, { autoReconnect: false });
  const told = diaryOf(client.connection);
  const peer = await server.next();
  await peer.greeting();
  peer.welcomeNew(known);
  await client.up();
  return {
    peer,
    client,
    told,
    /** Codes of the errors that were told so far. */
    errors: () => told.flatMap(([name, error]) => (name === 'error' ? [(error as { code: string }).code] : [])),
    async [Symbol.asyncDispose]() {
      await client.close({ drainMs: 0 });
      await server[Symbol.asyncDispose]();
    },
  };
}

describe('a store', () => {
  test('is the same at both ends, whoever sets, before a connection and in start too', async () => {
    await using world = await loopback((session) => {
      session.store.set('from start', { at: new Date(0) });
    });
    const client = world.client({ autoConnect: false });
    client.store.set('early', 1n);
    expect(client.store.get('early')).toBe(1n);
    client.connect();
    await client.flush();
    const [session] = world.sessions;
    session?.store.set('late', [undefined, -0]);
    await session?.flush();
    expect(Object.fromEntries(client.store.entries())).toEqual({
      'from start': { at: new Date(0) },
      early: 1n,
      late: [undefined, -0],
    });
    expect(new Map(session?.store.entries())).toEqual(new Map(client.store.entries()));
  });

  test('is in order with events and calls, whatever comes first', async () => {
    const seen: unknown[] = [];
    await using world = await loopback((session) => {
      session.on('look', async () => {
        seen.push(session.store.get('n'));
        await nextTick();
        seen.push(session.store.get('n'));
        session.store.set('n', 'from the handler');
      });
      session.expose({ look: () => session.store.get('n') });
    });
    const { client, session } = await world.pair();
    client.store.set('n', 1);
    client.send('look');
    const first = client.call('look');
    client.store.set('n', 2);
    const second = client.call('look');
    expect([await first, await second, seen]).toEqual(['from the handler', 2, [1, 1]]);
    await client.flush();
    expect([client.store.get('n'), session.store.get('n')]).toEqual([2, 2]);
    client.on('look', () => void seen.push(client.store.get('m')));
    session.store.set('m', 3);
    session.send('look');
    session.store.set('m', 4);
    await session.flush();
    expect([seen.at(-1), client.store.get('m')]).toEqual([3, 4]);
  });

  test('has what the server makes of a write after it, though both travel at once', async () => {
    await using world = await loopback((session) => {
      session.on('answer', () => session.store.set('n', 'server'));
      session.store.on('change', (key, value, by) => {
        if (key === 'echoed' && by === 'peer') session.store.set('echoed', `${String(value)} and back`);
      });
    });
    const { client, session } = await world.pair();
    for (let n = 0; n < 50; n += 1) {
      client.store.set('n', n);
      client.send('answer');
      client.store.set('echoed', n);
      await client.flush();
      await session.flush();
      expect([client.store.get('n'), client.store.get('echoed')]).toEqual(['server', `${n} and back`]);
    }
  });

  test('has its verdicts before what listeners make of them, also when that leaves at once', async () => {
    await using world = await loopback({
      authorize: () => nextTick().then(() => true),
      start: (session) => {
        session.store.on('change', (key, _value, by) => {
          if (by === 'here') return;
          session.store.set(key, 'server');
          // So many calls in one tick do not wait for its end.
          for (let n = 0; n < 40; n += 1) session.call('nothing').catch(() => {});
        });
      },
    });
    const { client, session } = await world.pair();
    for (let n = 0; n < 10; n += 1) {
      client.store.set('a', n);
      client.send('something');
      client.store.set('b', n);
      await client.flush();
      await session.flush();
      expect([client.store.get('a'), client.store.get('b')]).toEqual(['server', 'server']);
    }
  });

  test('refuses what only the server writes and what is not allowed: told as an error, and the old value is back', async () => {
    const asked: unknown[] = [];
    await using world = await loopback({
      serverKeys: ['role'],
      start: (session) => session.store.set('role', 'worker'),
      authorize(session, action) {
        asked.push([session.id === world.sessions[0]?.id, action]);
        return action.type === 'write' && action.value !== 'forbidden';
      },
    });
    const { client, session } = await world.pair();
    await session.flush();
    const told = diaryOf(client.connection);
    const heard: unknown[] = [];
    client.store.on('change', (...change) => void heard.push(change));
    client.store.set('role', 'boss');
    client.store.set('room', 'forbidden');
    client.store.set('room', 'main');
    client.store.delete('role');
    expect([client.store.get('role'), client.store.get('room')]).toEqual([undefined, 'main']);
    await client.flush();
    expect(new Map(client.store.entries())).toEqual(
      new Map([
        ['role', 'worker'],
        ['room', 'main'],
      ]),
    );
    const words = told.map(([name, error]) => [name, (error as { code: string }).code, (error as Error).message]);
    expect(words).toEqual([
      ['error', 'WriteRefused', expect.stringContaining('store.role')],
      ['error', 'WriteRefused', expect.stringContaining('store.room')],
      ['error', 'WriteRefused', expect.stringContaining('store.role')],
    ]);
    expect(asked).toEqual([
      [true, { type: 'write', key: 'room', value: 'forbidden' }],
      [true, { type: 'write', key: 'room', value: 'main' }],
    ]);
    expect(heard.at(-1)).toEqual(['role', 'worker', 'peer']);
  });

  test('waits with what comes after a write until authorize has decided, and takes anything but true as a no', async () => {
    const gate = new Gate();
    const log: unknown[] = [];
    const begun = new Tally();
    await using world = await loopback({
      async authorize(_session, action) {
        begun.count();
        await gate.passed;
        if (action.type === 'write' && action.key === 'thrown') throw new Error('a secret');
        if (action.type === 'write' && action.key === 'forgotten') return undefined as unknown as boolean;
        return true;
      },
      start: (session) => session.on('look', () => void log.push(session.store.get('a'))),
    });
    const toldByServer = serverDiaryOf(world.server);
    const { client, session } = await world.pair();
    const told = diaryOf(client.connection);
    client.store.set('a', 1);
    client.send('look');
    for (const key of ['thrown', 'forgotten']) client.store.set(key as 'a', 1);
    const flushed = client.flush();
    await begun.reached(1);
    await nextTick();
    expect([log, session.store.get('a')]).toEqual([[], undefined]);
    gate.open();
    await flushed;
    expect([log, [...session.store.entries()], [...client.store.entries()]]).toEqual([[1], [['a', 1]], [['a', 1]]]);
    expect(namesOf(told)).toEqual(['error', 'error']);
    expect(told.some(([, error]) => (error as Error).message.includes('secret'))).toBe(false);
    expect(namesOf(toldByServer).filter((name) => name === 'error')).toHaveLength(1);
  });

  test('of a behavior whose authorize returns nothing takes no write', async () => {
    await using world = await loopback({ authorize: () => undefined as unknown as boolean });
    const { client, session } = await world.pair();
    const told = diaryOf(client.connection);
    client.store.set('a', 1);
    await client.flush();
    expect([namesOf(told), [...session.store.entries()], [...client.store.entries()]]).toEqual([['error'], [], []]);
  });

  test('refuses what is too large for it, for the peer or for the outbox, and stays as it was', async () => {
    await using world = await loopback({}, { limits: { messageBytes: 5_000 } });
    const { client, session } = await world.pair({ limits: { outboxMessages: 3 } });
    client.store.set('a', 1);
    expect(thrownBy(() => client.store.set('a', 'x'.repeat(6_000)))).toMatchObject({ code: 'MessageTooLarge' });
    expect(thrownBy(() => client.store.set('a', 'x'.repeat(STORE_BYTES_MAX)))).toMatchObject({ code: 'StoreFull' });
    client.store.set('a', 2);
    client.store.set('a', 3);
    expect(thrownBy(() => client.store.set('a', 4))).toMatchObject({ code: 'OutboxFull' });
    expect(thrownBy(() => client.store.delete('a'))).toMatchObject({ code: 'OutboxFull' });
    expect(client.store.get('a')).toBe(3);
    await client.flush();
    expect([client.store.get('a'), session.store.get('a')]).toEqual([3, 3]);
  });

  test('takes back what was set before the peer said that it takes no such thing', async () => {
    await using world = await loopback({}, { limits: { messageBytes: 5_000, depth: 5 } });
    const client = world.client({ autoConnect: false });
    const told = diaryOf(client.connection);
    client.store.set('large', 'x'.repeat(6_000));
    client.store.set('deep', [[[[[[1]]]]]]);
    client.store.set('good', 1);
    const flushed = client.flush();
    client.connect();
    await flushed;
    expect([...client.store.entries()]).toEqual([['good', 1]]);
    const codes = told.flatMap(([name, error]) => (name === 'error' ? [(error as { code: string }).code] : []));
    expect(codes).toEqual(['MessageTooLarge', 'NotEncodable']);
  });

  test('throws when the end is closed, at both ends, and is read as before', async () => {
    await using world = await loopback();
    const { client, session } = await world.pair();
    client.store.set('a', 1);
    await client.close();
    expect(thrownBy(() => client.store.set('a', 2))).toMatchObject({ code: 'Closed' });
    expect(client.store.get('a')).toBe(1);
    await until(
      () => thrownBy(() => session.store.set('a'.repeat(300), 2)).code === 'BadOption',
      'a key is looked at first',
    );
    await session.close();
    expect(thrownBy(() => session.store.set('a', 2))).toMatchObject({ code: 'Closed' });
  });

  test('counts in the books of its server', async () => {
    const server = createServer({ start() {} }, { limits: { shardBytes: 100_000_000 } });
    const { port } = await server.listen(0);
    const client = createClient<{ server: object; client: object }>(port);
    await client.up();
    const before = server.counts.bytes;
    client.store.set('a', 'x'.repeat(50_000));
    await client.flush();
    await until(() => server.counts.bytes - before > 50_000, 'the bytes to be booked');
    client.store.delete('a');
    await client.flush();
    await until(() => server.counts.bytes - before < 1_000, 'the bytes to be free');
    client.store.set('a', 'x'.repeat(50_000));
    await client.flush();
    await client.close();
    await server.close({ drainMs: 0 });
    expect(server.counts.bytes).toBe(0);
  });
});

describe('a client that breaks the rules of the store', () => {
  test('is refused what is no key with its value, by a verdict, and goes on', async () => {
    await using world = await loopback({ serverKeys: ['role'] });
    const told = serverDiaryOf(world.server);
    const peer = await Peer.dial(world.port);
    await peer.open();
    const functionTag = of(array(text('f'), tag(40006, uint(1))));
    peer.payload(FrameType.ORDERED, Kind.WRITE, 1, functionTag);
    peer.event(2, ['a', 1, 2], Kind.WRITE);
    peer.event(3, [''], Kind.WRITE);
    peer.event(4, ['k'.repeat(257), 1], Kind.WRITE);
    peer.event(5, ['role', 'boss'], Kind.WRITE);
    peer.event(6, ['__proto__', 'mine'], Kind.WRITE);
    const statuses: unknown[] = [];
    for (let seq = 1; seq <= 6; seq += 1) statuses.push(await nextVerdict(peer));
    expect(statuses).toEqual([
      [1, 1, 0],
      [2, 1, 0],
      [3, 1, 0],
      [4, 1, 0],
      [5, 1, 0],
      [6, 0, 0],
    ]);
    expect([...(world.sessions[0]?.store.entries() ?? [])]).toEqual([['__proto__', 'mine']]);
    expect(namesOf(told).filter((name) => name === 'error')).toHaveLength(1);
    peer.socket.destroy();
  });

  test.each([
    ['a write with a number as key', FrameType.ORDERED, Kind.WRITE, cborOf([5, 1]), 'payload-refused'],
    ['a write without a key', FrameType.ORDERED, Kind.WRITE, cborOf([]), 'payload-refused'],
    ['a write that is no array', FrameType.ORDERED, Kind.WRITE, cborOf('a'), 'payload-refused'],
    ['a change', FrameType.ORDERED, Kind.CHANGE, cborOf(['a', 1]), 'bad-frame'],
    ['a forwarded event', FrameType.ORDERED, Kind.FORWARD, cborOf(['say', 'somebody else', 1]), 'bad-frame'],
    ['a fragment of a change', FrameType.ORDERED, Kind.CHANGE | 0x80, new Uint8Array(20), 'bad-frame'],
    ['a verdict', FrameType.DIRECT, Kind.VERDICT, verdictBody(1, 0), 'bad-frame'],
    ['a notice', FrameType.DIRECT, Kind.NOTICE, refusal, 'bad-frame'],
  ])('is parted from for %s', async (_title, type, kind, payload, code) => {
    await using world = await loopback();
    const peer = await Peer.dial(world.port);
    await peer.open();
    peer.payload(type, kind, 1, payload);
    expect(await peer.farewell()).toMatchObject({ code });
    await peer.closed;
    expect([...(world.sessions[0]?.store.entries() ?? [])]).toEqual([]);
    const { client } = await world.pair();
    client.store.set('a', 1);
    await client.flush();
  });

  test('gets no more keys or bytes into a store than fit', async () => {
    await using world = await loopback();
    const peer = await Peer.dial(world.port);
    await peer.open();
    const accepted: boolean[] = [];
    for (let seq = 1; seq <= STORE_KEYS_MAX + 20; seq += 1) {
      peer.event(seq, [`k${seq}`, seq], Kind.WRITE);
      accepted.push((await nextVerdict(peer))?.[1] === 0);
    }
    expect(accepted.filter(Boolean)).toHaveLength(STORE_KEYS_MAX);
    const [session] = world.sessions;
    expect([...(session?.store.entries() ?? [])]).toHaveLength(STORE_KEYS_MAX);
    let seq = accepted.length;
    const large: boolean[] = [];
    for (let n = 1; n <= 6; n += 1) {
      peer.event((seq += 1), [`k${n}`, 'x'.repeat(60_000)], Kind.WRITE);
      large.push((await nextVerdict(peer))?.[1] === 0);
    }
    expect(large).toEqual([true, true, true, true, false, false]);
    expect(thrownBy(() => session?.store.set('k9', 'x'.repeat(60_000)))).toMatchObject({ code: 'StoreFull' });
    peer.socket.destroy();
  });

  test('that floods with writes nobody has decided goes beyond its credit and is parted from', async () => {
    const gate = new Gate();
    await using world = await loopback(
      { authorize: () => gate.passed.then(() => true) },
      { limits: { mailboxMessages: 20 } },
    );
    const peer = await Peer.dial(world.port);
    await peer.open();
    for (let seq = 1; seq <= 40; seq += 1) peer.event(seq, ['a', seq], Kind.WRITE);
    expect(await peer.farewell()).toMatchObject({ code: 'credit-exceeded' });
    const [session] = world.sessions;
    expect([...(session?.store.entries() ?? [])]).toEqual([]);
    gate.open();
    await until(() => session?.store.get('a') === 20, 'what was within the credit to be decided');
  });

  test('that never takes verdicts gets no more credit', async () => {
    await using world = await loopback();
    const peer = await Peer.dial(world.port);
    await peer.open();
    const ack = { orderedReceived: 0, cursor: 0, directReceived: 0, windowMessages: 1_024, windowBytes: 0 };
    let sent = 0;
    // Each round as many as the newest ack grants; the verdicts are never acknowledged.
    while (ack.windowMessages > 0) {
      for (; sent < ack.cursor + ack.windowMessages; sent += 1) peer.event(sent + 1, ['a', sent], Kind.WRITE);
      await until(() => {
        const frame = peer.frames.findLast(({ type }) => type === FrameType.ACK);
        if (frame !== undefined) readAck(frame.body, 0, ack);
        return ack.cursor === sent;
      }, 'the writes to be decided');
      expect(sent).toBeLessThan(20_000);
    }
    peer.event(sent + 1, ['a', sent], Kind.WRITE);
    expect(await peer.farewell()).toMatchObject({ code: 'credit-exceeded' });
    expect(world.sessions[0]?.store.get('a')).toBe(sent - 1);
  });
});

describe('a server that breaks the rules of the store', () => {
  test.each([
    ['a write', FrameType.ORDERED, Kind.WRITE, cborOf(['a', 1]), 'bad-frame'],
    ['a service', FrameType.ORDERED, Kind.SERVICE, cborOf(['presence']), 'bad-frame'],
    ['a change with a number as key', FrameType.ORDERED, Kind.CHANGE, cborOf([5, 1]), 'payload-refused'],
    ['a verdict that nobody asked for', FrameType.DIRECT, Kind.VERDICT, verdictBody(3, 0), 'unknown-receipt'],
    ['a verdict out of order', FrameType.DIRECT, Kind.VERDICT, verdictBody(2, 0), 'unknown-receipt'],
    ['a verdict on seq 0', FrameType.DIRECT, Kind.VERDICT, verdictBody(0, 0), 'bad-frame'],
    ['a verdict that is too short', FrameType.DIRECT, Kind.VERDICT, verdictBody(1, 0).slice(1), 'bad-frame'],
    ['a verdict of no status', FrameType.DIRECT, Kind.VERDICT, verdictBody(1, 2, 0, refusal), 'bad-frame'],
    ['an accepting verdict with an error', FrameType.DIRECT, Kind.VERDICT, verdictBody(1, 0, 0, refusal), 'bad-frame'],
    ['a refusing verdict without one', FrameType.DIRECT, Kind.VERDICT, verdictBody(1, 1), 'bad-frame'],
    [
      'a verdict with a refused error',
      FrameType.DIRECT,
      Kind.VERDICT,
      verdictBody(1, 1, 0, Uint8Array.of(0xff)),
      'payload-refused',
    ],
    [
      'a verdict after an unsafe number of changes',
      FrameType.DIRECT,
      Kind.VERDICT,
      verdictBody(1, 0).fill(0xff, 9),
      'bad-frame',
    ],
    ['a notice that is no error', FrameType.DIRECT, Kind.NOTICE, cborOf(5), 'payload-refused'],
  ])('is parted from for %s', async (_title, type, kind, payload, code) => {
    await using scene = await welcomed();
    const { peer, client, told } = scene;
    client.store.set('a', 1);
    client.store.set('b', 1);
    for (let count = 0; count < 2; count += 1) await peer.nextOf(FrameType.ORDERED);
    peer.payload(type, kind, 1, payload);
    expect(await peer.farewell()).toMatchObject({ code });
    await until(() => namesOf(told).includes('down'), 'the connection to go down');
    expect([...client.store.entries()]).toEqual([
      ['a', 1],
      ['b', 1],
    ]);
  });

  test('may judge a write once', async () => {
    await using scene = await welcomed();
    const { peer, client } = scene;
    client.store.set('a', 1);
    await peer.nextOf(FrameType.ORDERED);
    peer.payload(FrameType.DIRECT, Kind.VERDICT, 1, verdictBody(1, 0));
    peer.payload(FrameType.DIRECT, Kind.VERDICT, 2, verdictBody(1, 1, 0, refusal));
    expect(await peer.farewell()).toMatchObject({ code: 'unknown-receipt' });
    expect(client.store.get('a')).toBe(1);
  });

  test('sends changes that cannot be kept: they are told, and what can be is kept', async () => {
    await using scene = await welcomed();
    const { peer, client, errors } = scene;
    const heard: unknown[] = [];
    client.store.on('change', (key, value) => void heard.push([key, value]));
    peer.payload(FrameType.ORDERED, Kind.CHANGE, 1, of(array(text('f'), tag(40006, uint(1)))));
    peer.event(2, ['a', 1, 2], Kind.CHANGE);
    peer.event(3, ['', 1], Kind.CHANGE);
    peer.payload(FrameType.ORDERED, Kind.CHANGE, 4, of(array(text('u'), [0xf7])));
    peer.event(5, ['__proto__', { deep: 1 }], Kind.CHANGE);
    peer.payload(FrameType.DIRECT, Kind.NOTICE, 1, cborOf(['Error', 'look', 'HeldExpired']));
    peer.payload(FrameType.DIRECT, Kind.NOTICE, 2, cborOf(['Error', 'look', 'no code of ours']));
    await until(() => heard.length === 1 && errors().length === 5, 'all of it to be told');
    expect(heard).toEqual([['__proto__', { deep: 1 }]]);
    expect(errors().toSorted()).toEqual(['BadOption', 'BadOption', 'HandlerFailed', 'HandlerFailed', 'HeldExpired']);
    expect(client.connection.state).toBe('up');
  });

  test('gets no more keys or bytes into the copy than fit', async () => {
    await using scene = await welcomed();
    const { peer, client, errors } = scene;
    for (let seq = 1; seq <= STORE_KEYS_MAX + 10; seq += 1) peer.event(seq, [`k${seq}`, seq], Kind.CHANGE);
    for (let n = 1; n <= 10; n += 1) peer.event(STORE_KEYS_MAX + 10 + n, [`k${n}`, 'x'.repeat(60_000)], Kind.CHANGE);
    await until(() => errors().length === 16, 'those that do not fit to be told');
    expect([...client.store.entries()]).toHaveLength(STORE_KEYS_MAX);
    expect(new Set(errors())).toEqual(new Set(['StoreFull']));
  });

  test('that never decides leaves no more writes pending than an outbox holds, and flush waits', async () => {
    const server = await PeerServer.open();
    const client = createClient<{ server: object; client: object }>(server.port, {
      autoReconnect: false,
      limits: { outboxMessages: 50 },
    });
    const peer = await server.next();
    await peer.greeting();
    peer.welcomeNew(known);
    for (let n = 0; n < 50; n += 1) client.store.set('a', n);
    const flushed = failureOf(client.with({ timeoutMs: 50 }).flush());
    for (let n = 0; n < 50; n += 1) await peer.nextOf(FrameType.ORDERED);
    peer.ack(50);
    expect(await flushed).toMatchObject({ code: 'Deadline', outcome: 'unknown' });
    (client as unknown as LooseClient).send('there is room in the outbox');
    expect(thrownBy(() => client.store.set('a', 50))).toMatchObject({ code: 'OutboxFull' });
    peer.payload(FrameType.DIRECT, Kind.VERDICT, 1, verdictBody(1, 1, 0, refusal));
    await nextInfo(client.connection, 'error');
    client.store.set('a', 51);
    // Accepted after changes that never come: pending for ever, and within the bound.
    for (let n = 2; n <= 50; n += 1) {
      peer.payload(FrameType.DIRECT, Kind.VERDICT, n, verdictBody(n, 0, Number.MAX_SAFE_INTEGER));
    }
    await until(() => client.connection.state === 'up', 'the client to live');
    expect(thrownBy(() => client.store.set('a', 52))).toMatchObject({ code: 'OutboxFull' });
    expect(client.store.get('a')).toBe(51);
    await client.close({ drainMs: 0 });
    await server[Symbol.asyncDispose]();
  });

  test('has its verdict before the change that came with it counted first', async () => {
    await using scene = await welcomed();
    const { peer, client } = scene;
    client.store.set('a', 'mine');
    await peer.nextOf(FrameType.ORDERED);
    peer.socket.cork();
    peer.payload(FrameType.DIRECT, Kind.VERDICT, 1, verdictBody(1, 0, 0));
    peer.event(1, ['a', 'theirs'], Kind.CHANGE);
    peer.socket.uncork();
    await until(() => client.store.get('a') === 'theirs', 'the change to count last');
  });
});

test('a list of a thousand keys is read while it changes', async () => {
  await using world = await loopback();
  const { client } = await world.pair();
  for (let n = 0; n < STORE_KEYS_MAX; n += 1) client.store.set(`k${n}`, list(1, uint(1)));
  let count = 0;
  for (const [key] of client.store.entries()) {
    count += 1;
    client.store.delete(key);
    if (count === 1) client.store.delete('k999');
  }
  expect([count, [...client.store.entries()]]).toEqual([STORE_KEYS_MAX - 1, []]);
  await client.flush();
  expect([...(world.sessions[0]?.store.entries() ?? [])]).toEqual([]);
});
