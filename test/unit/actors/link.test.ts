// What bytes can do to a connection: cost it, never the session, never the process, never anybody else.
import { connect, createServer } from 'node:net';
import { crc32 } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { nodeHost } from '../../../src/actors/host.ts';
import type { Line, LineEvents } from '../../../src/actors/ports.ts';
import { openServer } from '../../../src/server/server.ts';
import { encodeNumber } from '../../../src/wire/control.ts';
import {
  FRAGMENT_FLAG,
  FrameType,
  HEADER_BYTES,
  Kind,
  frameOf,
  writeHeader,
  writeU32,
} from '../../../src/wire/frame.ts';
import { Peer, cborOf, helloBody } from '../../loopback/peer.ts';
import { type Loopback, type Loose, Warnings, loopback, nextAt, serverDiaryOf, until } from '../../loopback/world.ts';

/** A server that delivers on demand, and a peer whose session is up. */
async function scene(limits = {}) {
  const heard: unknown[] = [];
  const world = await loopback(
    (session) => {
      session.on('say', (text) => void heard.push(text));
      session.on('slow', () => new Promise(() => {}));
      session.on('deliver', () => void session.deliver('said').catch(() => {}));
    },
    { limits },
  );
  const peer = await Peer.dial(world.port);
  const known = await peer.open();
  await until(() => world.sessions.length === 1, 'a session');
  return { world, peer, known, heard, [Symbol.asyncDispose]: () => world[Symbol.asyncDispose]() };
}

/** A fragment of message `seq`. */
function fragment(seq: number, total: number, offset: number, bytes: Uint8Array): Uint8Array {
  const frame = new Uint8Array(HEADER_BYTES + 8 + bytes.length);
  writeHeader(frame, 0, FrameType.ORDERED, Kind.EVENT | FRAGMENT_FLAG, seq, 8 + bytes.length);
  writeU32(frame, HEADER_BYTES, total);
  writeU32(frame, HEADER_BYTES + 4, offset);
  frame.set(bytes, HEADER_BYTES + 8);
  return frame;
}

/** A header alone. */
function header(type: number, flags: number, seq: number, length: number): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES);
  writeHeader(bytes, 0, type, flags, seq, length);
  return bytes;
}

