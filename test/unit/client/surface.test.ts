// What both ends of a session promise to those who call them, over real sockets.
import { getEventListeners } from 'node:events';
import { describe, expect, test } from 'vitest';
import { Relay } from '../../loopback/relay.ts';
import {
  Gate,
  Tally,
  diaryOf,
  failureOf,
  loopback,
  nextAt,
  nextInfo,
  nextOf,
  nextTick,
  thrownBy,
  until,
} from '../../loopback/world.ts';

describe('send', () => {
  test('is false from half the bound and throws at it, exactly; nothing is dropped (U35)', async () => {
    const heard: unknown[] = [];
    await using world = await loopback((session) => void session.on('say', (text) => void heard.push(text)));
    const client = world.client({ autoConnect: false, limits: { outboxMessages: 10 } });
    const answers = Array.from({ length: 10 }, (_each, index) => client.send('say', index));
    expect(answers).toEqual([true, true, true, true, false, false, false, false, false, false]);
    for (let more = 0; more < 5; more += 1) {
      const error = thrownBy(() => client.send('say', 'too many'));
      expect(error).toMatchObject({ code: 'OutboxFull', retry: true });
      expect(error.message).toMatch(/say.*10 messages/);
    }
    client.connect();
    await client.flush();
    expect(heard).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(client.send('say', 'again')).toBe(true);
  });

  test('counts bytes alike; a message alone may be larger than the bound', async () => {
    await using world = await loopback((session) => void session.on('say', () => {}));
    const client = world.client({ autoConnect: false, limits: { outboxBytes: 1_000 } });
    const text = 'x'.repeat(300);
    expect([client.send('say', text), client.send('say', text)]).toEqual([true, false]);
    expect(client.send('say', text)).toBe(false);
    expect(thrownBy(() => client.send('say', text))).toMatchObject({ code: 'OutboxFull' });
    const other = world.client({ autoConnect: false, limits: { outboxBytes: 1_000 } });
    expect(other.send('say', 'x'.repeat(5_000))).toBe(false);
    expect(thrownBy(() => other.send('say', ''))).toMatchObject({ code: 'OutboxFull' });
    for (const each of [client, other]) {
      each.connect();
      await each.flush();
    }
  });

  test('refuses a message over the limit, of this end or of the peer; the connection stays', async () => {
    await using world = await loopback({}, { limits: { messageBytes: 2_000 } });
    const { client, session } = await world.pair({ limits: { messageBytes: 1_000 } });
    const told = diaryOf(client.connection);
    for (const size of [1_000, 1_500, 3_000]) {
      const error = thrownBy(() => client.send('say', 'x'.repeat(size)));
      expect(error).toMatchObject({ code: 'MessageTooLarge', retry: false });
      expect(await failureOf(client.deliver('say', 'x'.repeat(size)))).toMatchObject({ code: 'MessageTooLarge' });
    }
    expect(thrownBy(() => session.send('said', 'x'.repeat(1_500)))).toMatchObject({ code: 'MessageTooLarge' });
    expect(told).toEqual([]);
    await client.flush();
  });

  test('is told later of a message that turns out too large for the peer', async () => {
    await using world = await loopback((session) => void session.on('say', () => {}), {
      limits: { messageBytes: 1_000 },
    });
    const client = world.client();
    const error = nextInfo(client.connection, 'error');
    client.send('say', 'x'.repeat(5_000));
    const delivered = failureOf(client.deliver('say', 'x'.repeat(5_000)));
    client.send('say', 'small');
    expect(await error).toMatchObject({ code: 'MessageTooLarge' });
    expect(await delivered).toMatchObject({ code: 'MessageTooLarge' });
    await client.flush();
    expect(client.connection.state).toBe('up');
  });

  test.each([
    ['a symbol', [Symbol('x')], /\[0\]/],
    ['an instance of a class', { at: new URL('http://x') }, /at/],
    ['a lone surrogate', { text: '\ud800' }, /text/],
    ['a sparse array', { holes: [1, , 3] }, /holes/], // oxlint-disable-line no-sparse-arrays
    ['a typed array other than bytes', { numbers: new Float64Array(1) }, /numbers/],
  ])('refuses %s with its path; the connection stays', async (_what, value, path) => {
    await using world = await loopback((session) => void session.on('say', () => {}));
    const { client } = await world.pair();
    const error = thrownBy(() => client.send('say', value));
    expect(error).toMatchObject({ code: 'NotEncodable', retry: false });
    expect(error.message).toMatch(path);
    expect(await failureOf(client.deliver('say', value))).toMatchObject({ code: 'NotEncodable' });
    await client.deliver('say', 'fine');
  });

  test('refuses a name that is no text', async () => {
    await using world = await loopback();
    const { client } = await world.pair();
    for (const name of [undefined, 5, null, Symbol('x'), {}]) {
      expect(thrownBy(() => client.send(name as never))).toMatchObject({ code: 'BadOption' });
      expect(await failureOf(client.deliver(name as never))).toMatchObject({ code: 'BadOption' });
    }
  });
});

