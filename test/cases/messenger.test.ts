// The behavior cases of a messenger that addresses clients by the values of their sessions (E), each by its id, against the
// public handles. What a case says with delays happens on virtual time; what is about sockets, on real ones.
import { duplexPair } from 'node:stream';
import type { Presence, ServerEvents, ServerOptions } from 'homing';
import { createClient } from 'homing';
import { describe, expect, test } from 'vitest';
import type { SessionServer } from '../../src/server/server.ts';
import { FrameType, Kind } from '../../src/wire/frame.ts';
import { Peer } from '../loopback/peer.ts';
import {
  Gate,
  type Loose,
  type Loopback,
  type LooseClient,
  failureOf,
  loopback,
  namesOf,
  nextAt,
  nextInfo,
  nextOf,
  serverDiaryOf,
  until,
} from '../loopback/world.ts';
import { Stage } from '../property/stage.ts';

const count = (length: number): number[] => Array.from({ length }, (_, index) => index);

/** Everybody may do everything, and is known by the name it shows. */
const open = {
  authenticate: (credentials: unknown) => ({ id: String(credentials) }),
  authorize: () => true,
};

const shows: ServerOptions = { presence: { keys: ['name', 'room'] } };

/** A client that is up and known by its name, and what it heard of `note`. */
async function member(world: Loopback, name: string, values: Readonly<Record<string, unknown>> = {}) {
  const heard: unknown[] = [];
  const client = world.client({ credentials: name });
  client.on('note', (...words) => void heard.push(words.length === 1 ? words[0] : words));
  for (const [key, value] of Object.entries({ name, ...values })) client.store.set(key, value);
  await client.flush();
  return { client, heard };
}

/** What a watcher hears, in words, with the names of the sessions. */
function wordsOf(view: Presence<Record<string, unknown>>): string[] {
  const words: string[] = [];
  const tell = (event: string) => (id: string, values: Record<string, unknown>) =>
    void words.push(`${event} ${id} ${JSON.stringify(values)}`);
  for (const event of ['came', 'changed', 'went'] as const) view.on(event, tell(event));
  return words;
}

describe('a message to those whose sessions have a value', () => {
  test('E2: reaches exactly the three of five who have it, the sender among them, once each', async () => {
    await using world = await loopback(open);
    const members = [];
    for (const [index, team] of ['red', 'blue', 'red', 'blue', 'red'].entries()) {
      members.push(await member(world, `m${index}`, { team }));
    }
    const [sender] = members;
    expect(await sender?.client.to({ team: 'red' }).send('note', 'hello')).toEqual({
      accepted: 3,
      refused: 0,
      held: 0,
    });
    await Promise.all(world.sessions.map((session) => session.flush()));
    expect(members.map(({ heard }) => heard)).toEqual([['hello'], [], ['hello'], [], ['hello']]);
  });

  test('E23: with two keys reaches those who match both, each once', async () => {
    await using world = await loopback(open);
    const members = [
      await member(world, 'both', { team: 'red', rank: 1 }),
      await member(world, 'team only', { team: 'red', rank: 2 }),
      await member(world, 'rank only', { team: 'blue', rank: 1 }),
      await member(world, 'both too', { team: 'red', rank: 1 }),
      await member(world, 'as a text', { team: 'red', rank: '1' }),
    ];
    const sent = await world.server.to({ team: 'red', rank: 1 }).send('note', 'hello');
    await Promise.all(world.sessions.map((session) => session.flush()));
    expect([sent.accepted, members.map(({ heard }) => heard.length)]).toEqual([2, [1, 0, 0, 1, 0]]);
  });

  test('E28: does not reach one who comes later, unless it was held for whom it had not found', async () => {
    await using world = await loopback(open);
    const early = await member(world, 'early', { team: 'red' });
    await world.server.to({ team: 'red' }, { holdMs: 60_000 }).send('note', 'before');
    const late = await member(world, 'late', { team: 'red' });
    await world.server.to({ team: 'red' }).send('note', 'after');
    await Promise.all(world.sessions.map((session) => session.flush()));
    expect([early.heard, late.heard]).toEqual([['before', 'after'], ['after']]);
  });

  test('E30: that nobody has is told as such, at once or when it was held in vain; no address at all is refused', async () => {
    await using world = await loopback(open);
    const { client } = await member(world, 'sender');
    for (const end of [client, world.server]) {
      expect(await end.to({ team: 'nobody' }).send('note')).toEqual({ accepted: 0, refused: 0, held: 0 });
      expect(await end.to('no such id').send('note')).toEqual({ accepted: 0, refused: 0, held: 0 });
      for (const selector of [null, undefined, {}, '', [], { team: null }, { team: {} }]) {
        expect(await failureOf(end.to(selector as string).send('note'))).toMatchObject({ code: 'BadOption' });
      }
    }
    const expired = [nextInfo(client.connection, 'error'), nextAt(world.server, 'error').then(([error]) => error)];
    for (const end of [client, world.server]) {
      expect(await end.to({ team: 'nobody' }, { holdMs: 20 }).send('note')).toEqual({
        accepted: 0,
        refused: 0,
        held: 1,
      });
    }
    expect(await Promise.all(expired)).toMatchObject([{ code: 'HeldExpired' }, { code: 'HeldExpired' }]);
  });
});

