// `establish` and `up`: what runs on every connection before anybody is told that there is one.
import { type ClientOptions, HomingError, type ReconnectInfo } from 'homing';
import { describe, expect, test } from 'vitest';
import { Relay } from './relay.ts';
import {
  Gate,
  type Loose,
  type LooseClient,
  type LooseSession,
  Tally,
  Warnings,
  diaryOf,
  failureOf,
  loopback,
  namesOf,
  nextInfo,
  nextOf,
  nextTick,
  until,
} from './world.ts';

type Establish = NonNullable<ClientOptions<Loose, unknown>['establish']>;

/** The client's options with this `establish`; what it hands out may be anything. */
function establishing(establish: Establish, options: ClientOptions<Loose> = {}): ClientOptions<Loose> {
  return { ...options, establish: establish as never };
}

function up(client: LooseClient, wait?: Parameters<LooseClient['up']>[0]): Promise<unknown> {
  return client.up(wait);
}

describe('up()', () => {
  test('hands out the remote when there is no establish()', async () => {
    await using world = await loopback((session) => session.expose({ here: () => 'here' }));
    const client = world.client();
    const remote = await client.up();
    expect(remote).toBe(client.remote);
    expect(await remote['here']?.()).toBe('here');
  });

  test('hands out what establish() returned for this connection, once it is there (N4, D8)', async () => {
    await using world = await loopback((session) => session.expose({ login: (name) => `${String(name)}'s desk` }));
    await using relay = await Relay.to(world.port);
    const runs: unknown[] = [];
    const establish: Establish = async (remote, { resumed }) => {
      runs.push([resumed, client.connection.state]);
      return { desk: await remote['login']?.('ann'), run: runs.length };
    };
    const client = world.client(establishing(establish), relay.port);
    const diary = diaryOf(client.connection);
    expect(await up(client)).toEqual({ desk: "ann's desk", run: 1 });
    expect(runs).toEqual([[false, 'up']]);
    const again = nextInfo(client.connection, 'up');
    relay.cut();
    expect(await again).toEqual({ resumed: true });
    expect(await up(client)).toEqual({ desk: "ann's desk", run: 2 });
    expect(runs).toEqual([
      [false, 'up'],
      [true, 'up'],
    ]);
    const names = namesOf(diary).filter((name) => name === 'up' || name === 'down' || name === 'error');
    expect(names).toEqual(['up', 'down', 'up']);
  });

  test.each([
    ['returns at once', () => 'at once', 'at once'],
    ['returns nothing', () => {}, undefined],
    ['returns its remote', (remote: unknown) => remote, 'remote'],
  ])('resolves when establish() %s', async (_, establish, expected) => {
    await using world = await loopback((session) => session.expose({ here: () => 'here' }));
    const client = world.client(establishing(establish));
    const value = await up(client);
    if (expected === 'remote') expect(await (value as { here(): unknown }).here()).toBe('here');
    else expect(value).toBe(expected);
  });

  test('settles each waiter by itself: by deadline, by signal, with the connection, with the end (N9)', async () => {
    const gate = new Gate();
    await using world = await loopback();
    const client = world.client(establishing(() => gate.passed.then(() => 'value')));
    const stop = new AbortController();
    const late = failureOf(up(client, { timeoutMs: 1 }));
    const stopped = failureOf(up(client, { signal: stop.signal }));
    const first = up(client);
    const second = up(client, { timeoutMs: 60_000 });
    expect(await late).toMatchObject({ code: 'Deadline' });
    stop.abort('enough');
    expect(await stopped).toMatchObject({ code: 'Aborted', cause: 'enough' });
    gate.open();
    expect(await Promise.all([first, second, up(client)])).toEqual(['value', 'value', 'value']);
    client.disconnect();
    const ended = failureOf(up(client));
    await client.close({ drainMs: 0 });
    expect(await ended).toMatchObject({ code: 'Closed' });
    expect(await failureOf(up(client))).toMatchObject({ code: 'Closed' });
  });
});

