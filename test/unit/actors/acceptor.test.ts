import { crc32 } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { EPOCH_MAX } from '../../../src/ids.ts';
import { FrameType, HEADER_BYTES, frameOf, writeHeader } from '../../../src/wire/frame.ts';
import { type Known, Peer, helloBody } from '../../loopback/peer.ts';
import { loopback, nextAt, nextTick, serverDiaryOf, until } from '../../loopback/world.ts';

const stranger: Known = { id: 'nobody-knows-me', secret: new Uint8Array(32), epoch: 7 };

describe('before a HELLO was understood', () => {
  const header = (type: number, length: number): Uint8Array => {
    const bytes = new Uint8Array(HEADER_BYTES);
    writeHeader(bytes, 0, type, 0, 0, length);
    return bytes;
  };
  test.each<[string, string, (body: Uint8Array) => Uint8Array]>([
    ['a word of another protocol', 'unexpected-frame', () => new TextEncoder().encode('GET / HTTP/1.1\r\n\r\n')],
    [
      'a TLS greeting',
      'unexpected-frame',
      () => new Uint8Array([0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3, 0, 0, 0, 0, 0]),
    ],
    ['an event', 'unexpected-frame', () => header(FrameType.ORDERED, 5)],
    ['an ack', 'unexpected-frame', () => header(FrameType.ACK, 32)],
    ['a frame of a later version', 'unexpected-frame', () => header(0x80, 5)],
    ['a HELLO that is too large', 'frame-too-large', () => header(FrameType.HELLO, 16_385)],
    [
      'a HELLO with a flipped bit',
      'bad-checksum',
      (body) => frameOf(FrameType.HELLO, flip(body, 20), () => crc32(body)),
    ],
    ['a HELLO without the magic word', 'bad-frame', (body) => frameOf(FrameType.HELLO, flip(body, 0), crc32)],
    ['an empty HELLO', 'bad-frame', () => frameOf(FrameType.HELLO, new Uint8Array(0), crc32)],
    ['half a HELLO', 'bad-frame', (body) => frameOf(FrameType.HELLO, body.slice(0, body.length / 2), crc32)],
    ['a HELLO and a byte', 'bad-frame', (body) => frameOf(FrameType.HELLO, new Uint8Array([...body, 0]), crc32)],
  ])('%s costs the connection: %s', async (_what, code, bytesOf) => {
    await using world = await loopback();
    const bytes = bytesOf(helloBody());
    const peer = await Peer.dial(world.port);
    peer.write(bytes);
    expect(await peer.farewell()).toMatchObject({ code });
    await peer.closed;
    await until(() => world.server.counts.connections === 0, 'no connection');
    expect(world.server.counts.handshakes).toBe(0);
  });

  test.each([
    ['nothing', new Uint8Array(0)],
    ['half a header', new Uint8Array(7)],
  ])('%s ends with the handshake time', async (_what, bytes) => {
    await using world = await loopback({}, { handshakeMs: 30 });
    const peer = await Peer.dial(world.port);
    peer.write(bytes);
    expect(await peer.farewell()).toMatchObject({ code: 'handshake-timeout' });
    await peer.closed;
    expect(world.server.counts).toMatchObject({ handshakes: 0, connections: 0 });
  });

  test.each([
    [2, 9, 'version-unsupported'],
    [255, 255, 'version-unsupported'],
  ])('versions %d to %d are refused with words', async (versionMin, versionMax, code) => {
    await using world = await loopback();
    const peer = await Peer.dial(world.port);
    peer.hello({ versionMin, versionMax });
    expect(await peer.answer()).toMatchObject({ refused: { code, reason: expect.stringContaining('version 1') } });
  });

  test('a later version that still speaks this one is welcome', async () => {
    await using world = await loopback();
    const peer = await Peer.dial(world.port);
    peer.hello({ versionMin: 1, versionMax: 9, features: 0xffff_fffe });
    expect(await peer.answer()).toMatchObject({ welcome: { version: 1, features: 0 } });
    peer.socket.destroy();
  });

  test('the checksum is on when the client wants it, unless the server has switched it off', async () => {
    for (const checksum of [undefined, false]) {
      await using world = await loopback({}, { checksum });
      const peer = await Peer.dial(world.port);
      peer.hello({ features: 1 });
      expect(await peer.answer()).toMatchObject({ welcome: { features: checksum === false ? 0 : 1 } });
      peer.socket.destroy();
    }
  });
});

