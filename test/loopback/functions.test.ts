// Functions as values on real sockets: identity, release, bounds, and peers that break the rules.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { HomingError } from 'homing';
import { describe, expect, test } from 'vitest';
import { FrameType, Kind, readU64, writeU32, writeU64 } from '../../src/wire/frame.ts';
import type { Functions } from '../../src/actors/functions.ts';
import type { SessionClient } from '../../src/client/client.ts';
import { Peer } from './peer.ts';
import {
  Gate,
  type LooseClient,
  type LooseSession,
  Tally,
  failureOf,
  loopback,
  nextOf,
  serverDiaryOf,
  until,
} from './world.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

type Work = ((...args: unknown[]) => Promise<unknown>) & Disposable;

/** The tables of a client. */
function tablesOf(client: LooseClient): Functions {
  return (client as unknown as SessionClient).dialler.actor.functions;
}

/** CBOR of `[name, function or stream of this number]`, the name of one letter. */
function passing(name: string, reference: number, tag = 0x46): Uint8Array {
  return Uint8Array.of(0x82, 0x61, name.charCodeAt(0), 0xd9, 0x9c, tag, reference);
}

function applyBody(target: number, item: Uint8Array = Uint8Array.of(0x80)): Uint8Array {
  const body = new Uint8Array(8 + item.length);
  writeU64(body, 0, target);
  body.set(item, 8);
  return body;
}

function releaseBody(target: number, count: number): Uint8Array {
  const body = new Uint8Array(12);
  writeU64(body, 0, target);
  writeU32(body, 8, count);
  return body;
}

const echoing = (session: LooseSession): unknown =>
  session.expose({ echo: (value) => value, apply: (work, ...args) => (work as Work)(...args) });

describe('a function that crosses', () => {
  test('is one stub for one function, and itself again when it comes back, wherever it stands (D30, P5)', async () => {
    const got: unknown[] = [];
    await using world = await loopback((session) => {
      echoing(session);
      session.expose({ keep: (...values) => void got.push(...values) });
    });
    const { client } = await world.pair();
    const work = (): string => 'done';
    await client.call('keep', work, work, [work], { work });
    await client.call('keep', work);
    const [stub, ...others] = got as [Work, Work, Work[], { work: Work }, Work];
    expect([others[0] === stub, others[1][0] === stub, others[3] === stub, typeof stub]).toEqual([
      true,
      true,
      true,
      'function',
    ]);
    // A method has an object, and is another function for it.
    expect(others[2].work === stub).toBe(false);
    expect(await Promise.all([stub(), others[2].work()])).toEqual(['done', 'done']);
    const nested = { list: [work], map: new Map([['work', work]]), set: new Set([work]) };
    const back = (await client.call('echo', nested)) as typeof nested;
    expect([back.list[0] === work, back.map.get('work') === work, back.set.has(work)]).toEqual([true, true, true]);
    const error = (await client.call('echo', new Error('with', { cause: work }))) as Error;
    expect(error.cause).toBe(work);
  });

  test('is called on its object, with results and errors, functions in both, in both directions', async () => {
    await using world = await loopback(echoing);
    const { client, session } = await world.pair();
    client.expose({
      counter: () => ({
        count: 5,
        next(this: { count: number }) {
          return (this.count += 1);
        },
      }),
    });
    const counter = (await session.call('counter')) as { count: number; next: Work };
    expect([await counter.next(), await counter.next(), counter.count]).toEqual([6, 7, 5]);
    const twice = (value: unknown): unknown => [value, () => value];
    const [value, again] = (await client.call('apply', twice, 'v')) as [unknown, Work];
    expect([value, await again()]).toEqual(['v', 'v']);
    const failing = (): never => {
      throw Object.assign(new TypeError('no'), { code: 'E_NO' });
    };
    expect(await failureOf(client.call('apply', failing))).toMatchObject({ code: 'HandlerFailed' });
    expect(await failureOf(client.call('apply', () => Symbol('s')))).toMatchObject({ code: 'HandlerFailed' });
  });

  test('is called in order, past a mailbox that is held, and on after the line was cut', async () => {
    const gate = new Gate();
    let stub: Work | undefined;
    await using world = await loopback((session) => {
      session.on('hold', () => gate.passed);
      session.expose({ keep: (work) => void (stub = work as Work) });
    });
    const { client, session } = await world.pair();
    const heard: unknown[] = [];
    await client.call('keep', (n: unknown) => heard.push(n));
    client.send('hold');
    const calls: Promise<unknown>[] = [];
    for (let n = 0; n < 300; n += 1) {
      if (n % 100 === 50) {
        const up = nextOf(client.connection, 'up');
        client.reconnect();
        await up;
      }
      calls.push(stub?.(n) ?? Promise.resolve());
    }
    expect(await Promise.all(calls)).toEqual(Array.from({ length: 300 }, (_, n) => n + 1));
    expect(heard).toEqual(Array.from({ length: 300 }, (_, n) => n));
    gate.open();
    expect(session.connection.state).toBe('up');
  });

  test('counts among the calls in flight, at both ends', async () => {
    const gate = new Gate();
    await using world = await loopback((session) => session.expose({ give: () => () => gate.passed }));
    const { client } = await world.pair({ limits: { callsInFlight: 2 } });
    const work = (await client.call('give')) as Work;
    const running = [work(), work()];
    expect(await failureOf(work())).toMatchObject({ code: 'TooManyCalls', outcome: 'never-sent' });
    expect(await failureOf(client.call('give'))).toMatchObject({ code: 'TooManyCalls' });
    gate.open();
    await Promise.all(running);
    expect(await work()).toBe(undefined);
  });

  test('with arguments larger than the peer takes is refused, and nothing of it is passed', async () => {
    await using world = await loopback(
      (session) => session.expose({ give: () => (text: unknown) => String(text).length }),
      {
        limits: { messageBytes: 2_000 },
      },
    );
    const { client } = await world.pair();
    const told: unknown[] = [];
    client.connection.on('down', (info) => told.push(info));
    const work = (await client.call('give')) as Work;
    for (let length = 1_975; length < 2_000; length += 1) {
      const outcome = await work('x'.repeat(length), () => {}).catch((error: HomingError) => error.code);
      expect([length, 'MessageTooLarge']).toContain(outcome);
    }
    expect([await work('small'), told]).toEqual([5, []]);
  });
});

