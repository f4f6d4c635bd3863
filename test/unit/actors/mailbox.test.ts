import { describe, expect, test } from 'vitest';
import { describeError, isThenable, remoteError } from '../../../src/actors/describe.ts';
import { encodeNumber } from '../../../src/wire/control.ts';
import { FrameType } from '../../../src/wire/frame.ts';
import { Peer } from '../../loopback/peer.ts';
import { Relay } from '../../loopback/relay.ts';
import {
  Gate,
  Tally,
  Warnings,
  failureOf,
  loopback,
  nextOf,
  nextTick,
  serverDiaryOf,
  until,
} from '../../loopback/world.ts';

describe('turns', () => {
  test('come one after another: the next begins when the one before has ended', async () => {
    const log: string[] = [];
    await using world = await loopback((session) => {
      session.on('slow', async (text) => {
        log.push(`slow ${String(text)}`);
        await nextTick();
        await nextTick();
        log.push(`slow ${String(text)} ended`);
      });
      session.on('quick', (text) => void log.push(`quick ${String(text)}`));
    });
    const { client } = await world.pair();
    client.send('slow', 1);
    client.send('quick', 2);
    client.send('slow', 3);
    client.send('quick', 4);
    await client.flush();
    expect(log).toEqual(['slow 1', 'slow 1 ended', 'quick 2', 'slow 3', 'slow 3 ended', 'quick 4']);
  });

  test('run several handlers in the order they were attached, each to its end', async () => {
    const log: string[] = [];
    await using world = await loopback((session) => {
      session.on('say', async () => {
        log.push('a');
        await nextTick();
        log.push('a ended');
      });
      session.on('say', () => void log.push('b'));
      session.on('say', () => Promise.resolve().then(() => log.push('c ended')));
    });
    const { client } = await world.pair();
    await client.deliver('say');
    await client.deliver('say');
    const once = ['a', 'a ended', 'b', 'c ended'];
    expect(log).toEqual([...once, ...once]);
  });

  test('go on after a throw in one of several handlers; the first error counts', async () => {
    const log: string[] = [];
    await using world = await loopback((session) => {
      session.on('say', () => void log.push('a'));
      session.on('say', () => Promise.reject(new Error('first')));
      session.on('say', () => {
        throw new Error('second');
      });
      session.on('say', () => void log.push('b'));
    });
    const told = serverDiaryOf(world.server);
    const { client } = await world.pair();
    const error = await failureOf(client.deliver('say'));
    expect(error).toMatchObject({ code: 'HandlerFailed', cause: { message: 'first' } });
    expect(log).toEqual(['a', 'b']);
    expect(told.filter(([name]) => name === 'error')).toHaveLength(1);
  });

  test('of a handler attached in the turn begin with the next message', async () => {
    const log: string[] = [];
    await using world = await loopback((session) => {
      session.on('say', (text) => {
        log.push(`first ${String(text)}`);
        if (text === 1) session.on('say', (later) => void log.push(`second ${String(later)}`));
      });
    });
    const { client } = await world.pair();
    client.send('say', 1);
    client.send('say', 2);
    await client.flush();
    expect(log).toEqual(['first 1', 'first 2', 'second 2']);
  });

  test('run on across connections, and what was received never starts twice (contract 3)', async () => {
    const gate = new Gate();
    const started = new Tally();
    const log: unknown[] = [];
    await using world = await loopback((session) => {
      session.on('say', async (text) => {
        started.count();
        if (text === 1) await gate.passed;
        log.push(text);
      });
    });
    await using relay = await Relay.to(world.port);
    const { client } = await world.pair({}, relay.port);
    for (const text of [1, 2, 3]) client.send('say', text);
    await started.reached(1);
    for (let cut = 0; cut < 3; cut += 1) {
      const up = nextOf(client.connection, 'up');
      relay.cut();
      await up;
    }
    expect(log).toEqual([]);
    gate.open();
    await client.flush();
    expect(log).toEqual([1, 2, 3]);
    expect(started.value).toBe(3);
  });

  test('with several handlers do not pile up on the stack, however many messages waited', async () => {
    const gate = new Gate();
    let count = 0;
    await using world = await loopback(
      async (session) => {
        await gate.passed;
        session.on('say', () => {
          count += 1;
        });
        session.on('say', () => {});
      },
      { limits: { mailboxMessages: 30_000, mailboxBytes: 16_777_216 } },
    );
    const peer = await Peer.dial(world.port);
    await peer.open();
    for (let seq = 1; seq <= 30_000; seq += 1) peer.event(seq, ['say', seq]);
    peer.control(FrameType.PING, encodeNumber(1));
    await peer.nextOf(FrameType.PONG);
    expect(count).toBe(0);
    gate.open();
    await until(() => count === 30_000, 'all messages to be handled');
    peer.socket.destroy();
  });

  test('may send, deliver, flush and wait for room', async () => {
    await using world = await loopback((session) => {
      session.on('ask', async () => {
        session.send('said', 1);
        await session.deliver('said', 2);
        await session.flush();
        await session.writable();
        return session.deliver('said', 3);
      });
    });
    const { client } = await world.pair();
    const heard: unknown[] = [];
    client.on('said', (text) => void heard.push(text));
    await client.deliver('ask');
    expect(heard).toEqual([1, 2, 3]);
  });
});

