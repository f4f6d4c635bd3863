// The behavior cases of a transaction queue around calls that survives reconnects (N), each by its id, against the public
// handles. What a case says with delays happens on virtual time; what is about sockets, on real ones.
import { getEventListeners } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { type Socket, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ReconnectInfo, createClient, createServer } from 'homing';
import { describe, expect, test } from 'vitest';
import {
  type Loose,
  Loopback,
  type LooseMethods,
  type LooseSession,
  Warnings,
  diaryOf,
  failureOf,
  loopback,
  namesOf,
  nextInfo,
  nextOf,
  serverDiaryOf,
  thrownBy,
  until,
} from '../loopback/world.ts';
import { Relay } from '../loopback/relay.ts';
import { Stage } from '../property/stage.ts';
import { OwnListener } from './own-listener.ts';

const doubling = (session: LooseSession): void => session.expose({ twice: (value) => Number(value) * 2 });

describe('a call', () => {
  test('N2: gets its reply although the server ends every link sooner than the work takes', async () => {
    let runs = 0;
    const stage = new Stage({
      atServer: (session, host) => {
        session.expose({
          async work(value) {
            runs += 1;
            await host.sleep(700);
            return Number(value) * 2;
          },
        });
      },
    });
    stage.server.server.on('up', () => {
      stage.server.host.clock.setTimeout(() => stage.node.path.cutAfter('client', 0), 300);
    });
    const replies: unknown[] = [];
    void (async () => {
      for (const value of [1, 2, 3, 4, 5]) {
        replies.push(await stage.client.with({ timeoutMs: 2_000 }).call('work', value));
      }
    })();
    await stage.world.until(() => replies.length === 5, 20_000);
    expect([replies, runs]).toEqual([[2, 4, 6, 8, 10], 5]);
    expect(stage.told.filter((word) => word === 'resumed').length).toBeGreaterThanOrEqual(8);
  });

  test('N3: works in both directions from the start: the server may call its client before anything else', async () => {
    const moods: unknown[] = [];
    await using world = await loopback(async (session) => {
      doubling(session);
      moods.push(await session.call('mood', 'at start'), await session.remote['mood']?.('by remote'));
    });
    const client = world.client();
    client.expose({ mood: (text) => `fine, ${String(text)}` });
    expect([await client.call('twice', 2), await (await client.up())['twice']?.(3)]).toEqual([4, 6]);
    await until(() => moods.length === 2, 'the answers of the client');
    expect(moods).toEqual(['fine, at start', 'fine, by remote']);
  });

  test('N4: made in the tick in which its client was made gets its reply', async () => {
    await using world = new Loopback(doubling, {});
    await using listener = await OwnListener.for(world.server);
    expect(await world.client({}, listener.port).call('twice', 21)).toBe(42);
  });

  test('N6: made in the tick in which its client was made gets its reply from a server that listens itself', async () => {
    await using world = await loopback(doubling);
    expect(await world.client().call('twice', 21)).toBe(42);
  });

  test('N21: of a method that misses its callback fails at the caller, and the method is there for the next', async () => {
    await using world = await loopback((session) => {
      session.expose({ greet: (name, done) => (done as (text: string) => unknown)(`hello, ${String(name)}`) });
    });
    const told = serverDiaryOf(world.server);
    const { client } = await world.pair();
    expect(await failureOf(client.call('greet', 'ann'))).toMatchObject({
      code: 'HandlerFailed',
      cause: { name: 'TypeError', message: expect.stringContaining('not a function') },
    });
    expect(await client.call('greet', 'ann', (text: unknown) => `${String(text)}!`)).toBe('hello, ann!');
    expect([namesOf(told), client.connection.state]).toEqual([['session', 'up'], 'up']);
  });

  test('N24: made while those that waited are sent comes after them', async () => {
    const order: unknown[] = [];
    await using world = await loopback((session) => session.expose({ note: (text) => void order.push(text) }));
    const client = world.client({ autoConnect: false });
    const calls: Promise<unknown>[] = [];
    const note = (text: string): Promise<unknown> => {
      const call = client.call('note', text);
      calls.push(call);
      return call;
    };
    for (const text of ['first', 'second', 'third']) void note(text);
    client.connection.on('change', (state) => {
      if (state === 'up') void note('in change');
    });
    client.connection.on('up', () => void note('in up'));
    client.connect();
    await calls[0]?.then(() => note('after the first result'));
    await Promise.all(calls);
    expect(order).toEqual(['first', 'second', 'third', 'in change', 'in up', 'after the first result']);
  });

  test('N28: whose result makes its reader throw, or whose callback throws, costs no link and is told once, as it is', async () => {
    using warnings = new Warnings();
    await using world = await loopback((session) => {
      doubling(session);
      session.expose({ apply: (work) => (work as (text: string) => Promise<unknown>)('x') });
    });
    const { client } = await world.pair();
    const told = diaryOf(client.connection);
    const serverTold = serverDiaryOf(world.server);
    const boom = new RangeError('in the reader');
    let thrown = 0;
    const read = client.call('twice', 1).then(() => {
      thrown += 1;
      throw boom;
    });
    expect(await failureOf(read)).toBe(boom);
    const applied = client.call('apply', () => {
      thrown += 1;
      throw boom;
    });
    expect(await failureOf(applied)).toMatchObject({ code: 'HandlerFailed' });
    expect([await client.call('twice', 2), thrown]).toEqual([4, 2]);
    expect([told, namesOf(serverTold), warnings.list]).toEqual([[], [], []]);
  });

  test('N30: through a remote kept from before a reconnect works', async () => {
    await using world = await loopback(doubling);
    await using relay = await Relay.to(world.port);
    const client = world.client({}, relay.port);
    const remote = await client.up();
    const twice = remote['twice'];
    const back = nextOf(client.connection, 'up');
    relay.cut();
    const meanwhile = remote['twice']?.(1);
    await back;
    expect([await meanwhile, await twice?.(2), await remote['twice']?.(3)]).toEqual([2, 4, 6]);
    expect(await client.up()).toBe(remote);
  });
});