describe('a stub that is let go', () => {
  test('says so, and its function is forgotten once every arrival of it is', async () => {
    let seen: Work[] = [];
    await using world = await loopback((session) => {
      session.expose({ keep: (work) => void seen.push(work as Work), stubs: () => seen.length });
    });
    const { client } = await world.pair();
    const functions = tablesOf(client);
    const work = (): string => 'here';
    for (let round = 0; round < 50; round += 1) {
      const passed = client.call('keep', work);
      seen.pop()?.[Symbol.dispose]();
      await passed;
      expect(await seen.at(-1)?.()).toBe('here');
    }
    const last = seen.pop();
    seen = [];
    last?.[Symbol.dispose]();
    last?.[Symbol.dispose]();
    expect(await failureOf(last?.() ?? Promise.resolve())).toMatchObject({ code: 'SessionLost' });
    await until(() => functions.exportCount === 0, 'the function to be forgotten');
  });

  test('by the garbage collector brings both tables back after 20,000 calls with fresh callbacks', async () => {
    await using world = await loopback((session) => session.expose({ use: (work) => void (work as Work)(1) }));
    const { client, session } = await world.pair();
    client.expose({ use: (work) => void (work as Work)(1) });
    const functions = tablesOf(client);
    let heard = 0;
    for (let round = 0; round < 100; round += 1) {
      const calls: Promise<unknown>[] = [];
      for (let count = 0; count < 100; count += 1) {
        calls.push(
          client.call('use', () => void (heard += 1)),
          session.call('use', () => void (heard += 1)),
        );
      }
      await Promise.all(calls);
      if (round % 20 === 19) collectGarbage();
    }
    await until(() => {
      collectGarbage();
      return functions.exportCount === 0 && functions.importCount === 0;
    }, 'empty tables');
    await until(() => heard === 20_000, 'all callbacks');
  });
});