describe('a claim', () => {
  test('on a session that is unknown here begins a new one, one epoch later', async () => {
    await using world = await loopback();
    const peer = await Peer.dial(world.port);
    peer.resume(stranger);
    const answer = await peer.answer();
    expect(answer).toMatchObject({
      welcome: { session: { type: 'new', epoch: 8, loss: 'history-lost' }, mac: undefined },
    });
    expect(JSON.stringify(answer)).not.toContain(stranger.id);
    peer.socket.destroy();
  });

  test('on an epoch of 2^32 or more is refused', async () => {
    await using world = await loopback();
    for (const epoch of [EPOCH_MAX, EPOCH_MAX + 1, Number.MAX_SAFE_INTEGER]) {
      const peer = await Peer.dial(world.port);
      peer.resume({ ...stranger, epoch });
      expect(await peer.answer()).toMatchObject({ refused: { code: 'epoch-refused' } });
    }
    const peer = await Peer.dial(world.port);
    peer.resume({ ...stranger, epoch: EPOCH_MAX - 1 });
    expect(await peer.answer()).toMatchObject({ welcome: { session: { epoch: EPOCH_MAX } } });
    peer.socket.destroy();
  });

  test.each([
    ['another secret', (known: Known): Known => ({ ...known, secret: new Uint8Array(32) })],
    ['another epoch', (known: Known): Known => ({ ...known, epoch: known.epoch + 1 })],
  ])('with %s is refused and counted; the session and its connection are untouched', async (_what, forge) => {
    await using world = await loopback();
    const owner = await Peer.dial(world.port);
    const known = await owner.open();
    const told = serverDiaryOf(world.server);
    await until(() => world.sessions.length === 1, 'a session');
    told.length = 0;
    const thief = await Peer.dial(world.port);
    thief.resume(forge(known), { dialNumber: 50 });
    expect(await thief.answer()).toMatchObject({ refused: { code: 'proof-failed', finalCursor: undefined } });
    expect(world.server.counts).toMatchObject({ failedProofs: 1, sessions: 1 });
    owner.control(FrameType.PING, new Uint8Array(8));
    expect(await owner.nextOf(FrameType.PONG)).toBeDefined();
    expect(told).toEqual([]);
    owner.socket.destroy();
  });

  test('with positions that cannot be true is loss of memory: a new session, the old one ends', async () => {
    await using world = await loopback();
    const first = await Peer.dial(world.port);
    const known = await first.open();
    const end = nextAt(world.server, 'end');
    await until(() => world.sessions.length === 1, 'a session');
    first.socket.destroy();
    const second = await Peer.dial(world.port);
    second.resume(known, { dialNumber: 2 }, [5, 5, 0]);
    expect(await second.answer()).toMatchObject({
      welcome: { session: { type: 'new', epoch: 2, loss: 'history-lost' } },
    });
    expect((await end)[1]).toMatchObject({ code: 'history-lost' });
    second.socket.destroy();
  });
});

describe('failed proofs', () => {
  test('are told five a second and address, all are counted, and good resumes are never held up', async () => {
    await using world = await loopback();
    const owner = await Peer.dial(world.port);
    const known = await owner.open();
    const forged = { ...known, secret: new Uint8Array(32) };
    const codes: string[] = [];
    const thieves = await Promise.all(Array.from({ length: 12 }, () => Peer.dial(world.port)));
    for (const thief of thieves) thief.resume(forged, { dialNumber: 99 });
    for (const thief of thieves) {
      const answer = await thief.answer();
      codes.push(answer?.type === 'refused' ? answer.refused.code : 'none');
      if (answer?.type === 'refused' && answer.refused.code === 'overloaded') {
        expect(answer.refused.retryAfterMs).toBe(1_000);
      }
    }
    expect(codes.filter((code) => code === 'proof-failed').length).toBeGreaterThanOrEqual(5);
    expect(codes.filter((code) => code === 'overloaded').length).toBeGreaterThanOrEqual(5);
    expect(world.server.counts.failedProofs).toBe(12);
    const back = await Peer.dial(world.port);
    back.resume(known, { dialNumber: 2 });
    expect(await back.answer()).toMatchObject({ welcome: { session: { type: 'resumed' } } });
    const fresh = await Peer.dial(world.port);
    fresh.hello();
    expect(await fresh.answer()).toMatchObject({ type: 'welcome' });
    for (const peer of [owner, back, fresh]) peer.socket.destroy();
  });
});

describe('a welcome', () => {
  test('to a new session has a name, a secret, and the terms; no proof', async () => {
    await using world = await loopback({}, { lingerMs: 5_000, limits: { mailboxMessages: 7 } });
    const peer = await Peer.dial(world.port);
    peer.hello({ lingerMs: 9_000 });
    const answer = await peer.answer();
    expect(answer).toMatchObject({
      welcome: { version: 1, lingerMs: 5_000, windowMessages: 7, directPort: 0, mac: undefined },
    });
    await nextTick();
    expect(world.server.counts).toMatchObject({ sessions: 1, handshakes: 0, connections: 1 });
    peer.socket.destroy();
  });

  test('that was lost never locks the client out: it claims nothing and gets another session', async () => {
    await using world = await loopback();
    const lost = await Peer.dial(world.port);
    lost.hello();
    await lost.answer();
    lost.socket.destroy();
    const next = await Peer.dial(world.port);
    await next.open({ dialNumber: 2 });
    await until(() => world.sessions.length === 1, 'one session to be seen');
    expect(world.server.counts.sessions).toBe(2);
    next.socket.destroy();
  });

  test('to a resume that was lost leaves the old dial number behind, and the next one is taken', async () => {
    await using world = await loopback();
    const first = await Peer.dial(world.port);
    const known = await first.open();
    for (let dialNumber = 2; dialNumber < 6; dialNumber += 1) {
      const peer = await Peer.dial(world.port);
      peer.resume(known, { dialNumber });
      expect(await peer.answer()).toMatchObject({ welcome: { session: { type: 'resumed' } } });
      peer.socket.destroy();
    }
    first.socket.destroy();
    expect(world.server.counts.sessions).toBe(1);
  });
});

function flip(body: Uint8Array, at: number): Uint8Array {
  const bytes = body.slice();
  bytes[at] = (bytes[at] ?? 0) ^ 0x20;
  return bytes;
}
