// Sends to groups over real sockets, in one thread: who gets what, who is told what, and what hostile clients, hostile
// servers and full outboxes make of it.
import { type Server, createServer } from 'homing';
import { describe, expect, it } from 'vitest';
import type { SessionClient } from '../../src/client/client.ts';
import { FrameType, Kind } from '../../src/wire/frame.ts';
import { Peer, PeerServer, cborOf } from './peer.ts';
import {
  Gate,
  type Loose,
  type LooseClient,
  type LooseSession,
  Tally,
  diaryOf,
  failureOf,
  loopback,
  namesOf,
  nextAt,
  nextOf,
  until,
} from './world.ts';

/** Everybody may address everybody. */
const free = { authorize: () => true };

/** What a client hears as `g`, with the session it comes from. */
function hearingOf(client: LooseClient): (readonly [from: string | undefined, ...args: unknown[]])[] {
  const heard: (readonly [string | undefined, ...unknown[]])[] = [];
  client.on('g', (...args) => void heard.push([client.turn.from, ...args]));
  return heard;
}

/** Asks the server's runtime to address others, with words that `client.to` would never let pass. */
function address(client: LooseClient, ...words: readonly unknown[]): Promise<unknown> {
  const { dialler } = client as unknown as SessionClient;
  return dialler.actor.serve(['address', ...words], {});
}

const none = { accepted: 0, refused: 0, held: 0 };