describe('up()', () => {
  test('N8: waited for inside establish() resolves with exactly what that hands out, for everybody', async () => {
    await using world = await loopback((session) => session.expose({ login: (name) => `desk of ${String(name)}` }));
    interface Desk {
      readonly name: unknown;
    }
    const handed: Desk[] = [];
    const inside: Promise<Desk>[] = [];
    const client = createClient<Loose, Desk>(world.port, {
      establish: async (remote) => {
        inside.push(client.up());
        const desk = { name: await remote['login']?.('ann') };
        handed.push(desk);
        return desk;
      },
    });
    world.owns(() => client.close({ drainMs: 0 }));
    const before = client.up();
    const desk = await before;
    expect(handed).toEqual([{ name: 'desk of ann' }]);
    expect([desk === handed[0], (await inside[0]) === desk, (await client.up()) === desk]).toEqual([true, true, true]);
  });

  test('N9: is told that its time is over while there is no server, and hands out the remote once there is one', async () => {
    const stage = new Stage({ atServer: (session) => session.expose({ twice: (value) => Number(value) * 2 }) });
    stage.server.crash();
    const settled: unknown[] = [];
    const short = stage.fate(stage.client.up({ timeoutMs: 10 }));
    await stage.world.run(9);
    expect(short.word).toBe('open');
    await stage.world.run(2);
    expect(short.word).toMatch(/^Deadline/);
    void stage.client.up({ timeoutMs: 4_000 }).then(async (remote) => settled.push(await remote['twice']?.(4)));
    stage.server.restart();
    await stage.world.run(3_990);
    expect(settled).toEqual([8]);
  });
});

