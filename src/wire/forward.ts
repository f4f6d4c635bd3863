/** An event on its way to other sessions: its payload with the name of the session that it comes from, and none decoded. */
import { SESSION_ID_BYTES_MAX } from '../ids.ts';
import { readU16, readU32 } from './frame.ts';
import type { WireLimits } from './limits.ts';

/**
 * The payload `[name, ...arguments, from]` for that of an event, `[name, ...arguments]`, which has been scanned within
 * `forwardable` limits. At the end, because links in the arguments lead from the root. `from` is ASCII of at most 64
 * characters. The bytes are a copy.
 */
export function forwarded(payload: Uint8Array, from: string): Uint8Array {
  const bodyAt = headBytes(payload, 0);
  const head = headOf(0x80, lengthAt(payload, 0) + 1);
  const fromHead = headOf(0x60, from.length);
  const bodyEnd = head.length + payload.length - bodyAt;
  const bytes = new Uint8Array(bodyEnd + fromHead.length + from.length);
  bytes.set(head, 0);
  bytes.set(payload.subarray(bodyAt), head.length);
  bytes.set(fromHead, bodyEnd);
  const fromAt = bodyEnd + fromHead.length;
  for (let i = 0; i < from.length; i++) bytes[fromAt + i] = from.charCodeAt(i);
  return bytes;
}

/**
 * The limits for an event that keeps within these with a name at its end. What a receiver refuses would come again with
 * every resume. The bytes of a message are each receiver's own, and measured there.
 */
export function forwardable(limits: WireLimits): WireLimits {
  const { items, arrayItems, costBytes } = limits;
  return {
    ...limits,
    items: items - 1,
    arrayItems: arrayItems - 1,
    costBytes: costBytes - 8 - 24 - SESSION_ID_BYTES_MAX,
  };
}

/** The name of an event in its payload, which has been scanned. */
export function nameOf(payload: Uint8Array): string {
  const nameAt = headBytes(payload, 0);
  const textAt = nameAt + headBytes(payload, nameAt);
  return new TextDecoder().decode(payload.subarray(textAt, textAt + lengthAt(payload, nameAt)));
}

/** A head of this major type in its shortest form. */
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