describe('a handler that throws', () => {
  test.each([
    [
      'throws',
      () => {
        throw new Error('on purpose');
      },
    ],
    ['rejects', () => Promise.reject(new Error('on purpose'))],
    [
      'rejects later',
      async () => {
        await nextTick();
        throw new Error('on purpose');
      },
    ],
  ])('settles its message: reported once with its id, never run again (%s) (U34, E32, N28)', async (_how, fail) => {
    const started = new Tally();
    const heard: unknown[] = [];
    await using world = await loopback((session) => {
      session.on('say', (text) => {
        started.count();
        if (text === 2) return fail();
        heard.push(text);
        return undefined;
      });
    });
    await using relay = await Relay.to(world.port);
    const told = serverDiaryOf(world.server);
    const { client, session } = await world.pair({}, relay.port);
    for (const text of [1, 2, 3]) client.send('say', text);
    await client.flush();
    const up = nextOf(client.connection, 'up');
    relay.cut();
    await up;
    await client.deliver('say', 4);
    expect([started.value, heard]).toEqual([4, [1, 3, 4]]);
    const messageId = `${session.id}/1/2`;
    expect(told.filter(([name]) => name === 'error')).toMatchObject([
      [
        'error',
        { code: 'HandlerFailed', messageId, cause: { message: 'on purpose' } },
        { messageId, session: { id: session.id } },
      ],
    ]);
    expect(told.filter(([name]) => name === 'end')).toEqual([]);
  });

  test.each([
    ['undefined', undefined],
    ['null', null],
    ['text', 'just text'],
    ['a symbol', Symbol('s')],
    ['an object without prototype', Object.create(null)],
    ['an object that cannot become text', { toString: 5, valueOf: 5 }],
    ['an error whose message cannot be read', Object.defineProperty(new Error('x'), 'message', { get: () => fail() })],
    ['a proxy', new Proxy({}, { get: () => fail(), has: () => fail(), getPrototypeOf: () => fail() })],
    ['an error with a lone surrogate', new Error('\ud800')],
    ['an error with a megabyte of text', new Error('x'.repeat(1_000_000))],
  ])('may throw %s: the process lives, the message is settled', async (_what, thrown) => {
    using warnings = new Warnings();
    await using world = await loopback((session) => {
      session.on('say', () => {
        throw thrown;
      });
      session.on('fine', () => {});
    });
    const { client } = await world.pair();
    const error = await failureOf(client.deliver('say'));
    expect(error).toMatchObject({ code: 'HandlerFailed' });
    expect(error.message.length).toBeLessThan(1_200);
    await client.deliver('fine');
    await until(() => warnings.list.length === 1, 'a warning, because nobody listens');
    expect(warnings.list[0]).toMatchObject({ code: 'HandlerFailed' });
  });

  test('tells the client in its connection when it is a handler of the client', async () => {
    await using world = await loopback();
    const { client, session } = await world.pair();
    client.on('said', () => {
      throw new Error('in the client');
    });
    const [error] = (await Promise.all([nextOf(client.connection, 'error'), failureOf(session.deliver('said'))]))[0];
    expect(error).toMatchObject({ code: 'HandlerFailed', messageId: `${session.id}/1/1` });
  });
});

