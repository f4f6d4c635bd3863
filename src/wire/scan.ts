/**
 * The scan: decides in one pass whether bytes from a peer are a payload that may be decoded at all. No recursion, no
 * allocation, nothing trusted: a declared length is compared with the bytes that are there before it is used.
 * `as number` stands where an index was compared with `end` before: a check per byte would be the scan's whole cost.
 */
import { BIGINT_BYTES_MAX, DEPTH_MAX, LINKS_MAX, ValueTag } from './limits.ts';
import type { WireLimits } from './limits.ts';

/** Why the scan refused; a closed set, fit for the label of a counter. */
export type ScanReason =
  | 'message-too-large'
  | 'truncated'
  | 'trailing-bytes'
  | 'reserved-head'
  | 'indefinite-length'
  | 'head-not-minimal'
  | 'simple-value'
  | 'integer-range'
  | 'too-deep'
  | 'too-many-items'
  | 'array-too-long'
  | 'map-too-long'
  | 'text-too-long'
  | 'text-not-utf8'
  | 'key-not-text'
  | 'key-too-long'
  | 'key-forbidden'
  | 'key-duplicate'
  | 'unknown-tag'
  | 'tag-content'
  | 'too-many-links'
  | 'too-costly';

const reasons: readonly ScanReason[] = [
  'message-too-large',
  'truncated',
  'trailing-bytes',
  'reserved-head',
  'indefinite-length',
  'head-not-minimal',
  'simple-value',
  'integer-range',
  'too-deep',
  'too-many-items',
  'array-too-long',
  'map-too-long',
  'text-too-long',
  'text-not-utf8',
  'key-not-text',
  'key-too-long',
  'key-forbidden',
  'key-duplicate',
  'unknown-tag',
  'tag-content',
  'too-many-links',
  'too-costly',
];

/** The word for a negative verdict of `scan`; `undefined` for a verdict that lets through. */
export function scanReason(verdict: number): ScanReason | undefined {
  return verdict < 0 ? reasons[-1 - verdict] : undefined;
}

const MESSAGE_TOO_LARGE = -1;
const TRUNCATED = -2;
const TRAILING_BYTES = -3;
const RESERVED_HEAD = -4;
const INDEFINITE_LENGTH = -5;
const HEAD_NOT_MINIMAL = -6;
const SIMPLE_VALUE = -7;
const INTEGER_RANGE = -8;
const TOO_DEEP = -9;
const TOO_MANY_ITEMS = -10;
const ARRAY_TOO_LONG = -11;
const MAP_TOO_LONG = -12;
const TEXT_TOO_LONG = -13;
const TEXT_NOT_UTF8 = -14;
const KEY_NOT_TEXT = -15;
const KEY_TOO_LONG = -16;
const KEY_FORBIDDEN = -17;
const KEY_DUPLICATE = -18;
const UNKNOWN_TAG = -19;
const TAG_CONTENT = -20;
const TOO_MANY_LINKS = -21;
const TOO_COSTLY = -22;

let lastCost = 0;

/** Estimated bytes of heap that the value of the last scan takes once decoded; 0 when the scan did not reach its end. */
export function scanCost(): number {
  return lastCost;
}

const ARRAY = 0;
const MAP = 1;
const ERROR = 2;
const LINK = 3;

/** Maps up to this many entries are looked through for a key that occurs twice. */
const WATCHED_ENTRIES_MAX = 64;

/**
 * Different keys of one hash (FNV-1a) in a message; by chance a pair has it once in 2^32. Who makes more of them wants
 * every key compared with every other, and is refused as if keys were the same.
 */
const COLLISIONS_MAX = 16;

// What waits while an inner container is read, by depth, and the keys of the open maps. Used from start to end of one
// call only, so that all scans of a thread share them.
const kindAt = new Int32Array(DEPTH_MAX + 1);
const remainingAt = new Int32Array(DEPTH_MAX + 1);
const keysFromAt = new Int32Array(DEPTH_MAX + 1);
const keyHashes = new Int32Array((DEPTH_MAX + 1) * WATCHED_ENTRIES_MAX);
const keyHeads = new Int32Array((DEPTH_MAX + 1) * WATCHED_ENTRIES_MAX);

/**
 * Reads the one CBOR item that `bytes` must hold from `start` to `end`. Returns 0 for a plain value, 1 for one with
 * tags of ours in it, and a negative number, for `scanReason`, when it must not be decoded.
 */
