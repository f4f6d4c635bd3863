import { type AddressInfo, type Socket, connect, createServer } from 'node:net';
import { Duplex, PassThrough, duplexPair } from 'node:stream';
import { createClient } from 'homing';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { LineEvents } from '../../../src/actors/ports.ts';
import { streamLine } from '../../../src/transports/stream.ts';
import { existingStream, streamFactory } from '../../../src/transports/stream-dial.ts';
import { Peer } from '../../loopback/peer.ts';
import { Relay } from '../../loopback/relay.ts';
import {
  Gate,
  type Loose,
  Warnings,
  diaryOf,
  failureOf,
  loopback,
  namesOf,
  nextInfo,
  nextOf,
  nextTick,
  thrownBy,
  until,
} from '../../loopback/world.ts';

/** Writes down what a line tells. */
function listener() {
  const told: (readonly [string, unknown?])[] = [];
  const text = new TextDecoder();
  const events: LineEvents = {
    opened: () => void told.push(['opened']),
    received: (chunk) => void told.push(['received', text.decode(chunk)]),
    drained: () => void told.push(['drained']),
    closed: (error) => void told.push(['closed', error?.message]),
  };
  return { told, events };
}

const oddity: unknown = 'no stream today';

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

/** A TCP connection, both ends in this process. */
async function tcpPair(): Promise<{ near: Socket; far: Socket; [Symbol.asyncDispose](): Promise<void> }> {
  const server = createServer({ allowHalfOpen: true });
  const accepted = new Promise<Socket>((resolve) => {
    server.once('connection', resolve);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const near = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', allowHalfOpen: true });
  near.on('error', () => {});
  const far = await accepted;
  far.on('error', () => {});
  return {
    near,
    far,
    async [Symbol.asyncDispose]() {
      near.destroy();
      far.destroy();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
    },
  };
}

describe('a line over a stream', () => {
  test('that has very much hands over 64 KiB a turn, so that others of the thread have theirs', async () => {
    const KIB_64 = 65_536;
    const stream = new PassThrough({ highWaterMark: 20 * KIB_64 });
    for (let chunk = 0; chunk < 16; chunk += 1) stream.write(new Uint8Array(KIB_64));
    let bytes = 0;
    const { events } = listener();
    const line = streamLine(stream, { ...events, received: (chunk) => void (bytes += chunk.length) });
    const turns: number[] = [];
    for (let seen = 0; bytes < 16 * KIB_64; seen = bytes) {
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
      turns.push(bytes - seen);
    }
    expect(Math.max(...turns)).toBe(KIB_64);
    line.destroy();
  });

  test('opens later, carries bytes, and closes once', async () => {
    const [near, far] = duplexPair();
    const { told, events } = listener();
    const line = streamLine(near, events);
    expect(told).toEqual([]);
    await until(() => told.length === 1, 'the line to open');
    far.write('hello');
    await until(() => told.length === 2, 'bytes');
    const back: string[] = [];
    far.on('data', (chunk: Buffer) => void back.push(chunk.toString()));
    expect(line.write([bytesOf('a'), bytesOf('b')])).toBe(true);
    await until(() => back.join('') === 'ab', 'the answer');
    far.end();
    await until(() => told.length === 3, 'the end');
    near.destroy(new Error('late'));
    await nextTick();
    expect(told).toEqual([['opened'], ['received', 'hello'], ['closed', undefined]]);
  });

  test('says when it takes no more, and when there is room again', async () => {
    const [near, far] = duplexPair({ highWaterMark: 10 });
    const { told, events } = listener();
    const line = streamLine(near, events);
    expect(line.write([bytesOf('0123456789'), bytesOf('abc')])).toBe(false);
    far.resume();
    await until(() => told.some(([name]) => name === 'drained'), 'room');
    expect(line.write([bytesOf('0')])).toBe(true);
  });

  test('tells the error of its stream once', async () => {
    const [near] = duplexPair();
    const { told, events } = listener();
    const line = streamLine(near, events);
    near.destroy(new Error('it broke'));
    await until(() => told.length === 1, 'the error');
    line.write([bytesOf('into nothing')]);
    line.destroy();
    line.end();
    await nextTick();
    expect(told).toEqual([['closed', 'it broke']]);
  });

  test('hears nothing after it was given up', async () => {
    const [near, far] = duplexPair();
    const { told, events } = listener();
    const line = streamLine(near, events);
    await until(() => told.length === 1, 'the line to open');
    line.destroy();
    far.write('late');
    far.end();
    await until(() => near.destroyed, 'the stream to be destroyed');
    await nextTick();
    expect(told).toEqual([['opened']]);
  });

  test('never hears bytes inside its own write', async () => {
    const [near, far] = duplexPair();
    let isWriting = false;
    const heard: string[] = [];
    far.on('data', (chunk: Buffer) => void far.write(`echo ${chunk.toString()}`));
    const line = streamLine(near, {
      opened: () => {},
      received: (chunk) => void heard.push(`${isWriting ? 'inside ' : ''}${Buffer.from(chunk).toString()}`),
      drained: () => {},
      closed: () => {},
    });
    for (let round = 1; round <= 5; round += 1) {
      isWriting = true;
      line.write([bytesOf(String(round))]);
      isWriting = false;
      await until(() => heard.join('').includes(`echo ${round}`), 'the echo');
    }
    expect(heard.join('|')).toBe('echo 1|echo 2|echo 3|echo 4|echo 5');
  });

  test('never hears bytes while it hands others over: they come next', async () => {
    const stream = new Duplex({ read: () => {}, write: (_chunk, _encoding, done) => done() });
    const told: string[] = [];
    streamLine(stream, {
      opened: () => {},
      received: (chunk) => {
        const text = Buffer.from(chunk).toString();
        told.push(`${text}(`);
        if (text === 'a') for (const next of ['b', 'c']) stream.push(next);
        told.push(')');
      },
      drained: () => {},
      closed: () => {},
    });
    await nextTick();
    stream.push('a');
    await until(() => told.join('').endsWith('c()'), 'the last');
    expect(told.join('')).toBe('a()b()c()');
  });

  test('reads a stream that was paused when it came, too', async () => {
    const [near, far] = duplexPair();
    near.pause();
    far.write('hello');
    const { told, events } = listener();
    streamLine(near, events);
    await until(() => told.length === 2, 'bytes');
    expect(told).toEqual([['opened'], ['received', 'hello']]);
  });

  test('that is paused in its own write, or in what it hears, hears no more until it goes on', async () => {
    const [near, far] = duplexPair();
    const heard: string[] = [];
    far.on('data', (chunk: Buffer) => void far.write(`echo ${chunk.toString()}`));
    const line = streamLine(near, {
      opened: () => {},
      received: (chunk) => {
        heard.push(Buffer.from(chunk).toString());
        line.pause(true);
      },
      drained: () => {},
      closed: () => {},
    });
    await nextTick();
    line.write([bytesOf('a')]);
    line.pause(true);
    await nextTick();
    await nextTick();
    expect(heard).toEqual([]);
    line.pause(false);
    await until(() => heard.length === 1, 'the echo');
    far.write('x');
    await nextTick();
    far.write('y');
    await nextTick();
    expect(heard.join('|')).toBe('echo a');
    line.pause(false);
    await until(() => heard.join('|').startsWith('echo a|x'), 'the rest');
  });

  test('says with which error its stream was ended, also when that comes with the end', async () => {
    const [near, far] = duplexPair();
    near.on('end', () => near.destroy(new Error('too early')));
    const { told, events } = listener();
    streamLine(near, events);
    far.end();
    await until(() => told.at(-1)?.[0] === 'closed', 'the end');
    expect(told.at(-1)).toEqual(['closed', 'too early']);
  });

  test.each(['destroyed', 'ended', 'failed'])('over a stream that is %s already is closed at once', async (how) => {
    const stream = new PassThrough();
    stream.on('error', () => {});
    if (how === 'destroyed') stream.destroy();
    else if (how === 'failed') stream.destroy(new Error('long ago'));
    else stream.end().resume();
    await until(() => stream.closed, 'the stream to be gone');
    const { told, events } = listener();
    existingStream(stream)(events);
    expect(told).toEqual([]);
    await until(() => told.length === 1, 'the end');
    expect(told).toEqual([['closed', how === 'failed' ? 'long ago' : undefined]]);
  });

  test('takes text for its bytes, and anything else for a broken stream', async () => {
    const stream = new Duplex({ readableObjectMode: true, read() {}, write: (_chunk, _encoding, done) => done() });
    const { told, events } = listener();
    streamLine(stream, events);
    stream.push('grün');
    await until(() => told.length === 2, 'text');
    stream.push({ no: 'bytes' });
    await until(() => told.length === 3, 'the end');
    expect(told).toMatchObject([['opened'], ['received', 'grün'], ['closed', expect.stringContaining('bytes')]]);
    expect(stream.destroyed).toBe(true);
  });

  test('whose peer has ended is not kept for what that peer never reads', async () => {
    await using pair = await tcpPair();
    const { told, events } = listener();
    const line = streamLine(pair.near, events);
    await until(() => told.length === 1, 'the line to open');
    pair.far.pause();
    while (line.write([new Uint8Array(1_048_576)]));
    pair.far.end();
    await until(() => pair.near.destroyed, 'the socket to be gone');
    expect(told.at(-1)).toEqual(['closed', undefined]);
  });

  describe('that says goodbye', () => {
    afterEach(() => void vi.useRealTimers());

    test('sends what is queued, reads no more, and is thrown away after a second', async () => {
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
      const [near, far] = duplexPair({ allowHalfOpen: true });
      const { told, events } = listener();
      const line = streamLine(near, events);
      await until(() => told.length === 1, 'the line to open');
      const got: string[] = [];
      far.on('data', (chunk: Buffer) => void got.push(chunk.toString()));
      line.write([bytesOf('goodbye')]);
      line.end();
      far.write('but wait');
      await until(() => got.join('') === 'goodbye' && far.readableEnded, 'the goodbye');
      expect([near.destroyed, told.length]).toEqual([false, 1]);
      vi.advanceTimersByTime(999);
      expect(near.destroyed).toBe(false);
      vi.advanceTimersByTime(1);
      expect(near.destroyed).toBe(true);
    });

    test('reads on for that moment although it was paused, so that nothing unread resets the connection', async () => {
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
      const [near, far] = duplexPair();
      const { told, events } = listener();
      const line = streamLine(near, events);
      await until(() => told.length === 1, 'the line to open');
      line.pause(true);
      far.write('unread');
      await nextTick();
      line.end();
      far.resume();
      far.end();
      await until(() => near.destroyed, 'the stream to close');
      expect(told).toEqual([['opened']]);
    });

    test('keeps no timer once the peer has closed, too', async () => {
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
      const [near, far] = duplexPair();
      const line = streamLine(near, listener().events);
      line.end();
      far.resume();
      far.end();
      await until(() => near.destroyed, 'the stream to close');
      await nextTick();
      expect(vi.getTimerCount()).toBe(0);
    });
  });
});

describe('a factory of streams', () => {
  test.each([
    [
      'throws',
      () => {
        throw new Error('no stream today');
      },
    ],
    ['rejects', () => Promise.reject(new Error('no stream today'))],
    ['rejects with what is no error', () => Promise.reject<Duplex>(oddity as Error)],
  ])('that %s has failed to dial, later and once', async (_how, fail) => {
    const { told, events } = listener();
    const line = streamFactory(fail)(events);
    expect(told).toEqual([]);
    expect(line.write([bytesOf('x')])).toBe(true);
    await until(() => told.length === 1, 'the failure');
    expect(told).toEqual([['closed', 'no stream today']]);
  });

  test('that gives no stream has failed to dial', async () => {
    const { told, events } = listener();
    streamFactory(() => undefined as unknown as Duplex)(events);
    await until(() => told.length === 1, 'the failure');
    expect(told).toMatchObject([['closed', expect.any(String)]]);
  });

  test('whose line was paused before there was a stream gives one that is read only later', async () => {
    const [near, far] = duplexPair();
    const { told, events } = listener();
    const line = streamFactory(() => nextTick().then(() => near))(events);
    line.pause(true);
    far.write('hello');
    await until(() => told.length === 1, 'the line to open');
    await nextTick();
    await nextTick();
    expect(told).toEqual([['opened']]);
    line.pause(false);
    await until(() => told.length === 2, 'bytes');
    expect(told).toEqual([['opened'], ['received', 'hello']]);
  });

  test('that answers when nobody wants it any more has its stream destroyed', async () => {
    const [near] = duplexPair();
    const gate = new Gate();
    const { told, events } = listener();
    const line = streamFactory(() => gate.passed.then(() => near))(events);
    line.destroy();
    gate.open();
    await until(() => near.destroyed, 'the stream to be destroyed');
    near.emit('error', new Error('late'));
    expect(told).toEqual([]);
  });
});

describe('a client over streams', () => {
  test.each(['no hook', 'a hook', 'an async hook'])(
    'and a server meet over a pair of them, with %s (D15)',
    async (kind) => {
      const hook = kind === 'a hook' ? () => ({ id: 'x' }) : () => nextTick().then(() => ({ id: 'x' }));
      await using world = await loopback({
        ...(kind === 'no hook' ? {} : { authenticate: hook }),
        start: (session) => void session.on('say', (text) => session.send('said', text)),
      });
      const [near, far] = duplexPair();
      world.server.accept(far);
      const { client } = await world.pair({}, near);
      const heard: unknown[] = [];
      client.on('said', (text) => void heard.push(text));
      const big = 'x'.repeat(300_000);
      for (const text of ['a', big, 'b']) client.send('say', text);
      await client.flush();
      await until(() => heard.length === 3, 'the answers');
      expect(heard).toEqual(['a', big, 'b']);
    },
  );

  test('uses a stream once: its end is the end, with counts', async () => {
    await using world = await loopback();
    const [near, far] = duplexPair();
    world.server.accept(far);
    const { client } = await world.pair({}, near);
    const told = diaryOf(client.connection);
    const closed = nextInfo(client.connection, 'closed');
    near.destroy();
    client.send('say', 1);
    const lost = failureOf(client.deliver('say', 2));
    expect(await closed).toEqual({ code: 'stream-ended', reason: '', unconfirmed: 0, carried: 2 });
    expect(await lost).toMatchObject({ code: 'OutcomeUnknown', outcome: 'never-sent' });
    expect(namesOf(told)).toEqual(['up→idle', 'down', 'idle→closed', 'closed']);
    expect(thrownBy(() => client.connect())).toMatchObject({ code: 'Closed' });
  });

  test('cannot be made to use a stream twice', async () => {
    await using world = await loopback();
    const [near, far] = duplexPair();
    world.server.accept(far);
    const { client } = await world.pair({ autoReconnect: true }, near);
    client.autoReconnect = true;
    expect(client.autoReconnect).toBe(false);
    const closed = nextInfo(client.connection, 'closed');
    client.reconnect();
    expect(await closed).toMatchObject({ code: 'stream-ended' });
  });

  test('is told at once that its stream was over before it began', async () => {
    const stream = new PassThrough();
    stream.destroy();
    const client = createClient<Loose>(stream);
    expect(await nextInfo(client.connection, 'closed')).toMatchObject({ code: 'stream-ended' });
  });

  test('asks its factory exactly once a connection, now or later (U10, U41)', async () => {
    await using world = await loopback((session) => void session.on('say', () => {}));
    await using relay = await Relay.to(world.port);
    let count = 0;
    const createConnection = async (): Promise<Socket> => {
      count += 1;
      await nextTick();
      return connect({ port: relay.port, host: '127.0.0.1' });
    };
    const { client } = await world.pair({}, { createConnection });
    await client.deliver('say');
    for (let cut = 0; cut < 3; cut += 1) {
      const back = nextOf(client.connection, 'up');
      relay.cut();
      await back;
    }
    expect([count, relay.taken.value, world.sessions.length]).toEqual([4, 4, 1]);
  });

  test('goes on when its factory fails, in whatever way (N27)', async () => {
    await using world = await loopback();
    let count = 0;
    const createConnection = (): Socket | Promise<Socket> => {
      count += 1;
      if (count === 1) throw new Error('thrown');
      if (count === 2) return Promise.reject(new Error('rejected'));
      if (count === 3) return {} as Socket;
      if (count === 4) return connect({ port: world.port, host: '127.0.0.1' }).destroy();
      if (count === 5) return connect({ path: 'nowhere/at/all.sock' });
      return connect({ port: world.port, host: '127.0.0.1' });
    };
    const client = world.client({}, { createConnection });
    const told = diaryOf(client.connection);
    await client.up();
    const causes = told.filter(([name]) => name === 'reconnect').map(([, info]) => (info as { cause: Error }).cause);
    expect(causes).toMatchObject([
      { message: 'thrown' },
      { message: 'rejected' },
      { message: 'expected createConnection to give a Duplex' },
      {},
      { code: 'ENOENT' },
    ]);
    expect(causes.every((cause) => cause instanceof Error)).toBe(true);
  });

  test('does not wait for ever for its factory', async () => {
    await using world = await loopback();
    let count = 0;
    const createConnection = (): Socket | Promise<Socket> => {
      count += 1;
      return count === 1 ? new Promise(() => {}) : connect({ port: world.port, host: '127.0.0.1' });
    };
    const client = world.client({ handshakeMs: 50 }, { createConnection });
    expect(await nextInfo(client.connection, 'reconnect')).toMatchObject({ cause: { code: 'handshake-timeout' } });
    await client.up();
  });
});

describe('a server over streams', () => {
  test('serves sockets of a server that the user made, and knows their addresses (D16, D18)', async () => {
    const peers: unknown[] = [];
    await using world = await loopback({
      authenticate: (_credentials, peer) => {
        peers.push(peer);
        return { id: 'x' };
      },
    });
    const sockets: Socket[] = [];
    const own = createServer((socket) => {
      sockets.push(socket);
      socket.once('readable', () => world.server.accept(socket));
    });
    await new Promise<void>((resolve) => {
      own.listen(0, '127.0.0.1', resolve);
    });
    const { client } = await world.pair({}, (own.address() as AddressInfo).port);
    expect(peers).toEqual([{ address: '127.0.0.1', port: sockets[0]?.remotePort, certificate: undefined }]);
    await client.close();
    await new Promise<void>((resolve) => {
      own.close(() => resolve());
    });
  });

  test('lives when a stream of the user breaks in any way', async () => {
    using warnings = new Warnings();
    await using world = await loopback();
    const broken = new PassThrough();
    broken.destroy(new Error('broken before'));
    broken.on('error', () => {});
    world.server.accept(broken);
    const silent = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done(new Error('cannot write')) });
    world.server.accept(silent);
    silent.push('no frame at all, but some bytes of text');
    await until(() => world.server.counts.connections === 0, 'no connection');
    expect(world.server.counts).toMatchObject({ handshakes: 0, sessions: 0 });
    expect(warnings.list).toEqual([]);
  });

  test('gives up a client that ends its half and reads nothing', async () => {
    await using world = await loopback((session) => {
      session.on('fill', () => {
        for (let count = 0; count < 12; count += 1) session.send('said', 'x'.repeat(1_000_000));
      });
    });
    const accepted: Socket[] = [];
    const own = createServer((socket) => {
      accepted.push(socket);
      world.server.accept(socket);
    });
    await new Promise<void>((resolve) => {
      own.listen(0, '127.0.0.1', resolve);
    });
    const peer = await Peer.dial((own.address() as AddressInfo).port);
    await peer.open({ windowBytes: 64_000_000 });
    peer.socket.pause();
    peer.event(1, ['fill']);
    await until(() => (accepted[0]?.writableLength ?? 0) > 0, 'bytes that find no room');
    peer.socket.end();
    await until(() => accepted[0]?.destroyed === true, 'the socket to be gone');
    peer.socket.destroy();
    await new Promise<void>((resolve) => {
      own.close(() => resolve());
    });
  });
});
