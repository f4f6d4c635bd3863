// Calls in a world of real ends on virtual time: each runs once and settles once, whatever the line, the peer and the
// caller do meanwhile.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SimHost } from '../../src/testing/sim-host.ts';
import { Stage, type StageOptions } from './stage.ts';

type Side = 'client' | 'server';

const quick = { handshakeMs: 500, backoff: { firstMs: 10, baseMs: 50, maxMs: 200 } };

/** Resolves when it is told to. */
function gate(): { readonly promise: Promise<void>; open: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { promise, open: resolve };
}

/** What becomes of calls: a word for each, or its value. */
function fatesOf(stage: Stage, calls: readonly Promise<unknown>[]): () => unknown[] {
  const values = new Map<number, unknown>();
  const fates = calls.map((call, index) => {
    call.then((value) => void values.set(index, value)).catch(() => {});
    return stage.fate(call);
  });
  return () => fates.map(({ word }, index) => (values.has(index) ? values.get(index) : word));
}

/** What an end has under way: calls that run here, calls that wait for a result, bytes in the outbox. */
function restOf(stage: Stage, side: Side): unknown {
  const actor = side === 'client' ? stage.client.dialler.actor : stage.node.hosted?.actor;
  if (actor === undefined) throw new Error('expected a session');
  return {
    running: actor.callee.runningCount,
    abandoned: actor.session.outlet.abandonedCallCount,
    isIdle: actor.session.isIdle(actor.isIdle),
  };
}

const atRest = { running: 0, abandoned: 0, isIdle: true };

/** A stage whose ends expose `work(name, ms)`: it notes its start and answers after that time. */
function workshop(options: StageOptions = {}) {
  const started: string[] = [];
  const ended: string[] = [];
  const aborted: string[] = [];
  const methods = (host: SimHost, turn: () => { readonly signal: AbortSignal }) => ({
    async work(name: unknown, ms: unknown) {
      started.push(String(name));
      turn().signal.addEventListener('abort', () => aborted.push(String(name)));
      if (Number(ms) > 0) await host.sleep(Number(ms));
      ended.push(String(name));
      return `${String(name)} done`;
    },
  });
  const stage = new Stage({
    ...options,
    client: { ...quick, ...options.client },
    atServer: (session, host) => {
      session.expose(methods(host, () => session.turn));
      options.atServer?.(session, host);
    },
    atClient: (client, host) => {
      client.expose(methods(host, () => client.turn));
      options.atClient?.(client, host);
    },
  });
  return { stage, started, ended, aborted };
}

describe('a call over a line that breaks', () => {
  it.each([
    { caller: 'client', toward: 'server' },
    { caller: 'client', toward: 'client' },
    { caller: 'server', toward: 'server' },
    { caller: 'server', toward: 'client' },
  ] as const)(
    'of the $caller runs once, after the event before it, wherever bytes toward the $toward are cut',
    async ({ caller, toward }) => {
      for (let bytes = 0; bytes < 190; bytes += 1) {
        const { stage, started } = workshop();
        await stage.up();
        const end = caller === 'client' ? stage.client : stage.session;
        const heard = caller === 'client' ? stage.heardByServer : stage.heardByClient;
        const order: unknown[] = [];
        const peer = caller === 'client' ? stage.session : stage.client;
        peer.on('say', () => void order.push(started.length));
        end.send('say', 'before');
        const fates = fatesOf(stage, [end.call('work', 'a', 20), end.call('work', 'b', 0)]);
        await stage.world.run(0);
        stage.node.path.cutAfter(toward, bytes);
        await stage.world.run(3_000);
        expect(fates(), `cut after ${bytes}`).toEqual(['a done', 'b done']);
        expect([started, heard, order]).toEqual([['a', 'b'], ['before'], [0]]);
        expect([restOf(stage, 'client'), restOf(stage, 'server')]).toEqual([atRest, atRest]);
      }
    },
  );

  it.each(['client', 'server'] as const)('runs once when the %s notices a loss long after its peer', async (late) => {
    for (const caller of ['client', 'server'] as const) {
      const { stage, started } = workshop({ weather: { latencyMs: 5 } });
      await stage.up();
      const end = caller === 'client' ? stage.client : stage.session;
      const fates = fatesOf(stage, [end.call('work', 'early', 1_000), end.call('work', 'at once', 0)]);
      await stage.world.run(7);
      stage.node.path.orphan(late === 'client' ? 'client' : 'server', 3_000);
      const later = fatesOf(stage, [end.call('work', 'after', 0)]);
      await stage.world.run(60_000);
      expect([...fates(), ...later()]).toEqual(['early done', 'at once done', 'after done']);
      expect(started.toSorted()).toEqual(['after', 'at once', 'early']);
      expect([restOf(stage, 'client'), restOf(stage, 'server')]).toEqual([atRest, atRest]);
    }
  });

  it('runs on across any number of losses and answers on the last connection', async () => {
    const { stage, started, ended } = workshop();
    await stage.up();
    const fates = fatesOf(stage, [stage.client.call('work', 'long', 5_000), stage.session.call('work', 'back', 5_000)]);
    for (let count = 0; count < 40; count += 1) {
      await stage.world.run(30);
      stage.node.path.cutAfter(count % 2 === 0 ? 'client' : 'server', 0);
      stage.client.send('say', count);
      await stage.up();
    }
    await stage.world.run(10_000);
    expect([fates(), started, ended.toSorted()]).toEqual([
      ['long done', 'back done'],
      ['long', 'back'],
      ['back', 'long'],
    ]);
    expect(stage.heardByServer).toHaveLength(40);
  });
});