describe('deliver', () => {
  test('resolves when the handler has ended, not when the message has arrived (contract 4)', async () => {
    const gate = new Gate();
    const started = new Gate();
    await using world = await loopback((session) => {
      session.on('say', async () => {
        started.open();
        await gate.passed;
      });
    });
    const { client } = await world.pair();
    let isDelivered = false;
    const delivered = client.deliver('say').then(() => {
      isDelivered = true;
    });
    await started.passed;
    await nextTick();
    expect(isDelivered).toBe(false);
    gate.open();
    await delivered;
  });

  test('rejects with NoHandler when nobody listens; the event counts as processed', async () => {
    await using world = await loopback();
    const { client } = await world.pair();
    const error = await failureOf(client.deliver('nobody'));
    expect(error).toMatchObject({ code: 'NoHandler', retry: false });
    expect(error.message).toContain('nobody');
    await client.flush();
  });

  test('rejects with the error of the handler: name, sentence and code, never its stack', async () => {
    class Overdrawn extends RangeError {
      override name = 'Overdrawn';
      code = 'E_OVERDRAWN';
      detail = 'internal';
    }
    await using world = await loopback((session) => {
      session.on('say', () => {
        throw new Overdrawn('not enough in the account');
      });
    });
    const served = nextAt(world.server, 'error');
    const { client } = await world.pair();
    const error = await failureOf(client.deliver('say'));
    expect(error).toMatchObject({
      code: 'HandlerFailed',
      cause: { name: 'Overdrawn', message: 'not enough in the account', code: 'E_OVERDRAWN' },
    });
    expect(error.cause).not.toHaveProperty('detail');
    expect((error.cause as Error).stack).not.toContain('surface.test.ts');
    expect((await served)[0].cause).toBeInstanceOf(Overdrawn);
  });

  test('waits in line at a full outbox: first come first served, before later sends (contract 2)', async () => {
    const heard: unknown[] = [];
    await using world = await loopback((session) => void session.on('say', (text) => void heard.push(text)));
    const client = world.client({ autoConnect: false, limits: { outboxMessages: 4 } });
    for (const text of [1, 2, 3, 4]) client.send('say', text);
    const delivered = [5, 6, 7].map((text) => client.deliver('say', text));
    expect(thrownBy(() => client.send('say', 'no'))).toMatchObject({ code: 'OutboxFull' });
    const room = client.writable().then(() => client.send('say', 8));
    const flushed = client.flush();
    client.connect();
    await Promise.all([...delivered, flushed, room]);
    await client.flush();
    expect(heard).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  test('that gave up in line leaves its place, and those behind move up', async () => {
    const heard: unknown[] = [];
    await using world = await loopback((session) => void session.on('say', (text) => void heard.push(text)));
    const client = world.client({ autoConnect: false, limits: { outboxMessages: 3 } });
    for (const text of ['a', 'b', 'c']) client.send('say', text);
    const stop = new AbortController();
    const gone = failureOf(client.with({ signal: stop.signal }).deliver('say', 2));
    const late = failureOf(client.with({ timeoutMs: 5 }).deliver('say', 3));
    const stays = client.deliver('say', 4);
    stop.abort();
    expect(await gone).toMatchObject({ code: 'Aborted', outcome: 'never-sent' });
    expect(await late).toMatchObject({ code: 'Deadline', outcome: 'never-sent' });
    client.connect();
    await stays;
    expect(heard).toEqual(['a', 'b', 'c', 4]);
  });

  test('finds the line bounded as well, exactly: nothing in it is dropped', async () => {
    const heard: unknown[] = [];
    await using world = await loopback((session) => void session.on('say', (text) => void heard.push(text)));
    const client = world.client({ autoConnect: false, limits: { outboxMessages: 2_000 } });
    const numbers = Array.from({ length: 12_000 }, (_each, index) => index);
    for (const text of numbers.slice(0, 2_000)) client.send('say', text);
    const delivered = numbers.slice(2_000).map((text) => client.deliver('say', text));
    expect(await failureOf(client.deliver('say', 'too many'))).toMatchObject({ code: 'OutboxFull', retry: true });
    client.connect();
    await Promise.all(delivered);
    expect(heard).toEqual(numbers);
  });

  test('that gave up before its first write is never sent; after it the outcome is unknown', async () => {
    const gate = new Gate();
    const heard: unknown[] = [];
    await using world = await loopback((session) => {
      session.on('say', async (text) => {
        heard.push(text);
        await gate.passed;
      });
    });
    const { client } = await world.pair();
    const stop = new AbortController();
    const written = failureOf(client.with({ signal: stop.signal }).deliver('say', 'written'));
    await until(() => heard.length === 1, 'the message to be written');
    client.disconnect();
    const waiting = failureOf(client.with({ signal: stop.signal }).deliver('say', 'waiting'));
    stop.abort();
    expect(await written).toMatchObject({ code: 'Aborted', outcome: 'unknown' });
    expect(await waiting).toMatchObject({ code: 'Aborted', outcome: 'never-sent' });
    expect(getEventListeners(stop.signal, 'abort')).toEqual([]);
    gate.open();
    client.connect();
    await client.deliver('say', 'after');
    expect(heard).toEqual(['written', 'after']);
  });

  test('is settled once, through any number of cuts', async () => {
    const heard: unknown[] = [];
    await using world = await loopback((session) => {
      session.on('say', async (text) => {
        heard.push(text);
        await nextTick();
        if ((text as number) % 3 === 0) throw new Error(`no ${String(text)}`);
      });
    });
    world.server.on('error', () => {});
    await using relay = await Relay.to(world.port);
    const { client } = await world.pair({}, relay.port);
    const outcomes = Array.from({ length: 60 }, (_each, text) =>
      client.deliver('say', text).then(
        () => 'ok',
        (error: Error & { code: string }) => error.code,
      ),
    );
    for (let cut = 0; cut < 8; cut += 1) {
      const up = nextOf(client.connection, 'up');
      relay.cut();
      await up;
    }
    const expected = Array.from({ length: 60 }, (_each, text) => (text % 3 === 0 ? 'HandlerFailed' : 'ok'));
    expect(await Promise.all(outcomes)).toEqual(expected);
    expect(heard).toEqual(Array.from({ length: 60 }, (_each, text) => text));
  });
});

describe('flush', () => {
  test('resolves when all sent so far are processed, later ones do not matter', async () => {
    const gate = new Gate();
    const heard: unknown[] = [];
    await using world = await loopback((session) => {
      session.on('say', async (text) => {
        if (text === 3) await gate.passed;
        heard.push(text);
      });
    });
    const { client } = await world.pair();
    await client.flush();
    client.send('say', 1);
    client.send('say', 2);
    const flushed = client.flush();
    client.send('say', 3);
    await flushed;
    expect(heard).toEqual([1, 2]);
    gate.open();
    await client.flush();
    expect(heard).toEqual([1, 2, 3]);
  });

  test('covers what waits in line', async () => {
    const heard: unknown[] = [];
    await using world = await loopback((session) => void session.on('say', (text) => void heard.push(text)));
    const client = world.client({ autoConnect: false, limits: { outboxMessages: 1 } });
    client.send('say', 1);
    const delivered = client.deliver('say', 2);
    const flushed = client.flush();
    client.connect();
    await flushed;
    expect(heard).toEqual([1, 2]);
    await delivered;
  });

  test('that has a deadline lets others wait on', async () => {
    const gate = new Gate();
    await using world = await loopback((session) => void session.on('say', () => gate.passed));
    const { client } = await world.pair();
    client.send('say');
    const patient = client.flush();
    expect(await failureOf(client.with({ timeoutMs: 5 }).flush())).toMatchObject({ code: 'Deadline' });
    gate.open();
    await patient;
  });
});

describe('writable', () => {
  test('resolves at once below half, and when there is room again otherwise', async () => {
    await using world = await loopback((session) => void session.on('say', () => {}));
    const client = world.client({ autoConnect: false, limits: { outboxMessages: 4 } });
    await client.writable();
    client.send('say');
    expect(client.send('say')).toBe(false);
    let isWritable = false;
    const writable = client.writable().then(() => {
      isWritable = true;
    });
    await nextTick();
    expect(isWritable).toBe(false);
    client.connect();
    await writable;
    expect(client.send('say')).toBe(true);
  });

  test('that gave up is forgotten, others wait on', async () => {
    await using world = await loopback((session) => void session.on('say', () => {}));
    const client = world.client({ autoConnect: false, limits: { outboxMessages: 1 } });
    client.send('say');
    const stop = new AbortController();
    const patient = client.writable();
    const aborted = failureOf(client.with({ signal: stop.signal }).writable());
    stop.abort();
    expect(await aborted).toMatchObject({ code: 'Aborted' });
    expect(await failureOf(client.with({ timeoutMs: 0 }).writable())).toMatchObject({ code: 'Deadline' });
    client.connect();
    await patient;
  });
});

describe('with', () => {
  test.each(['deliver', 'flush', 'writable'] as const)('an aborted signal rejects %s at once', async (what) => {
    await using world = await loopback((session) => void session.on('say', () => {}));
    const { client } = await world.pair();
    const limited = client.with({ signal: AbortSignal.abort('too late') });
    const error = await failureOf(what === 'deliver' ? limited.deliver('say') : limited[what]());
    expect(error).toMatchObject({ code: 'Aborted', outcome: 'never-sent', cause: 'too late' });
  });

  test.each([-1, Number.NaN])('refuses a deadline of %d', async (timeoutMs) => {
    await using world = await loopback();
    const { client } = await world.pair();
    const limited = client.with({ timeoutMs });
    for (const wait of [limited.deliver('say'), limited.flush(), limited.writable()]) {
      expect(await failureOf(wait)).toMatchObject({ code: 'BadOption' });
    }
  });

  test('takes a month for a month', async () => {
    await using world = await loopback((session) => void session.on('say', () => nextTick()));
    const { client } = await world.pair();
    await client.with({ timeoutMs: 31 * 24 * 3_600_000 }).deliver('say');
    await client.with({ timeoutMs: Infinity }).deliver('say');
  });

  test('can be kept and used again', async () => {
    const count = new Tally();
    await using world = await loopback((session) => void session.on('say', () => count.count()));
    const { client } = await world.pair();
    const limited = client.with({ timeoutMs: 10_000 });
    await limited.deliver('say');
    await limited.deliver('say');
    await limited.flush();
    expect(count.value).toBe(2);
  });
});

describe('on and once', () => {
  test('a handler may be removed, by hand or by a signal, also while it runs', async () => {
    await using world = await loopback();
    const { client, session } = await world.pair();
    const heard: unknown[] = [];
    const stop = new AbortController();
    const remove = client.on('said', (text) => void heard.push(`a ${String(text)}`));
    client.on('said', (text) => void heard.push(`b ${String(text)}`), { signal: stop.signal });
    client.on('said', (text) => void heard.push(`never ${String(text)}`), { signal: AbortSignal.abort() });
    await session.deliver('said', 1);
    remove();
    remove();
    await session.deliver('said', 2);
    stop.abort();
    expect(await failureOf(session.deliver('said', 3))).toMatchObject({ code: 'NoHandler' });
    expect(heard).toEqual(['a 1', 'b 1', 'b 2']);
    expect(getEventListeners(stop.signal, 'abort')).toEqual([]);
  });

  test('a signal is let go when the session has ended', async () => {
    await using world = await loopback();
    const stop = new AbortController();
    const { client, session } = await world.pair();
    client.on('said', () => {}, { signal: stop.signal });
    session.on('say', () => {}, { signal: stop.signal });
    expect(getEventListeners(stop.signal, 'abort')).toHaveLength(2);
    const end = nextAt(world.server, 'end');
    await client.close();
    await end;
    expect(getEventListeners(stop.signal, 'abort')).toEqual([]);
    client.on('said', () => {}, { signal: stop.signal });
    expect(getEventListeners(stop.signal, 'abort')).toEqual([]);
  });

  test('once handles the next message only, also of several in one batch', async () => {
    await using world = await loopback();
    const { client, session } = await world.pair();
    const heard: unknown[] = [];
    client.once('said', (text) => void heard.push(text));
    const never = client.once('said', (text) => void heard.push(`never ${String(text)}`));
    never();
    for (const text of [1, 2, 3]) session.send('said', text);
    await session.flush();
    expect(heard).toEqual([1]);
  });

  test('refuse what is no function', async () => {
    await using world = await loopback();
    const client = world.client();
    for (const handler of [undefined, null, 'x', {}]) {
      expect(thrownBy(() => client.on('said', handler as never))).toMatchObject({ code: 'BadOption' });
      expect(thrownBy(() => client.once('said', handler as never))).toMatchObject({ code: 'BadOption' });
      expect(thrownBy(() => client.connection.on('up', handler as never))).toMatchObject({ code: 'BadOption' });
    }
  });
});

describe('turn', () => {
  test('names message, attempt, epoch and signal, up to the first await', async () => {
    const turns: unknown[] = [];
    await using world = await loopback((session) => {
      session.on('say', async () => {
        turns.push({ ...session.turn, signal: session.turn.signal.aborted });
        await nextTick();
        turns.push(thrownBy(() => session.turn).code);
      });
    });
    const { client, session } = await world.pair();
    await client.deliver('say');
    await client.deliver('say');
    expect(turns).toEqual([
      { messageId: `${session.id}/1/1`, attempt: 1, epoch: 1, from: undefined, signal: false },
      'NoTurn',
      { messageId: `${session.id}/1/2`, attempt: 1, epoch: 1, from: undefined, signal: false },
      'NoTurn',
    ]);
    expect(thrownBy(() => client.turn)).toMatchObject({ code: 'NoTurn' });
  });

  test('is that of its own end when two ends in one process call each other', async () => {
    await using world = await loopback();
    const { client, session } = await world.pair();
    const ids: string[] = [];
    session.on('say', () => {
      ids.push(session.turn.messageId);
      expect(thrownBy(() => client.turn).code).toBe('NoTurn');
      return session.deliver('said');
    });
    client.on('said', () => {
      ids.push(client.turn.messageId);
      expect(thrownBy(() => session.turn).code).toBe('NoTurn');
    });
    await client.deliver('say');
    expect(ids).toEqual([`${session.id}/1/1`, `${session.id}/1/1`]);
  });
});
