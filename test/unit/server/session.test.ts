import { describe, expect, test } from 'vitest';
import { Relay } from '../../loopback/relay.ts';
import {
  Gate,
  Tally,
  diaryOf,
  failureOf,
  loopback,
  namesOf,
  nextAt,
  nextInfo,
  nextOf,
  nextTick,
  serverDiaryOf,
  thrownBy,
  until,
} from '../../loopback/world.ts';

describe('session.close', () => {
  test('tells the client at once: ended, with the reason, for good (U16)', async () => {
    await using world = await loopback();
    await using relay = await Relay.to(world.port);
    const { client, session } = await world.pair({}, relay.port);
    const told = diaryOf(client.connection);
    const mine = diaryOf(session.connection);
    const served = serverDiaryOf(world.server);
    const closed = nextInfo(client.connection, 'closed');
    await session.close('go home');
    const report = { code: 'ended', reason: 'go home', unconfirmed: 0, carried: 0 };
    expect(await closed).toEqual(report);
    expect(namesOf(told)).toEqual(['up→closed', 'down', 'closed']);
    expect(mine).toEqual([
      ['change', 'closed', 'up'],
      ['down', { code: 'ended' }],
      ['closed', report],
    ]);
    expect(namesOf(served)).toEqual(['down', 'end']);
    await nextTick();
    expect([client.connection.state, relay.taken.value, world.server.counts.sessions]).toEqual(['closed', 1, 0]);
    expect(thrownBy(() => client.send('say'))).toMatchObject({ code: 'Closed' });
  });

  test('twice is once, and afterwards nothing can be sent', async () => {
    await using world = await loopback();
    const { session } = await world.pair();
    const served = serverDiaryOf(world.server);
    await Promise.all([session.close('a'), session.close('b')]);
    await session.close();
    expect(namesOf(served)).toEqual(['down', 'end']);
    expect(thrownBy(() => session.send('said'))).toMatchObject({
      code: 'Closed',
      message: expect.stringContaining('a'),
    });
    expect(await failureOf(session.deliver('said'))).toMatchObject({ code: 'Closed' });
  });

  test('reaches a client that returns in time, and what it had processed is no longer unconfirmed', async () => {
    const gate = new Gate();
    const done = new Tally();
    await using world = await loopback((session) => {
      session.on('say', async (text) => {
        if (text === 2) await gate.passed;
        done.count();
      });
    });
    await using relay = await Relay.to(world.port);
    const { client, session } = await world.pair({}, relay.port);
    for (const text of [1, 2, 3]) client.send('say', text);
    await done.reached(1);
    await until(() => client.connection.state === 'up', 'up');
    relay.isRefusing = true;
    const down = [nextAt(world.server, 'down'), nextInfo(client.connection, 'down')];
    relay.cut();
    await Promise.all(down);
    client.send('say', 4);
    await session.close('while you were away');
    gate.open();
    await done.reached(2);
    const closed = nextInfo(client.connection, 'closed');
    const refused = nextInfo(client.connection, 'refused');
    relay.isRefusing = false;
    const report = { code: 'ended', reason: 'while you were away', unconfirmed: 1, carried: 1 };
    expect(await closed).toEqual(report);
    expect(await refused).toEqual(report);
  });

  test('in a handler of its own: what was processed before is confirmed, what runs is not', async () => {
    const heard: unknown[] = [];
    await using world = await loopback((session) => {
      session.on('say', (text) => {
        heard.push(text);
        if (text === 3) void session.close('enough');
      });
    });
    const { client } = await world.pair();
    const closed = nextInfo(client.connection, 'closed');
    for (const text of [1, 2, 3, 4]) client.send('say', text);
    expect(await closed).toEqual({ code: 'ended', reason: 'enough', unconfirmed: 2, carried: 0 });
    expect(heard).toEqual([1, 2, 3]);
  });

  test('tells those who wait, at both ends', async () => {
    const gate = new Gate();
    await using world = await loopback((session) => void session.on('say', () => gate.passed));
    const { client, session } = await world.pair();
    client.on('said', () => gate.passed);
    const started = new Tally();
    client.on('said', () => started.count());
    const waits = [client.deliver('say'), client.flush(), session.deliver('said'), session.flush()];
    const failures = Promise.all(waits.map(failureOf));
    const closed = nextOf(client.connection, 'closed');
    const end = nextAt(world.server, 'end');
    await session
      .with({ timeoutMs: 0 })
      .flush()
      .catch(() => {});
    await nextTick();
    await nextTick();
    await session.close();
    await closed;
    expect((await failures).map(({ code, outcome }) => [code, outcome])).toEqual([
      ['OutcomeUnknown', 'unknown'],
      ['OutcomeUnknown', 'unknown'],
      ['OutcomeUnknown', 'unknown'],
      ['OutcomeUnknown', 'unknown'],
    ]);
    expect((await end)[1]).toEqual({ code: 'ended', unconfirmed: 1, carried: 0 });
    gate.open();
  });

  test('aborts the signal of the turn that runs', async () => {
    const gate = new Gate();
    const started = new Gate();
    let reason: unknown;
    await using world = await loopback((session) => {
      session.on('say', async () => {
        const { signal } = session.turn;
        started.open();
        await gate.passed;
        expect(signal.aborted).toBe(true);
        reason = signal.reason;
      });
    });
    const { client, session } = await world.pair();
    client.send('say');
    await started.passed;
    await session.close('that is all');
    gate.open();
    await until(() => reason !== undefined, 'the handler to end');
    expect(reason).toMatchObject({ code: 'ended', message: expect.stringContaining('that is all') });
  });
});

describe('a session', () => {
  test('shows its connection: state, events, round trips (E7)', async () => {
    await using world = await loopback();
    await using relay = await Relay.to(world.port);
    const { client, session } = await world.pair({}, relay.port);
    expect([session.connection.state, session.restored, session.epoch]).toEqual(['up', false, 1]);
    const told = diaryOf(session.connection);
    const down = nextAt(world.server, 'down');
    client.disconnect();
    await down;
    expect(session.connection.state).toBe('closed');
    const up = nextAt(world.server, 'up');
    client.connect();
    await up;
    expect(told).toEqual([
      ['change', 'closed', 'up'],
      ['down', { code: 'disconnected' }],
      ['change', 'up', 'authenticating'],
      ['up', { resumed: true }],
    ]);
  });

  test('sends while its client is away: it arrives on return, in order (E8)', async () => {
    await using world = await loopback();
    const { client, session } = await world.pair();
    const heard: unknown[] = [];
    client.on('said', (text) => void heard.push(text));
    const down = nextAt(world.server, 'down');
    client.disconnect();
    await down;
    for (let count = 0; count < 10; count += 1) session.send('said', count);
    const flushed = session.flush();
    expect(heard).toEqual([]);
    client.connect();
    await flushed;
    expect(heard).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  test('has no turn outside of a handler, and waits of its own', async () => {
    await using world = await loopback();
    const { client, session } = await world.pair();
    expect(thrownBy(() => session.turn)).toMatchObject({ code: 'NoTurn' });
    await session.writable();
    await session.with({ timeoutMs: 5_000 }).writable();
    await session.with({ timeoutMs: 5_000 }).flush();
    client.once('said', () => 1);
    await session.with({ timeoutMs: 5_000 }).deliver('said');
    expect(await failureOf(session.with({ timeoutMs: 5_000 }).deliver('said'))).toMatchObject({ code: 'NoHandler' });
  });
});