describe('ten thousand calls through sixty cuts', () => {
  it('run once each, settle once each, and leave nothing behind', async () => {
    const { stage, started } = workshop({ weather: { latencyMs: 2 } });
    await stage.up();
    const counts = new Map<string, number>();
    let lost = 0;
    for (let round = 0; round < 60; round += 1) {
      for (let count = 0; count < 84; count += 1) {
        for (const end of [stage.client, stage.session]) {
          const name = `${end === stage.client ? 'c' : 's'} ${round} ${count}`;
          const settle = (word: unknown): void =>
            void counts.set(name, (counts.get(name) ?? 0) + (word === `${name} done` ? 1 : 1_000));
          end.call('work', name, count % 7).then(settle, settle);
        }
      }
      await stage.world.run(1 + (round % 5));
      stage.node.path.cutAfter(round % 2 === 0 ? 'client' : 'server', round * 13);
      await stage.world.run(20);
      await stage.up();
    }
    await stage.world.run(5_000);
    lost = stage.told.filter((word) => word === 'resumed').length;
    expect([started.length, new Set(started).size]).toEqual([10_080, 10_080]);
    expect([counts.size, [...counts.values()].every((count) => count === 1)]).toEqual([10_080, true]);
    expect(lost).toBeGreaterThanOrEqual(50);
    expect([restOf(stage, 'client'), restOf(stage, 'server')]).toEqual([atRest, atRest]);
  });
});

describe('order', () => {
  it('a slow call holds up neither later calls nor later events', async () => {
    const { stage, ended } = workshop();
    await stage.up();
    const fates = fatesOf(stage, [stage.client.call('work', 'slow', 1_000), stage.client.call('work', 'quick', 0)]);
    stage.client.send('say', 'after');
    await stage.world.run(100);
    expect([fates(), ended, stage.heardByServer]).toEqual([['open', 'quick done'], ['quick'], ['after']]);
    await stage.world.run(1_000);
    expect(fates()[0]).toBe('slow done');
  });

  it('a handler may await a call to its own peer with a full mailbox behind it, at both ends at once', async () => {
    const answers: unknown[] = [];
    const limits = { mailboxMessages: 2 };
    const ask = (end: { call(method: string, ...args: unknown[]): Promise<unknown> }) => async (name: unknown) => {
      answers.push(await end.call('work', name, 10));
    };
    const { stage } = workshop({
      server: { limits },
      client: { limits },
      atServer: (session) => session.on('ask', ask(session)),
    });
    await stage.up();
    for (let count = 0; count < 40; count += 1) {
      stage.client.send('ask', `c${count}`);
      stage.session.send('say', count);
    }
    await stage.world.run(5_000);
    expect(answers).toEqual(Array.from({ length: 40 }, (_, count) => `c${count} done`));
    expect(stage.heardByClient).toHaveLength(40);
  });

  it('handlers of calls may call each other back to any depth', async () => {
    const down = (end: { call(method: string, ...args: unknown[]): Promise<unknown> }) => ({
      down: async (left: unknown) => (left === 0 ? 'ground' : end.call('down', Number(left) - 1)),
    });
    const stage = new Stage({
      server: { limits: { mailboxMessages: 1 } },
      client: { limits: { mailboxMessages: 1 } },
      atServer: (session) => session.expose(down(session)),
      atClient: (client) => client.expose(down(client)),
    });
    await stage.up();
    const fates = fatesOf(stage, [stage.client.call('down', 100), stage.session.call('down', 101)]);
    await stage.world.run(2_000);
    expect(fates()).toEqual(['ground', 'ground']);
  });

  it('T5: event handlers that await calls behind each other end by the deadline, and nothing else stops', async () => {
    const fates: (() => unknown[])[] = [];
    const ask = (end: { call(method: string, ...args: unknown[]): Promise<unknown> }) => async () => {
      const asked = end.call('work', 'cycle', 0);
      fates.push(fatesOf(stage, [asked]));
      await asked.catch(() => {});
    };
    const { stage, started } = workshop({
      atServer: (session) => session.on('ask', ask(session)),
      atClient: (client) => client.on('ask', ask(client)),
    });
    await stage.up();
    stage.client.send('ask');
    stage.session.send('ask');
    await stage.world.run(29_000);
    expect(fates.map((fate) => fate())).toEqual([['open'], ['open']]);
    await stage.world.run(2_000);
    expect(fates.map((fate) => fate())).toEqual([['Deadline unknown'], ['Deadline unknown']]);
    // Both ended in the same moment: the cancels were still on their way when what they cancel could begin.
    expect([started, stage.told]).toEqual([['cycle', 'cycle'], ['up']]);
    const after = fatesOf(stage, [stage.client.call('work', 'after', 0), stage.session.call('work', 'after', 0)]);
    await stage.world.run(100);
    expect(after()).toEqual(['after done', 'after done']);
    expect([restOf(stage, 'client'), restOf(stage, 'server')]).toEqual([atRest, atRest]);
  });
});

