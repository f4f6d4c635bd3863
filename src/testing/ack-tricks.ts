/**
 * A peer that acknowledges too much, too little or not at all, played by a middlebox between two honest ends: it changes ACK
 * frames as they are written, and makes their checksum anew.
 */
import { crc32 } from 'node:zlib';
import { FrameType, HEADER_BYTES, readU24, readU32, readU64, readU8, writeU32, writeU64 } from '../wire/frame.ts';

/** What it does, from mild to severe; the last two are violations, which the end that reads them must find. */
export type AckTrick = 'byOne' | 'withheld' | 'back' | 'beyond';

const ORDERED_RECEIVED = HEADER_BYTES;
const CURSOR = HEADER_BYTES + 8;
const DIRECT_RECEIVED = HEADER_BYTES + 16;

/** A middlebox for one direction of one line, which is shown whole frames; gives what is carried instead. */
export function trickOf(how: AckTrick): (parts: readonly Uint8Array[]) => readonly Uint8Array[] {
  let last: number | undefined;
  const change = (ack: Uint8Array): Uint8Array | undefined => {
    switch (how) {
      case 'byOne': {
        const cursor = readU64(ack, CURSOR);
        last = last === undefined ? cursor : Math.min(cursor, last + 1);
        writeU64(ack, CURSOR, last);
        return stamped(ack);
      }
      case 'withheld':
        return undefined;
      case 'back':
        for (const at of [ORDERED_RECEIVED, CURSOR, DIRECT_RECEIVED]) writeU64(ack, at, 0);
        return stamped(ack);
      case 'beyond':
        for (const at of [ORDERED_RECEIVED, CURSOR, DIRECT_RECEIVED]) writeU64(ack, at, Number.MAX_SAFE_INTEGER);
        return stamped(ack);
    }
  };
  return (parts) => framesOf(parts).flatMap((frame) => (isAck(frame) ? (change(frame) ?? []) : frame));
}

function isAck(frame: Uint8Array): boolean {
  return readU8(frame, 4) === FrameType.ACK;
}

/** Without checksums the field stays 0. */
function stamped(frame: Uint8Array): Uint8Array {
  if (readU32(frame, 0) !== 0) writeU32(frame, 0, crc32(frame.subarray(4)));
  return frame;
}

/** What was written, frame by frame, as copies. */
function framesOf(parts: readonly Uint8Array[]): Uint8Array[] {
  const bytes = new Uint8Array(Buffer.concat(parts));
  const frames: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    const end = at + HEADER_BYTES + readU24(bytes, at + 5);
    frames.push(bytes.slice(at, end));
    at = end;
  }
  return frames;
}