describe('a send to a group', () => {
  it('reaches those whose stores match, the sender too, once each, with the name of its sender', async () => {
    await using world = await loopback(free);
    const pairs = [await world.pair(), await world.pair(), await world.pair()] as const;
    const [a, b, c] = pairs;
    const heard = pairs.map(({ client }) => hearingOf(client));
    for (const { session } of [a, b]) session.store.set('room', 'main');
    expect(await a.session.to({ room: 'main' }).send('g', 1)).toEqual({ accepted: 2, refused: 0, held: 0 });
    expect(await b.client.to({ room: 'main' }, { except: a.session.id }).send('g', 2)).toMatchObject({ accepted: 1 });
    expect(await c.client.to(a.client.id).send('g', 3)).toMatchObject({ accepted: 1 });
    expect(await c.session.to('nobody').send('g', 4)).toEqual(none);
    expect(await world.server.to({ room: 'main' }).send('g', 5)).toMatchObject({ accepted: 2 });
    expect(await world.server.toAll({ except: b.client.id }).send('g', 6)).toMatchObject({ accepted: 2 });
    await Promise.all(pairs.map(({ session }) => session.flush()));
    const [toA, toB, toC] = heard;
    expect(toA).toEqual([
      [a.client.id, 1],
      [c.client.id, 3],
      [undefined, 5],
      [undefined, 6],
    ]);
    expect(toB).toEqual([
      [a.client.id, 1],
      [b.client.id, 2],
      [undefined, 5],
    ]);
    expect(toC).toEqual([[undefined, 6]]);
  });

  it('reaches a session that is away, when it comes back', async () => {
    await using world = await loopback(free);
    const [a, b] = [await world.pair(), await world.pair()];
    const heard = hearingOf(b.client);
    const isDown = nextAt(world.server, 'down');
    b.client.disconnect();
    await isDown;
    for (let number = 0; number < 3; number += 1)
      expect(await a.client.to(b.client.id).send('g', number)).toMatchObject({ accepted: 1 });
    b.client.connect();
    await b.session.flush();
    expect(heard).toEqual([0, 1, 2].map((number) => [a.client.id, number]));
  });

  it('of a client comes before what that client does next, also where authorize takes its time', async () => {
    const gates = Array.from({ length: 3 }, () => new Gate());
    const asked = new Tally();
    await using world = await loopback({
      authorize: async () => {
        const gate = gates[asked.value];
        asked.count();
        await gate?.passed;
        return true;
      },
    });
    const { client, session } = await world.pair();
    const heard = hearingOf(client);
    const said: number[] = [];
    session.on('say', (number) => {
      said.push(heard.length, number as number);
      session.send('g', 'said', number);
    });
    const sent = gates.map((_, number) => {
      const sending = client.to(client.id).send('g', number);
      client.send('say', number);
      return sending;
    });
    await asked.reached(1);
    // The last first: nothing goes on before the first.
    for (const gate of gates.toReversed()) gate.open();
    expect(await Promise.all(sent)).toEqual(sent.map(() => ({ accepted: 1, refused: 0, held: 0 })));
    await client.flush();
    await session.flush();
    expect(heard.map(([from, ...args]) => [from === undefined, ...args])).toEqual(
      gates.flatMap((_, number) => [
        [false, number],
        [true, 'said', number],
      ]),
    );
    expect(said).toHaveLength(6);
  });

  it('keeps objects that are shared in a message, and is refused where the name of the sender has no room', async () => {
    await using world = await loopback(free);
    const { client, session } = await world.pair();
    const told = diaryOf(client.connection);
    const heard = hearingOf(client);
    const shared = { deep: ['x'] };
    await session.to(client.id).send('g', shared, shared);
    await client.to(client.id).send('g', [shared, shared]);
    await session.to(client.id).send('g', ...Array<number>(65_534).fill(1));
    await session.flush();
    expect(heard.map((each) => each.length)).toEqual([3, 2, 65_535]);
    const [one, two] = heard as unknown as [unknown[], [string, unknown[]]];
    expect(one[1]).toEqual(shared);
    expect(one[2]).toBe(one[1]);
    expect(two[1][0]).toBe(two[1][1]);
    const many = Array<number>(65_535).fill(1);
    expect(await failureOf(session.to(client.id).send('g', ...many))).toMatchObject({ code: 'NotEncodable' });
    const refused = await failureOf(client.to(client.id).send('g', ...many));
    expect(refused).toMatchObject({ code: 'InvalidInput' });
    // The server itself is nobody to be named.
    expect(await world.server.toAll().send('g', ...many)).toMatchObject({ accepted: 1 });
    await session.flush();
    expect(namesOf(told)).toEqual([]);
  });

  it('counts a full outbox, and one whose peer takes no such message, as refused', async () => {
    await using world = await loopback(free, { limits: { outboxMessages: 3 } });
    const a = await world.pair();
    const b = await world.pair({ limits: { depth: 4 } });
    const c = await world.pair({ limits: { messageBytes: 1_024 } });
    const told = [b, c].map(({ client }) => diaryOf(client.connection));
    const all = a.session.to({ all: true });
    for (const { session } of [a, b, c]) session.store.set('all', true);
    expect(await all.send('g', [[[[1]]]])).toEqual({ accepted: 2, refused: 1, held: 0 });
    await a.session.flush();
    await c.session.flush();
    // With the name of the sender it is one byte too long.
    const { length } = cborOf(['g', new Uint8Array(980), a.client.id]);
    const exact = 980 + 1_024 - length;
    expect(await a.session.to(c.client.id).send('g', new Uint8Array(exact))).toMatchObject({ accepted: 1 });
    expect(await a.session.to(c.client.id).send('g', new Uint8Array(exact + 1))).toMatchObject({ refused: 1 });
    await c.session.flush();
    const isDown = nextAt(world.server, 'down');
    a.client.disconnect();
    await isDown;
    const sent = [1, 2, 3, 4, 5].map((number) => world.server.to(a.session.id).send('g', number));
    const results = await Promise.all(sent);
    expect(results.map(({ accepted }) => accepted)).toEqual([1, 1, 1, 0, 0]);
    expect(results.map(({ refused }) => refused)).toEqual([0, 0, 0, 1, 1]);
    expect(told.map((each) => namesOf(each))).toEqual([[], []]);
  });

  it('takes no functions and no streams, anywhere', async () => {
    await using world = await loopback(free);
    const { client, session } = await world.pair();
    async function* stream() {
      yield await Promise.resolve(1);
    }
    for (const group of [client.to(client.id), session.to(client.id), world.server.toAll()]) {
      for (const value of [() => 1, { run: () => 1 }, stream(), [new Map([['f', () => 1]])]])
        expect(await failureOf(group.send('g', value))).toMatchObject({ code: 'NotEncodable' });
    }
    expect(await failureOf(session.to(client.id).send(5 as unknown as string))).toMatchObject({ code: 'BadOption' });
  });

  it('goes to dialled sessions too, as a plain event', async () => {
    await using far = await loopback((session) => {
      session.on('g', (...args) => session.send('heard', session.turn.from, ...args));
    });
    const heard: unknown[][] = [];
    await using world = await loopback({
      ...free,
      start: (session) => void session.on('heard', (...args) => void heard.push(args)),
    });
    const { id } = await world.server.dial(far.port);
    const dialled = world.sessions[0] as LooseSession;
    const { client, session } = await world.pair();
    expect(await client.to(id).send('g', 1)).toMatchObject({ accepted: 1 });
    expect(await session.to(id).send('g', 2)).toMatchObject({ accepted: 1 });
    expect(await world.server.toAll({ except: client.id }).send('g', 3)).toMatchObject({ accepted: 1 });
    expect(await dialled.to(client.id).send('g', 4)).toMatchObject({ accepted: 1 });
    await until(() => heard.length === 3, 'all to be heard');
    expect(heard).toEqual([
      [undefined, 1],
      [undefined, 2],
      [undefined, 3],
    ]);
  });

  it('is refused when the server is closed, and leaves no timer behind', async () => {
    await using world = await loopback(free);
    const { session } = await world.pair();
    await session.to({ room: 'none' }, { holdMs: 86_400_000 }).send('g');
    await world.server.close({ drainMs: 0 });
    expect(await failureOf(session.to('x', { holdMs: 86_400_000 }).send('g'))).toMatchObject({ code: 'Closed' });
    expect(await failureOf(world.server.toAll().send('g'))).toMatchObject({ code: 'Closed' });
    expect(process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length).toBeLessThan(10);
  });
});