export function scan(bytes: Uint8Array, start: number, end: number, limits: WireLimits): number {
  lastCost = 0;
  if (end - start > limits.messageBytes) return MESSAGE_TOO_LARGE;
  const depthMax = limits.depth < DEPTH_MAX ? limits.depth : DEPTH_MAX;
  let at = start;
  let verdict = 0;
  let cost = 0;
  let items = 1;
  let links = 0;
  let collisions = 0;
  let depth = 0;
  let kind = ARRAY;
  let remaining = 1;
  /** Items that the containers around the open one still owe; each takes a byte at least. */
  let owedOutside = 0;
  /** Where the keys of the open map begin in the key lists; -1 when it is not watched. */
  let keysFrom = -1;
  let keyTop = 0;
  /** The kind of the next array, when a tag stands before it. */
  let nextKind = ARRAY;

  for (;;) {
    if (remaining === 0) {
      if (depth === 0) break;
      if (keysFrom >= 0) keyTop = keysFrom;
      depth--;
      kind = kindAt[depth] as number;
      remaining = remainingAt[depth] as number;
      keysFrom = keysFromAt[depth] as number;
      owedOutside -= remaining;
      continue;
    }
    remaining--;
    if (at >= end) return TRUNCATED;
    let head = bytes[at++] as number;

    if (kind !== ARRAY) {
      if (kind !== MAP) {
        if (!isAllowedIn(kind, remaining, head)) return TAG_CONTENT;
      } else if ((remaining & 1) !== 0) {
        const headAt = at - 1;
        if (head >> 5 !== 3) return KEY_NOT_TEXT;
        let length = head & 31;
        if (length > 23) {
          if (length === 24) {
            if (at >= end) return TRUNCATED;
            length = bytes[at++] as number;
            if (length < 24) return HEAD_NOT_MINIMAL;
          } else if (length === 25) {
            if (end - at < 2) return TRUNCATED;
            length = ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
            at += 2;
            if (length < 256) return HEAD_NOT_MINIMAL;
          } else {
            return length === 31 ? INDEFINITE_LENGTH : length > 27 ? RESERVED_HEAD : KEY_TOO_LONG;
          }
        }
        if (length > limits.keyBytes) return KEY_TOO_LONG;
        if (length >= end - at) return TRUNCATED;
        const keyEnd = at + length;
        let hash = length;
        let high = 0;
        for (let i = at; i < keyEnd; i++) {
          const byte = bytes[i] as number;
          high |= byte;
          hash = Math.imul(hash ^ byte, 16_777_619);
        }
        if (high > 127 && !isUtf8(bytes, at, keyEnd)) return TEXT_NOT_UTF8;
        if (length > 8 && length < 12 && isForbiddenKey(bytes, at, length)) return KEY_FORBIDDEN;
        if (keysFrom >= 0) {
          for (let i = keysFrom; i < keyTop; i++) {
            if (keyHashes[i] !== hash) continue;
            const isSame = isSameKey(bytes, keyHeads[i] as number, headAt, keyEnd - headAt);
            if (isSame || ++collisions > COLLISIONS_MAX) return KEY_DUPLICATE;
          }
          keyHashes[keyTop] = hash;
          keyHeads[keyTop++] = headAt;
        }
        remaining--;
        at = keyEnd;
        head = bytes[at++] as number;
      }
    }

    if (head < 0x18) continue;
    const major = head >> 5;
    let argument = head & 31;
    if (major < 2) {
      if (argument < 24) continue;
      if (argument > 27) return argument === 31 ? INDEFINITE_LENGTH : RESERVED_HEAD;
      const width = 1 << (argument - 24);
      if (end - at < width) return TRUNCATED;
      if (argument === 24) {
        if ((bytes[at] as number) < 24) return HEAD_NOT_MINIMAL;
      } else if (argument === 25) {
        if (bytes[at] === 0) return HEAD_NOT_MINIMAL;
      } else {
        const fault = wideIntegerFault(bytes, at, head);
        if (fault < 0) return fault;
        cost += 16;
      }
      at += width;
      continue;
    }

    if (major === 7) {
      if (argument >= 20 && argument <= 23) continue;
      if (argument < 25 || argument > 27) {
        return argument === 31 ? INDEFINITE_LENGTH : argument > 27 ? RESERVED_HEAD : SIMPLE_VALUE;
      }
      const width = 1 << (argument - 24);
      if (end - at < width) return TRUNCATED;
      at += width;
      cost += 16;
      continue;
    }

    if (argument > 23) {
      if (argument === 24) {
        if (at >= end) return TRUNCATED;
        argument = bytes[at++] as number;
        if (argument < 24) return HEAD_NOT_MINIMAL;
      } else if (argument === 25) {
        if (end - at < 2) return TRUNCATED;
        argument = ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
        at += 2;
        // cbor-x leaves room for the longest head of a map before it knows how many entries follow
        if (argument < 256 && major !== 5) return HEAD_NOT_MINIMAL;
      } else if (argument === 26) {
        if (end - at < 4) return TRUNCATED;
        argument =
          ((bytes[at] as number) << 24) |
          ((bytes[at + 1] as number) << 16) |
          ((bytes[at + 2] as number) << 8) |
          (bytes[at + 3] as number);
        at += 4;
        // from 2^31 it is negative here, and longer than any payload
        if (argument < 65_536) return argument < 0 ? TRUNCATED : HEAD_NOT_MINIMAL;
      } else {
        return argument === 31 ? INDEFINITE_LENGTH : argument > 27 ? RESERVED_HEAD : TRUNCATED;
      }
    }

    switch (major) {
      case 2:
        if (argument > end - at) return TRUNCATED;
        cost += 100 + argument;
        at += argument;
        continue;
      case 3: {
        if (argument > limits.textBytes) return TEXT_TOO_LONG;
        if (argument > end - at) return TRUNCATED;
        cost += 24 + argument;
        const textEnd = at + argument;
        if (argument >= LONG_TEXT_BYTES) at = skipAscii(bytes, at, textEnd);
        while (at < textEnd && (bytes[at] as number) < 128) at++;
        if (at < textEnd && !isUtf8(bytes, at, textEnd)) return TEXT_NOT_UTF8;
        at = textEnd;
        continue;
      }
      case 6: {
        if (argument < ValueTag.DATE || argument > ValueTag.LINK) return UNKNOWN_TAG;
        if (at >= end) return TRUNCATED;
        if (argument === ValueTag.LINK && ++links > LINKS_MAX) return TOO_MANY_LINKS;
        if (!isContentOf(argument, bytes, at, end)) return TAG_CONTENT;
        if (argument === ValueTag.ERROR) nextKind = ERROR;
        else if (argument === ValueTag.LINK) nextKind = LINK;
        cost += costOf(argument);
        verdict = 1;
        remaining++;
        continue;
      }
      default: {
        let entries = argument;
        if (major === 4) {
          if (argument > limits.arrayItems) return ARRAY_TOO_LONG;
          cost += 16 + 8 * argument;
        } else {
          if (argument > limits.mapEntries) return MAP_TOO_LONG;
          cost += 64 + 40 * argument;
          entries = 2 * argument;
        }
        items += entries;
        if (items > limits.items) return TOO_MANY_ITEMS;
        owedOutside += remaining;
        if (entries + owedOutside > end - at) return TRUNCATED;
        if (nextKind === LINK) {
          // its steps are not a level of the value
          if (argument > depthMax) return TAG_CONTENT;
        } else if (depth >= depthMax) {
          return TOO_DEEP;
        }
        kindAt[depth] = kind;
        remainingAt[depth] = remaining;
        keysFromAt[depth] = keysFrom;
        depth++;
        remaining = entries;
        kind = major === 5 ? MAP : nextKind;
        keysFrom = major === 5 && argument <= WATCHED_ENTRIES_MAX ? keyTop : -1;
        nextKind = ARRAY;
      }
    }
  }
  lastCost = cost;
  if (at !== end) return TRAILING_BYTES;
  if (cost > limits.costBytes) return TOO_COSTLY;
  return verdict;
}

