/**
 * Writes the payload of a message that is short and plain, as most are: nothing in it but what JSON has and undefined, no
 * object twice, no -0. One walk looks at it and writes it, where the survey, cbor-x and the scan take three;
 * what it writes is what cbor-x writes, byte for byte. Everything else is left to those.
 */
import { type WireLimits, DEPTH_MAX } from './limits.ts';

const objectPrototype: unknown = Object.prototype;
const arrayPrototype: unknown = Array.prototype;

/** A longer payload is not short: the scan has to look at it. */
export const SHORT_BYTES_MAX = 4_096;
/** No value takes more heap than this for a byte of its encoding: an empty object, three bytes. */
const COST_PER_BYTE_MAX = 104;
/** From this many units on the engine copies a text quicker than a loop. */
const LONG_TEXT = 64;
/** UTF-8 bytes of one UTF-16 unit. */
const UTF8_PER_UNIT_MAX = 3;
/** Objects that are looked through for one that is there twice. */
const OBJECTS_MAX = 16;

const objects: (object | undefined)[] = new Array<object | undefined>(OBJECTS_MAX).fill(undefined);
let objectCount = 0;

// Where the writing is. Module variables, as nothing that runs in between can begin another writing.
const nothing: Uint8Array = new Uint8Array(0);
let bytes = nothing;
let at = 0;
let end = 0;
let depthRoom = 0;
let keyBytesMax = 0;

const utf8 = new TextEncoder();

const float = new Float64Array([-0]);
const floatBytes = new Uint8Array(float.buffer);
/** Bytes of a number lie the other way round on the wire, on all but a few machines. */
const flip = floatBytes[7] === 0x80 ? 7 : 0;

/** The length up to which a plain payload cannot break any of the limits, whatever is in it. */
export function shortBytesMax(limits: WireLimits): number {
  const { messageBytes, items, arrayItems, mapEntries, textBytes, costBytes } = limits;
  return Math.min(
    SHORT_BYTES_MAX,
    messageBytes,
    items,
    arrayItems,
    mapEntries,
    textBytes,
    Math.floor(costBytes / COST_PER_BYTE_MAX),
  );
}

/**
 * Writes a value into `target` from `start`; where it ends, which is at most `limit`, or -1 when it is not short and plain or
 * does not fit. Then what lies behind `start` is of no use. The caller has made sure that nothing longer than `limit` may be
 * written, and that nothing is written from within: a getter may throw, and may run code.
 */
export function writeShort(
  value: unknown,
  target: Uint8Array,
  start: number,
  limit: number,
  limits: WireLimits,
): number {
  bytes = target;
  at = start;
  end = limit;
  depthRoom = limits.depth < DEPTH_MAX ? limits.depth : DEPTH_MAX;
  keyBytesMax = limits.keyBytes;
  objectCount = 0;
  const isWritten = writeItem(value);
  bytes = nothing;
  for (let i = 0; i < objectCount; i++) objects[i] = undefined;
  return isWritten ? at : -1;
}

function writeItem(value: unknown): boolean {
  switch (typeof value) {
    case 'string':
      return writeText(value);
    case 'number':
      return writeNumber(value);
    case 'boolean':
      return writeByte(value ? 0xf5 : 0xf4);
    case 'undefined':
      return writeByte(0xf7);
    case 'object':
      return value === null ? writeByte(0xf6) : writeContainer(value);
    default:
      return false;
  }
}

function writeByte(byte: number): boolean {
  if (at >= end) return false;
  bytes[at++] = byte;
  return true;
}

function writeNumber(value: number): boolean {
  if (value >>> 0 === value) {
    if (value === 0 && 1 / value < 0) return false;
    return writeHead(0, value);
  }
  if (value < 0 && value >= -0x1_0000_0000 && Math.floor(value) === value) return writeHead(0x20, -1 - value);
  if (at + 9 > end) return false;
  float[0] = value;
  const target = bytes;
  target[at] = 0xfb;
  target[at + 1] = floatBytes[flip] as number;
  target[at + 2] = floatBytes[1 ^ flip] as number;
  target[at + 3] = floatBytes[2 ^ flip] as number;
  target[at + 4] = floatBytes[3 ^ flip] as number;
  target[at + 5] = floatBytes[4 ^ flip] as number;
  target[at + 6] = floatBytes[5 ^ flip] as number;
  target[at + 7] = floatBytes[6 ^ flip] as number;
  target[at + 8] = floatBytes[7 ^ flip] as number;
  at += 9;
  return true;
}

/** The head of an item: its major type, shifted, and an argument of at most 32 bits. */
function writeHead(major: number, argument: number): boolean {
  if (at + 5 > end) return false;
  if (argument < 24) {
    bytes[at++] = major | argument;
  } else if (argument < 256) {
    bytes[at] = major | 24;
    bytes[at + 1] = argument;
    at += 2;
  } else if (argument < 65_536) {
    bytes[at] = major | 25;
    bytes[at + 1] = argument >> 8;
    bytes[at + 2] = argument;
    at += 3;
  } else {
    bytes[at] = major | 26;
    bytes[at + 1] = argument >>> 24;
    bytes[at + 2] = argument >> 16;
    bytes[at + 3] = argument >> 8;
    bytes[at + 4] = argument;
    at += 5;
  }
  return true;
}

