/**
 * How messages become frames: small ones whole, in the page where they wait, with the header put before them; large
 * ones as fragments of one seq. A stroke is how far a lane has been written on one connection.
 */
import {
  type Checksum,
  FRAGMENT_BYTES,
  FRAGMENT_FLAG,
  FRAGMENT_HEADER_BYTES,
  FrameType,
  HEADER_BYTES,
  stampChecksum,
  writeHeader,
  writeU32,
} from '../wire/frame.ts';
import type { Gather } from '../wire/gather.ts';
import type { Outgoing } from './outbox.ts';

/** Writes the trace context of the message that is written next. */
export function writeTrace(gather: Gather, body: Uint8Array, seq: number, checksum: Checksum | undefined): void {
  const frame = new Uint8Array(HEADER_BYTES + body.length);
  writeHeader(frame, 0, FrameType.TRACE, 0, seq, body.length);
  frame.set(body, HEADER_BYTES);
  if (checksum !== undefined) stampChecksum(frame, 0, frame.length, checksum);
  gather.add(frame, 0, frame.length);
}

/** Where the next frame of a lane begins on one connection. */
export interface Stroke {
  nextSeq: number;
  /** Payload bytes of `nextSeq` that have left as fragments; above 0 the message has to be completed. */
  fragmentOffset: number;
}

/** Writes the message of `stroke.nextSeq`, or fragments of it until about `bytesMax` bytes are gathered. */
export function writeMessage(
  gather: Gather,
  bytesMax: number,
  type: number,
  message: Outgoing,
  stroke: Stroke,
  checksum: Checksum | undefined,
): void {
  const { page, end } = message;
  const size = end - message.start;
  if (size <= FRAGMENT_BYTES) {
    const at = message.start - HEADER_BYTES;
    writeHeader(page, at, type, message.kind, stroke.nextSeq, size);
    if (checksum !== undefined) stampChecksum(page, at, end, checksum);
    gather.add(page, at, end);
    stroke.nextSeq += 1;
    return;
  }
  while (stroke.fragmentOffset < size && gather.bytes < bytesMax) {
    writeFragment(gather, type, message, stroke, checksum);
  }
  if (stroke.fragmentOffset < size) return;
  stroke.fragmentOffset = 0;
  stroke.nextSeq += 1;
}

function writeFragment(
  gather: Gather,
  type: number,
  message: Outgoing,
  stroke: Stroke,
  checksum: Checksum | undefined,
): void {
  const { page, kind } = message;
  const from = message.start + stroke.fragmentOffset;
  const to = Math.min(from + FRAGMENT_BYTES, message.end);
  const headBytes = HEADER_BYTES + FRAGMENT_HEADER_BYTES;
  const frame = new Uint8Array(checksum === undefined ? headBytes : headBytes + (to - from));
  writeHeader(frame, 0, type, kind | FRAGMENT_FLAG, stroke.nextSeq, to - from + FRAGMENT_HEADER_BYTES);
  writeU32(frame, HEADER_BYTES, message.end - message.start);
  writeU32(frame, HEADER_BYTES + 4, stroke.fragmentOffset);
  if (checksum !== undefined) {
    frame.set(page.subarray(from, to), headBytes);
    stampChecksum(frame, 0, frame.length, checksum);
  }
  gather.add(frame, 0, frame.length);
  if (checksum === undefined) gather.add(page, from, to);
  stroke.fragmentOffset += to - from;
}