/** What is wrong with an integer of four or eight bytes at `at`; 0 when it is minimal and a safe integer. */
function wideIntegerFault(bytes: Uint8Array, at: number, head: number): number {
  if ((head & 31) === 26) return bytes[at] === 0 && bytes[at + 1] === 0 ? HEAD_NOT_MINIMAL : 0;
  const high = readU32(bytes, at);
  if (high === 0) return HEAD_NOT_MINIMAL;
  // a negative integer is -1 minus the argument
  return high * 4_294_967_296 + readU32(bytes, at + 4) + (head >> 5) > Number.MAX_SAFE_INTEGER ? INTEGER_RANGE : 0;
}

function readU32(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] as number) * 16_777_216 +
    (((bytes[at + 1] as number) << 16) | ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number))
  );
}

/** Whether an item with this head may stand in an error's or a link's array, with `remaining` items after it. */
function isAllowedIn(kind: number, remaining: number, head: number): boolean {
  const major = head >> 5;
  if (kind === LINK) return major === 3 || major === 0;
  return remaining > 1 ? major === 3 : remaining === 0 || major === 3 || head === 0xf7;
}

/** Whether what begins at `at`, which lies before `end`, can be the content of the tag; items inside are checked later. */
function isContentOf(tag: number, bytes: Uint8Array, at: number, end: number): boolean {
  const head = bytes[at] as number;
  switch (tag) {
    case ValueTag.DATE:
      return head >> 5 < 2 || (head >= 0xf9 && head <= 0xfb);
    case ValueTag.MAP:
      // an even length, in whichever byte of the head is its last
      if (head >> 5 !== 4 || head > 0x9a) return false;
      if (head < 0x98) return (head & 1) === 0;
      return at + (1 << (head - 0x98)) < end && ((bytes[at + (1 << (head - 0x98))] as number) & 1) === 0;
    case ValueTag.ERROR:
      return head === 0x84;
    case ValueTag.BIGINT: {
      if (head >> 5 !== 2 || head === 0x40) return false;
      if (head < 0x58) return isSign(bytes, at + 1, end);
      if (head === 0x58) return isSign(bytes, at + 2, end);
      if (head !== 0x59 || end - at < 3) return false;
      const length = ((bytes[at + 1] as number) << 8) | (bytes[at + 2] as number);
      return length <= BIGINT_BYTES_MAX && isSign(bytes, at + 3, end);
    }
    default:
      return head >> 5 === 4;
  }
}