function writeText(text: string): boolean {
  const { length } = text;
  if (length >= LONG_TEXT) return writeLongText(text);
  if (at + 2 + length > end) return false;
  const target = bytes;
  let to = at;
  if (length < 24) target[to++] = 0x60 | length;
  else {
    target[to++] = 0x78;
    target[to++] = length;
  }
  let high = 0;
  for (let i = 0; i < length; i++) {
    const unit = text.charCodeAt(i);
    high |= unit;
    target[to + i] = unit;
  }
  if (high > 127) return writeWideText(text);
  at = to + length;
  return true;
}

/** False also when it is not well-formed: the engine would mend it. */
function writeLongText(text: string): boolean {
  const { length } = text;
  if (at + 5 + length > end || !text.isWellFormed()) return false;
  // Most are ASCII: behind the head that they need. Others move if theirs is longer.
  const from = at + headBytes(length);
  const { read, written } = utf8.encodeInto(text, bytes.subarray(from, end));
  const to = at + headBytes(written);
  if (read < length || to + written > end) return false;
  if (to > from) bytes.copyWithin(to, from, from + written);
  if (!writeHead(0x60, written)) return false;
  at += written;
  return true;
}

/** Bytes of the head of an item with an argument from 24 on. */
function headBytes(argument: number): number {
  return argument < 256 ? 2 : argument < 65_536 ? 3 : 5;
}

/** A text with other characters than ASCII; false also when it is not well-formed. */
function writeWideText(text: string): boolean {
  let length = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) length += 1;
    else if (unit < 0x800) length += 2;
    else if (unit < 0xd800 || unit > 0xdfff) length += 3;
    else {
      const low = text.charCodeAt(i + 1);
      if (unit > 0xdbff || !(low >= 0xdc00 && low <= 0xdfff)) return false;
      length += 4;
      i += 1;
    }
  }
  if (!writeHead(0x60, length) || at + length > end) return false;
  for (let i = 0; i < text.length; i++) {
    let point = text.charCodeAt(i);
    if (point < 0x80) {
      bytes[at++] = point;
      continue;
    }
    if (point < 0x800) bytes[at++] = 0xc0 | (point >> 6);
    else {
      if (point >= 0xd800 && point <= 0xdfff) {
        i += 1;
        point = 0x10000 + ((point - 0xd800) << 10) + (text.charCodeAt(i) - 0xdc00);
        bytes[at++] = 0xf0 | (point >> 18);
        bytes[at++] = 0x80 | ((point >> 12) & 63);
      } else bytes[at++] = 0xe0 | (point >> 12);
      bytes[at++] = 0x80 | ((point >> 6) & 63);
    }
    bytes[at++] = 0x80 | (point & 63);
  }
  return true;
}

function writeContainer(value: object): boolean {
  for (let i = 0; i < objectCount; i++) if (objects[i] === value) return false;
  if (objectCount === OBJECTS_MAX || --depthRoom < 0) return false;
  objects[objectCount++] = value;
  const prototype: unknown = Object.getPrototypeOf(value);
  const isWritten =
    prototype === arrayPrototype
      ? writeArray(value as readonly unknown[])
      : (prototype === objectPrototype || prototype === null) && writeObject(value as Record<string, unknown>);
  depthRoom++;
  return isWritten;
}

function writeArray(elements: readonly unknown[]): boolean {
  const { length } = elements;
  if (length > end - at || !writeHead(0x80, length)) return false;
  for (let i = 0; i < length; i++) {
    const element = elements[i];
    if (element === undefined && !(i in elements)) return false;
    if (!writeItem(element)) return false;
  }
  return true;
}

/** The number of entries has two bytes, as cbor-x writes it. */
function writeObject(entries: Readonly<Record<string, unknown>>): boolean {
  const headAt = at;
  if (at + 3 > end) return false;
  at += 3;
  let count = 0;
  for (const key in entries) {
    count++;
    const { length } = key;
    if (length * UTF8_PER_UNIT_MAX > keyBytesMax || (length > 8 && isForbidden(key))) return false;
    if (!writeText(key) || !writeItem(entries[key])) return false;
  }
  // A stream may be written as an object of one method alone: to look for it in every object costs too much.
  if (count === 0 && Symbol.asyncIterator in entries) return false;
  bytes[headAt] = 0xb9;
  bytes[headAt + 1] = count >> 8;
  bytes[headAt + 2] = count;
  return true;
}

function isForbidden(key: string): boolean {
  return key === '__proto__' || key === 'prototype' || key === 'constructor';
}