describe('what is not accepted', () => {
  test.each([
    ['cannot cross', (work: unknown) => [work, Symbol('s')], 'NotEncodable'],
    ['is too large', (work: unknown) => [work, 'x'.repeat(2_000_000)], 'MessageTooLarge'],
    ['finds the outbox full', (work: unknown) => [work], 'OutboxFull'],
  ])('because it %s passes nothing', async (_, args, code) => {
    await using world = await loopback();
    const client = world.client({ autoConnect: false, limits: { outboxMessages: 2 } });
    const functions = tablesOf(client);
    client.send('a');
    client.send('b');
    const error = await failureOf((async () => client.send('c', ...args(() => {})))());
    expect([error.code, functions.exportCount]).toEqual([code, 0]);
  });

  test('because its deadline passed in line or in the outbox passes nothing', async () => {
    await using world = await loopback();
    const client = world.client({ autoConnect: false, limits: { outboxMessages: 2 } });
    const functions = tablesOf(client);
    const abort = new AbortController();
    const waits = ['a', 'b', 'c', 'd'].map((name) =>
      failureOf(client.with({ signal: abort.signal }).call(name, () => {})),
    );
    expect(functions.exportCount).toBe(4);
    abort.abort();
    for (const wait of waits) expect(await wait).toMatchObject({ code: 'Aborted', outcome: 'never-sent' });
    expect(functions.exportCount).toBe(0);
  });

  test('because a getter in it sends another message leaves the rest of it whole', async () => {
    const heard: unknown[] = [];
    await using world = await loopback((session) => session.expose({ call: (work) => (work as Work)() }));
    const { client } = await world.pair();
    const nasty = {
      get trap() {
        return failureCodeOf(() => client.send('other', () => {}));
      },
    };
    expect(await client.call('call', () => heard.push('called'), nasty)).toBe(1);
    expect(heard).toEqual(['called']);
  });
});

describe('the bound on functions', () => {
  test('is kept by who passes them', async () => {
    await using world = await loopback((session) => session.expose({ keep: () => {} }));
    const client = world.client({ autoConnect: false, limits: { functions: 3 } });
    const works = [1, 2, 3, 4].map((n) => () => n);
    client.send('keep', works.slice(0, 3));
    client.send('keep', works.slice(0, 3));
    const error = await failureOf((async () => client.send('keep', works))());
    expect(error).toMatchObject({ code: 'NotEncodable' });
    expect(tablesOf(client).exportCount).toBe(3);
  });

  test('is kept by who gets them, who lets go of what it refuses', async () => {
    const kept: unknown[] = [];
    await using world = await loopback((session) => session.expose({ keep: (work) => void kept.push(work) }), {
      limits: { functions: 2 },
    });
    world.server.on('error', () => {});
    const { client } = await world.pair();
    const works = [1, 2, 3, 4].map((n) => () => n);
    await client.call('keep', works[0]);
    await client.call('keep', works[1]);
    expect(await failureOf(client.call('keep', [works[2], works[3], works[0]]))).toMatchObject({
      code: 'HandlerFailed',
    });
    await until(() => tablesOf(client).exportCount === 2, 'the refused ones to be let go');
    expect(await (kept[0] as Work)()).toBe(1);
  });
});

describe('the end of a session', () => {
  test('makes every stub say so, and rejects the calls that run', async () => {
    const gate = new Gate();
    const started = new Tally();
    await using world = await loopback((session) =>
      session.expose({
        give: () => () => {
          started.count();
          return gate.passed;
        },
      }),
    );
    const { client } = await world.pair();
    const work = (await client.call('give')) as Work;
    const running = failureOf(work());
    await started.reached(1);
    await client.close({ drainMs: 0 });
    expect(await running).toMatchObject({ code: 'OutcomeUnknown' });
    expect(await failureOf(work())).toMatchObject({ code: 'SessionLost' });
    work[Symbol.dispose]();
    gate.open();
  });
});