describe('a message to one client', () => {
  test('E3: arrives in order with those of the same tick, and their ids are consecutive', async () => {
    await using world = await loopback(open);
    const { client } = await member(world, 'a');
    const heard: unknown[] = [];
    client.on('numbered', (number) => {
      const [id, epoch, seq] = client.turn.messageId.split('/');
      heard.push([number, id, Number(epoch), Number(seq)]);
    });
    for (const number of count(3)) void world.server.to(client.id).send('numbered', number);
    await until(() => heard.length === 3, 'three messages');
    const first = (heard[0] as unknown[])[3] as number;
    expect(heard).toEqual(count(3).map((number) => [number, client.id, 1, first + number]));
  });

  test.each([
    ['the first one', false],
    ['the second one', true],
  ])(
    'E4: queued by two clients for the name of the other before either connects is heard by both, when %s comes first',
    async (_, isTurned) => {
      await using world = await loopback(open);
      const heard: string[] = [];
      const clients = ['ann', 'ben'].map((name) => {
        const client = world.client({ autoConnect: false, credentials: name });
        client.on('note', (from) => void heard.push(`${name} from ${String(from)}`));
        client.store.set('name', name);
        return client;
      });
      const others = ['ben', 'ann'];
      const sends = clients.map((client, index) =>
        client.to({ name: others[index] ?? '' }, { holdMs: 60_000 }).send('note', others[1 - index]),
      );
      for (const client of isTurned ? clients.toReversed() : clients) {
        client.connect();
        await client.up();
      }
      const sent = await Promise.all(sends);
      await until(() => heard.length === 2, 'both messages');
      expect(heard.toSorted()).toEqual(['ann from ben', 'ben from ann']);
      expect(sent.map(({ accepted, held }) => accepted + held)).toEqual([1, 1]);
    },
  );

  test('E8: that is away is kept, and arrives in order when it is back', async () => {
    await using world = await loopback(open);
    const { client, heard } = await member(world, 'a');
    const down = nextAt(world.server, 'down');
    client.disconnect();
    await down;
    for (const number of count(5)) {
      expect(await world.server.to({ name: 'a' }).send('note', number)).toMatchObject({ accepted: 1 });
    }
    client.connect();
    await until(() => heard.length === 5, 'what was kept');
    expect(heard).toEqual(count(5));
  });

  test('E9: is written again until it is confirmed, handled once, and confirmed once', async () => {
    const stage = new Stage();
    await stage.up();
    const answers: string[] = [];
    // Each line dies with the bytes of the answer on it.
    for (const bytes of [1, 2, 3, 4, 5]) stage.node.path.cutAfter('client', bytes * 10);
    void stage.client.deliver('say', 'once').then(() => answers.push('confirmed'));
    await stage.world.run(60_000);
    expect([stage.heardByServer, answers]).toEqual([['once'], ['confirmed']]);
    expect(stage.node.path.dialCount).toBeGreaterThan(1);
  });

  test('E11: to an address that nobody has yet is kept, and delivered to the first who matches', async () => {
    await using world = await loopback(open);
    const sender = await member(world, 'sender');
    for (const number of count(3)) {
      const sent = await sender.client.to({ name: 'later' }, { holdMs: 60_000 }).send('note', number);
      expect(sent).toEqual({ accepted: 0, refused: 0, held: 1 });
    }
    const first = await member(world, 'later');
    await until(() => first.heard.length === 3, 'what was kept');
    const second = await member(world, 'later');
    await Promise.all(world.sessions.map((session) => session.flush()));
    expect([first.heard, second.heard, sender.heard]).toEqual([count(3), [], []]);
  });

  test('E10: reaches one that lives in the process of the server, as any other', async () => {
    await using world = await loopback(open);
    const [near, far] = duplexPair();
    await using inside = createClient<Loose>(near, { credentials: 'inside' });
    const heard: unknown[] = [];
    inside.on('note', (text) => void heard.push(text));
    inside.store.set('name', 'inside');
    world.server.accept(far);
    await inside.flush();
    const outside = await member(world, 'outside');
    expect(await outside.client.to({ name: 'inside' }).send('note', 'in')).toMatchObject({ accepted: 1 });
    expect(await inside.to({ name: 'outside' }).send('note', 'out')).toMatchObject({ accepted: 1 });
    await Promise.all(world.sessions.map((session) => session.flush()));
    expect([heard, outside.heard]).toEqual([['in'], ['out']]);
  });
});

