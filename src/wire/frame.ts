/**
 * The frame: 16 bytes of header in front of every body, its type numbers and its bounds, and the big-endian integers
 * of the whole wire. Readers trust the caller's range check: an index read is `number | undefined` for the compiler
 * only, so the readers below say `as number` once for everybody. Numbers are safe integers, never `bigint`.
 */
import type { EndCode } from '../errors.ts';
import { invariant } from '../errors.ts';

/** Bytes of the header in front of every body. */
export const HEADER_BYTES = 16;

/** Payload bytes that one frame carries at most; larger messages travel as fragments of at most this size. */
export const FRAGMENT_BYTES = 65_536;

/** Bytes in front of a fragment's piece of the message: u32 total, u32 offset. */
export const FRAGMENT_HEADER_BYTES = 8;

/** Body bytes of an ACK: two u64 ordered positions, one direct, two u32 of window. */
export const ACK_BYTES = 32;

/**
 * The numbers of the frame types; 0x80 and above are room for later and are skipped by who does not know them. TRACE is one of
 * these: an end may know nothing of it, so nothing may depend on it.
 */
export const FrameType = {
  HELLO: 0x01,
  WELCOME: 0x02,
  REFUSED: 0x03,
  ACK: 0x04,
  PING: 0x05,
  PONG: 0x06,
  ASK: 0x07,
  GOAWAY: 0x08,
  CLOSE: 0x09,
  ORDERED: 0x10,
  DIRECT: 0x11,
  TRACE: 0x80,
} as const;

/** A frame type this version knows. */
export type FrameType = (typeof FrameType)[keyof typeof FrameType];

/** From this type on an unknown frame is skipped instead of being a violation. */
export const SKIPPABLE_TYPE_MIN = 0x80;

/**
 * What a message is, in the low bits of the flags. Ordered: EVENT, DELIVER, CALL; WRITE asks the end that decides for a
 * change of the store, CHANGE tells of one; SERVICE calls something of the runtime; FORWARD is an event of another
 * session. Direct: RECEIPT of a DELIVER, RESULT of a CALL or SERVICE, CANCEL of one; APPLY calls a function that was
 * passed, with ANSWER and STOP; RELEASE lets it go; VERDICT on a WRITE; NOTICE of an error that no promise carries.
 */
export const Kind = {
  EVENT: 1,
  DELIVER: 2,
  CALL: 3,
  WRITE: 4,
  CHANGE: 5,
  SERVICE: 6,
  FORWARD: 7,
  RECEIPT: 1,
  RESULT: 2,
  CANCEL: 3,
  APPLY: 4,
  ANSWER: 5,
  STOP: 6,
  RELEASE: 7,
  VERDICT: 8,
  NOTICE: 9,
} as const;

/** The bits of the flags that hold the kind. */
export const KIND_MASK = 0x0f;

/** The flag of a frame that carries a piece of a message. */
export const FRAGMENT_FLAG = 0x80;

/** CRC-32 (IEEE, as `zlib.crc32`) of the bytes, as an unsigned number; the core gets it as an argument. */
export type Checksum = (bytes: Uint8Array) => number;

const MESSAGE_BODY_BYTES_MAX = FRAGMENT_HEADER_BYTES + FRAGMENT_BYTES;

/** The longest frame there is. */
export const FRAME_BYTES_MAX = HEADER_BYTES + MESSAGE_BODY_BYTES_MAX;

// By type: smallest and largest body. -1 marks types that are a violation.
const bodyMin = new Int32Array(256);
const bodyMax = new Int32Array(256).fill(-1).fill(MESSAGE_BODY_BYTES_MAX, SKIPPABLE_TYPE_MIN);
for (const [type, min, max] of [
  [FrameType.HELLO, 0, 16_384],
  [FrameType.WELCOME, 0, 4_096],
  [FrameType.REFUSED, 0, 4_096],
  [FrameType.ACK, ACK_BYTES, ACK_BYTES],
  [FrameType.PING, 8, 8],
  [FrameType.PONG, 8, 8],
  [FrameType.ASK, 8, 8],
  [FrameType.GOAWAY, 0, 4_096],
  [FrameType.CLOSE, 0, 4_096],
  [FrameType.ORDERED, 0, MESSAGE_BODY_BYTES_MAX],
  [FrameType.DIRECT, 0, MESSAGE_BODY_BYTES_MAX],
] as const) {
  bodyMin[type] = min;
  bodyMax[type] = max;
}

// By lane and flags: 1 where the flags are a kind of that lane, alone or with FRAGMENT_FLAG.
const messageFlags = new Uint8Array(512);
for (const [type, kind] of [
  [FrameType.ORDERED, Kind.EVENT],
  [FrameType.ORDERED, Kind.DELIVER],
  [FrameType.ORDERED, Kind.CALL],
  [FrameType.ORDERED, Kind.WRITE],
  [FrameType.ORDERED, Kind.CHANGE],
  [FrameType.ORDERED, Kind.SERVICE],
  [FrameType.ORDERED, Kind.FORWARD],
  [FrameType.DIRECT, Kind.RECEIPT],
  [FrameType.DIRECT, Kind.RESULT],
  [FrameType.DIRECT, Kind.CANCEL],
  [FrameType.DIRECT, Kind.APPLY],
  [FrameType.DIRECT, Kind.ANSWER],
  [FrameType.DIRECT, Kind.STOP],
  [FrameType.DIRECT, Kind.RELEASE],
  [FrameType.DIRECT, Kind.VERDICT],
  [FrameType.DIRECT, Kind.NOTICE],
] as const) {
  messageFlags[flagsIndex(type, kind)] = 1;
  messageFlags[flagsIndex(type, kind | FRAGMENT_FLAG)] = 1;
}

