/**
 * The bodies of the control frames of a live connection: ACK, PING, PONG, ASK, GOAWAY, CLOSE; those that begin one,
 * in `hello.ts` and `answers.ts`, and TRACE, in `trace.ts`, can be had from here as well. An ACK is written and read in place, because one goes with every
 * batch of messages. Decoders answer undefined for anything malformed, trailing bytes included.
 */
import type { EndCode } from '../errors.ts';
import { endCodeOf, wireNumberOf } from '../errors.ts';
import { BodyReader, BodyWriter } from './body.ts';
import { ACK_BYTES, FrameType, HEADER_BYTES, readU32, readU64, writeHeader, writeU32, writeU64 } from './frame.ts';
import type { Positions } from './terms.ts';
import { REASON_BYTES_MAX, areInOrder } from './terms.ts';

export * from './answers.ts';
export * from './hello.ts';
export * from './trace.ts';
export { Feature, SECRET_BYTES } from './terms.ts';
export type { Positions, Proven, Terms } from './terms.ts';

/** How far an end is and how much it takes beyond its cursor. */
export interface Ack extends Positions {
  readonly windowMessages: number;
  readonly windowBytes: number;
}

/** An ack that `readAck` writes into, so that reading one allocates nothing. */
export type MutableAck = { -readonly [Field in keyof Ack]: Ack[Field] };

/** This end drains: come back, here or elsewhere, after the time given. */
export interface GoAway {
  readonly retryAfterMs: number;
  readonly reason: string;
}

/** The last frame of a connection. */
export interface Close {
  readonly code: EndCode;
  readonly retryAfterMs: number;
  readonly reason: string;
}

/** The body of a GOAWAY. */
export function encodeGoAway(goAway: GoAway): Uint8Array {
  const body = new BodyWriter();
  body.u32(goAway.retryAfterMs);
  body.text(goAway.reason, REASON_BYTES_MAX);
  return body.finish();
}

/** Reads the body of a GOAWAY. */
export function decodeGoAway(bytes: Uint8Array, start: number, end: number): GoAway | undefined {
  const body = new BodyReader(bytes, start, end);
  const goAway = { retryAfterMs: body.u32(), reason: body.text(REASON_BYTES_MAX) };
  return body.isComplete() ? goAway : undefined;
}

/** The body of a CLOSE. */
export function encodeClose(close: Close): Uint8Array {
  const body = new BodyWriter();
  body.u16(wireNumberOf(close.code));
  body.u32(close.retryAfterMs);
  body.text(close.reason, REASON_BYTES_MAX);
  return body.finish();
}

/** Reads the body of a CLOSE; its layout is the same in every version. */
export function decodeClose(bytes: Uint8Array, start: number, end: number): Close | undefined {
  const body = new BodyReader(bytes, start, end);
  const close = { code: endCodeOf(body.u16()), retryAfterMs: body.u32(), reason: body.text(REASON_BYTES_MAX) };
  return body.isComplete() ? close : undefined;
}

/** The body of PING, PONG (the nonce that came) and ASK (the cursor that is waited for). */
export function encodeNumber(value: number): Uint8Array {
  const body = new Uint8Array(8);
  writeU64(body, 0, value);
  return body;
}

/** Reads the body of PING, PONG and ASK, of which the splitter lets through eight bytes only; -1 when malformed. */
export function readNumber(bytes: Uint8Array, start: number): number {
  return readU64(bytes, start);
}

/** Bytes of a whole ACK frame. */
export const ACK_FRAME_BYTES = HEADER_BYTES + ACK_BYTES;

/** Writes a whole ACK frame, 48 bytes, at `at`; the checksum field is 0 until `stampChecksum`. Seven numbers because an object per ack would cost more than the ack. */
export function writeAck(
  target: Uint8Array,
  at: number,
  orderedReceived: number,
  cursor: number,
  directReceived: number,
  windowMessages: number,
  windowBytes: number,
): void {
  const body = at + HEADER_BYTES;
  writeHeader(target, at, FrameType.ACK, 0, 0, ACK_BYTES);
  writeU64(target, body, orderedReceived);
  writeU64(target, body + 8, cursor);
  writeU64(target, body + 16, directReceived);
  writeU32(target, body + 24, windowMessages);
  writeU32(target, body + 28, windowBytes);
}

/** Reads the 32 bytes of an ACK body into `into`; false when a position is no safe integer or the cursor is ahead of what was received. */
export function readAck(bytes: Uint8Array, start: number, into: MutableAck): boolean {
  into.orderedReceived = readU64(bytes, start);
  into.cursor = readU64(bytes, start + 8);
  into.directReceived = readU64(bytes, start + 16);
  into.windowMessages = readU32(bytes, start + 24);
  into.windowBytes = readU32(bytes, start + 28);
  return into.directReceived >= 0 && into.cursor >= 0 && areInOrder(into);
}