describe('a frame that breaks a rule', () => {
  test.each<[string, string, (peer: Peer) => void]>([
    ['of an unknown type', 'unknown-frame', (peer) => peer.write(header(0x33, 0, 0, 0))],
    ['of type 0', 'unknown-frame', (peer) => peer.write(new Uint8Array(16))],
    ['of the handshake', 'unexpected-frame', (peer) => peer.control(FrameType.HELLO, new Uint8Array(60))],
    ['longer than any message', 'frame-too-large', (peer) => peer.write(header(FrameType.ORDERED, 1, 1, 0xff_ffff))],
    ['an ACK that is too short', 'bad-frame', (peer) => peer.control(FrameType.ACK, new Uint8Array(31))],
    ['a PING with an unsafe number', 'bad-frame', (peer) => peer.control(FrameType.PING, new Uint8Array(8).fill(255))],
    ['a malformed GOAWAY', 'bad-frame', (peer) => peer.control(FrameType.GOAWAY, new Uint8Array(3))],
    ['a malformed CLOSE', 'bad-frame', (peer) => peer.control(FrameType.CLOSE, new Uint8Array(3))],
    ['an ack beyond what was sent', 'ack-beyond-sent', (peer) => peer.ack(1)],
    ['an ack of direct messages never sent', 'ack-beyond-sent', (peer) => peer.ack(0, 0, 1)],
    ['an ack whose cursor is ahead', 'bad-frame', (peer) => peer.ack(0, 1)],
    ['a message from the future', 'seq-gap', (peer) => peer.event(2, ['say', 1])],
    ['a direct message from the future', 'seq-gap', (peer) => peer.receipt(2, 1, 0)],
    ['a receipt nobody asked for', 'unknown-receipt', (peer) => peer.receipt(1, 1, 0)],
    [
      'a receipt that is too short',
      'bad-frame',
      (peer) => peer.payload(FrameType.DIRECT, Kind.RECEIPT, 1, new Uint8Array(4)),
    ],
    ['an event without a name', 'payload-refused', (peer) => peer.event(1, [5, 'say'] as never)],
    ['an event that is no array', 'payload-refused', (peer) => peer.payload(FrameType.ORDERED, 1, 1, cborOf({ a: 1 }))],
    ['an event of no bytes', 'payload-refused', (peer) => peer.payload(FrameType.ORDERED, 1, 1, new Uint8Array(0))],
    [
      'an event with bytes behind it',
      'payload-refused',
      (peer) => peer.payload(FrameType.ORDERED, 1, 1, new Uint8Array([...cborOf(['say']), 0])),
    ],
    [
      'a fragment that begins in the middle',
      'bad-frame',
      (peer) => peer.write(fragment(1, 100, 50, new Uint8Array(50))),
    ],
    ['a fragment beyond its end', 'bad-frame', (peer) => peer.write(fragment(1, 10, 0, new Uint8Array(11)))],
    [
      'a fragment of a message too large',
      'message-too-large',
      (peer) => peer.write(fragment(1, 0xffff_ffff, 0, new Uint8Array(9))),
    ],
  ])('%s costs the connection its life: %s; the session is kept', async (_what, code, write) => {
    await using each = await scene();
    const { world, peer, known } = each;
    const down = nextAt(world.server, 'down');
    write(peer);
    expect(await peer.farewell()).toMatchObject({ code });
    await peer.closed;
    expect((await down)[1]).toEqual({ code });
    expect(world.server.counts).toMatchObject({ sessions: 1, connections: 0 });
    const back = await Peer.dial(world.port);
    back.resume(known, { dialNumber: 2 });
    expect(await back.answer()).toMatchObject({ welcome: { session: { type: 'resumed' } } });
    back.socket.destroy();
  });

  test('more than the credit allows is a violation, in messages and in bytes', async () => {
    for (const [limits, size] of [
      [{ mailboxMessages: 2 }, 1],
      [{ mailboxBytes: 1_000 }, 600],
    ] as const) {
      await using each = await scene(limits);
      const { peer, heard } = each;
      peer.event(1, ['slow']);
      peer.event(2, ['say', 'x'.repeat(size)]);
      peer.event(3, ['say', 'x'.repeat(size)]);
      expect(await peer.farewell()).toMatchObject({ code: 'credit-exceeded' });
      expect(heard).toEqual([]);
    }
  });

  test('a message sent twice is a gap, not handled again', async () => {
    await using each = await scene();
    const { peer, heard } = each;
    peer.event(1, ['say', 'a']);
    peer.event(1, ['say', 'a']);
    expect(await peer.farewell()).toMatchObject({ code: 'seq-gap' });
    expect(heard).toEqual(['a']);
  });

  test('a receipt given twice is a violation; its sender was told once', async () => {
    await using each = await scene();
    const { peer } = each;
    peer.event(1, ['deliver']);
    const frame = await peer.nextOf(FrameType.ORDERED);
    expect(frame).toMatchObject({ seq: 1, flags: Kind.DELIVER });
    peer.receipt(1, 1, 0);
    peer.receipt(2, 1, 0);
    expect(await peer.farewell()).toMatchObject({ code: 'unknown-receipt' });
  });

  test('an altered byte with the checksum on is noticed', async () => {
    await using world = await loopback();
    const peer = await Peer.dial(world.port);
    await peer.open({ features: 1 }).catch(() => {});
    const frame = frameOf(FrameType.PING, encodeNumber(1), crc32);
    frame[20] = 1;
    peer.write(frame);
    expect(await peer.farewell()).toMatchObject({ code: 'bad-checksum' });
  });

  test('one that costs the connection leaves what came before it', async () => {
    await using each = await scene();
    const { peer, heard } = each;
    peer.event(1, ['say', 'a']);
    peer.event(2, ['say', 'b']);
    peer.write(header(0x33, 0, 0, 0));
    expect(await peer.farewell()).toMatchObject({ code: 'unknown-frame' });
    expect(heard).toEqual(['a', 'b']);
  });
});