describe('establish()', () => {
  test('does not hold up ordinary messages', async () => {
    const gate = new Gate();
    const heard: unknown[] = [];
    await using world = await loopback((session) => {
      session.on('say', (text) => void heard.push(text));
      session.expose({ here: () => 'here' });
    });
    const client = world.client(establishing(() => gate.passed));
    client.send('say', 'before');
    expect(await client.call('here')).toBe('here');
    await client.deliver('say', 'meanwhile');
    expect(heard).toEqual(['before', 'meanwhile']);
    const isUp = nextOf(client.connection, 'up');
    gate.open();
    await isUp;
  });

  test('whose connection is lost hands out nothing, and its calls are taken back or cancelled', async () => {
    const started = new Tally();
    const aborted = new Tally();
    const slow = new Gate();
    const remotes: Parameters<Establish>[0][] = [];
    const fates: Promise<Error & { code: string; outcome?: string }>[] = [];
    const runs: Gate[] = [new Gate(), new Gate()];
    await using world = await loopback(
      (session: LooseSession) => {
        session.on('hold', () => slow.passed);
        session.expose({
          async work() {
            started.count();
            await new Promise((resolve) => session.turn.signal.addEventListener('abort', resolve));
            aborted.count();
          },
          quick: () => started.count(),
        });
      },
      { limits: { mailboxMessages: 1 } },
    );
    await using relay = await Relay.to(world.port);
    const establish: Establish = async (remote) => {
      const run = remotes.push(remote);
      if (run === 1) {
        fates.push(failureOf(remote['work']?.() ?? Promise.resolve()));
        await started.reached(1);
        // The mailbox of the server holds one message: the second call cannot be written.
        client.send('hold');
        fates.push(failureOf(remote['quick']?.() ?? Promise.resolve()));
      }
      await runs[run - 1]?.passed;
      return run;
    };
    const client = world.client(establishing(establish), relay.port);
    const diary = diaryOf(client.connection);
    const isUp = up(client);
    await until(() => fates.length === 2, 'the first run to have called');
    await nextTick();
    relay.cut();
    const [written, unwritten] = await Promise.all(fates);
    expect(written).toMatchObject({ code: 'Aborted', outcome: 'unknown', cause: { code: 'line-lost' } });
    expect(unwritten).toMatchObject({ code: 'Aborted', outcome: 'never-sent' });
    await aborted.reached(1);
    await until(() => remotes.length === 2, 'the second run');
    // The first run ends while the second is under way: nobody hears of it.
    runs[0]?.open();
    await nextTick();
    expect(namesOf(diary).filter((name) => name === 'up' || name === 'down')).toEqual([]);
    runs[1]?.open();
    expect(await isUp).toBe(2);
    slow.open();
    await client.flush();
    expect(started.value).toBe(1);
    expect(await failureOf(remotes[0]?.['quick']?.() ?? Promise.resolve())).toMatchObject({
      code: 'Aborted',
      outcome: 'never-sent',
    });
    expect(started.value).toBe(1);
  });

  test('that is over lets go of its calls: they go on over the next loss as any other', async () => {
    const gate = new Gate();
    const started = new Tally();
    await using world = await loopback((session) =>
      session.expose({
        async work() {
          started.count();
          await gate.passed;
          return 'done';
        },
      }),
    );
    await using relay = await Relay.to(world.port);
    const remotes: unknown[] = [];
    const client = world.client(
      establishing((remote) => {
        remotes.push(remote);
        return remote;
      }),
      relay.port,
    );
    const remote = (await up(client)) as { work(): Promise<unknown> };
    const work = remote.work();
    await started.reached(1);
    const again = nextOf(client.connection, 'up');
    relay.cut();
    await again;
    gate.open();
    expect([await work, started.value, remotes.length]).toEqual(['done', 1, 2]);
  });

  test.each([
    ['throws', () => { throw new RangeError('no desk'); }],
    ['rejects', () => Promise.reject(new RangeError('no desk'))],
    ['rejects after a call that went well', async (remote: Parameters<Establish>[0]) => {
      await remote['here']?.();
      throw new RangeError('no desk');
    }],
  ])('that %s gives the connection up with an error, and the next try comes later and later (N25)', async (_, fail) => {
    await using world = await loopback((session) => session.expose({ here: () => 'here' }));
    let tries = 0;
    const establish: Establish = (remote) => ((tries += 1) < 4 ? fail(remote) : 'at last');
    const backoff = { firstMs: 0, baseMs: 10, maxMs: 1_000 };
    const client = world.client(establishing(establish, { backoff }));
    const diary = diaryOf(client.connection);
    expect(await up(client)).toBe('at last');
    const errors = diary.filter(([name]) => name === 'error').map(([, error]) => error);
    expect(errors).toHaveLength(3);
    for (const error of errors) {
      expect(error).toBeInstanceOf(HomingError);
      expect(error).toMatchObject({ code: 'EstablishFailed', retry: true, cause: { message: 'no desk' } });
    }
    const redials = diary.filter(([name]) => name === 'reconnect').map(([, info]) => info as ReconnectInfo);
    expect(redials.map(({ attempt, cause }) => [attempt, cause])).toEqual(errors.map((error, index) => [index + 1, error]));
    expect(namesOf(diary).filter((name) => ['up', 'down', 'closed'].includes(name))).toEqual(['up']);
    expect(world.sessions).toHaveLength(1);
  }); // prettier-ignore

  test('that fails without auto-reconnect stays down, and without a listener for errors is a warning', async () => {
    using warnings = new Warnings();
    await using world = await loopback();
    const client = world.client(establishing(() => Promise.reject(new Error('no')), { autoReconnect: false }));
    await until(() => warnings.list.length === 1, 'a warning');
    expect(warnings.list[0]).toMatchObject({ code: 'EstablishFailed' });
    expect(client.connection.state).toBe('idle');
  });

  test('that reconnects, disconnects or closes in its own run is not heard of again', async () => {
    await using world = await loopback();
    let runs = 0;
    const establish: Establish = async () => {
      runs += 1;
      if (runs === 1) client.reconnect();
      if (runs === 2) client.disconnect();
      if (runs === 3) void client.close({ drainMs: 0 });
      throw new Error(`of run ${runs}`);
    };
    const client = world.client(establishing(establish));
    const diary = diaryOf(client.connection);
    await until(() => runs === 2 && client.connection.state === 'idle', 'two runs');
    const closed = nextOf(client.connection, 'closed');
    client.connect();
    await closed;
    await nextTick();
    expect([runs, namesOf(diary).filter((name) => ['up', 'down', 'error'].includes(name))]).toEqual([3, []]);
  });

  test('T12: whose connection is lost a hundred times does not pile up calls; up comes when one run completes', async () => {
    const started = new Tally();
    let isAnswering = false;
    const running = new Set<unknown>();
    await using world = await loopback((session) =>
      session.expose({
        async login() {
          started.count();
          if (isAnswering) return 'in';
          const call = {};
          running.add(call);
          await new Promise((resolve) => session.turn.signal.addEventListener('abort', resolve));
          running.delete(call);
          return 'out';
        },
      }),
    );
    await using relay = await Relay.to(world.port);
    const login: Establish = (remote) => remote['login']?.();
    const client = world.client(establishing(login, { limits: { callsInFlight: 4 } }), relay.port);
    const diary = diaryOf(client.connection);
    const isUp = up(client);
    for (let flap = 1; flap <= 100; flap += 1) {
      await started.reached(flap);
      if (flap === 100) isAnswering = true;
      relay.cut();
    }
    expect(await isUp).toBe('in');
    expect([started.value, namesOf(diary).filter((name) => name === 'up' || name === 'error')]).toEqual([101, ['up']]);
    await until(() => running.size === 0, 'every cancel to arrive');
  });

  test('makes its calls also while the client is closing and comes back to finish', async () => {
    const gate = new Gate();
    const started = new Tally();
    let logins = 0;
    await using world = await loopback((session) => {
      session.expose({
        async work() {
          started.count();
          await gate.passed;
        },
        login: () => void (logins += 1),
      });
    });
    await using relay = await Relay.to(world.port);
    const client = world.client(
      establishing((remote) => remote['login']?.()),
      relay.port,
    );
    await up(client);
    const worked = client.call('work');
    await started.reached(1);
    const diary = diaryOf(client.connection);
    const closed = client.close({ drainMs: 20_000 });
    const again = nextOf(client.connection, 'up');
    relay.cut();
    await again;
    expect(logins).toBe(2);
    expect(await failureOf(client.call('login'))).toMatchObject({ code: 'Closed' });
    gate.open();
    await Promise.all([closed, worked]);
    expect(namesOf(diary)).not.toContain('error');
    expect(diary.at(-1)).toEqual(['closed', expect.objectContaining({ code: 'closed', unconfirmed: 0 })]);
  });

  test('under way when the client closes is given up, its calls settle, and nothing is told', async () => {
    const fates: Promise<Error & { code: string }>[] = [];
    const started = new Tally();
    await using world = await loopback((session) =>
      session.expose({
        hang() {
          started.count();
          return new Promise(() => {});
        },
      }),
    );
    const client = world.client(
      establishing(async (remote) => {
        const hanging = remote['hang']?.() ?? Promise.resolve();
        fates.push(failureOf(hanging));
        await hanging;
      }),
    );
    const diary = diaryOf(client.connection);
    const isUp = failureOf(up(client));
    await started.reached(1);
    await client.close({ drainMs: 0 });
    expect((await fates[0])?.code).toMatch(/^(OutcomeUnknown|Aborted)$/);
    expect(await isUp).toMatchObject({ code: 'Closed' });
    await nextTick();
    expect(namesOf(diary).filter((name) => ['up', 'down', 'error'].includes(name))).toEqual([]);
  });
});
