// A client against servers made by hand, which say what a good one never would.
import { connect } from 'node:net';
import { crc32 } from 'node:zlib';
import { createClient } from 'homing';
import { describe, expect, test } from 'vitest';
import { sessionId } from '../../../src/ids.ts';
import { encodeGoAway, encodeNumber, encodeWelcome, readAck } from '../../../src/wire/control.ts';
import { FrameType, Kind, frameOf, readU64 } from '../../../src/wire/frame.ts';
import { type Peer, PeerServer, proofOf, usualTerms } from '../../loopback/peer.ts';
import {
  type Loose,
  type LooseClient,
  Warnings,
  diaryOf,
  failureOf,
  loopback,
  namesOf,
  nextInfo,
  nextOf,
  nextTick,
  until,
} from '../../loopback/world.ts';

const known = { id: 's-1', secret: new Uint8Array(32).fill(7), epoch: 1 };
const later = { id: 's-2', secret: new Uint8Array(32).fill(8), epoch: 2 };

/** A client that was welcomed once by a server made by hand. */
async function scene(options: Parameters<typeof createClient<Loose>>[1] = {}) {
  const server = await PeerServer.open();
  const client = createClient<Loose>(server.port, { backoff: { firstMs: 1, baseMs: 2, maxMs: 4 }, ...options });
  const peer = await server.next();
  await peer.greeting();
  peer.welcomeNew(known);
  await client.up();
  return {
    server,
    client,
    peer,
    async [Symbol.asyncDispose]() {
      await client.close({ drainMs: 0 });
      await server[Symbol.asyncDispose]();
    },
  };
}

/** Breaks the line and gives the next connection, its HELLO read. */
async function next(server: PeerServer, peer: Peer) {
  peer.socket.destroy();
  const second = await server.next();
  return { second, ...(await second.greeting()) };
}

describe('a client says HELLO', () => {
  test('with a claim, a proof, its positions and a dial number that rises', async () => {
    await using each = await scene();
    const { client, server, peer } = each;
    client.on('said', () => {});
    client.send('say', 1);
    await peer.nextOf(FrameType.ORDERED);
    peer.event(1, ['said', 1]);
    await peer.nextOf(FrameType.ACK);
    await nextTick();
    const { hello, body } = await next(server, peer);
    expect(hello.claim).toMatchObject({ mode: 'resume', id: 's-1', epoch: 1, orderedReceived: 1, directReceived: 0 });
    expect(hello.dialNumber).toBe(2);
    expect(hello.mac).toEqual(proofOf(known.secret, body.subarray(0, body.length - 32)));
    expect(Buffer.from(body).includes(Buffer.from(known.secret))).toBe(false);
  });

  test('once for each connection, whatever becomes of it', async () => {
    await using server = await PeerServer.open();
    const client = createClient<Loose>(server.port, { backoff: { firstMs: 1, baseMs: 1, maxMs: 1 } });
    const numbers: number[] = [];
    for (let dial = 0; dial < 4; dial += 1) {
      const peer = await server.next();
      const { hello } = await peer.greeting();
      numbers.push(hello.dialNumber);
      expect(hello.claim).toBeUndefined();
      peer.socket.destroy();
    }
    expect(numbers).toEqual([1, 2, 3, 4]);
    await client.close();
  });
});

