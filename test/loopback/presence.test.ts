// Presence over real sockets: who may watch, what a watch costs those who do not look, and that it holds nobody up.
import type { Presence } from 'homing';
import { describe, expect, test } from 'vitest';
import type { SessionServer } from '../../src/server/server.ts';
import { Relay } from './relay.ts';
import {
  Gate,
  Loopback,
  type LooseClient,
  Warnings,
  failureOf,
  loopback,
  nextAt,
  nextInfo,
  nextOf,
  serverDiaryOf,
  until,
} from './world.ts';

const shows = { presence: { keys: ['room'] } };
const SECRET = 'the secret of the hook';
const allowed = { authorize: () => true };

type View = Presence<Record<string, unknown>>;

/** What a watcher hears, in words. */
function diaryOf(view: View): string[] {
  const diary: string[] = [];
  for (const event of ['came', 'changed', 'went'] as const) {
    view.on(event, (id, values) => void diary.push(`${event} ${id} ${JSON.stringify(values)}`));
  }
  return diary;
}

function listOf(view: View): [string, unknown][] {
  return [...view.members].toSorted(([one], [other]) => (one < other ? -1 : 1));
}

describe('presence', () => {
  test('is the same for the server, for a session and for a client that may watch', async () => {
    await using world = await loopback(allowed, shows);
    const { client: ann, session } = await world.pair();
    await ann.up();
    ann.store.set('room', 'red');
    await ann.flush();
    const views = [await world.server.presence(), await session.presence(), await ann.presence()];
    const diaries = views.map(diaryOf);
    for (const view of views) expect(listOf(view)).toEqual([[ann.id, { room: 'red' }]]);
    const { client: ben } = await world.pair();
    ben.store.set('room', 'blue');
    ben.store.set('secret', 1);
    await ben.flush();
    const { id } = ben;
    await until(() => diaries.every((diary) => diary.at(-1) === `changed ${id} {"room":"blue"}`), 'the change');
    await ben.close();
    const whole = [`came ${id} {}`, `changed ${id} {"room":"blue"}`, `went ${id} {"room":"blue"}`];
    await until(() => diaries.every((diary) => diary.length === 3), 'the end');
    expect(diaries).toEqual([whole, whole, whole]);
    for (const view of views) view.close();
  });

  test('that a session watches ends with it: its handle may be kept, its view is not kept up', async () => {
    await using world = await loopback(allowed, shows);
    const { client: ann, session } = await world.pair();
    const view = await session.presence();
    const ended = nextAt(world.server, 'end');
    await ann.close();
    await ended;
    const { presence } = (world.server as unknown as SessionServer).shard;
    const { watching } = presence;
    expect(watching).toEqual({ feeds: 0, places: 0, watchers: 0 });
    expect(view.members.size).toBeLessThanOrEqual(1);
    // And one that begins to watch when it is over hears nothing.
    const late = await session.presence();
    await until(() => presence.watching.feeds === 0, 'no feed');
    late.close();
  });

  test('counts a session whose client is away, until its linger time is over', async () => {
    await using world = await loopback(allowed, { ...shows, lingerMs: 500 });
    const { client } = await world.pair();
    const view = await world.server.presence();
    const diary = diaryOf(view);
    for (let round = 0; round < 5; round += 1) {
      const back = nextOf(client.connection, 'up');
      client.reconnect();
      await back;
    }
    expect([diary, view.members.size]).toEqual([[], 1]);
    const { id } = client;
    const ended = nextAt(world.server, 'end');
    client.disconnect();
    expect((await ended)[1]).toMatchObject({ code: 'expired' });
    await until(() => diary.length > 0, 'the end to be told');
    expect(diary).toEqual([`went ${id} {}`]);
    view.close();
  });

  test('may be watched from start on, the session itself included', async () => {
    const seen: string[][] = [];
    await using world = await loopback(async (session) => {
      const view = await session.presence();
      seen.push([...view.members.keys()]);
      view.close();
    }, shows);
    const { client: first } = await world.pair();
    await until(() => seen.length === 1, 'the first look');
    const { client: second } = await world.pair();
    await until(() => seen.length === 2, 'the second look');
    expect(seen).toEqual([[first.id], [first.id, second.id]]);
  });

  test('may be asked for before there is a connection', async () => {
    await using world = await loopback(allowed, shows);
    const client = world.client({ autoConnect: false });
    const opening = client.presence();
    client.connect();
    const view = await opening;
    expect([...view.members.keys()]).toEqual([client.id]);
    view.close();
  });

  test('of a server that does not listen yet is empty, and goes on', async () => {
    await using world = new Loopback(allowed, shows);
    const view = await world.server.presence();
    const diary = diaryOf(view);
    expect(view.members.size).toBe(0);
    const { port } = await world.server.listen(0);
    const { client } = await world.pair({}, port);
    await until(() => diary.length > 0, 'somebody to come');
    expect(diary).toEqual([`came ${client.id} {}`]);
    view.close();
  });

  test('carries a text of 200,000 bytes, and those beside it', async () => {
    await using world = await loopback(allowed, shows);
    const clients: LooseClient[] = [];
    for (let count = 0; count < 5; count += 1) clients.push((await world.pair()).client);
    const large = 'é'.repeat(100_000);
    for (const [index, client] of clients.entries()) client.store.set('room', index % 2 === 0 ? large : 'small');
    await Promise.all(clients.map((client) => client.flush()));
    const view = await clients[0]?.presence();
    const shown = clients.map(({ id }) => String(view?.members.get(id)?.['room']).length);
    expect(shown).toEqual([100_000, 5, 100_000, 5, 100_000]);
    view?.close();
  });
});