describe('a connection', () => {
  test('N15: that stalls is told as down once, then as up again, and never as down twice', async () => {
    const heartbeat = { intervalMs: 100, timeoutMs: 300 };
    const stage = new Stage({ server: { heartbeat }, client: { heartbeat } });
    await stage.up();
    await stage.world.run(5_000);
    expect(stage.told).toEqual(['up']);
    stage.node.path.swallow('server');
    stage.node.path.swallow('client');
    await stage.world.run(1_000);
    await stage.up();
    await stage.world.run(10_000);
    expect(stage.told).toEqual(['up', 'down silent', 'resumed']);
  });

  test('N16: that is closed before it was up never comes up: what waits is rejected, and closed is told once', async () => {
    const stage = new Stage();
    stage.node.path.door = 'neverAnswers';
    await stage.state('connecting');
    const fates = [stage.client.call('work'), stage.client.deliver('say', 1), stage.client.up()].map((each) =>
      stage.fate(each),
    );
    stage.client.send('say', 2);
    const closed = stage.fate(stage.client.close());
    stage.node.path.door = 'open';
    await stage.world.run(3_600_000);
    const { dialCount } = stage.node.path;
    expect(fates.map(({ word }) => word)).toEqual(['OutcomeUnknown never-sent', 'OutcomeUnknown never-sent', 'Closed']);
    expect([stage.told, closed.word, dialCount]).toEqual([['closed closed 0 3'], 'resolved', 1]);
    expect([stage.heardByServer, stage.sessions]).toEqual([[], []]);
  });

  test('N17: that is closed refuses calls, events and waits at once', async () => {
    await using world = await loopback(doubling);
    const { client } = await world.pair();
    await client.close();
    const remote = client.remote['twice']?.(1) ?? Promise.resolve();
    const refused = [client.call('twice', 1), remote, client.deliver('say'), client.flush(), client.up()];
    const codes = await Promise.all(refused.map(async (each) => (await failureOf(each)).code));
    expect(codes).toEqual(['Closed', 'Closed', 'Closed', 'Closed', 'Closed']);
    expect(thrownBy(() => client.send('say'))).toMatchObject({ code: 'Closed' });
  });

  test('N25: whose login is refused rejects the calls that wait, and an event says why', async () => {
    await using world = await loopback({
      authenticate: () => {
        throw new Error('wrong password');
      },
    });
    const client = world.client();
    const told = diaryOf(client.connection);
    const called = failureOf(client.call('twice', 1));
    const up = failureOf(client.up());
    expect(await called).toMatchObject({ code: 'OutcomeUnknown', outcome: 'never-sent' });
    expect(await up).toMatchObject({ code: 'Closed' });
    const report = { code: 'refused', reason: 'wrong password', unconfirmed: 0, carried: 1 };
    const ends = told.filter(([name]) => name === 'refused' || name === 'closed');
    expect(ends).toEqual([
      ['refused', report],
      ['closed', report],
    ]);
    expect(world.sessions).toEqual([]);
  });

  test('N26: to a server that is away is tried at growing, random distances, never in a constant beat', async () => {
    const options = { firstMs: 10, baseMs: 200, maxMs: 1_600 };
    const runs: number[][] = [];
    for (let seed = 1; seed <= 20; seed += 1) {
      const stage = new Stage({ seed, client: { backoff: options } });
      stage.server.crash();
      const tries: ReconnectInfo[] = [];
      stage.client.connection.on('reconnect', (info) => tries.push(info));
      await stage.world.run(10_000);
      stage.server.restart();
      await stage.up();
      expect(tries.map(({ attempt }) => attempt)).toEqual(tries.map((_, index) => index + 1));
      for (const { attempt, delayMs } of tries) {
        const rangeMs = attempt === 1 ? 10 : Math.min(1_600, 200 * 2 ** (attempt - 2));
        expect(delayMs).toBeLessThanOrEqual(rangeMs);
      }
      runs.push(tries.map(({ delayMs }) => delayMs));
    }
    for (const delays of runs) expect(new Set(delays).size).toBe(delays.length);
    expect(new Set(runs.map(([first]) => first)).size).toBe(20);
    const mean = (attempt: number): number => runs.reduce((sum, run) => sum + (run[attempt - 1] ?? 0), 0) / runs.length;
    expect([mean(1) < mean(2), mean(2) < mean(4), mean(5) > 400]).toEqual([true, true, true]);
  });

  test('N27: whose first attempts fail tells each of them with its cause', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'homing-'));
    await using world = await loopback();
    const client = world.client({}, join(folder, 'nobody.sock'));
    const tries: ReconnectInfo[] = [];
    client.connection.on('reconnect', (info) => tries.push(info));
    await until(() => tries.length === 3, 'three attempts');
    expect(tries).toMatchObject([1, 2, 3].map((attempt) => ({ attempt, cause: { code: 'ENOENT' } })));
    for (const { cause } of tries) expect(cause).toBeInstanceOf(Error);
    await client.close();
    await rm(folder, { recursive: true });
  });
});