describe('a client does not believe', () => {
  test.each<[string, string, (peer: Peer, body: Uint8Array) => void]>([
    ['a resume with a bad proof', 'welcome-unproven', (peer, body) => peer.welcomeBack(later.secret, body)],
    [
      'a resume that was proven for another HELLO',
      'welcome-unproven',
      (peer, body) => peer.welcomeBack(known.secret, body.slice(0, -1)),
    ],
    ['positions beyond what it sent', 'history-lost', (peer, body) => peer.welcomeBack(known.secret, body, [9, 9, 0])],
    ['a new session with the old epoch', 'bad-frame', (peer) => peer.welcomeNew({ ...later, epoch: 1 })],
    ['a final cursor without its proof', 'welcome-unproven', (peer) => peer.welcomeNew(later, { finalCursor: 5 })],
    ['half a WELCOME', 'bad-frame', (peer) => peer.control(FrameType.WELCOME, new Uint8Array([1, 2]))],
    ['half a REFUSED', 'bad-frame', (peer) => peer.control(FrameType.REFUSED, new Uint8Array([1]))],
    ['half a CLOSE', 'bad-frame', (peer) => peer.write(frameOf(FrameType.CLOSE, new Uint8Array([1]), crc32))],
    ['an event before WELCOME', 'unexpected-frame', (peer) => peer.event(1, ['said', 'too early'])],
    [
      'bytes of another protocol',
      'unexpected-frame',
      (peer) => peer.write(new TextEncoder().encode('HTTP/1.1 400 Bad')),
    ],
  ])('%s: %s, and it tries again', async (_what, code, answer) => {
    await using each = await scene();
    const { client, server, peer } = each;
    const heard: unknown[] = [];
    client.on('said', (text) => void heard.push(text));
    const told = diaryOf(client.connection);
    const { second, body } = await next(server, peer);
    answer(second, body);
    expect(await second.farewell()).toMatchObject({ code });
    const third = await server.next();
    const { hello, body: again } = await third.greeting();
    expect(hello.claim).toMatchObject({ id: 's-1', mode: code === 'history-lost' ? 'renew' : 'resume' });
    if (code === 'history-lost') third.welcomeNew(later, { loss: 'history-lost' });
    else third.welcomeBack(known.secret, again);
    await client.up();
    const causes = told
      .filter(([name]) => name === 'reconnect')
      .map(([, info]) => (info as { cause: { code: string } }).cause);
    expect(causes.at(-1)).toMatchObject({ code });
    expect(heard).toEqual([]);
    expect(told.filter(([name]) => name === 'gap')).toHaveLength(code === 'history-lost' ? 1 : 0);
  });

  test('a WELCOME before its HELLO is out, not even one that was good for the last connection', async () => {
    let ask: (value: string) => void = () => {};
    let count = 0;
    await using each = await scene({
      credentials: () => {
        count += 1;
        if (count === 1) return 'at once';
        return new Promise((resolve) => {
          ask = resolve;
        });
      },
    });
    const { client, server, peer } = each;
    peer.socket.destroy();
    const second = await server.next();
    await until(() => count === 2, 'the question');
    ask('answered');
    const { body } = await second.greeting();
    second.welcomeBack(known.secret, body);
    await client.up();
    const replay = body;
    second.socket.destroy();
    const third = await server.next();
    await until(() => count === 3, 'the question');
    third.welcomeBack(known.secret, replay);
    expect(await third.farewell()).toMatchObject({ code: 'unexpected-frame' });
    expect(client.connection.state).not.toBe('up');
  });

  test('a server that is silent: it tries again after the handshake time', async () => {
    await using server = await PeerServer.open();
    const client = createClient<Loose>(server.port, { handshakeMs: 40, backoff: { firstMs: 1 } });
    const peer = await server.next();
    await peer.greeting();
    const redial = await nextInfo<{ cause: { code: string } }>(client.connection, 'reconnect');
    expect(redial.cause.code).toBe('handshake-timeout');
    await peer.closed;
    const second = await server.next();
    await second.greeting();
    second.welcomeNew(known);
    await client.up();
    await client.close({ drainMs: 0 });
  });

  test('a second WELCOME', async () => {
    await using each = await scene();
    const down = nextInfo(each.client.connection, 'down');
    each.peer.control(FrameType.WELCOME, new Uint8Array(4));
    expect(await down).toMatchObject({ code: expect.any(String) });
    const back = await each.server.next();
    const { body } = await back.greeting();
    back.welcomeBack(known.secret, body);
    await each.client.up();
  });
});

describe('a client counts', () => {
  test('what a proven final cursor says was processed as confirmed', async () => {
    await using each = await scene();
    const { client, server, peer } = each;
    const delivered = client.deliver('say', 1).catch((error: Error & { code: string }) => error.code);
    for (const text of [2, 3]) client.send('say', text);
    for (let seq = 1; seq <= 3; seq += 1) await peer.nextOf(FrameType.ORDERED);
    const gap = nextInfo(client.connection, 'gap');
    const { second, body } = await next(server, peer);
    client.send('say', 4);
    const session = {
      type: 'new' as const,
      id: sessionId('s-2'),
      secret: later.secret,
      epoch: 2,
      finalCursor: 2,
      loss: 'expired' as const,
    };
    const words = { ...usualTerms, version: 1, directPort: 0, session };
    second.control(
      FrameType.WELCOME,
      encodeWelcome(words, (unsigned) => proofOf(known.secret, body, unsigned)),
    );
    expect(await gap).toMatchObject({ reason: 'expired', oldId: 's-1', epoch: 2, unconfirmed: 1, carried: 1 });
    expect(await delivered).toBe('OutcomeUnknown');
    await client.up();
    const carried = await second.nextOf(FrameType.ORDERED);
    expect([carried?.seq, Buffer.from(carried?.body ?? []).includes(4)]).toEqual([1, true]);
    expect([client.id, client.epoch]).toEqual(['s-2', 2]);
  });

  test('everything as unconfirmed when the final cursor of a refusal has no proof', async () => {
    await using each = await scene();
    const { client, server, peer } = each;
    client.send('say', 1);
    await peer.nextOf(FrameType.ORDERED);
    const closed = nextInfo(client.connection, 'closed');
    const { second } = await next(server, peer);
    second.refuse('ended', 'so it says');
    expect(await closed).toEqual({ code: 'ended', reason: 'so it says', unconfirmed: 1, carried: 0 });
  });
});