describe('a client that takes only small messages', () => {
  test('is told that what is shown is too large for it, and no more than its watch is over', async () => {
    await using world = await loopback(allowed, shows);
    const { client: large } = await world.pair();
    const { client: small } = await world.pair({ limits: { messageBytes: 2_000 } });
    const view = await small.presence();
    const failed = nextInfo<{ code: string }>(small.connection, 'error');
    large.store.set('room', 'x'.repeat(5_000));
    const tooLarge = { code: 'HandlerFailed', cause: { code: 'MessageTooLarge' } };
    expect(await failed).toMatchObject(tooLarge);
    expect([view.members.size, small.connection.state]).toEqual([2, 'up']);
    expect(await failureOf(small.presence())).toMatchObject(tooLarge);
  });
});

describe('a client that asks for presence', () => {
  test('is refused without a hook that allows it, whatever that answers instead of true', async () => {
    const answers = [false, 'yes', 1, undefined, Promise.resolve(false), Promise.resolve('yes')];
    await using world = await loopback({ authorize: () => answers.shift() as boolean }, shows);
    const { client } = await world.pair();
    while (answers.length > 0) expect(await failureOf(client.presence())).toMatchObject({ code: 'Forbidden' });
    await using bare = await loopback({}, shows);
    const { client: other } = await bare.pair();
    expect(await failureOf(other.presence())).toMatchObject({ code: 'Forbidden' });
  });

  test.each([
    [
      'throws',
      (): never => {
        throw new Error(SECRET);
      },
    ],
    ['rejects', () => Promise.reject(new Error(SECRET))],
  ])('is refused when the hook %s, and is not told why', async (_, authorize) => {
    await using world = await loopback({ authorize }, shows);
    const told = serverDiaryOf(world.server);
    const { client, session } = await world.pair();
    const failure = await failureOf(client.presence());
    expect([failure, (failure.cause as Error | undefined)?.message]).toMatchObject([{ code: 'Forbidden' }, undefined]);
    expect(failure.message).not.toContain(SECRET);
    const errors = told.flatMap(([name, error, detail]) => (name === 'error' ? [{ error, detail }] : []));
    expect(errors).toMatchObject([
      { error: { code: 'HandlerFailed', cause: { message: SECRET } }, detail: { session: { id: session.id } } },
    ]);
  });

  test('is told that presence is off, as everybody is', async () => {
    await using world = await loopback(allowed, {});
    const { client, session } = await world.pair();
    for (const asking of [client, session, world.server]) {
      expect(await failureOf(asking.presence())).toMatchObject({ code: 'BadOption' });
    }
  });

  test('and has ended is refused', async () => {
    await using world = await loopback(allowed, shows);
    const { client } = await world.pair();
    await client.close();
    expect(await failureOf(client.presence())).toMatchObject({ code: 'Closed' });
  });

  test('is asked about again with a new session, and told when it may not any more', async () => {
    const answers = [true, false];
    await using world = await loopback({ authorize: () => answers.shift() ?? false }, { ...shows, lingerMs: 0 });
    const { client } = await world.pair();
    const view = await client.presence();
    const refused = nextInfo<{ code: string }>(client.connection, 'error');
    const ended = nextAt(world.server, 'end');
    client.disconnect();
    await ended;
    client.connect();
    expect(await refused).toMatchObject({ code: 'Forbidden' });
    expect([answers, view.members.size]).toEqual([[], 1]);
  });

  test('goes on with a new session as if nothing had happened, and hears what did', async () => {
    await using world = await loopback(allowed, { ...shows, lingerMs: 0 });
    const { client: other } = await world.pair();
    const { client } = await world.pair();
    const view = await client.presence();
    const diary = diaryOf(view);
    const old = client.id;
    for (let round = 0; round < 3; round += 1) {
      const ended = nextAt(world.server, 'end');
      const before = client.id;
      client.disconnect();
      await ended;
      client.connect();
      await until(() => client.id !== before && view.members.has(client.id) && view.members.size === 2, 'the new list');
    }
    other.store.set('room', 'red');
    await until(() => view.members.get(other.id)?.['room'] === 'red', 'a change');
    expect(diary.filter((line) => line.includes(other.id))).toEqual([`changed ${other.id} {"room":"red"}`]);
    expect(diary.filter((line) => line.includes(old))).toEqual([`went ${old} {}`]);
    expect(diary.length).toBe(1 + 6);
    view.close();
  });
});