function isSign(bytes: Uint8Array, at: number, end: number): boolean {
  return at < end && (bytes[at] as number) < 2;
}

/** What a value of ours takes beyond the array or number that carries it, rounded up. */
function costOf(tag: number): number {
  switch (tag) {
    case ValueTag.ERROR:
      return 4_096;
    case ValueTag.MAP:
    case ValueTag.SET:
      return 256;
    default:
      return 128;
  }
}

function isSameKey(bytes: Uint8Array, one: number, other: number, length: number): boolean {
  for (let i = 0; i < length; i++) if (bytes[one + i] !== bytes[other + i]) return false;
  return true;
}

const forbidden: readonly Uint8Array[] = [
  Uint8Array.of(95, 95, 112, 114, 111, 116, 111, 95, 95),
  Uint8Array.of(112, 114, 111, 116, 111, 116, 121, 112, 101),
  Uint8Array.of(99, 111, 110, 115, 116, 114, 117, 99, 116, 111, 114),
];

function isForbiddenKey(bytes: Uint8Array, at: number, length: number): boolean {
  for (const word of forbidden) {
    if (word.length !== length) continue;
    let i = 0;
    while (i < length && bytes[at + i] === word[i]) i++;
    if (i === length) return true;
  }
  return false;
}

/** From this length on, a view by words pays: it costs 70 ns and reads five times as fast as byte after byte. */
const LONG_TEXT_BYTES = 512;

/** Passes over words of four ASCII bytes, of which `end` or the first other byte is at most a few bytes ahead. */
function skipAscii(bytes: Uint8Array, from: number, end: number): number {
  let at = from;
  while (((bytes.byteOffset + at) & 3) !== 0) {
    if ((bytes[at] as number) > 127) return at;
    at++;
  }
  const words = new Int32Array(bytes.buffer, bytes.byteOffset + at, (end - at) >> 2);
  const count = words.length - 3;
  let i = 0;
  while (i < count) {
    const four = (words[i] as number) | (words[i + 1] as number) | (words[i + 2] as number) | (words[i + 3] as number);
    if ((four & 0x80808080) !== 0) break;
    i += 4;
  }
  return at + 4 * i;
}

/** Strict UTF-8 (Unicode 15, table 3-7): no overlong form, no surrogate, nothing above U+10FFFF. */
function isUtf8(bytes: Uint8Array, from: number, end: number): boolean {
  let at = from;
  while (at < end) {
    const lead = bytes[at++] as number;
    if (lead < 0x80) continue;
    const length = lead < 0xc2 ? 0 : lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : lead < 0xf5 ? 3 : 0;
    if (length === 0 || length > end - at) return false;
    const second = bytes[at] as number;
    const least = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
    const most = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
    if (second < least || second > most) return false;
    for (let i = 1; i < length; i++) if (((bytes[at + i] as number) & 0xc0) !== 0x80) return false;
    at += length;
  }
  return true;
}
