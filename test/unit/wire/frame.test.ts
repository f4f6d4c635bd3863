// The header byte by byte, the bounds by type, and the integers at the ends of their ranges.
import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import {
  FRAGMENT_BYTES,
  FRAGMENT_FLAG,
  FRAGMENT_HEADER_BYTES,
  FRAME_BYTES_MAX,
  FrameType,
  HEADER_BYTES,
  Kind,
  bodyBytesMax,
  checksumHolds,
  frameOf,
  headerFault,
  readU16,
  readU24,
  readU32,
  readU56,
  readU64,
  sizeFault,
  stampChecksum,
  writeHeader,
  writeU16,
  writeU32,
  writeU64,
} from '../../../src/wire/frame.ts';

const SEQ_MAX = Number.MAX_SAFE_INTEGER;

describe('the header', () => {
  it('has its fields at the offsets of PROTOCOL.md, big-endian, with nothing in the checksum', () => {
    const bytes = new Uint8Array(HEADER_BYTES + 2).fill(0xff);
    writeHeader(bytes, 1, FrameType.ORDERED, Kind.DELIVER | FRAGMENT_FLAG, 0x01_0203_0405_0607, 0x00_ffee);
    expect([...bytes]).toEqual([
      0xff, 0, 0, 0, 0, 0x10, 0x00, 0xff, 0xee, 0x82, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0xff,
    ]);
  });

  it('carries every safe seq up to the largest', () => {
    const bytes = new Uint8Array(HEADER_BYTES);
    for (const seq of [0, 1, 255, 256, 2 ** 24, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 52 + 1, SEQ_MAX]) {
      writeHeader(bytes, 0, FrameType.ORDERED, Kind.EVENT, seq, 0);
      expect(readU56(bytes, 9)).toBe(seq);
    }
  });

  it('reads a seq above the safe integers as -1', () => {
    const bytes = new Uint8Array(7);
    bytes[0] = 0x20;
    expect(readU56(bytes, 0)).toBe(-1);
    expect(readU56(bytes.fill(0xff), 0)).toBe(-1);
  });
});

describe('the checksum', () => {
  it('is the CRC-32 of everything behind its own four bytes', () => {
    const frame = frameOf(FrameType.PING, Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 7), crc32);
    expect(readU32(frame, 0)).toBe(crc32(frame.subarray(4)));
    expect(checksumHolds(frame, 0, frame.length, crc32)).toBe(true);
  });

  it('is found wrong after any one byte has changed', () => {
    const frame = frameOf(FrameType.PING, Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 7), crc32);
    for (let i = 0; i < frame.length; i++) {
      const altered = frame.slice();
      altered[i] = readByte(frame, i) ^ 0x40;
      expect(checksumHolds(altered, 0, altered.length, crc32), `byte ${i}`).toBe(false);
    }
  });

  it('is compared as an unsigned number, whatever sign the function returns', () => {
    const signed = (bytes: Uint8Array): number => crc32(bytes) | 0;
    const frame = new Uint8Array(64);
    for (let body = 0; body < 48; body++) {
      writeHeader(frame, 0, FrameType.ORDERED, Kind.EVENT, 1, body);
      stampChecksum(frame, 0, HEADER_BYTES + body, signed);
      expect(checksumHolds(frame, 0, HEADER_BYTES + body, crc32)).toBe(true);
      expect(checksumHolds(frame, 0, HEADER_BYTES + body, signed)).toBe(true);
    }
  });

  it('stays zero in a control frame made without it', () => {
    const frame = frameOf(FrameType.GOAWAY, Uint8Array.of(1, 2, 3), undefined);
    expect([...frame]).toEqual([0, 0, 0, 0, 0x08, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3]);
  });
});

describe('bounds by type', () => {
  const bounds: readonly (readonly [keyof typeof FrameType, number, number])[] = [
    ['HELLO', 0, 16_384],
    ['WELCOME', 0, 4_096],
    ['REFUSED', 0, 4_096],
    ['ACK', 32, 32],
    ['PING', 8, 8],
    ['PONG', 8, 8],
    ['ASK', 8, 8],
    ['GOAWAY', 0, 4_096],
    ['CLOSE', 0, 4_096],
    ['ORDERED', 0, FRAGMENT_HEADER_BYTES + FRAGMENT_BYTES],
    ['DIRECT', 0, FRAGMENT_HEADER_BYTES + FRAGMENT_BYTES],
  ];

  it.each(bounds)('a %s has a body of %i to %i bytes', (name, min, max) => {
    const type = FrameType[name];
    expect(bodyBytesMax(type)).toBe(max);
    expect(sizeFault(type, min)).toBeUndefined();
    expect(sizeFault(type, max)).toBeUndefined();
    expect(sizeFault(type, max + 1)).toBe('frame-too-large');
    if (min > 0) expect(sizeFault(type, min - 1)).toBe('bad-frame');
  });

  it('lets through unknown types from 0x80 on, within the longest frame, and no other unknown type', () => {
    const known = new Set<number>(Object.values(FrameType));
    for (let type = 0; type < 256; type++) {
      if (known.has(type)) continue;
      expect(bodyBytesMax(type), `type ${type}`).toBe(type < 0x80 ? -1 : FRAME_BYTES_MAX - HEADER_BYTES);
      expect(sizeFault(type, 0), `type ${type}`).toBe(type < 0x80 ? 'unknown-frame' : undefined);
    }
    expect(sizeFault(0x80, FRAME_BYTES_MAX)).toBe('frame-too-large');
  });
});

