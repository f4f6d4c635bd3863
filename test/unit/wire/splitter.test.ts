// What the splitter hands out, what it keeps, and what it does not let through; the laws over any chopping are in
// test/property/frames.test.ts.
import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { encodeNumber, writeAck } from '../../../src/wire/control.ts';
import {
  FRAGMENT_BYTES,
  FRAME_BYTES_MAX,
  FrameType,
  HEADER_BYTES,
  Kind,
  frameOf,
  stampChecksum,
  writeHeader,
} from '../../../src/wire/frame.ts';
import { Splitter } from '../../../src/wire/splitter.ts';

function messageFrame(seq: number, body: Uint8Array, type: number = FrameType.ORDERED, flags = 1): Uint8Array {
  const frame = new Uint8Array(HEADER_BYTES + body.length);
  writeHeader(frame, 0, type, flags, seq, body.length);
  frame.set(body, HEADER_BYTES);
  stampChecksum(frame, 0, frame.length, crc32);
  return frame;
}

function headerOnly(type: number, length: number): Uint8Array {
  const header = new Uint8Array(HEADER_BYTES);
  writeHeader(header, 0, type, 0, 0, length);
  return header;
}

const ping = frameOf(FrameType.PING, encodeNumber(7), crc32);
const hello = Uint8Array.of(1, 2, 3);

