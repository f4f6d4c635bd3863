/**
 * The scan: decides in one pass whether bytes from a peer are a payload that may be decoded at all. No recursion,
 * nothing allocated but one view for each long text, nothing trusted: a declared length is compared with the bytes that
 * are there before it is used.
 * `as number` stands where an index was compared with `end` before: a check per byte would be the scan's whole cost.
 */
import { isForbiddenKey, isSameKey } from './keys.ts';
import { DEPTH_MAX, LINKS_MAX, ValueTag } from './limits.ts';
import type { WireLimits } from './limits.ts';
import { Refused } from './refusal.ts';
import { ContainerKind, costOf, isAllowedIn, isContentOf } from './tag-rules.ts';
import { LONG_TEXT_BYTES, isUtf8, skipAscii } from './utf8.ts';

export { scanReason } from './refusal.ts';

let lastCost = 0;

/** Estimated bytes of heap that the value of the last scan takes once decoded; 0 when the scan did not reach its end. */
export function scanCost(): number {
  return lastCost;
}

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
  if (end - start > limits.messageBytes) return Refused['message-too-large'];
  const depthMax = limits.depth < DEPTH_MAX ? limits.depth : DEPTH_MAX;
  let at = start;
  let verdict = 0;
  let cost = 0;
  let items = 1;
  let links = 0;
  let collisions = 0;
  let depth = 0;
  let kind: number = ContainerKind.ARRAY;
  let remaining = 1;
  /** Where the keys of the open map begin in the key lists; -1 when it is not watched. */
  let keysFrom = -1;
  let keyTop = 0;
  /** The kind of the next array, when a tag stands before it. */
  let nextKind: number = ContainerKind.ARRAY;

  for (;;) {
    if (remaining === 0) {
      if (depth === 0) break;
      if (keysFrom >= 0) keyTop = keysFrom;
      depth--;
      kind = kindAt[depth] as number;
      remaining = remainingAt[depth] as number;
      keysFrom = keysFromAt[depth] as number;
      continue;
    }
    remaining--;
    if (at >= end) return Refused.truncated;
    let head = bytes[at++] as number;

    if (kind !== ContainerKind.ARRAY) {
      if (kind !== ContainerKind.MAP) {
        if (!isAllowedIn(kind, remaining, head)) return Refused['tag-content'];
      } else if ((remaining & 1) !== 0) {
        const headAt = at - 1;
        if (head >> 5 !== 3) return Refused['key-not-text'];
        let length = head & 31;
        if (length > 23) {
          if (length === 24) {
            if (at >= end) return Refused.truncated;
            length = bytes[at++] as number;
            if (length < 24) return Refused['head-not-minimal'];
          } else if (length === 25) {
            if (end - at < 2) return Refused.truncated;
            length = ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
            at += 2;
            if (length < 256) return Refused['head-not-minimal'];
          } else {
            return length === 31
              ? Refused['indefinite-length']
              : length > 27
                ? Refused['reserved-head']
                : Refused['key-too-long'];
          }
        }
        if (length > limits.keyBytes) return Refused['key-too-long'];
        if (length >= end - at) return Refused.truncated;
        const keyEnd = at + length;
        let hash = length;
        let high = 0;
        for (let i = at; i < keyEnd; i++) {
          const byte = bytes[i] as number;
          high |= byte;
          hash = Math.imul(hash ^ byte, 16_777_619);
        }
        if (high > 127 && !isUtf8(bytes, at, keyEnd)) return Refused['text-not-utf8'];
        if (length > 8 && length < 12 && isForbiddenKey(bytes, at, length)) return Refused['key-forbidden'];
        if (keysFrom >= 0) {
          for (let i = keysFrom; i < keyTop; i++) {
            if (keyHashes[i] !== hash) continue;
            const isSame = isSameKey(bytes, keyHeads[i] as number, headAt, keyEnd - headAt);
            if (isSame || ++collisions > COLLISIONS_MAX) return Refused['key-duplicate'];
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
      if (argument > 27) return argument === 31 ? Refused['indefinite-length'] : Refused['reserved-head'];
      const width = 1 << (argument - 24);
      if (end - at < width) return Refused.truncated;
      if (argument === 24) {
        if ((bytes[at] as number) < 24) return Refused['head-not-minimal'];
      } else if (argument === 25) {
        if (bytes[at] === 0) return Refused['head-not-minimal'];
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
        return argument === 31
          ? Refused['indefinite-length']
          : argument > 27
            ? Refused['reserved-head']
            : Refused['simple-value'];
      }
      const width = 1 << (argument - 24);
      if (end - at < width) return Refused.truncated;
      at += width;
      cost += 16;
      continue;
    }

    if (argument > 23) {
      if (argument === 24) {
        if (at >= end) return Refused.truncated;
        argument = bytes[at++] as number;
        if (argument < 24) return Refused['head-not-minimal'];
      } else if (argument === 25) {
        if (end - at < 2) return Refused.truncated;
        argument = ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
        at += 2;
        // cbor-x leaves room for the longest head of a map before it knows how many entries follow
        if (argument < 256 && major !== 5) return Refused['head-not-minimal'];
      } else if (argument === 26) {
        if (end - at < 4) return Refused.truncated;
        argument =
          ((bytes[at] as number) << 24) |
          ((bytes[at + 1] as number) << 16) |
          ((bytes[at + 2] as number) << 8) |
          (bytes[at + 3] as number);
        at += 4;
        // from 2^31 it is negative here, and longer than any payload
        if (argument < 65_536) return argument < 0 ? Refused.truncated : Refused['head-not-minimal'];
      } else {
        return argument === 31
          ? Refused['indefinite-length']
          : argument > 27
            ? Refused['reserved-head']
            : Refused.truncated;
      }
    }

    switch (major) {
      case 2:
        if (argument > end - at) return Refused.truncated;
        cost += 100 + argument;
        at += argument;
        continue;
      case 3: {
        if (argument > limits.textBytes) return Refused['text-too-long'];
        if (argument > end - at) return Refused.truncated;
        cost += 24 + argument;
        const textEnd = at + argument;
        if (argument >= LONG_TEXT_BYTES) at = skipAscii(bytes, at, textEnd);
        while (at < textEnd && (bytes[at] as number) < 128) at++;
        if (at < textEnd && !isUtf8(bytes, at, textEnd)) return Refused['text-not-utf8'];
        at = textEnd;
        continue;
      }
      case 6: {
        if (argument < ValueTag.DATE || argument > ValueTag.STREAM) return Refused['unknown-tag'];
        if (at >= end) return Refused.truncated;
        if (argument === ValueTag.LINK && ++links > LINKS_MAX) return Refused['too-many-links'];
        if (!isContentOf(argument, bytes, at, end)) return Refused['tag-content'];
        if (argument === ValueTag.ERROR) nextKind = ContainerKind.ERROR;
        else if (argument === ValueTag.LINK) nextKind = ContainerKind.LINK;
        cost += costOf(argument);
        verdict = 1;
        remaining++;
        continue;
      }
      default: {
        let entries = argument;
        if (major === 4) {
          if (argument > limits.arrayItems) return Refused['array-too-long'];
          cost += 16 + 8 * argument;
        } else {
          if (argument > limits.mapEntries) return Refused['map-too-long'];
          cost += 64 + 40 * argument;
          entries = 2 * argument;
        }
        items += entries;
        if (items > limits.items) return Refused['too-many-items'];
        // each takes a byte at least
        if (entries > end - at) return Refused.truncated;
        if (nextKind === ContainerKind.LINK) {
          // its steps are not a level of the value
          if (argument > depthMax) return Refused['tag-content'];
        } else if (depth >= depthMax) {
          return Refused['too-deep'];
        }
        kindAt[depth] = kind;
        remainingAt[depth] = remaining;
        keysFromAt[depth] = keysFrom;
        depth++;
        remaining = entries;
        kind = major === 5 ? ContainerKind.MAP : nextKind;
        keysFrom = major === 5 && argument <= WATCHED_ENTRIES_MAX ? keyTop : -1;
        nextKind = ContainerKind.ARRAY;
      }
    }
  }
  lastCost = cost;
  if (at !== end) return Refused['trailing-bytes'];
  if (cost > limits.costBytes) return Refused['too-costly'];
  return verdict;
}

/** What is wrong with an integer of four or eight bytes at `at`; 0 when it is minimal and a safe integer. */
function wideIntegerFault(bytes: Uint8Array, at: number, head: number): number {
  if ((head & 31) === 26) return bytes[at] === 0 && bytes[at + 1] === 0 ? Refused['head-not-minimal'] : 0;
  const high = readU32(bytes, at);
  if (high === 0) return Refused['head-not-minimal'];
  // a negative integer is -1 minus the argument
  return high * 4_294_967_296 + readU32(bytes, at + 4) + (head >> 5) > Number.MAX_SAFE_INTEGER
    ? Refused['integer-range']
    : 0;
}

function readU32(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] as number) * 16_777_216 +
    (((bytes[at + 1] as number) << 16) | ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number))
  );
}