describe('a held message', () => {
  it('that expires is told to its sender: a client, a session at its server, the server', async () => {
    await using world = await loopback(free);
    const { client, session } = await world.pair();
    const errors: (readonly [code: string, id: string | undefined])[] = [];
    world.server.on('error', ({ code }, detail) => void errors.push([code, detail.session?.id]));
    const told = nextOf(client.connection, 'error');
    expect(await client.to({ room: 'a' }, { holdMs: 1 }).send('g')).toEqual({ accepted: 0, refused: 0, held: 1 });
    expect(await told).toMatchObject([{ code: 'HeldExpired', retry: true }]);
    expect(errors).toEqual([]);
    const atServer = nextAt(world.server, 'error');
    expect(await session.to({ room: 'a' }, { holdMs: 1 }).send('g')).toMatchObject({ held: 1 });
    await atServer;
    const again = nextAt(world.server, 'error');
    expect(await world.server.to({ room: 'a' }, { holdMs: 1 }).send('g')).toMatchObject({ held: 1 });
    await again;
    expect(errors).toEqual([
      ['HeldExpired', client.id],
      ['HeldExpired', undefined],
    ]);
  });

  it('that expires while its client is away is told when that is back', async () => {
    await using world = await loopback(free);
    const { client } = await world.pair();
    const told = nextOf(client.connection, 'error');
    await client.to({ room: 'a' }, { holdMs: 20 }).send('g');
    const isDown = nextAt(world.server, 'down');
    client.disconnect();
    await isDown;
    const watch = await world.pair();
    // The second one expires after the first.
    const later = nextOf(watch.client.connection, 'error');
    await watch.client.to({ room: 'a' }, { holdMs: 30 }).send('g');
    await later;
    client.connect();
    expect(await told).toMatchObject([{ code: 'HeldExpired' }]);
  });

  it('goes to the first who matches, in order with others, and its sender hears nothing', async () => {
    await using world = await loopback(free);
    const [a, b] = [await world.pair(), await world.pair()];
    const heard = hearingOf(b.client);
    const errors = diaryOf(a.client.connection);
    for (let number = 0; number < 50; number += 1) {
      const group = a.client.to(number % 2 === 0 ? { room: 'x' } : { room: 'x', role: 'y' }, { holdMs: 60_000 });
      expect(await group.send('g', number)).toMatchObject({ held: 1 });
    }
    b.session.store.set('role', 'y');
    b.session.store.set('room', 'x');
    expect(await a.client.to({ room: 'x' }, { holdMs: 60_000 }).send('g', 50)).toMatchObject({ accepted: 1 });
    await b.session.flush();
    expect(heard).toEqual(Array.from({ length: 51 }, (_, number) => [a.client.id, number]));
    expect(namesOf(errors)).toEqual([]);
  });

  it('is refused beyond what is held at all, whoever asks, and others are served', async () => {
    await using world = await loopback(free);
    const [a, b] = [await world.pair(), await world.pair()];
    const heard = hearingOf(b.client);
    const codes = new Map<string, number>();
    let held = 0;
    for (let round = 0; round < 110; round += 1) {
      const group = a.client.to({ room: `r${round}` }, { holdMs: 86_400_000 });
      const sends = Array.from({ length: 100 }, async (_, number) => {
        try {
          const sent = await group.send('g', round, number);
          held += sent.held;
        } catch (error) {
          const { code } = error as { code: string };
          codes.set(code, (codes.get(code) ?? 0) + 1);
        }
      });
      await Promise.all(sends);
    }
    expect([held, [...codes]]).toEqual([1_000, [['OutboxFull', 10_000]]]);
    expect(await failureOf(world.server.to({ room: 'z' }, { holdMs: 5 }).send('g'))).toMatchObject({
      code: 'OutboxFull',
    });
    expect(await b.client.to(b.client.id).send('g', 'still')).toMatchObject({ accepted: 1 });
    b.session.store.set('room', 'r3');
    await b.session.flush();
    expect(heard).toEqual([
      [b.client.id, 'still'],
      ...Array.from({ length: 100 }, (_, number) => [a.client.id, 3, number]),
    ]);
  });

  it('for whom a long selector is said weighs as much as that', async () => {
    await using world = await loopback(free);
    const { client } = await world.pair();
    const room = 'x'.repeat(400_000);
    const sends = Array.from({ length: 4 }, () => client.to({ room }, { holdMs: 1_000_000 }).send('g'));
    const results = await Promise.allSettled(sends);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'rejected']);
  });
});

