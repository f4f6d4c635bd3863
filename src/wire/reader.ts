/**
 * Reads payloads. One that the scan let through is read without a second look; one that is short and plain can be read at
 * once, checked on the way, and what does not pass is left to the scan, which knows the reason.
 * Written out by hand because it is the longest part of receiving a message: twice as fast as cbor-x, which reads the
 * same values (the fuzz compares them) but drops a byte order mark at the start of a long text.
 */
import { invariant } from '../errors.ts';
import { KEPT_KEY_BYTES_MAX, QUICK_DEPTH_MAX, isRepeated, keepKey, keptKey, nextStamp, slotOf } from './kept-keys.ts';
import { isForbiddenKey } from './keys.ts';
import type { WireLimits } from './limits.ts';
import { LONG_TEXT_BYTES, isUtf8, skipAscii } from './utf8.ts';

/** An item behind a tag of ours, as it was read; `fromWire` replaces it. */
export class Tagged {
  readonly value: unknown;
  readonly tag: number;

  constructor(value: unknown, tag: number) {
    this.value = value;
    this.tag = tag;
  }
}

// Where the reading is. Module variables, as nothing that runs in between can begin another reading.
const nothing: Uint8Array = new Uint8Array(0);
let bytes = nothing;
let at = 0;
let end = 0;
/** Whether the scan has let these bytes through. */
let isScanned = true;
/** Something was met that only the scan may judge; reading ends somewhere beyond, and what was read is of no use. */
let isOff = false;
let depthRoom = 0;
let keyBytesMax = 0;

const fromCharCode = String.fromCharCode;
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const number = new DataView(new ArrayBuffer(8));

/** The value of the payload from `start` to `until`, which was scanned; shares no memory with `source`. */
export function read(source: Uint8Array, start: number, until: number): unknown {
  isScanned = true;
  isOff = false;
  depthRoom = Infinity;
  const value = readPayload(source, start, until);
  // The sentence is not built for every message.
  if (isOff || at !== until) invariant(false, `expected the scanned payload to end at ${until}, got ${at}`);
  return value;
}

/** What `readShort` says of a payload that it left to the scan. */
export const UNREAD = Symbol('unread');

/** Stands for a verdict of the scan where a payload has been read already; the value waits where it is to be used. */
export const READ_AT_ONCE = 2;

/**
 * The value of a payload that nobody has looked at, or `UNREAD`: it is not plain, breaks a rule or a limit, or is one that
 * only the scan can judge. The caller has made sure that it is no longer than `shortBytesMax` of these limits.
 */
export function readShort(source: Uint8Array, start: number, until: number, limits: WireLimits): unknown {
  isScanned = false;
  isOff = false;
  depthRoom = limits.depth < QUICK_DEPTH_MAX ? limits.depth : QUICK_DEPTH_MAX;
  keyBytesMax = limits.keyBytes;
  const value = readPayload(source, start, until);
  return isOff || at !== until ? UNREAD : value;
}

function readPayload(source: Uint8Array, start: number, until: number): unknown {
  bytes = source;
  at = start;
  end = until;
  const head = bytes[start] as number;
  const isMessage = head > 0x80 && head < 0x90 && (bytes[start + 1] as number) >> 5 === 3;
  const value = isMessage ? readMessage(head & 31) : readItem();
  bytes = nothing;
  return value;
}

/** Reading goes no further. */
function leave(): 0 {
  isOff = true;
  at = end;
  return 0;
}

function leaveText(): '' {
  leave();
  return '';
}

/** A message begins with its name, one of a few that come again and again. */
function readMessage(length: number): unknown[] {
  at += 1;
  depthRoom -= 1;
  const name = readKey();
  // Most have one argument: an array that grows takes room for sixteen.
  if (length === 2) return [name, readItem()];
  const elements = new Array<unknown>(length);
  elements[0] = name;
  for (let i = 1; i < length; i++) elements[i] = readItem();
  return elements;
}

function readItem(): unknown {
  if (at >= end) return leave();
  const head = bytes[at++] as number;
  if (head < 24) return head;
  const major = head >> 5;
  let argument = head & 31;
  if (major === 7) return readSimple(argument);
  if (argument > 23) argument = readArgument(argument, major);
  switch (major) {
    case 0:
      return argument;
    case 1:
      return -1 - argument;
    case 2: {
      if (argument > end - at) return leave();
      const copy = new Uint8Array(argument);
      copy.set(bytes.subarray(at, at + argument));
      at += argument;
      return copy;
    }
    case 3:
      return readText(argument);
    case 4: {
      if (argument > end - at || --depthRoom < 0) return leave();
      const elements: unknown[] = argument === 0 ? [] : new Array<unknown>(argument);
      for (let i = 0; i < argument; i++) elements[i] = readItem();
      depthRoom += 1;
      return elements;
    }
    case 5: {
      if (argument * 2 > end - at || --depthRoom < 0) return leave();
      const entries: Record<string, unknown> = {};
      const stamp = isScanned ? 0 : nextStamp();
      const depth = depthRoom;
      for (let i = 0; i < argument; i++) {
        const key = readKey();
        if (stamp > 0 && isRepeated(depth, slot, stamp)) return leave();
        entries[key] = readItem();
      }
      depthRoom += 1;
      return entries;
    }
    default:
      return isScanned ? new Tagged(readItem(), argument) : leave();
  }
}