function flagsIndex(type: number, flags: number): number {
  return ((type & 1) << 8) | flags;
}

/** The longest body a type may have, known or skippable; -1 for a type that is a violation. */
export function bodyBytesMax(type: number): number {
  return bodyMax[type] ?? -1;
}

/** What is wrong with a type and a body length, before anything is kept for that body; undefined when nothing is. */
export function sizeFault(type: number, length: number): EndCode | undefined {
  const max = bodyMax[type] as number;
  if (length > max) return max < 0 ? 'unknown-frame' : 'frame-too-large';
  return length < (bodyMin[type] as number) ? 'bad-frame' : undefined;
}

/**
 * What is wrong with the rest of the header, once the checksum was right (so that a bit that flipped on the way is the
 * line's fault and not the peer's); undefined when nothing is. A `seq` of -1 means that it was no safe integer.
 */
export function headerFault(type: number, flags: number, seq: number, length: number): EndCode | undefined {
  if (type !== FrameType.ORDERED && type !== FrameType.DIRECT)
    return flags === 0 && seq === 0 ? undefined : 'bad-frame';
  if (seq < 1 || messageFlags[flagsIndex(type, flags)] !== 1) return 'bad-frame';
  if (flags < FRAGMENT_FLAG) return length > FRAGMENT_BYTES ? 'frame-too-large' : undefined;
  return length <= FRAGMENT_HEADER_BYTES ? 'bad-frame' : undefined;
}

/** Writes 16 bytes of header at `at`, with 0 as checksum; `length` is that of the body alone. */
export function writeHeader(
  target: Uint8Array,
  at: number,
  type: number,
  flags: number,
  seq: number,
  length: number,
): void {
  const high = Math.floor(seq / 0x1_0000_0000);
  target[at] = 0;
  target[at + 1] = 0;
  target[at + 2] = 0;
  target[at + 3] = 0;
  target[at + 4] = type;
  target[at + 5] = length >>> 16;
  target[at + 6] = length >>> 8;
  target[at + 7] = length;
  target[at + 8] = flags;
  target[at + 9] = high >>> 16;
  target[at + 10] = high >>> 8;
  target[at + 11] = high;
  writeU32(target, at + 12, seq % 0x1_0000_0000);
}

/** A copy of `bytes[start, end)`. Not `slice`, which for a Node Buffer is a view of memory that somebody else reuses. */
export function copyOf(bytes: Uint8Array, start: number, end: number): Uint8Array {
  return new Uint8Array(bytes.subarray(start, end));
}

/** Writes the checksum of the frame that fills `at` to `end` into its header; the last thing done to a frame. */
export function stampChecksum(target: Uint8Array, at: number, end: number, checksum: Checksum): void {
  writeU32(target, at, checksum(target.subarray(at + 4, end)));
}

/** Whether the frame that fills `at` to `end` carries its right checksum. */
export function checksumHolds(bytes: Uint8Array, at: number, end: number, checksum: Checksum): boolean {
  return readU32(bytes, at) === checksum(bytes.subarray(at + 4, end)) >>> 0;
}

/** A whole control frame around a body; the bytes of `body` are copied. Without `checksum` the field stays 0. */
export function frameOf(type: FrameType, body: Uint8Array, checksum: Checksum | undefined): Uint8Array {
  const frame = new Uint8Array(HEADER_BYTES + body.length);
  writeHeader(frame, 0, type, 0, 0, body.length);
  frame.set(body, HEADER_BYTES);
  if (checksum !== undefined) stampChecksum(frame, 0, frame.length, checksum);
  return frame;
}

/** Reads one byte. */
export function readU8(bytes: Uint8Array, at: number): number {
  return bytes[at] as number;
}

/** Reads a big-endian u16. */
export function readU16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
}

/** Reads a big-endian u24. */
export function readU24(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 16) | ((bytes[at + 1] as number) << 8) | (bytes[at + 2] as number);
}

/** Reads a big-endian u32. */
export function readU32(bytes: Uint8Array, at: number): number {
  return (
    (((bytes[at] as number) << 24) |
      ((bytes[at + 1] as number) << 16) |
      ((bytes[at + 2] as number) << 8) |
      (bytes[at + 3] as number)) >>>
    0
  );
}

/** Reads the big-endian u56 of a header; -1 when it is not a safe integer. */
export function readU56(bytes: Uint8Array, at: number): number {
  const high = readU24(bytes, at);
  return high > 0x1f_ffff ? -1 : high * 0x1_0000_0000 + readU32(bytes, at + 3);
}

/** Reads a big-endian u64; -1 when it is not a safe integer. */
export function readU64(bytes: Uint8Array, at: number): number {
  const high = readU32(bytes, at);
  return high > 0x1f_ffff ? -1 : high * 0x1_0000_0000 + readU32(bytes, at + 4);
}

/** Writes a big-endian u16. */
export function writeU16(target: Uint8Array, at: number, value: number): void {
  target[at] = value >>> 8;
  target[at + 1] = value;
}

/** Writes a big-endian u32. */
export function writeU32(target: Uint8Array, at: number, value: number): void {
  target[at] = value >>> 24;
  target[at + 1] = value >>> 16;
  target[at + 2] = value >>> 8;
  target[at + 3] = value;
}

/** Writes a safe integer as a big-endian u64. */
export function writeU64(target: Uint8Array, at: number, value: number): void {
  if (!Number.isSafeInteger(value) || value < 0) invariant(false, `expected a safe integer for a u64, got ${value}`);
  writeU32(target, at, Math.floor(value / 0x1_0000_0000));
  writeU32(target, at + 4, value % 0x1_0000_0000);
}