describe('the deadline of a call', () => {
  it('is thirty seconds of time with a connection unless it says otherwise', async () => {
    const { stage } = workshop({ client: { lingerMs: 600_000 }, server: { lingerMs: 600_000 } });
    await stage.up();
    const fates = fatesOf(stage, [stage.client.call('work', 'long', 300_000)]);
    await stage.world.run(20_000);
    stage.node.path.door = 'refuses';
    stage.node.path.cutAfter('client', 0);
    stage.session.send('say', 'cut');
    await stage.state('backoff');
    await stage.world.run(100_000);
    expect(fates()).toEqual(['open']);
    stage.node.path.door = 'open';
    await stage.up();
    await stage.world.run(9_500);
    expect(fates()).toEqual(['open']);
    await stage.world.run(1_000);
    expect(fates()).toEqual(['Deadline unknown']);
  });

  it('before the first write takes the call back; on the clock of the wall also while there is no connection', async () => {
    const { stage, started } = workshop();
    await stage.up();
    stage.node.path.door = 'refuses';
    stage.client.disconnect();
    await stage.world.run(100);
    const { client } = stage;
    const fates = fatesOf(stage, [
      client.with({ timeoutMs: 1_000, clock: 'wall' }).call('work', 'wall', 0),
      client.with({ timeoutMs: 1_000 }).call('work', 'up', 0),
      client.with({ timeoutMs: 1_000, clock: 'up' }).call('work', 'up as well', 0),
    ]);
    await stage.world.run(999);
    expect(fates()).toEqual(['open', 'open', 'open']);
    await stage.world.run(30_000);
    expect(fates()).toEqual(['Deadline never-sent', 'open', 'open']);
    stage.node.path.door = 'open';
    client.connect();
    await stage.up();
    await stage.world.run(100);
    expect(fates().slice(1)).toEqual(['up done', 'up as well done']);
    expect(started).toEqual(['up', 'up as well']);
  });

  it('after it was written cancels it, and a late result is dropped', async () => {
    const { stage, aborted, ended } = workshop();
    await stage.up();
    const fates = fatesOf(stage, [stage.client.with({ timeoutMs: 100 }).call('work', 'late', 500)]);
    await stage.world.run(99);
    expect([fates(), aborted]).toEqual([['open'], []]);
    await stage.world.run(20);
    expect([fates(), aborted, ended]).toEqual([['Deadline unknown'], ['late'], []]);
    expect(restOf(stage, 'client')).toMatchObject({ abandoned: 1, isIdle: false });
    await stage.world.run(1_000);
    expect([fates(), ended]).toEqual([['Deadline unknown'], ['late']]);
    expect([restOf(stage, 'client'), restOf(stage, 'server')]).toEqual([atRest, atRest]);
    expect([stage.told, stage.toldByServer]).toEqual([['up'], []]);
  });

  it('of 0 with a connection ends it in the same moment', async () => {
    const { stage } = workshop();
    await stage.up();
    const fates = fatesOf(stage, [stage.client.with({ timeoutMs: 0 }).call('work', 'none', 0)]);
    await stage.world.run(1);
    expect(String(fates()[0])).toMatch(/^Deadline /);
    await stage.world.run(1_000);
    expect([restOf(stage, 'client'), restOf(stage, 'server')]).toEqual([atRest, atRest]);
  });
});