describe('a client that connects', () => {
  test('E5: is connected, then known, then has its own session', async () => {
    await using world = await loopback(
      { ...open, start: (session) => session.store.set('name', session.identity.id) },
      shows,
    );
    const client = world.client({ credentials: 'ann' });
    const told: string[] = [];
    client.connection.on('change', (state) => told.push(state));
    client.connection.on('up', ({ resumed }) => told.push(`resumed ${resumed}`));
    client.store.on('change', (key, value, by) => told.push(`${key} ${String(value)} ${by}`));
    await until(() => client.store.get('name') !== undefined, 'its session');
    expect(told).toEqual(['connecting', 'authenticating', 'up', 'resumed false', 'name ann peer']);
  });

  test('E27: is told to those who watch, once, at first sight', async () => {
    await using world = await loopback(
      { ...open, start: (session) => session.store.set('name', session.identity.id) },
      shows,
    );
    const words = wordsOf(await world.server.presence());
    const { client } = await world.pair({ credentials: 'ann' });
    const back = nextOf(client.connection, 'up');
    client.reconnect();
    await back;
    await client.flush();
    expect(words).toEqual([`came ${client.id} {"name":"ann"}`]);
  });

  test('E26: is served among 105 of them, or refused by a bound that says so', async () => {
    const sessions = 100;
    await using world = await loopback(open, { limits: { sessions } });
    const up: LooseClient[] = [];
    const refusals: string[] = [];
    for (const number of count(105)) {
      const client = world.client({ credentials: `m${number}` });
      client.connection.on('up', () => up.push(client));
      client.connection.on('reconnect', ({ cause }) => refusals.push((cause as { code?: string }).code ?? ''));
    }
    await until(() => up.length === sessions && refusals.length >= 5, 'the bound');
    expect(new Set(refusals)).toEqual(new Set(['overloaded']));
    expect(await world.server.toAll().send('note', 'all')).toMatchObject({ accepted: sessions, refused: 0 });
    await Promise.all(up.slice(0, 5).map((client) => client.close()));
    await until(() => up.length === 105, 'the others to have their turn');
    expect(world.server.counts.sessions).toBe(sessions);
  });
});