function join(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

describe('frames inside a chunk', () => {
  it('are ranges of that chunk, one after another, and the end keeps nothing', () => {
    const splitter = new Splitter(crc32);
    const chunk = join(messageFrame(5, hello), ping, messageFrame(2 ** 40, hello, FrameType.DIRECT));
    splitter.push(chunk);
    expect(splitter.next()).toBe(true);
    expect(splitter.bytes).toBe(chunk);
    expect([splitter.type, splitter.flags, splitter.seq]).toEqual([FrameType.ORDERED, Kind.EVENT, 5]);
    expect([splitter.start, splitter.end]).toEqual([16, 19]);
    expect(splitter.next()).toBe(true);
    expect([splitter.type, splitter.flags, splitter.seq]).toEqual([FrameType.PING, 0, 0]);
    expect([splitter.start, splitter.end]).toEqual([35, 43]);
    expect(splitter.next()).toBe(true);
    expect([splitter.type, splitter.seq, splitter.start, splitter.end]).toEqual([FrameType.DIRECT, 2 ** 40, 59, 62]);
    expect(splitter.next()).toBe(false);
    expect(splitter.fault).toBeUndefined();
    expect(splitter.retainedBytes).toBe(0);
    expect(splitter.bytes).not.toBe(chunk);
  });

  it('may be a Buffer anywhere in its memory, as sockets give them', () => {
    const splitter = new Splitter(crc32);
    splitter.push(Buffer.concat([Buffer.from('xyz'), messageFrame(1, hello)]).subarray(3));
    expect(splitter.next()).toBe(true);
    expect([...splitter.bytes.subarray(splitter.start, splitter.end)]).toEqual([1, 2, 3]);
  });
});

describe('a frame across chunks', () => {
  it('is given once its last byte is there, and the next chunk is read in place again', () => {
    const splitter = new Splitter(crc32);
    const stream = join(messageFrame(1, hello), messageFrame(2, hello), messageFrame(3, hello));
    for (let cut = 1; cut < 19; cut++) {
      splitter.push(stream.subarray(0, cut));
      expect(splitter.next()).toBe(false);
      expect(splitter.isPartial).toBe(true);
      const rest = stream.slice(cut);
      splitter.push(rest);
      expect(splitter.next()).toBe(true);
      expect([splitter.seq, [...splitter.bytes.subarray(splitter.start, splitter.end)]]).toEqual([1, [1, 2, 3]]);
      expect(splitter.isPartial).toBe(false);
      expect(splitter.next()).toBe(true);
      expect([splitter.seq, splitter.bytes === rest]).toEqual([2, true]);
      expect(splitter.next()).toBe(true);
      expect(splitter.next()).toBe(false);
      expect(splitter.retainedBytes).toBe(0);
    }
  });

  it('takes memory for what has arrived, not for what its header claims', () => {
    const splitter = new Splitter(crc32);
    const frame = messageFrame(1, new Uint8Array(FRAGMENT_BYTES).fill(9));
    let pushed = 0;
    for (let at = 0; at < frame.length; at += 1_000) {
      const chunk = frame.subarray(at, at + 1_000);
      pushed += chunk.length;
      splitter.push(chunk);
      const isWhole = splitter.next();
      expect(isWhole).toBe(pushed === frame.length);
      expect(splitter.retainedBytes).toBeLessThanOrEqual(Math.max(4_096, 2 * pushed));
      expect(splitter.retainedBytes).toBeLessThanOrEqual(FRAME_BYTES_MAX);
    }
    expect(splitter.end - splitter.start).toBe(FRAGMENT_BYTES);
  });

  it('copies its bytes, so that the chunk may be reused after next() was false', () => {
    const splitter = new Splitter(crc32);
    const frame = messageFrame(1, hello);
    const chunk = frame.slice(0, 10);
    splitter.push(chunk);
    expect(splitter.next()).toBe(false);
    chunk.fill(0xff);
    splitter.push(frame.subarray(10));
    expect(splitter.next()).toBe(true);
  });
});

describe('a frame that is not let through', () => {
  const faults = [
    ['a known type above its bound', headerOnly(FrameType.WELCOME, 4_097), 'frame-too-large'],
    ['a skippable type above the longest frame', headerOnly(0xff, FRAME_BYTES_MAX), 'frame-too-large'],
    ['an unknown type', headerOnly(0x0a, 0), 'unknown-frame'],
    ['an ACK with a byte too few', headerOnly(FrameType.ACK, 31), 'bad-frame'],
    ['a PING with a byte too many', headerOnly(FrameType.PING, 9), 'frame-too-large'],
  ] as const;

  it.each(faults)('is found by its header: %s', (_, header, fault) => {
    const splitter = new Splitter(crc32);
    splitter.push(header);
    expect(splitter.next()).toBe(false);
    expect(splitter.fault).toBe(fault);
    expect(splitter.type).toBe(header[4]);
    expect(splitter.retainedBytes).toBe(0);
  });

  it.each(faults)('is found by a header that came byte by byte: %s', (_, header, fault) => {
    const splitter = new Splitter(crc32);
    for (let i = 0; i < HEADER_BYTES; i++) {
      expect(splitter.fault).toBeUndefined();
      splitter.push(header.subarray(i, i + 1));
      expect(splitter.next()).toBe(false);
    }
    expect(splitter.fault).toBe(fault);
    expect(splitter.retainedBytes).toBe(0);
  });

  it('ends the stream for good, after the frames in front of it', () => {
    const splitter = new Splitter(crc32);
    splitter.push(join(ping, headerOnly(0x33, 0), ping));
    expect(splitter.next()).toBe(true);
    expect(splitter.next()).toBe(false);
    expect(splitter.fault).toBe('unknown-frame');
    splitter.push(ping);
    expect(splitter.next()).toBe(false);
    expect(splitter.fault).toBe('unknown-frame');
    expect(splitter.retainedBytes).toBe(0);
  });

  it('has a seq, flags or a lane number that its type does not allow', () => {
    const frames = [
      messageFrame(0, hello),
      messageFrame(1, hello, FrameType.ORDERED, 8),
      messageFrame(1, hello, FrameType.DIRECT, 10),
      messageFrame(1, hello, FrameType.ORDERED, 0x41),
      messageFrame(1, new Uint8Array(8), FrameType.ORDERED, 0x81),
      messageFrame(1, encodeNumber(1), FrameType.PING, 0),
    ];
    for (const frame of frames) {
      const splitter = new Splitter(crc32);
      splitter.push(frame);
      expect(splitter.next()).toBe(false);
      expect(splitter.fault).toBe('bad-frame');
    }
  });
});

describe('only', () => {
  it('makes any other type a fault before its body is kept, skippable ones included', () => {
    for (const type of [FrameType.ORDERED, FrameType.WELCOME, 0x80, 0x33]) {
      const splitter = new Splitter(crc32);
      splitter.only = [FrameType.HELLO];
      splitter.push(headerOnly(type, 60));
      expect(splitter.next()).toBe(false);
      expect(splitter.fault).toBe('unexpected-frame');
      expect(splitter.retainedBytes).toBe(0);
    }
  });

  it('may be lifted between two frames of one chunk', () => {
    const splitter = new Splitter(crc32);
    splitter.only = [FrameType.WELCOME];
    splitter.push(join(frameOf(FrameType.WELCOME, hello, crc32), ping));
    expect(splitter.next()).toBe(true);
    splitter.only = undefined;
    expect(splitter.next()).toBe(true);
    expect(splitter.type).toBe(FrameType.PING);
  });
});

describe('the checksum', () => {
  it('wrong in a byte of the header that no bound catches is the fault of the line, not of the peer', () => {
    for (const at of [0, 3, 8, 9, 15, 16, 18]) {
      const frame = messageFrame(1, hello);
      frame[at] = (frame[at] ?? 0) ^ 0x80;
      const splitter = new Splitter(crc32);
      splitter.push(frame);
      expect(splitter.next(), `byte ${at}`).toBe(false);
      expect(splitter.fault, `byte ${at}`).toBe('bad-checksum');
    }
  });

  it('may be switched off between two frames of one chunk and is not looked at from then on', () => {
    const ack = new Uint8Array(48);
    writeAck(ack, 0, 1, 1, 1, 1, 1);
    const splitter = new Splitter(crc32);
    splitter.push(join(frameOf(FrameType.WELCOME, hello, crc32), ack));
    expect(splitter.next()).toBe(true);
    splitter.checksummed = false;
    expect(splitter.next()).toBe(true);
    expect(splitter.type).toBe(FrameType.ACK);
  });
});

describe('a type from 0x80 on', () => {
  const later = frameOf(FrameType.PING, encodeNumber(1), undefined);
  later[4] = 0x9a;
  later[8] = 0x55;
  stampChecksum(later, 0, later.length, crc32);

  it('is skipped, whole or in pieces, with whatever flags and seq it has', () => {
    for (const cut of [0, 1, 17, 24, 30]) {
      const splitter = new Splitter(crc32);
      const stream = join(later, later, ping);
      splitter.push(stream.subarray(0, cut));
      expect(splitter.next()).toBe(false);
      splitter.push(stream.subarray(cut));
      expect(splitter.next()).toBe(true);
      expect(splitter.type).toBe(FrameType.PING);
      expect(splitter.next()).toBe(false);
      expect(splitter.fault).toBeUndefined();
    }
  });

  it('is not skipped with a wrong checksum, so that a message whose type was altered does not vanish', () => {
    const frame = messageFrame(1, hello);
    frame[4] = 0x90;
    const splitter = new Splitter(crc32);
    splitter.push(frame);
    expect(splitter.next()).toBe(false);
    expect(splitter.fault).toBe('bad-checksum');
  });
});

describe('misuse', () => {
  it('a push before next() was false breaks an invariant', () => {
    const splitter = new Splitter(crc32);
    splitter.push(join(ping, ping));
    expect(splitter.next()).toBe(true);
    expect(() => splitter.push(ping)).toThrow('expected next() to have returned false before another push()');
  });
});