describe('a call whose connection does not come back', () => {
  it('settles once the granted linger has passed since the loss if it was written, and waits on if it was not', async () => {
    const { stage, started } = workshop({ client: { lingerMs: 5_000 } });
    await stage.up();
    const written = [stage.client.call('work', 'running', 60_000), stage.client.call('work', 'quick', 0)];
    const fates = fatesOf(stage, written);
    await stage.world.run(100);
    stage.node.path.door = 'refuses';
    stage.node.path.cutAfter('client', 0);
    stage.session.send('say', 'cut');
    await stage.state('backoff');
    const waiting = fatesOf(stage, [stage.client.call('work', 'waiting', 0)]);
    await stage.world.run(4_900);
    expect([fates(), waiting()]).toEqual([['open', 'quick done'], ['open']]);
    await stage.world.run(200);
    expect([fates(), waiting()]).toEqual([['OutcomeUnknown unknown', 'quick done'], ['open']]);
    stage.node.path.door = 'open';
    await stage.world.until(() => stage.told.includes('up') && stage.client.epoch === 2, 60_000);
    await stage.world.run(1_000);
    expect(waiting()).toEqual(['waiting done']);
    expect(started).toEqual(['running', 'quick', 'waiting']);
  });

  it('goes on when it does come back in time, however long it takes then', async () => {
    const { stage } = workshop({ client: { lingerMs: 5_000 } });
    await stage.up();
    const fates = fatesOf(stage, [stage.client.with({ timeoutMs: Infinity }).call('work', 'long', 60_000)]);
    await stage.world.run(100);
    stage.node.path.door = 'refuses';
    stage.node.path.cutAfter('client', 0);
    stage.session.send('say', 'cut');
    await stage.state('backoff');
    await stage.world.run(4_000);
    stage.node.path.door = 'open';
    await stage.up();
    await stage.world.run(30_000);
    expect([fates(), stage.client.epoch]).toEqual([['open'], 1]);
    await stage.world.run(30_000);
    expect(fates()).toEqual(['long done']);
  });

  it('settles although its result came with the bytes that ended the connection', async () => {
    const { stage } = workshop({ weather: { latencyMs: 20 } });
    await stage.up();
    const fates = fatesOf(stage, [stage.client.call('work', 'last', 0)]);
    await stage.world.run(5);
    // The server lets the line go in the moment in which it answers.
    stage.session.on('say', () => void stage.server.server.close({ drainMs: 0 }));
    stage.client.send('say', 'close');
    await stage.world.run(2_000);
    expect(fates()).toEqual(['last done']);
  });
});

