/**
 * The quick look at a message before it is encoded: most messages are plain, and need no copy. Written for speed: one
 * walk, and nothing allocated for a message of a few objects. It also foretells how long the encoding is if every text
 * is ASCII: an encoding of just that length, and small, holds nothing that the scan could refuse.
 */
import { DEPTH_MAX } from './limits.ts';
import type { WireLimits } from './limits.ts';

const objectPrototype: unknown = Object.prototype;
const arrayPrototype: unknown = Array.prototype;

// Objects met by the survey that is going on. A few are looked through; beyond that a set is quicker.
const LISTED_MAX = 16;
const listed: (object | undefined)[] = new Array<object | undefined>(LISTED_MAX).fill(undefined);
let listedCount = 0;
let met: Set<object> | undefined;
/** What is left of the bytes that a message may have, by the least that what was met so far takes. */
let bytesLeft = 0;
let depthRoom = 0;
let elementsMax = 0;
let keyBytesMax = 0;
/** Bytes that cbor-x writes if every text is ASCII; Infinity when a key is one that the scan must see. */
let asciiBytes = 0;

/**
 * Whether a message can be given to the CBOR library as it stands: nothing in it but what JSON has, undefined and
 * Uint8Array, no object twice, no -0. What is not plain either needs `toWire` or cannot cross at all. Key names and
 * sizes are left to the scan of the result.
 */
export function isPlain(value: unknown, limits: WireLimits): boolean {
  bytesLeft = limits.messageBytes;
  depthRoom = Math.min(limits.depth, DEPTH_MAX);
  elementsMax = limits.arrayItems;
  keyBytesMax = limits.keyBytes;
  asciiBytes = 0;
  try {
    return surveyValue(value);
  } finally {
    for (let i = 0; i < listedCount; i++) listed[i] = undefined;
    listedCount = 0;
    met = undefined;
  }
}

/** Length of the encoding of the value surveyed last if every text in it is ASCII; Infinity when the scan must decide. */
export function asciiLength(): number {
  return asciiBytes;
}

function surveyValue(value: unknown): boolean {
  switch (typeof value) {
    case 'string':
      return surveyText(value);
    case 'number':
      asciiBytes += numberLength(value);
      return value !== 0 || 1 / value > 0;
    case 'boolean':
    case 'undefined':
      asciiBytes += 1;
      return true;
    case 'object':
      if (value !== null) return surveyObject(value);
      asciiBytes += 1;
      return true;
    default:
      return false;
  }
}

function numberLength(value: number): number {
  if (value >> 0 !== value && value >>> 0 !== value)
    return Math.floor(value) === value && value < 0 && value >= -0x1_0000_0000 ? 5 : 9;
  const argument = value < 0 ? -1 - value : value;
  return headLength(argument);
}

function headLength(argument: number): number {
  return argument < 24 ? 1 : argument < 256 ? 2 : argument < 65_536 ? 3 : 5;
}

/** Lone surrogates in short texts are found by the scan of the result; in long ones the library would replace them. */
function surveyText(text: string): boolean {
  const length = text.length;
  bytesLeft -= length;
  asciiBytes += headLength(length) + length;
  return bytesLeft >= 0 && (length < 64 || text.isWellFormed());
}

function surveyObject(value: object): boolean {
  if (wasMet(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === objectPrototype || prototype === null) {
    if (--depthRoom < 0) return false;
    const entries = value as Readonly<Record<string, unknown>>;
    asciiBytes += 3;
    let isEmpty = true;
    for (const key in entries) {
      isEmpty = false;
      bytesLeft -= 2;
      if (key.length > 8 && (key.length < 12 || key.length > keyBytesMax)) asciiBytes = Infinity;
      if (!surveyText(key)) return false;
      if (!surveyValue(entries[key])) return false;
    }
    depthRoom++;
    // A stream may be written as an object of this one method. To look for it in every object costs too much.
    return !isEmpty || !(Symbol.asyncIterator in entries);
  }
  if (prototype === arrayPrototype) {
    const elements = value as readonly unknown[];
    const length = elements.length;
    bytesLeft -= length;
    asciiBytes += headLength(length);
    if (--depthRoom < 0 || length > elementsMax || bytesLeft < 0) return false;
    for (let i = 0; i < length; i++) {
      const element = elements[i];
      if (typeof element === 'number' && element !== 0) {
        asciiBytes += numberLength(element);
        continue;
      }
      if (element === undefined ? !(i in elements) : !surveyValue(element)) return false;
    }
    depthRoom++;
    return true;
  }
  if (!(value instanceof Uint8Array)) return false;
  bytesLeft -= value.length;
  asciiBytes += headLength(value.length) + value.length;
  return bytesLeft >= 0;
}

/** Notes the object; whether it was noted before. */
function wasMet(value: object): boolean {
  if (met !== undefined) {
    if (met.has(value)) return true;
    met.add(value);
    return false;
  }
  for (let i = 0; i < listedCount; i++) if (listed[i] === value) return true;
  if (listedCount < LISTED_MAX) {
    listed[listedCount++] = value;
    return false;
  }
  met = new Set(listed as object[]);
  met.add(value);
  return false;
}