describe('an end', () => {
  test('N7: leaves no timer and no line behind after three connections and its close', async () => {
    const stage = new Stage({ atServer: (session) => session.expose({ twice: (value) => Number(value) * 2 }) });
    for (let round = 0; round < 3; round += 1) {
      await stage.up();
      const called = stage.fate(stage.client.call('twice', 1));
      await stage.world.run(100);
      expect(called.word).toBe('resolved');
      stage.client.reconnect();
    }
    await stage.up();
    const closed = [stage.client.close(), stage.server.server.close()].map((each) => stage.fate(each));
    await stage.world.run(5_000);
    expect(closed.map(({ word }) => word)).toEqual(['resolved', 'resolved']);
    expect([stage.node.host.timerCount, stage.server.host.timerCount, stage.node.path.lines]).toEqual([0, 0, []]);
  });

  test.each(['that listens itself', 'behind a listener of its own'] as const)(
    'N7: of a server %s leaves no listener and no socket behind after three connections and its close',
    async (kind) => {
      const stop = new AbortController();
      await using world = new Loopback({}, { signal: stop.signal });
      await using own = kind === 'that listens itself' ? undefined : await OwnListener.for(world.server);
      const port = own?.port ?? (await world.server.listen(0)).port;
      const before = own?.net.listenerCount('close');
      const sockets: Socket[] = [];
      const createConnection = (): Socket => {
        const socket = connect({ port: port, host: '127.0.0.1' });
        sockets.push(socket);
        return socket;
      };
      const { client } = await world.pair({ signal: stop.signal }, { createConnection });
      for (let round = 0; round < 3; round += 1) {
        const back = nextOf(client.connection, 'up');
        if (own === undefined) client.reconnect();
        else own.drop();
        await back;
      }
      await client.close();
      await world.server.close();
      await until(
        () => [...sockets, ...(own?.sockets ?? [])].every(({ closed }) => closed),
        'every socket to be closed',
      );
      expect([sockets.length, getEventListeners(stop.signal, 'abort')]).toEqual([4, []]);
      expect(world.server.counts).toMatchObject({ connections: 0, sessions: 0, handshakes: 0 });
      expect(own?.net.listenerCount('close')).toBe(before);
    },
  );

  test('N18: that listens at port 0 reports the port at which it is reached', async () => {
    await using world = new Loopback(doubling, {});
    const first = await world.server.listen(0);
    const second = await world.server.listen({ port: 0 });
    expect([first.port > 0, second.port > 0, first.port === second.port]).toEqual([true, true, false]);
    for (const { port } of [first, second]) {
      expect(await world.client({}, port).call('twice', 4)).toBe(8);
    }
  });

  test('N19: listens and connects at the path of a Unix socket', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'homing-'));
    const path = join(folder, 'n19.sock');
    await using world = new Loopback(doubling, {});
    await world.server.listen(path);
    const client = world.client({}, path);
    expect(await client.call('twice', 4)).toBe(8);
    const back = nextOf(client.connection, 'up');
    client.reconnect();
    await back;
    expect(await client.call('twice', 5)).toBe(10);
    await client.close();
    await world.server.close();
    await rm(folder, { recursive: true });
  });

  test('N20: that both listens and dials stops all of it when it is closed', async () => {
    await using far = await loopback(doubling);
    const farTold = serverDiaryOf(far.server);
    const sessions: LooseSession[] = [];
    const both = createServer<Loose>((session) => void sessions.push(session));
    const { port } = await both.listen(0);
    await both.dial(far.port);
    const near = far.client({}, port);
    await near.up();
    await until(() => both.counts.sessions === 2, 'both sessions');
    const down = nextInfo(near.connection, 'down');
    await both.close();
    expect(await down).toMatchObject({ code: 'going-away' });
    expect(both.counts).toMatchObject({ sessions: 0, connections: 0 });
    await until(() => namesOf(farTold).includes('end'), 'the dialled session to end');
    expect(sessions.map(({ connection }) => connection.state)).toEqual(['closed', 'closed']);
    expect(await refusalOf(port)).toBe('ECONNREFUSED');
    expect(await failureOf(both.dial(far.port))).toMatchObject({ code: 'Closed' });
  });

  test('N29: does not change the object of methods that was given to it', async () => {
    const methods: LooseMethods = Object.freeze({
      twice: (value: unknown) => Number(value) * 2,
      apply: (work: unknown) => (work as (value: number) => unknown)(1),
    });
    const keys = Reflect.ownKeys(methods);
    await using world = await loopback((session) => session.expose(methods));
    const { client } = await world.pair();
    const own = { mood: () => 'fine' };
    const copy = { ...own };
    client.expose(own);
    expect(await client.call('apply', (value: unknown) => Number(value) + 1)).toBe(2);
    expect(await world.sessions[0]?.call('mood')).toBe('fine');
    expect([own, Reflect.ownKeys(methods)]).toEqual([copy, keys]);
  });
});

/** The code with which a port of loopback answers nobody. */
function refusalOf(port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.on('connect', () => {
      socket.destroy();
      resolve(undefined);
    });
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code));
  });
}
