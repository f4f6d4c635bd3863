/** An event on its way to other sessions: its payload with the name of the session that it comes from, and none decoded. */
import { readU16, readU32 } from './frame.ts';

/**
 * The payload `[name, from, ...arguments]` for that of an event, `[name, ...arguments]`, which has been scanned. `from` is
 * ASCII of at most 255 characters. The bytes are a copy.
 */
export function forwarded(payload: Uint8Array, from: string): Uint8Array {
  const count = lengthAt(payload, 0) + 1;
  const nameAt = headBytes(payload, 0);
  const nameEnd = nameAt + headBytes(payload, nameAt) + lengthAt(payload, nameAt);
  const head = headOf(0x80, count);
  const fromHead = headOf(0x60, from.length);
  const bytes = new Uint8Array(head.length + fromHead.length + from.length + payload.length - nameAt);
  bytes.set(head, 0);
  bytes.set(payload.subarray(nameAt, nameEnd), head.length);
  let at = head.length + nameEnd - nameAt;
  bytes.set(fromHead, at);
  at += fromHead.length;
  for (let i = 0; i < from.length; i++) bytes[at + i] = from.charCodeAt(i);
  bytes.set(payload.subarray(nameEnd), at + from.length);
  return bytes;
}

/** A head of this major type in its shortest form; no event has more than 65,536 elements. */
function headOf(major: number, length: number): Uint8Array {
  if (length < 24) return Uint8Array.of(major | length);
  if (length < 256) return Uint8Array.of(major | 24, length);
  if (length < 65_536) return Uint8Array.of(major | 25, length >>> 8, length);
  return Uint8Array.of(major | 26, length >>> 24, length >>> 16, length >>> 8, length);
}

function headBytes(bytes: Uint8Array, at: number): number {
  const info = (bytes[at] as number) & 31;
  return info < 24 ? 1 : 1 + (1 << (info - 24));
}

function lengthAt(bytes: Uint8Array, at: number): number {
  const info = (bytes[at] as number) & 31;
  if (info < 24) return info;
  if (info === 24) return bytes[at + 1] as number;
  return info === 25 ? readU16(bytes, at + 1) : readU32(bytes, at + 1);
}
