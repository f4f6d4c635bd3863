/**
 * The quick look at a message that the writer of short ones left, before cbor-x encodes it: one that is plain needs no
 * copy. Written for speed: one walk, and nothing allocated for a message of a few objects.
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

/**
 * Whether a message can be given to the CBOR library as it stands: nothing in it but what JSON has, undefined and
 * Uint8Array, no object twice, no -0. What is not plain either needs `toWire` or cannot cross at all. Key names and
 * sizes are left to the scan of the result.
 */
export function isPlain(value: unknown, limits: WireLimits): boolean {
  bytesLeft = limits.messageBytes;
  depthRoom = Math.min(limits.depth, DEPTH_MAX);
  elementsMax = limits.arrayItems;
  try {
    return surveyValue(value);
  } finally {
    for (let i = 0; i < listedCount; i++) listed[i] = undefined;
    listedCount = 0;
    met = undefined;
  }
}

function surveyValue(value: unknown): boolean {
  switch (typeof value) {
    case 'string':
      return surveyText(value);
    case 'number':
      return value !== 0 || 1 / value > 0;
    case 'boolean':
    case 'undefined':
      return true;
    case 'object':
      if (value !== null) return surveyObject(value);
      return true;
    default:
      return false;
  }
}

/** Lone surrogates in short texts are found by the scan of the result; in long ones the library would replace them. */
function surveyText(text: string): boolean {
  const length = text.length;
  bytesLeft -= length;
  return bytesLeft >= 0 && (length < 64 || text.isWellFormed());
}

function surveyObject(value: object): boolean {
  if (wasMet(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === objectPrototype || prototype === null) {
    if (--depthRoom < 0) return false;
    const entries = value as Readonly<Record<string, unknown>>;
    let isEmpty = true;
    for (const key in entries) {
      isEmpty = false;
      bytesLeft -= 2;
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
    if (--depthRoom < 0 || length > elementsMax || bytesLeft < 0) return false;
    for (let i = 0; i < length; i++) {
      const element = elements[i];
      if (typeof element === 'number' && element !== 0) {
        continue;
      }
      if (element === undefined ? !(i in elements) : !surveyValue(element)) return false;
    }
    depthRoom++;
    return true;
  }
  if (!(value instanceof Uint8Array)) return false;
  bytesLeft -= value.length;
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