describe('a frame that breaks none', () => {
  test('of a type for later versions is passed over', async () => {
    await using each = await scene();
    const { peer, heard } = each;
    const frame = new Uint8Array(HEADER_BYTES + 3);
    writeHeader(frame, 0, 0xfe, 0, 0, 3);
    peer.write(frame);
    peer.event(1, ['say', 'a']);
    await until(() => heard.length === 1, 'the event');
  });

  test('may come byte by byte, and many in one chunk', async () => {
    await using each = await scene();
    const { peer, heard } = each;
    for (const byte of frameBytes(1, ['say', 'bytewise'])) peer.write(new Uint8Array([byte]));
    peer.write(Buffer.concat([2, 3, 4].map((seq) => frameBytes(seq, ['say', seq]))));
    await until(() => heard.length === 4, 'the events');
    expect(heard).toEqual(['bytewise', 2, 3, 4]);
  });

  test('a ping is answered, also before anything else', async () => {
    await using each = await scene();
    each.peer.control(FrameType.PING, encodeNumber(77));
    expect(await each.peer.nextOf(FrameType.PONG)).toMatchObject({ body: encodeNumber(77) });
  });

  test('what comes after CLOSE is not read', async () => {
    await using each = await scene();
    const { peer, heard, world } = each;
    const end = nextAt(world.server, 'end');
    peer.close('closed');
    peer.event(1, ['say', 'from the grave']);
    await end;
    await peer.closed;
    expect(heard).toEqual([]);
  });
});

function frameBytes(seq: number, message: readonly unknown[]): Uint8Array {
  const payload = cborOf(message);
  const frame = new Uint8Array(HEADER_BYTES + payload.length);
  writeHeader(frame, 0, FrameType.ORDERED, Kind.EVENT, seq, payload.length);
  frame.set(payload, HEADER_BYTES);
  return frame;
}