describe('a client that addresses others', () => {
  it.each<[string, (() => boolean | Promise<boolean>) | undefined]>([
    ['has no hook to allow it', undefined],
    ['is not allowed to', () => false],
    ['is not allowed to, later', () => Promise.resolve(false)],
    [
      'is judged by a hook that throws',
      () => {
        throw new Error('the hook');
      },
    ],
    ['is judged by a hook that rejects', () => Promise.reject(new Error('the hook'))],
    ['is judged by a hook that says something else', () => 'yes' as unknown as boolean],
    ['is judged by a hook that says something else, later', () => Promise.resolve(1 as unknown as boolean)],
  ])('is refused when it %s', async (_, authorize) => {
    await using world = await loopback(authorize === undefined ? {} : { authorize });
    const { client, session } = await world.pair();
    const heard = hearingOf(client);
    const failure = await failureOf(client.to(client.id, { holdMs: 1_000 }).send('g'));
    expect(failure).toMatchObject({ code: 'Forbidden', retry: false });
    expect(failure.message).not.toMatch(/the hook/);
    await session.flush();
    expect(heard).toEqual([]);
    // Its own server may.
    expect(await session.to(client.id).send('g')).toMatchObject({ accepted: 1 });
  });

  const payload = cborOf(['g', 1]);
  const deep = (levels: number): unknown => (levels === 0 ? 1 : [deep(levels - 1)]);

  it.each<[string, ...unknown[]]>([
    ['no selector', undefined, {}, payload],
    ['null', null, {}, payload],
    ['an empty text', '', {}, payload],
    ['an empty object', {}, {}, payload],
    ['a list', ['a'], {}, payload],
    ['33 keys', Object.fromEntries(Array.from({ length: 33 }, (_, key) => [`k${key}`, 1])), {}, payload],
    ['a nested value', { room: { $ne: 1 } }, {}, payload],
    ['a bigint', { room: 1n }, {}, payload],
    ['a map', new Map([['room', 'a']]), {}, payload],
    ['except that is a number', 'x', { except: 5 }, payload],
    ['except that is an object', 'x', { except: { room: 'a' } }, payload],
    ['holdMs 0', 'x', { holdMs: 0 }, payload],
    ['holdMs below 0', 'x', { holdMs: -1 }, payload],
    ['holdMs of more than a day', 'x', { holdMs: 86_400_001 }, payload],
    ['holdMs NaN', 'x', { holdMs: Number.NaN }, payload],
    ['holdMs as text', 'x', { holdMs: '5' }, payload],
    ['no payload', 'x', {}],
    ['a text for payload', 'x', {}, 'g'],
    ['a list for payload', 'x', {}, ['g', 1]],
    ['no bytes', 'x', {}, new Uint8Array(0)],
    ['bytes that are no CBOR', 'x', {}, Uint8Array.of(0xff, 0xff, 0xff)],
    ['bytes that end too early', 'x', {}, payload.slice(0, -1)],
    ['bytes after the end', 'x', {}, Uint8Array.of(...payload, 0)],
    ['an empty list of bytes', 'x', {}, Uint8Array.of(0x80)],
    ['an event without a name', 'x', {}, cborOf([5, 1])],
    ['an object for an event', 'x', {}, cborOf({ event: 'g' })],
    ['a text for an event', 'x', {}, cborOf('g')],
    ['a function in it', 'x', {}, Uint8Array.of(0x82, 0x61, 0x67, 0xd9, 0x9c, 0x46, 0x02)],
    ['a function given back', 'x', {}, Uint8Array.of(0x82, 0x61, 0x67, 0xd9, 0x9c, 0x46, 0x03)],
    ['a stream in it', 'x', {}, Uint8Array.of(0x82, 0x61, 0x67, 0xd9, 0x9c, 0x47, 0x02)],
    ['a link that leads nowhere', 'x', {}, Uint8Array.of(0x82, 0x61, 0x67, 0xd9, 0x9c, 0x45, 0x81, 0x05)],
    ['one array too many', 'x', {}, Uint8Array.of(...Array<number>(33).fill(0x81), 0x61, 0x67)],
    [
      'a key that reaches a prototype',
      'x',
      {},
      Uint8Array.of(0x82, 0x61, 0x67, 0xa1, 0x69, ...Buffer.from('__proto__'), 0x01),
    ],
    ['one element too many', 'x', {}, cborOf(['g', ...Array<number>(65_535).fill(1)])],
  ])('with %s is refused, and served afterwards', async (_, ...words) => {
    await using world = await loopback(free);
    const { client, session } = await world.pair();
    const told = diaryOf(client.connection);
    const heard = hearingOf(client);
    session.store.set('room', 'a');
    const failure = await failureOf(address(client, ...words));
    expect(['BadOption', 'InvalidInput']).toContain(failure.code);
    expect(await address(client, { room: 'a' }, {}, payload)).toEqual([1, 0, 0]);
    expect(await address(client, client.id, null, cborOf(['g', deep(30)]))).toEqual([1, 0, 0]);
    await session.flush();
    expect(heard.map(([from]) => from)).toEqual([client.id, client.id]);
    expect(namesOf(told)).toEqual([]);
  });

  it('is told that there is no such service, whatever it asks for', async () => {
    await using world = await loopback(free);
    const { client } = await world.pair();
    const { dialler } = client as unknown as SessionClient;
    for (const name of ['', 'send', 'constructor', 'toString', '__proto__', 'Address'])
      expect(await failureOf(dialler.actor.serve([name, 'x'], {}))).toMatchObject({ code: 'NoMethod' });
  });

  it('may ask as often as it likes while the hook never settles: it alone waits', async () => {
    const asked = new Tally();
    await using world = await loopback({
      authorize: (session) => {
        if (session.id !== flooder.id) return true;
        asked.count();
        return new Promise<boolean>(() => {});
      },
    });
    const peer = await Peer.dial(world.port);
    const flooder = await peer.open();
    const words = cborOf(['address', { room: 'a' }, { holdMs: 1_000 }, payload]);
    for (let seq = 1; seq <= 1_024; seq += 1) peer.payload(FrameType.ORDERED, Kind.SERVICE, seq, words);
    await asked.reached(1);
    const { client, session } = await world.pair();
    const heard = hearingOf(client);
    for (let number = 0; number < 20; number += 1) await client.to(client.id).send('g', number);
    await session.flush();
    expect([heard.length, asked.value]).toEqual([20, 1]);
    // Beyond the window nothing is taken.
    for (let seq = 1_025; seq <= 1_030; seq += 1) peer.payload(FrameType.ORDERED, Kind.SERVICE, seq, words);
    expect((await peer.farewell())?.code).toBe('credit-exceeded');
    expect(asked.value).toBe(1);
    await world.sessions[0]?.close();
    expect(await client.to({ room: 'a' }).send('g')).toEqual(none);
  });

  it('in the name of another one loses its connection', async () => {
    await using world = await loopback(free);
    const { client, session } = await world.pair();
    const heard = hearingOf(client);
    const peer = await Peer.dial(world.port);
    await peer.open();
    peer.event(1, ['g', 1, client.id], Kind.FORWARD);
    expect((await peer.farewell())?.code).toBe('bad-frame');
    await session.flush();
    expect(heard).toEqual([]);
  });
});