/** The argument behind a head, in its shortest form; but the number of a map's entries may have two bytes (cbor-x). */
function readArgument(minor: number, major: number): number {
  if (minor > 27 || end - at < 1 << (minor - 24)) return leave();
  switch (minor) {
    case 24: {
      const argument = bytes[at++] as number;
      return argument < 24 ? leave() : argument;
    }
    case 25: {
      at += 2;
      const argument = ((bytes[at - 2] as number) << 8) | (bytes[at - 1] as number);
      return argument < 256 && major !== 5 ? leave() : argument;
    }
    case 26: {
      const argument = readU32();
      return argument < 65_536 ? leave() : argument;
    }
    default:
      return isScanned ? readU32() * 4_294_967_296 + readU32() : leave();
  }
}

function readU32(): number {
  at += 4;
  return (
    (((bytes[at - 4] as number) << 24) |
      ((bytes[at - 3] as number) << 16) |
      ((bytes[at - 2] as number) << 8) |
      (bytes[at - 1] as number)) >>>
    0
  );
}

function readSimple(minor: number): unknown {
  switch (minor) {
    case 20:
      return false;
    case 21:
      return true;
    case 22:
      return null;
    case 23:
      return undefined;
  }
  if (minor < 25 || minor > 27 || end - at < 1 << (minor - 24)) return leave();
  if (minor === 25) {
    at += 2;
    return halfOf(((bytes[at - 2] as number) << 8) | (bytes[at - 1] as number));
  }
  number.setUint32(0, readU32());
  if (minor === 26) return number.getFloat32(0);
  number.setUint32(4, readU32());
  return number.getFloat64(0);
}

/** IEEE 754 binary16 (RFC 8949, appendix D). */
function halfOf(bits: number): number {
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  const magnitude =
    exponent === 0
      ? fraction * 2 ** -24
      : exponent === 31
        ? fraction === 0
          ? Infinity
          : NaN
        : (1 + fraction / 1024) * 2 ** (exponent - 15);
  return bits > 0x7fff ? -magnitude : magnitude;
}

/** Texts shorter than this are put together here; a call of the decoder costs more than reading them. */
const SHORT_BYTES = 64;
const unitsByLength: number[][] = Array.from({ length: SHORT_BYTES }, (_, length) => new Array<number>(length).fill(0));

function readText(length: number): string {
  if (length > end - at) return leaveText();
  if (length < SHORT_BYTES) {
    const units = unitsByLength[length] as number[];
    let high = 0;
    for (let i = 0; i < length; i++) {
      const byte = bytes[at + i] as number;
      high |= byte;
      units[i] = byte;
    }
    if (high > 127) return readWideText(length);
    at += length;
    return fromCharCode.apply(String, units);
  }
  const from = at;
  at += length;
  if (!isScanned && !isLongText(from, at)) return leaveText();
  return decoder.decode(bytes.subarray(from, from + length));
}

/** Whether a range holds a well-formed text; most are ASCII. */
function isLongText(from: number, to: number): boolean {
  const other = to - from >= LONG_TEXT_BYTES ? skipAscii(bytes, from, to) : from;
  return isUtf8(bytes, other, to);
}

function readWideText(length: number): string {
  const units: number[] = [];
  const to = at + length;
  if (!isScanned && !isUtf8(bytes, at, to)) return leaveText();
  while (at < to) {
    const lead = bytes[at++] as number;
    if (lead < 0x80) units.push(lead);
    else if (lead < 0xe0) units.push(((lead & 31) << 6) | continuation());
    else if (lead < 0xf0) units.push(((lead & 15) << 12) | (continuation() << 6) | continuation());
    else {
      const point = ((lead & 7) << 18) | (continuation() << 12) | (continuation() << 6) | continuation();
      units.push(0xd800 + ((point - 0x10000) >> 10), 0xdc00 + (point & 1023));
    }
  }
  return fromCharCode.apply(String, units);
}

function continuation(): number {
  return (bytes[at++] as number) & 63;
}

/** Where the last key is kept. */
let slot = 0;

function readKey(): string {
  const head = at < end ? (bytes[at++] as number) : leave();
  let length = head & 31;
  if (length > 23) length = readArgument(length, 3);
  if (isScanned) {
    if (length === 0) return '';
    if (length > KEPT_KEY_BYTES_MAX) return readText(length);
  } else if (head >> 5 !== 3 || length === 0 || length > keyBytesMax || length > end - at) return leaveText();
  // Whether the map has it twice is not known of a key that is not kept.
  else if (length > KEPT_KEY_BYTES_MAX) return leaveText();
  slot = slotOf(bytes, at, length);
  const kept = keptKey(slot, bytes, at, length);
  if (kept !== undefined) {
    at += length;
    return kept;
  }
  // The name of a message may be one that no key may be: it is not kept, or it would pass as a key.
  const isForbidden = isForbiddenKey(bytes, at, length);
  if (!isScanned && (isForbidden || !isUtf8(bytes, at, at + length))) return leaveText();
  const from = at;
  const key = readText(length);
  if (!isForbidden) keepKey(slot, bytes, from, length, key);
  return key;
}