describe('a call that is given up', () => {
  it('before it was written is never sent, in the outbox as well as in the line before it', async () => {
    const { stage, started } = workshop({ client: { limits: { outboxMessages: 1 } } });
    await stage.up();
    stage.client.disconnect();
    await stage.world.run(50);
    const stop = new AbortController();
    const { client } = stage;
    const fates = fatesOf(stage, [
      client.with({ signal: stop.signal }).call('work', 'in the outbox', 0),
      client.with({ signal: stop.signal }).call('work', 'in line', 0),
      client.call('work', 'kept', 0),
    ]);
    stop.abort('enough');
    await stage.world.run(10);
    expect(fates()).toEqual(['Aborted never-sent', 'Aborted never-sent', 'open']);
    client.connect();
    await stage.up();
    await stage.world.run(100);
    expect([fates()[2], started]).toEqual(['kept done', ['kept']]);
  });

  it('while it waits in the mailbox never starts, and those behind it do', async () => {
    const held = gate();
    const { stage, started, aborted } = workshop({ atServer: (session) => session.on('hold', () => held.promise) });
    await stage.up();
    const stop = new AbortController();
    stage.client.send('hold');
    const given = stage.client.with({ signal: stop.signal }).call('work', 'given up', 0);
    const fates = fatesOf(stage, [given, stage.client.call('work', 'kept', 0)]);
    await stage.world.run(50);
    stop.abort();
    await stage.world.run(50);
    expect(fates()).toEqual(['Aborted unknown', 'open']);
    held.open();
    await stage.world.run(100);
    expect([fates()[1], started, aborted]).toEqual(['kept done', ['kept'], []]);
    expect([restOf(stage, 'client'), restOf(stage, 'server')]).toEqual([atRest, atRest]);
  });

  it('before it was received never starts: its cancel is resent before it', async () => {
    const { stage, started } = workshop();
    await stage.up();
    stage.node.path.swallow('server');
    const stop = new AbortController();
    const fates = fatesOf(stage, [
      stage.client.with({ signal: stop.signal }).call('work', 'given up', 0),
      stage.client.call('work', 'kept', 0),
    ]);
    await stage.world.run(50);
    stage.client.disconnect();
    await stage.world.run(50);
    stop.abort();
    stage.client.connect();
    await stage.up();
    await stage.world.run(200);
    expect([fates(), started]).toEqual([['Aborted unknown', 'kept done'], ['kept']]);
    expect([restOf(stage, 'client'), restOf(stage, 'server')]).toEqual([atRest, atRest]);
  });

  it('in the middle of its fragments never starts', async () => {
    const { stage, started } = workshop({ weather: { bytesPerMs: 1_000 } });
    await stage.up();
    const stop = new AbortController();
    const large = new Uint8Array(400_000);
    const fates = fatesOf(stage, [stage.client.with({ signal: stop.signal }).call('work', 'large', 0, large)]);
    await stage.world.run(100);
    stop.abort();
    await stage.world.run(3_000);
    expect([fates(), started]).toEqual([['Aborted unknown'], []]);
    expect([restOf(stage, 'client'), restOf(stage, 'server')]).toEqual([atRest, atRest]);
  });
});

describe('calls in flight', () => {
  it('are bounded at the caller: a place is free only when the work it stands for has ended', async () => {
    const { stage, started, ended } = workshop({ client: { limits: { callsInFlight: 3 } } });
    await stage.up();
    let refusals = 0;
    for (let round = 0; round < 50; round += 1) {
      const stop = new AbortController();
      const fates = fatesOf(stage, [stage.client.with({ signal: stop.signal }).call('work', `r${round}`, 10_000)]);
      await stage.world.run(5);
      stop.abort();
      await stage.world.run(5);
      if (fates()[0] === 'TooManyCalls never-sent') refusals += 1;
    }
    expect([refusals, started.length, ended.length]).toEqual([47, 3, 0]);
    expect(restOf(stage, 'server')).toMatchObject({ running: 3 });
    await stage.world.run(11_000);
    const after = fatesOf(stage, [stage.client.call('work', 'after', 0)]);
    await stage.world.run(50);
    expect(after()).toEqual(['after done']);
    await stage.world.run(100);
    expect([restOf(stage, 'client'), restOf(stage, 'server')]).toEqual([atRest, atRest]);
  });

  it('are bounded at the peer: what is refused there has not run', async () => {
    const { stage, started } = workshop({ server: { limits: { callsInFlight: 2 } } });
    await stage.up();
    const fates = fatesOf(
      stage,
      ['a', 'b', 'c', 'd'].map((name) => stage.client.call('work', name, 100)),
    );
    await stage.world.run(50);
    expect(fates()).toEqual(['open', 'open', 'TooManyCalls', 'TooManyCalls']);
    await stage.world.run(100);
    expect([fates().slice(0, 2), started]).toEqual([
      ['a done', 'b done'],
      ['a', 'b'],
    ]);
  });

  it('that are too large for the peer, found out once it is known, give their place back', async () => {
    const { stage } = workshop({
      server: { limits: { messageBytes: 200, depth: 8 } },
      client: { limits: { callsInFlight: 2 } },
    });
    const deep = Array.from({ length: 20 }).reduce<unknown>((inner) => [inner], 'core');
    const refused = [
      stage.client.call('work', 'large', 0, 'x'.repeat(500)),
      stage.client.call('work', 'deep', 0, deep),
    ];
    const fates = fatesOf(stage, refused);
    await stage.up();
    await stage.world.run(50);
    expect(fates()).toEqual(['MessageTooLarge', 'NotEncodable']);
    const after = fatesOf(stage, [stage.client.call('work', 'a', 5), stage.client.call('work', 'b', 5)]);
    await stage.world.run(50);
    expect(after()).toEqual(['a done', 'b done']);
  });
});