describe('a listener of presence', () => {
  test('that throws is told of at the end where it listens, and hears the next event', async () => {
    await using world = await loopback(allowed, shows);
    const errors = serverDiaryOf(world.server);
    const { client } = await world.pair();
    const heard: string[] = [];
    const views = [await world.server.presence(), await client.presence()];
    using warnings = new Warnings();
    for (const view of views) {
      view.on('came', (id) => {
        heard.push(id);
        throw new Error('no');
      });
    }
    await world.pair();
    await world.pair();
    await until(() => heard.length === 4, 'two events for both');
    const told = errors.flatMap(([name, error]) => (name === 'error' ? [error] : []));
    expect(told).toMatchObject([{ code: 'HandlerFailed' }, { code: 'HandlerFailed' }]);
    await until(() => warnings.list.length >= 2, 'the client to be told');
    for (const view of views) view.close();
  });

  test('may close its watch, which is told nothing more, and another one goes on', async () => {
    await using world = await loopback(allowed, shows);
    const { client } = await world.pair();
    const [view, other] = [await client.presence(), await client.presence()];
    const heard: string[] = [];
    view.on('came', (id) => {
      heard.push(id);
      view.close();
    });
    const diary = diaryOf(other);
    await world.pair();
    await world.pair();
    await until(() => diary.length === 2, 'both to be told');
    expect(heard).toHaveLength(1);
    other.close();
  });
});

describe('an open watch', () => {
  test('does not hold up the end of the server, nor ask it again while it drains', async () => {
    let asked = 0;
    const world = await loopback(
      {
        authorize: () => {
          asked += 1;
          return true;
        },
      },
      shows,
    );
    const { client, session } = await world.pair({ autoReconnect: false });
    const views = [await client.presence(), await session.presence(), await world.server.presence()];
    const startedAt = performance.now();
    await world.server.close();
    // Far less than the 30 s that it would wait for work.
    expect(performance.now() - startedAt).toBeLessThan(5_000);
    expect([asked, views.map(({ members }) => members.size >= 0)]).toEqual([1, [true, true, true]]);
    expect(await failureOf(world.server.presence())).toMatchObject({ code: 'Closed' });
    await client.close({ drainMs: 0 });
  });

  test('does not hold up the end of a client, and is over with it', async () => {
    await using world = await loopback(allowed, shows);
    const { client } = await world.pair();
    const view = await client.presence();
    const diary = diaryOf(view);
    const closed = nextInfo(client.connection, 'closed');
    const startedAt = performance.now();
    await client.close();
    expect(performance.now() - startedAt).toBeLessThan(5_000);
    expect([await closed, diary]).toMatchObject([{ code: 'closed', unconfirmed: 0 }, []]);
    await until(() => world.server.counts.sessions === 0, 'the session to be over');
  });

  test('that waits for its hook ends with the client', async () => {
    const gate = new Gate();
    await using world = await loopback({ authorize: () => gate.passed.then(() => true) }, shows);
    const { client } = await world.pair();
    const opening = client.presence();
    await client.flush();
    await client.close({ drainMs: 0 });
    expect((await opening).members.size).toBe(0);
    gate.open();
  });

  test('of a client that reads nothing holds no more at the server for 5,000 changes than for one', async () => {
    await using world = await loopback(allowed, { ...shows, heartbeat: { intervalMs: 60_000, timeoutMs: 120_000 } });
    await using relay = await Relay.to(world.port);
    const { client: slow, session } = await world.pair(
      { heartbeat: { intervalMs: 60_000, timeoutMs: 120_000 } },
      relay.port,
    );
    const view = await slow.presence();
    const { client: busy } = await world.pair();
    await until(() => view.members.size === 2, 'the other one');
    relay.stall();
    const before = world.server.counts.bytes;
    let most = 0;
    for (let round = 0; round < 5_000; round += 1) {
      busy.store.set('room', `${round} ${'x'.repeat(500)}`);
      if (round % 100 === 0) await busy.flush();
      most = Math.max(most, world.server.counts.bytes - before);
    }
    await busy.flush();
    expect(most).toBeLessThan(500_000);
    relay.cut();
    await until(() => String(view.members.get(busy.id)?.['room']).startsWith('4999 '), 'the newest value');
    expect(session.id).toBe(slow.id);
    view.close();
  });
});