describe('the values of a session', () => {
  test('E6: that change are shown to every client that watches', async () => {
    await using world = await loopback(open, shows);
    const members = [await member(world, 'a'), await member(world, 'b'), await member(world, 'c')];
    const told: string[][] = [];
    for (const { client } of members) told.push(wordsOf(await client.presence()));
    const [first] = members;
    first?.client.store.set('room', 'red');
    await until(() => told.every((words) => words.length > 0), 'the change');
    const change = [`changed ${first?.client.id} {"name":"a","room":"red"}`];
    expect(told).toEqual([change, change, change]);
  });

  test('E12: that are set to undefined are gone for everybody', async () => {
    await using world = await loopback(open, shows);
    const { client } = await member(world, 'a', { room: 'red' });
    const watcher = await member(world, 'b');
    const view = await watcher.client.presence();
    const words = wordsOf(view);
    client.store.set('room', undefined);
    await until(() => words.length > 0, 'the change');
    expect(words).toEqual([`changed ${client.id} {"name":"a"}`]);
    const stores = [client.store, world.sessions[0]?.store];
    expect(stores.map((store) => [...(store?.entries() ?? [])])).toEqual([[['name', 'a']], [['name', 'a']]]);
    expect(await world.server.to({ room: 'red' }).send('note')).toMatchObject({ accepted: 0 });
  });

  test('E7: of a peer that goes and comes again are told with its end and its new beginning, once each', async () => {
    await using world = await loopback(
      { ...open, start: (session) => session.store.set('name', session.identity.id) },
      shows,
    );
    const watcher = await world.pair({ credentials: 'watcher' });
    const words = wordsOf(await watcher.client.presence());
    const { client: first } = await world.pair({ credentials: 'uuid-1' });
    await first.close();
    const { client: second } = await world.pair({ credentials: 'uuid-1' });
    const shown = '{"name":"uuid-1"}';
    const all = [`came ${first.id} ${shown}`, `went ${first.id} ${shown}`, `came ${second.id} ${shown}`];
    await until(() => words.length >= all.length, 'the second beginning');
    expect(words).toEqual(all);
  });
});

describe('a line', () => {
  test('E17: with a round trip of 2.4 s carries ten messages, without being taken for dead', async () => {
    const stage = new Stage({ weather: { latencyMs: 1_200 } });
    await stage.up();
    for (const number of count(10)) {
      stage.client.send('say', number);
      await stage.world.run(500);
    }
    await stage.world.run(60_000);
    expect([stage.heardByServer, stage.told, stage.node.path.dialCount]).toEqual([count(10), ['up'], 1]);
  });

  test('E25: that stands still is noticed within the heartbeat limit, and its session goes with its linger time', async () => {
    const server = { heartbeat: { intervalMs: 400, timeoutMs: 1_200 }, lingerMs: 2_000, ...shows };
    const words: string[] = [];
    const stage: Stage = new Stage({
      server,
      client: { autoReconnect: false },
    });
    await stage.up();
    void (stage.server.server as SessionServer).presence().then((view) => {
      for (const event of ['came', 'changed', 'went'] as const)
        view.on(event, () => words.push(`${event} at ${Math.round(stage.world.nowMs)}`));
    });
    await stage.world.run(5_000);
    let downAtMs = 0;
    stage.server.server.on('down', () => (downAtMs = stage.world.nowMs));
    const { nowMs } = stage.world;
    stage.node.path.stall('server', 60_000);
    stage.node.path.stall('client', 60_000);
    await stage.world.run(20_000);
    expect(downAtMs - nowMs).toBeGreaterThan(0);
    expect(downAtMs - nowMs).toBeLessThanOrEqual(1_700);
    expect(words).toEqual([`went at ${Math.round(downAtMs + 2_000)}`]);
  });
});