describe('the end of a session', () => {
  it('rejects every call of either end, with what is known, and tells those that run', async () => {
    const { stage, aborted } = workshop({ server: { limits: { mailboxMessages: 2 } } });
    const stuck = gate();
    await stage.up();
    stage.session.on('stuck', () => stuck.promise);
    const { client, session } = stage;
    const fates = fatesOf(stage, [
      client.call('work', 'running', 60_000),
      session.call('work', 'running as well', 60_000),
    ]);
    await stage.world.run(50);
    client.send('stuck');
    client.send('stuck');
    await stage.world.run(50);
    const carried = fatesOf(stage, [client.call('work', 'carried', 0)]);
    void session.close('enough');
    await stage.world.run(50);
    expect(fates()).toEqual(['OutcomeUnknown unknown', 'OutcomeUnknown unknown']);
    expect(carried()).toEqual(['OutcomeUnknown never-sent']);
    expect(aborted.toSorted()).toEqual(['running', 'running as well']);
    expect(await client.call('work', 'after', 0).catch((error: { code: string }) => error.code)).toBe('Closed');
  });

  it('by linger rejects what the server has called', async () => {
    const { stage } = workshop({ client: { lingerMs: 2_000 } });
    await stage.up();
    const fates = fatesOf(stage, [stage.session.call('work', 'long', 60_000)]);
    await stage.world.run(50);
    stage.node.path.door = 'refuses';
    stage.node.path.cutAfter('client', 0);
    stage.session.send('say', 'cut');
    await stage.world.run(10_000);
    expect(fates()).toEqual(['OutcomeUnknown unknown']);
    expect(stage.toldByServer).toEqual([expect.stringMatching(/^end expired/)]);
  });
});

describe('a drain', () => {
  it.each(['client', 'server'] as const)('of the server waits for a call that runs at the %s', async (where) => {
    const { stage, ended } = workshop();
    await stage.up();
    const end = where === 'server' ? stage.client : stage.session;
    const fates = fatesOf(stage, [end.call('work', 'slow', 3_000)]);
    await stage.world.run(50);
    const closed = stage.fate(stage.server.server.close({ drainMs: 30_000 }));
    await stage.world.run(2_500);
    expect([closed.word, fates()]).toEqual(['open', ['open']]);
    await stage.world.run(1_000);
    expect([closed.word, fates(), ended]).toEqual(['resolved', ['slow done'], ['slow']]);
  });

  it.each(['client', 'server'] as const)('of the client waits for a call that runs at the %s', async (where) => {
    const { stage } = workshop();
    await stage.up();
    const end = where === 'server' ? stage.client : stage.session;
    const fates = fatesOf(stage, [end.call('work', 'slow', 3_000)]);
    await stage.world.run(50);
    const closed = stage.fate(stage.client.close());
    await stage.world.run(2_500);
    expect([closed.word, fates()]).toEqual(['open', ['open']]);
    await stage.world.run(1_000);
    expect([closed.word, fates()]).toEqual(['resolved', ['slow done']]);
    expect(stage.toldByServer).toEqual(['end closed 0 0']);
  });

  it.each(['client', 'server'] as const)('of the %s lets a call that runs there call and send', async (leaver) => {
    const said: unknown[] = [];
    const go = gate();
    const busy = (end: {
      call(method: string, ...args: unknown[]): Promise<unknown>;
      deliver(event: string, ...args: unknown[]): Promise<void>;
    }) => ({
      async busy() {
        await go.promise;
        await end.deliver('say', 'in between');
        const first = await end.call('work', 'nested', 10);
        await end.deliver('say', 'at last');
        return first;
      },
    });
    const { stage } = workshop({
      atServer: (session) => session.expose(busy(session)),
      atClient: (client) => client.expose(busy(client)),
    });
    await stage.up();
    const end = leaver === 'server' ? stage.client : stage.session;
    end.on('say', (word) => void said.push(word));
    const fates = fatesOf(stage, [end.call('busy')]);
    await stage.world.run(50);
    const leaving = leaver === 'server' ? stage.server.server.close({ drainMs: 30_000 }) : stage.client.close();
    const closed = stage.fate(leaving);
    await stage.world.run(200);
    expect(closed.word).toBe('open');
    go.open();
    await stage.world.run(1_000);
    expect([closed.word, fates(), said]).toEqual(['resolved', ['nested done'], ['in between', 'at last']]);
  });

  it('of a client counts a call that was given up until the peer has answered it', async () => {
    const { stage, ended } = workshop();
    await stage.up();
    const stop = new AbortController();
    const fates = fatesOf(stage, [stage.client.with({ signal: stop.signal }).call('work', 'slow', 2_000)]);
    await stage.world.run(50);
    stop.abort();
    const closed = stage.fate(stage.client.close());
    await stage.world.run(1_000);
    expect([closed.word, fates(), ended]).toEqual(['open', ['Aborted unknown'], []]);
    await stage.world.run(1_500);
    expect([closed.word, ended]).toEqual(['resolved', ['slow']]);
  });
});