/** A small generator of numbers (xorshift32), so that a failure names its seed. */
function chance(seed: number): (below: number) => number {
  let state = seed | 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

describe('hostile bytes', () => {
  /** What a good client says, as bytes that mutations start from. */
  function script(): readonly Uint8Array[] {
    return [
      frameBytes(1, ['say', 'a']),
      frameBytes(2, ['deliver', { list: [1, 2, 3], text: 'x'.repeat(40) }]),
      frameOf(FrameType.PING, encodeNumber(3), undefined),
      fragment(3, 20, 0, cborOf(['say', 'b'.repeat(12)])),
      frameOf(FrameType.ASK, encodeNumber(2), undefined),
      frameBytes(3, ['say', new Map([[1, new Date(4)]])]),
    ];
  }

  function mutated(bytes: Uint8Array, draw: (below: number) => number): Uint8Array {
    const copy = bytes.slice();
    const kind = draw(6);
    if (kind === 0) for (let count = draw(8); count >= 0; count -= 1) copy[draw(copy.length)] = draw(256);
    else if (kind === 1) return copy.slice(0, draw(copy.length));
    else if (kind === 2) return Buffer.concat([copy, Uint8Array.from({ length: draw(64) }, () => draw(256))]);
    else if (kind === 3) copy[4] = draw(256);
    else if (kind === 4) copy[5 + draw(11)] = draw(256);
    else return Uint8Array.from({ length: 1 + draw(400) }, () => draw(256));
    return copy;
  }

  async function attack(world: Loopback, seed: number): Promise<void> {
    const draw = chance(seed);
    const peer = await Peer.dial(world.port);
    const isOpen = draw(3) > 0;
    if (isOpen) await peer.open({ lingerMs: 0, features: draw(2) });
    else peer.write(mutated(frameOf(FrameType.HELLO, helloBody(), crc32), draw));
    for (const bytes of script()) {
      if (draw(3) === 0) peer.write(mutated(bytes, draw));
      else peer.write(bytes);
    }
    if (draw(2) === 0) peer.socket.end();
    else peer.socket.destroy();
    await peer.closed;
  }

  test('on five thousand connections in memory: nothing is thrown, nothing stays', () => {
    using warnings = new Warnings();
    const told: string[] = [];
    const server = openServer<Loose>(
      nodeHost(),
      (session) => {
        session.on('say', () => {});
        session.on('deliver', () => void session.deliver('said').catch(() => {}));
      },
      { lingerMs: 0 },
    );
    server.on('error', ({ code }) => void told.push(code));
    const hello = frameOf(FrameType.HELLO, helloBody({ lingerMs: 0 }), crc32);
    let writtenBytes = 0;
    for (let seed = 1; seed <= 5_000; seed += 1) {
      const draw = chance(seed);
      let events: LineEvents | undefined;
      const line: Line = {
        ends: {
          remoteAddress: '',
          remotePort: 0,
          localAddress: '',
          localPort: 0,
          isTrusted: true,
          certificate: undefined,
        },
        write: (parts) => {
          for (const part of parts) writtenBytes += part.length;
          return true;
        },
        end: () => {},
        destroy: () => {},
        pause: () => {},
        ref: () => {},
      };
      server.shard.accept((listener) => {
        events = listener;
        return line;
      });
      events?.opened();
      events?.received(draw(4) === 0 ? mutated(hello, draw) : hello.slice());
      for (const bytes of script()) events?.received(draw(3) === 0 ? mutated(bytes, draw) : bytes.slice());
      events?.closed(undefined);
    }
    expect(writtenBytes).toBeGreaterThan(250_000);
    expect(server.counts).toMatchObject({ connections: 0, handshakes: 0 });
    void server.close({ drainMs: 0 });
    expect(server.counts.sessions).toBe(0);
    expect(told.filter((code) => code !== 'HandlerFailed')).toEqual([]);
    expect(warnings.list).toEqual([]);
  });

  test('on a few hundred sockets cost their connections; the process and another session live on (U5, U6, E20)', async () => {
    using warnings = new Warnings();
    const failures: unknown[] = [];
    await using world = await loopback(
      (session) => {
        session.on('say', () => {});
        session.on('deliver', () => void session.deliver('said').catch(() => {}));
      },
      { handshakeMs: 300, lingerMs: 0 },
    );
    world.server.on('error', (error) => void failures.push(error.code));
    const { client } = await world.pair({ lingerMs: 60_000, heartbeat: { intervalMs: 0 } });
    const told = serverDiaryOf(world.server);
    const seed = 20_261_122;
    for (let round = 0; round < 12; round += 1) {
      const attacks = Array.from({ length: 30 }, (_each, index) => attack(world, seed + round * 1_000 + index));
      await Promise.all([...attacks, client.deliver('say', round)]);
    }
    expect(told.filter(([, info]) => (info as { id?: string }).id === client.id)).toEqual([]);
    await until(() => world.server.counts.connections === 1, 'only the good connection');
    expect(world.server.counts).toMatchObject({ handshakes: 0, connections: 1 });
    await until(() => world.server.counts.sessions <= 1, 'only the good session');
    expect(failures.filter((code) => code !== 'HandlerFailed')).toEqual([]);
    expect(warnings.list).toEqual([]);
  });

  test('at a client cost it the connection; it comes back and nothing is lost', async () => {
    using warnings = new Warnings();
    const heard: unknown[] = [];
    await using world = await loopback((session) => void session.on('say', (text) => void heard.push(text)));
    let connectionCount = 0;
    // A relay that alters what the server says, from the 60th byte of a connection on.
    const relay = createServer((near) => {
      connectionCount += 1;
      const draw = chance(connectionCount * 7_919);
      const isEvil = connectionCount % 3 !== 0;
      const far = connect(world.port, '127.0.0.1');
      near.pipe(far);
      let passed = 0;
      far.on('data', (chunk) => {
        passed += chunk.length;
        if (isEvil && passed > 300) near.write(mutated(chunk, draw));
        else near.write(chunk);
      });
      const end = (): void => {
        near.destroy();
        far.destroy();
      };
      for (const socket of [near, far]) socket.on('error', end).on('close', end);
    });
    await new Promise<void>((resolve) => {
      relay.listen(0, '127.0.0.1', resolve);
    });
    const { port } = relay.address() as { port: number };
    const client = world.client(
      { checksum: true, handshakeMs: 200, heartbeat: { intervalMs: 20, timeoutMs: 60 } },
      port,
    );
    for (let count = 0; count < 40; count += 1) await client.deliver('say', count);
    expect(heard).toEqual(Array.from({ length: 40 }, (_each, index) => index));
    await client.close({ drainMs: 0 });
    await new Promise<void>((resolve) => {
      relay.close(() => resolve());
    });
    expect(warnings.list).toEqual([]);
  });
});