describe('a peer that misbehaves', () => {
  test('E20: by an unknown frame, by bad data inside a good one, or by speaking too early costs its own line only', async () => {
    const heard: unknown[] = [];
    await using world = await loopback({
      ...open,
      start: (session) => void session.on('say', (text) => void heard.push(text)),
    });
    const { client } = await world.pair();
    const unknown = await Peer.dial(world.port);
    await unknown.open();
    unknown.control(0x33 as FrameType, new Uint8Array(4));
    const inner = await Peer.dial(world.port);
    await inner.open();
    inner.payload(FrameType.ORDERED, Kind.EVENT, 1, Uint8Array.of(0xff, 0x00, 0x13));
    const early = await Peer.dial(world.port);
    early.event(1, ['say', 'too early']);
    const codes = await Promise.all([unknown, inner, early].map(async (peer) => (await peer.farewell())?.code));
    await Promise.all([unknown, inner, early].map(({ closed }) => closed));
    expect(codes).toEqual(['unknown-frame', 'payload-refused', 'unexpected-frame']);
    await client.deliver('say', 'alive');
    expect([heard, client.connection.state]).toEqual([['alive'], 'up']);
  });

  test('E32: whose message makes a handler throw is told so, the process lives, and the next message is handled', async () => {
    const runs: unknown[] = [];
    await using world = await loopback({
      ...open,
      start: (session) => {
        session.on('say', (text) => {
          runs.push(text);
          if (text === 'bad') throw new Error('not this one');
        });
      },
    });
    const errors: ServerEvents['error'][] = [];
    world.server.on('error', (...told) => void errors.push(told));
    const { client, session } = await world.pair();
    const refused = failureOf(client.deliver('say', 'bad'));
    await client.deliver('say', 'good');
    expect(await refused).toMatchObject({ code: 'HandlerFailed', cause: { message: 'not this one' } });
    expect([runs, errors.length, errors[0]?.[1].messageId]).toEqual([['bad', 'good'], 1, `${session.id}/1/1`]);
  });
});

describe('an end', () => {
  test('E29: of a process without a store is a new session of the same identity, and what the old one kept is counted', async () => {
    const stage = new Stage({
      server: { lingerMs: 5_000 },
      client: { credentials: 'ann' },
      authenticate: () => (credentials) => ({ id: String(credentials) }),
    });
    await stage.up();
    const { id, identity } = stage.session;
    stage.node.crash();
    for (const number of count(3)) stage.session.send('say', number);
    await stage.world.run(1_000);
    stage.node.restart();
    await stage.up();
    await stage.world.run(20_000);
    expect([stage.sessions.length, stage.session.identity, stage.session.id === id]).toEqual([2, identity, false]);
    expect([stage.told, stage.heardByClient]).toEqual([['up', 'up'], []]);
    expect(stage.toldByServer).toEqual([expect.stringMatching(/^end expired \d \d$/)]);
    const [, , unconfirmed, carried] = stage.toldByServer[0]?.split(' ') ?? [];
    expect(Number(unconfirmed) + Number(carried)).toBe(3);
  });

  test('E31: of the server comes after a drain: what was sent is handled, then every link is closed', async () => {
    const gate = new Gate();
    const heard: unknown[] = [];
    await using world = await loopback({
      ...open,
      start: (session) => {
        session.on('say', async (text) => {
          await gate.passed;
          heard.push(text);
        });
      },
    });
    const pairs = [await world.pair({ autoReconnect: false }), await world.pair({ autoReconnect: false })];
    const receipts = pairs.flatMap(({ client }) => count(3).map((number) => client.deliver('say', number)));
    await until(() => world.server.counts.bytes > 0, 'the first to arrive');
    const told = serverDiaryOf(world.server);
    const downs = pairs.map(({ client }) => nextInfo<{ code: string }>(client.connection, 'down'));
    const closing = world.server.close();
    gate.open();
    await Promise.all([...receipts, closing]);
    expect(heard).toHaveLength(6);
    expect(await Promise.all(downs)).toMatchObject([{ code: 'going-away' }, { code: 'going-away' }]);
    expect(namesOf(told).filter((name) => name === 'end')).toHaveLength(2);
    expect(world.server.counts).toMatchObject({ sessions: 0, connections: 0 });
  });
});