describe('a lost memory', () => {
  it('T20: rejects calls that were written, answered or not started; carried ones run in the new epoch, none is resent', async () => {
    let lives = 0;
    const { stage, started } = workshop({
      server: { limits: { mailboxMessages: 3 } },
      atServer: (session) => {
        const isFirst = (lives += 1) === 1;
        session.on('hold', () => (isFirst ? new Promise(() => {}) : undefined));
      },
      atClient: (client) => client.connection.on('gap', (report) => report.resend()),
    });
    await stage.up();
    const { client } = stage;
    const fates = fatesOf(stage, [client.call('work', 'acknowledged', 60_000)]);
    await stage.world.run(100);
    client.send('hold');
    const unstarted = fatesOf(stage, [client.call('work', 'unstarted', 0)]);
    client.send('say', 'unconfirmed');
    const carried = fatesOf(stage, [client.call('work', 'carried', 0)]);
    await stage.world.run(100);
    expect(client.dialler.actor.session.outlet.counts).toEqual({ unconfirmed: 3, carried: 1 });
    stage.server.crash();
    await stage.world.run(5);
    stage.server.restart();
    await stage.world.until(() => client.epoch === 2, 10_000);
    expect([fates(), unstarted()]).toEqual([['OutcomeUnknown unknown'], ['OutcomeUnknown unknown']]);
    await stage.world.run(1_000);
    expect(carried()).toEqual(['carried done']);
    expect(started).toEqual(['acknowledged', 'carried']);
    expect(stage.heardByServer).toEqual(['unconfirmed']);
    expect([restOf(stage, 'client'), restOf(stage, 'server')]).toEqual([atRest, atRest]);
  });

  it('of the server discards carried calls where the report says so', async () => {
    const { stage, started } = workshop({
      atClient: (client) => client.connection.on('gap', (report) => report.discard()),
    });
    await stage.up();
    stage.server.crash();
    await stage.world.run(50);
    const carried = fatesOf(stage, [stage.client.call('work', 'carried', 0)]);
    stage.server.restart();
    await stage.up();
    await stage.world.run(100);
    expect([carried(), started]).toEqual([['OutcomeUnknown never-sent'], []]);
  });

  it('leaves what runs for the old epoch running, without a result, and what waits for it in its own books', async () => {
    const held = gate();
    const { stage, started, ended, aborted } = workshop({
      atClient: (client) => client.on('hold', () => held.promise),
    });
    await stage.up();
    const old = fatesOf(stage, [stage.session.call('work', 'old and running', 2_000)]);
    await stage.world.run(50);
    stage.session.send('hold');
    stage.session.call('work', 'old and waiting', 2_000).catch(() => {});
    await stage.world.run(50);
    stage.server.crash();
    await stage.world.run(5);
    stage.server.restart();
    await stage.up();
    expect([started, aborted]).toEqual([['old and running'], ['old and running']]);
    // In the new epoch seqs begin anew: 1 was running, 3 has waited.
    const fresh = fatesOf(
      stage,
      ['f1', 'f2', 'f3', 'f4'].map((name) => stage.session.call('work', name, 500)),
    );
    await stage.world.run(50);
    held.open();
    await stage.world.run(100);
    expect(started).toEqual(['old and running', 'old and waiting', 'f1', 'f2', 'f3', 'f4']);
    expect(restOf(stage, 'client')).toMatchObject({ running: 6 });
    await stage.world.run(1_000);
    expect([fresh(), old()]).toEqual([['f1 done', 'f2 done', 'f3 done', 'f4 done'], ['open']]);
    expect(restOf(stage, 'client')).toMatchObject({ running: 2 });
    await stage.world.run(2_000);
    expect(ended.toSorted()).toEqual(['f1', 'f2', 'f3', 'f4', 'old and running', 'old and waiting']);
    expect([restOf(stage, 'client'), restOf(stage, 'server')]).toEqual([atRest, atRest]);
    expect(stage.told).toEqual(['up', expect.stringMatching(/^down/), expect.stringMatching(/^gap/), 'up']);
  });
});