describe('a client whose server forwards nonsense', () => {
  it.each<[string, ...unknown[]]>([
    ['nobody', 'g'],
    ['a number', 'g', 1, 5],
    ['an object that cannot be a text', 'g', 1, { toString: 1, valueOf: 1 }],
    ['null', 'g', 1, null],
  ])('lives, and says that it comes from nobody, where it comes from %s', async (_, ...event) => {
    await using fake = await PeerServer.open();
    await using world = await loopback();
    const client = world.client({}, fake.port);
    const heard = hearingOf(client);
    const peer = await fake.next();
    await peer.greeting();
    peer.welcomeNew({ id: 'a'.repeat(32), secret: new Uint8Array(32), epoch: 1 });
    await client.up();
    peer.event(1, event, Kind.FORWARD);
    peer.event(2, ['g', 'next', 's-2'], Kind.FORWARD);
    peer.event(3, ['g', 'last']);
    await until(() => heard.at(-1)?.[1] === 'last', 'the last one to be heard');
    expect(heard.slice(-2)).toEqual([
      ['s-2', 'next'],
      [undefined, 'last'],
    ]);
    expect(heard.slice(0, -2).every(([from]) => from === undefined)).toBe(true);
  });
});

describe('a server that drains', () => {
  it('answers sends to groups until it is over', async () => {
    const server: Server<Loose> = createServer<Loose>({ start: () => {}, ...free });
    await server.listen(0);
    const sending = server.toAll({ holdMs: 1_000 }).send('g');
    await server.close();
    expect(await sending).toMatchObject({ accepted: 0 });
  });
});
