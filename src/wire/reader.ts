/**
 * Reads a payload that the scan let through, and nothing else: it checks no length, no shape and no depth again.
 * Written out by hand because it is the longest part of receiving a message: twice as fast as cbor-x, which reads the
 * same values (the fuzz compares them) but drops a byte order mark at the start of a long text.
 */

import { invariant } from '../errors.ts';

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

const fromCharCode = String.fromCharCode;
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
const number = new DataView(new ArrayBuffer(8));

/** The value of the payload from `start` to `end`; shares no memory with `source`. */
export function read(source: Uint8Array, start: number, end: number): unknown {
  bytes = source;
  at = start;
  const head = bytes[start] as number;
  const isMessage = head > 0x80 && head < 0x90 && (bytes[start + 1] as number) >> 5 === 3;
  const value = isMessage ? readMessage(head & 31) : readItem();
  bytes = nothing;
  invariant(at === end, `expected the scanned payload to end at ${end}, got ${at}`);
  return value;
}

/** A message begins with its name, one of a few that come again and again. */
function readMessage(length: number): unknown[] {
  at += 1;
  const elements: unknown[] = [readKey()];
  for (let i = 1; i < length; i++) elements[i] = readItem();
  return elements;
}

function readItem(): unknown {
  const head = bytes[at++] as number;
  if (head < 24) return head;
  const major = head >> 5;
  let argument = head & 31;
  if (major === 7) return readSimple(argument);
  if (argument > 23) argument = readArgument(argument);
  switch (major) {
    case 0:
      return argument;
    case 1:
      return -1 - argument;
    case 2: {
      const copy = new Uint8Array(argument);
      copy.set(bytes.subarray(at, at + argument));
      at += argument;
      return copy;
    }
    case 3:
      return readText(argument);
    case 4: {
      // growing one by one is quicker for the few, and costs twice the time for the many
      const elements: unknown[] = argument > 16 ? new Array<unknown>(argument) : [];
      for (let i = 0; i < argument; i++) elements[i] = readItem();
      return elements;
    }
    case 5: {
      const entries: Record<string, unknown> = {};
      for (let i = 0; i < argument; i++) {
        const key = readKey();
        entries[key] = readItem();
      }
      return entries;
    }
    default:
      return new Tagged(readItem(), argument);
  }
}

function readArgument(minor: number): number {
  switch (minor) {
    case 24:
      return bytes[at++] as number;
    case 25:
      at += 2;
      return ((bytes[at - 2] as number) << 8) | (bytes[at - 1] as number);
    case 26:
      return readU32();
    default:
      return readU32() * 4_294_967_296 + readU32();
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
    case 25:
      return halfOf(readArgument(25));
    case 26:
      number.setUint32(0, readU32());
      return number.getFloat32(0);
    default:
      number.setUint32(0, readU32());
      number.setUint32(4, readU32());
      return number.getFloat64(0);
  }
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
  at += length;
  return decoder.decode(bytes.subarray(at - length, at));
}

function readWideText(length: number): string {
  const units: number[] = [];
  const end = at + length;
  while (at < end) {
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

// Keys come again and again: the last one seen at each slot is kept, so that it is compared instead of built.
const KEY_SLOTS = 1_024;
const KEPT_KEY_BYTES_MAX = 24;
const keptKeys = new Array<string>(KEY_SLOTS).fill('');
const keptBytes = new Uint8Array(KEY_SLOTS * KEPT_KEY_BYTES_MAX);
const keptLengths = new Uint8Array(KEY_SLOTS);

function readKey(): string {
  let length = (bytes[at++] as number) & 31;
  if (length > 23) length = readArgument(length);
  if (length === 0) return '';
  if (length > KEPT_KEY_BYTES_MAX) return readText(length);
  const first = bytes[at] as number;
  const middle = bytes[at + (length >> 1)] as number;
  const last = bytes[at + length - 1] as number;
  const slot = (length ^ (first << 3) ^ (middle << 5) ^ (last << 1)) & (KEY_SLOTS - 1);
  const from = slot * KEPT_KEY_BYTES_MAX;
  if (keptLengths[slot] === length) {
    let i = 0;
    while (i < length && keptBytes[from + i] === bytes[at + i]) i++;
    if (i === length) {
      at += length;
      return keptKeys[slot] as string;
    }
  }
  for (let i = 0; i < length; i++) keptBytes[from + i] = bytes[at + i] as number;
  keptLengths[slot] = length;
  const key = readText(length);
  keptKeys[slot] = key;
  return key;
}