interface Act {
  readonly type: 'call' | 'cut' | 'orphan' | 'stall' | 'swallow' | 'reconnect' | 'event';
  readonly side: Side;
  readonly ms: number;
  readonly stopAfterMs: number | undefined;
  readonly pauseMs: number;
}

const acts = fc.array(
  fc.record<Act>({
    type: fc.oneof(
      { weight: 10, arbitrary: fc.constant('call' as const) },
      { weight: 4, arbitrary: fc.constantFrom('cut' as const, 'event' as const) },
      {
        weight: 2,
        arbitrary: fc.constantFrom('orphan' as const, 'stall' as const, 'swallow' as const, 'reconnect' as const),
      },
    ),
    side: fc.constantFrom<Side>('client', 'server'),
    ms: fc.constantFrom(0, 0, 3, 40, 700),
    stopAfterMs: fc.option(fc.constantFrom(0, 1, 4, 50, 900), { nil: undefined, freq: 2 }),
    pauseMs: fc.constantFrom(0, 0, 1, 2, 10, 200),
  }),
  { maxLength: 40, size: 'max' },
);

describe('calls over a random line', () => {
  it('each runs at most once and settles once; those that nobody gives up run once and give their value', async () => {
    const sum = { calls: 0, given: 0, losses: 0 };
    await fc.assert(
      fc.asyncProperty(
        acts,
        fc.nat(),
        fc.constantFrom(1, 2, 64),
        fc.constantFrom(0, 7),
        async (plan, seed, mailboxMessages, chunkBytes) => {
          const limits = { mailboxMessages };
          const { stage, started, ended } = workshop({
            seed,
            weather: { latencyMs: 3, jitterMs: 2, chunkBytes },
            server: { limits },
            client: { limits, heartbeat: { intervalMs: 500, timeoutMs: 1_500 } },
          });
          await stage.up();
          const calls: { readonly name: string; readonly isKept: boolean; settled: number; word: unknown }[] = [];
          let events = 0;
          for (const act of plan) {
            const end = act.side === 'client' ? stage.client : stage.session;
            if (act.type === 'call') {
              const stop = new AbortController();
              const name = `${act.side} ${calls.length}`;
              const call = { name, isKept: act.stopAfterMs === undefined, settled: 0, word: 'open' as unknown };
              calls.push(call);
              end
                .with({ signal: stop.signal, timeoutMs: Infinity })
                .call('work', name, act.ms)
                .then(
                  (value) => {
                    call.settled += 1;
                    call.word = value;
                  },
                  (error: { code: string }) => {
                    call.settled += 1;
                    call.word = error.code;
                  },
                );
              if (act.stopAfterMs !== undefined) stage.world.loop.clock.setTimeout(() => stop.abort(), act.stopAfterMs);
            } else if (act.type === 'event') {
              end.send('say', (events += 1));
            } else if (act.type === 'cut') stage.node.path.cutAfter(act.side, act.ms);
            else if (act.type === 'orphan') stage.node.path.orphan(act.side, act.ms + 10);
            else if (act.type === 'stall') stage.node.path.stall(act.side, act.ms);
            else if (act.type === 'swallow') stage.node.path.swallow(act.side);
            else stage.client.reconnect();
            await stage.world.run(act.pauseMs);
          }
          stage.world.heal();
          await stage.world.run(40_000);
          for (const { name, isKept, settled, word } of calls) {
            const runs = started.filter((each) => each === name).length;
            expect([name, settled, runs <= 1]).toEqual([name, 1, true]);
            if (isKept) expect([word, runs]).toEqual([`${name} done`, 1]);
            else expect([`${name} done`, 'Aborted']).toContain(word);
          }
          expect(ended.toSorted()).toEqual(started.toSorted());
          expect([restOf(stage, 'client'), restOf(stage, 'server')]).toEqual([atRest, atRest]);
          expect([stage.client.epoch, stage.toldByServer]).toEqual([1, []]);
          expect(stage.heardByServer.length + stage.heardByClient.length).toBe(events);
          sum.calls += calls.length;
          sum.given += calls.filter(({ word }) => word === 'Aborted').length;
          sum.losses += stage.told.filter((word) => word.startsWith('down')).length;
        },
      ),
      { numRuns: 400 },
    );
    expect(sum.calls).toBeGreaterThan(2_000);
    expect(sum.given).toBeGreaterThan(300);
    expect(sum.losses).toBeGreaterThan(400);
  });
});