describe('a peer that breaks the rules of functions', () => {
  test.each([
    ['a call of function 0', Kind.APPLY, applyBody(0), 'bad-frame'],
    ['a call without arguments', Kind.APPLY, applyBody(1).slice(0, 8), 'bad-frame'],
    ['a call with no array', Kind.APPLY, applyBody(1, Uint8Array.of(0x01)), 'bad-frame'],
    ['a call with two items', Kind.APPLY, applyBody(1, Uint8Array.of(0x80, 0x80)), 'payload-refused'],
    ['a stop of itself', Kind.STOP, applyBody(1).slice(0, 8), 'bad-frame'],
    ['a stop of no call', Kind.STOP, applyBody(0).slice(0, 8), 'bad-frame'],
    ['a stop that is too long', Kind.STOP, applyBody(1), 'bad-frame'],
    ['a release of function 0', Kind.RELEASE, releaseBody(0, 1), 'bad-frame'],
    ['a release of no arrivals', Kind.RELEASE, releaseBody(1, 0), 'bad-frame'],
    ['a release that is too short', Kind.RELEASE, releaseBody(1, 1).slice(0, 11), 'bad-frame'],
    [
      'an answer that nobody asked for',
      Kind.ANSWER,
      Uint8Array.of(...applyBody(1).slice(0, 8), 0, 0x01),
      'unknown-receipt',
    ],
  ])('with %s loses its connection with a typed code', async (_, kind, body, code) => {
    await using world = await loopback();
    const peer = await Peer.dial(world.port);
    await peer.open();
    peer.payload(FrameType.DIRECT, kind, 1, body);
    expect(await peer.farewell()).toMatchObject({ code });
  });

  test('stops a function that runs through the signal of its turn', async () => {
    const said: string[] = [];
    await using world = await loopback((session) =>
      session.expose({
        w: () => () => {
          const { signal, messageId } = session.turn;
          said.push(messageId.replace(/^\w+/, ''));
          return new Promise((resolve) => signal.addEventListener('abort', resolve));
        },
      }),
    );
    const peer = await Peer.dial(world.port);
    await peer.open();
    peer.event(1, ['w'], Kind.CALL);
    expect((await peer.nextOf(FrameType.DIRECT))?.flags).toBe(Kind.RESULT);
    peer.payload(FrameType.DIRECT, Kind.APPLY, 1, applyBody(1));
    peer.payload(FrameType.DIRECT, Kind.STOP, 2, applyBody(1).slice(0, 8));
    const frame = await peer.nextOf(FrameType.DIRECT);
    expect([frame?.flags, frame?.body[8], said]).toEqual([Kind.ANSWER, 4, ['/1/direct 1']]);
  });

  test('with numbers that nobody gave out gets answers, and is served on', async () => {
    await using world = await loopback((session) => session.expose({ h: () => 'here' }));
    world.server.on('error', () => {});
    const told = serverDiaryOf(world.server);
    const peer = await Peer.dial(world.port);
    await peer.open();
    peer.payload(FrameType.DIRECT, Kind.APPLY, 1, applyBody(7));
    peer.payload(FrameType.DIRECT, Kind.RELEASE, 2, releaseBody(7, 4_000_000_000));
    peer.payload(FrameType.DIRECT, Kind.STOP, 3, applyBody(1).slice(0, 8));
    // One that comes back and never left, one of number 0, a stream that comes back.
    for (const [index, bytes] of [passing('h', 9), passing('h', 0), passing('h', 1), passing('h', 9, 0x47)].entries()) {
      peer.payload(FrameType.ORDERED, Kind.CALL, index + 1, bytes);
    }
    peer.event(5, ['h'], Kind.CALL);
    const answers: unknown[][] = [];
    for (let count = 0; count < 6; count += 1) {
      const frame = await peer.nextOf(FrameType.DIRECT);
      answers.push([frame?.flags, readU64(frame?.body ?? new Uint8Array(8), 0), frame?.body[8]]);
    }
    expect(answers.filter(([kind]) => kind === Kind.ANSWER)).toEqual([[Kind.ANSWER, 1, 2]]);
    expect(answers.filter(([kind]) => kind === Kind.RESULT).map(([, seq, status]) => [seq, status])).toEqual([
      [1, 1],
      [2, 1],
      [3, 1],
      [4, 1],
      [5, 0],
    ]);
    expect(told.map(([name]) => name)).not.toContain('down');
    peer.socket.destroy();
  });

  test('with functions in a call that does not start has them let go', async () => {
    await using world = await loopback();
    const peer = await Peer.dial(world.port);
    await peer.open();
    peer.payload(FrameType.DIRECT, Kind.APPLY, 1, applyBody(7, Uint8Array.of(0x81, 0xd9, 0x9c, 0x46, 0x08)));
    const kinds: unknown[] = [];
    for (let count = 0; count < 2; count += 1) {
      const frame = await peer.nextOf(FrameType.DIRECT);
      kinds.push([frame?.flags, readU64(frame?.body ?? new Uint8Array(8), 0)]);
    }
    expect(kinds).toEqual([
      [Kind.RELEASE, 4],
      [Kind.ANSWER, 1],
    ]);
    peer.socket.destroy();
  });
});

function failureCodeOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return error instanceof HomingError ? error.code : 'other';
  }
  return 'none';
}