describe('flags and seq', () => {
  it('are zero in a control frame', () => {
    expect(headerFault(FrameType.ACK, 0, 0, 32)).toBeUndefined();
    expect(headerFault(FrameType.ACK, 1, 0, 32)).toBe('bad-frame');
    expect(headerFault(FrameType.ACK, 0, 1, 32)).toBe('bad-frame');
    expect(headerFault(FrameType.ACK, 0, -1, 32)).toBe('bad-frame');
  });

  it('are a kind of the lane and a seq from 1 on in a message', () => {
    const allowed = new Map<number, readonly number[]>([
      [FrameType.ORDERED, [1, 2, 3, 4, 5, 6, 7]],
      [FrameType.DIRECT, [1, 2, 3, 4, 5, 6, 7, 8, 9]],
    ]);
    for (const [type, kinds] of allowed) {
      for (let flags = 0; flags < 256; flags++) {
        const isKind = kinds.includes(flags & ~FRAGMENT_FLAG);
        expect(headerFault(type, flags, 1, 9), `type ${type} flags ${flags}`).toBe(isKind ? undefined : 'bad-frame');
      }
      expect(headerFault(type, Kind.EVENT, 0, 9)).toBe('bad-frame');
      expect(headerFault(type, Kind.EVENT, -1, 9)).toBe('bad-frame');
      expect(headerFault(type, Kind.EVENT, SEQ_MAX, 9)).toBeUndefined();
    }
  });

  it('tell a fragment, which carries at least one byte, from a whole message of at most 65,536', () => {
    const { ORDERED } = FrameType;
    expect(headerFault(ORDERED, Kind.EVENT, 1, FRAGMENT_BYTES)).toBeUndefined();
    expect(headerFault(ORDERED, Kind.EVENT, 1, FRAGMENT_BYTES + 1)).toBe('frame-too-large');
    expect(headerFault(ORDERED, Kind.EVENT | FRAGMENT_FLAG, 1, FRAGMENT_BYTES + 8)).toBeUndefined();
    expect(headerFault(ORDERED, Kind.EVENT | FRAGMENT_FLAG, 1, 9)).toBeUndefined();
    expect(headerFault(ORDERED, Kind.EVENT | FRAGMENT_FLAG, 1, 8)).toBe('bad-frame');
  });
});

describe('integers', () => {
  it('are big-endian and come back as they went', () => {
    const bytes = new Uint8Array(8);
    writeU16(bytes, 0, 0xfedc);
    expect([bytes[0], bytes[1], readU16(bytes, 0)]).toEqual([0xfe, 0xdc, 0xfedc]);
    writeU32(bytes, 0, 0xfedc_ba98);
    expect([...bytes.subarray(0, 4), readU32(bytes, 0)]).toEqual([0xfe, 0xdc, 0xba, 0x98, 0xfedc_ba98]);
    expect(readU24(bytes, 0)).toBe(0xfe_dcba);
    for (const value of [0, 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1]) {
      writeU64(bytes, 0, value);
      expect(readU64(bytes, 0)).toBe(value);
    }
  });

  it('above the safe ones are read as -1 and not written', () => {
    const bytes = Uint8Array.of(0, 0x20, 0, 0, 0, 0, 0, 0);
    expect(readU64(bytes, 0)).toBe(-1);
    expect(readU64(bytes.fill(0xff), 0)).toBe(-1);
    for (const value of [-1, 0.5, 2 ** 53, NaN, Infinity]) {
      expect(() => writeU64(bytes, 0, value)).toThrow(`expected a safe integer for a u64, got ${value}`);
    }
  });
});

function readByte(bytes: Uint8Array, at: number): number {
  return readU16(Uint8Array.of(0, bytes[at] ?? 0), 0);
}