describe('a handler that answers later', () => {
  test.each([
    ['twice', { then: (ok: () => void) => (ok(), ok()) }],
    ['with both', { then: (ok: () => void, failed: (error: Error) => void) => (ok(), failed(new Error('no'))) }],
    [
      'with a throw after its answer',
      {
        then: (ok: () => void) => {
          ok();
          throw new Error('no');
        },
      },
    ],
  ])('%s has answered once', async (_how, answer) => {
    const heard: unknown[] = [];
    await using world = await loopback((session) => {
      session.on('odd', () => answer);
      session.on('say', (text) => void heard.push(text));
    });
    const told = serverDiaryOf(world.server);
    const { client } = await world.pair();
    for (let count = 0; count < 5; count += 1) {
      client.send('odd');
      client.send('say', count);
    }
    await client.deliver('odd');
    await client.flush();
    expect(heard).toEqual([0, 1, 2, 3, 4]);
    expect(told.filter(([name]) => name === 'error' || name === 'down')).toEqual([]);
  });

  test('never settles holds its session, and no other', async () => {
    await using world = await loopback((session) => {
      session.on('never', () => new Promise(() => {}));
      session.on('say', () => {});
    });
    const first = await world.pair();
    first.client.send('never');
    const waiting = failureOf(first.client.with({ timeoutMs: 30 }).deliver('say'));
    const second = await world.pair();
    await second.client.deliver('say');
    expect(await waiting).toMatchObject({ code: 'Deadline', outcome: 'unknown' });
  });
});

describe('what may be told of an error', () => {
  test('is name, sentence and code, as texts within a bound', () => {
    const error = Object.assign(new TypeError('x'.repeat(2_000)), { code: 'E_X', secret: 's' });
    expect(describeError(error)).toEqual({ name: 'TypeError', message: 'x'.repeat(1_024), code: 'E_X' });
    expect(describeError(Object.assign(new Error('m'), { code: 5 }))).toEqual({
      name: 'Error',
      message: 'm',
      code: undefined,
    });
    expect(describeError('text')).toEqual({ name: 'Error', message: 'text', code: undefined });
    expect(describeError(Object.create(null)).message).toBe('an error that cannot be read');
  });

  test('and what a peer tells instead is left out', () => {
    expect(remoteError('say', ['RangeError', 'too far', 'E_FAR'])).toMatchObject({
      message: "the peer's handler of say threw: too far",
      cause: { name: 'RangeError', message: 'too far', code: 'E_FAR' },
    });
    for (const nonsense of [undefined, 5, [], [1, 2, 3], [{ toString: 1 }, new Map(), []]]) {
      expect(remoteError('say', nonsense).message).toContain('cannot be read');
    }
  });

  test('a thenable is an object with a function then', () => {
    expect([isThenable(Promise.resolve()), isThenable({ then() {} })]).toEqual([true, true]);
    expect([isThenable({ then: 1 }), isThenable(null), isThenable(undefined), isThenable('x')]).toEqual([
      false,
      false,
      false,
      false,
    ]);
  });
});

function fail(): never {
  throw new Error('do not look');
}