describe('what was received in an epoch that is gone', () => {
  test('is handled first and in order, is not answered, and keeps its room until it settles (contract 6)', async () => {
    await using each = await scene({ limits: { mailboxMessages: 10 } });
    const { client, server, peer } = each;
    const gate = Promise.withResolvers<void>();
    const heard: unknown[] = [];
    client.on('said', async (text) => {
      heard.push(text);
      await gate.promise;
    });
    peer.event(1, ['said', 'old 1'], Kind.DELIVER);
    peer.event(2, ['said', 'old 2'], Kind.DELIVER);
    peer.event(3, ['said', 'old 3']);
    await until(() => heard.length === 1, 'the first handler');
    const { second, hello } = await next(server, peer);
    expect(hello.claim).toMatchObject({ orderedReceived: 3, cursor: 0 });
    second.welcomeNew(later, { loss: 'history-lost' });
    const ack = await second.nextOf(FrameType.ACK);
    const granted = { orderedReceived: 0, cursor: 0, directReceived: 0, windowMessages: 0, windowBytes: 0 };
    readAck(ack?.body ?? new Uint8Array(32), 0, granted);
    expect(granted).toMatchObject({ orderedReceived: 0, cursor: 0, windowMessages: 7 });
    second.event(1, ['said', 'new 1'], Kind.DELIVER);
    await client.up();
    expect(heard).toEqual(['old 1']);
    gate.resolve();
    const receipt = await second.nextOf(FrameType.DIRECT);
    expect(heard).toEqual(['old 1', 'old 2', 'old 3', 'new 1']);
    expect([receipt?.seq, readU64(receipt?.body ?? new Uint8Array(8), 0)]).toEqual([1, 1]);
    expect(second.frames.filter(({ type }) => type === FrameType.DIRECT)).toHaveLength(1);
  });
});

describe('a client tells apart', () => {
  test.each([
    ['going-away', true],
    ['overloaded', true],
    ['try-later', true],
    ['ended', false],
    ['refused', false],
    ['version-unsupported', false],
    ['proof-failed', false],
    ['replaced', false],
  ] as const)('REFUSED %s: it comes back: %s', async (code, comesBack) => {
    await using each = await scene();
    const { client, server, peer } = each;
    const told = diaryOf(client.connection);
    const { second } = await next(server, peer);
    const waiting = failureOf(client.flush().then(() => client.deliver('say')));
    second.refuse(code, 'because');
    await nextOf(client.connection, comesBack ? 'reconnect' : 'closed');
    expect(told.filter(([name]) => name === 'refused')).toMatchObject([['refused', { code, reason: 'because' }]]);
    expect(namesOf(told).includes('closed')).toBe(!comesBack);
    if (comesBack) await client.close({ drainMs: 0 });
    expect(await waiting).toMatchObject({ code: 'OutcomeUnknown' });
  });
});

describe('a client that is told GOAWAY', () => {
  test('writes nothing new, answers when it is done, and comes back with all of it', async () => {
    await using each = await scene();
    const { client, server, peer } = each;
    client.send('say', 'written before');
    await peer.nextOf(FrameType.ORDERED);
    peer.control(FrameType.GOAWAY, encodeGoAway({ retryAfterMs: 0, reason: 'maintenance' }));
    peer.control(FrameType.PING, encodeNumber(1));
    await peer.nextOf(FrameType.PONG);
    client.send('say', 'accepted after');
    peer.ack(1);
    expect(await peer.nextOf(FrameType.GOAWAY)).toBeDefined();
    expect(peer.frames.filter(({ type }) => type === FrameType.ORDERED)).toHaveLength(1);
    peer.close('going-away', 'done', 1);
    const second = await server.next();
    const { body } = await second.greeting();
    second.welcomeBack(known.secret, body, [1, 1, 0]);
    expect(await second.nextOf(FrameType.ORDERED)).toMatchObject({ seq: 2 });
  });
});

test('a client lives through a server that drops it in any state', async () => {
  using warnings = new Warnings();
  await using world = await loopback();
  await using server = await PeerServer.open();
  let where = server.port;
  const client: LooseClient = world.client({}, { createConnection: () => connect(where, '127.0.0.1') });
  (await server.next()).socket.destroy();
  const greeted = await server.next();
  await greeted.greeting();
  greeted.socket.destroy();
  const reset = await server.next();
  await reset.greeting();
  reset.socket.resetAndDestroy();
  const welcomed = await server.next();
  await welcomed.greeting();
  welcomed.welcomeNew(known);
  welcomed.socket.end();
  await nextOf(client.connection, 'down');
  where = world.port;
  await client.up();
  expect(client.epoch).toBe(2);
  expect(warnings.list).toEqual([]);
});
