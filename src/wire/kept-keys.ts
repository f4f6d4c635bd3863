/**
 * Keys come again and again: the last one seen at each slot is kept, so that it is compared instead of built. Two keys of one
 * slot in one map are the same key, or two that only the scan can tell apart.
 */

/** Longer keys are not kept. */
export const KEPT_KEY_BYTES_MAX = 24;
/** Maps within so many containers are watched for a key that occurs twice. */
export const QUICK_DEPTH_MAX = 8;

const KEY_SLOTS = 1_024;
const keptKeys = new Array<string>(KEY_SLOTS).fill('');
const keptBytes = new Uint8Array(KEY_SLOTS * KEPT_KEY_BYTES_MAX);
const keptLengths = new Uint8Array(KEY_SLOTS);

/** The slot of a key, which is not empty. */
export function slotOf(bytes: Uint8Array, at: number, length: number): number {
  const first = bytes[at] as number;
  const middle = bytes[at + (length >> 1)] as number;
  const last = bytes[at + length - 1] as number;
  return (length ^ (first << 3) ^ (middle << 5) ^ (last << 1)) & (KEY_SLOTS - 1);
}

/** The text of the key if it is the one kept in its slot. */
export function keptKey(slot: number, bytes: Uint8Array, at: number, length: number): string | undefined {
  if (keptLengths[slot] !== length) return undefined;
  const from = slot * KEPT_KEY_BYTES_MAX;
  let i = 0;
  while (i < length && keptBytes[from + i] === bytes[at + i]) i++;
  return i === length ? keptKeys[slot] : undefined;
}

/** Keeps a key of at most `KEPT_KEY_BYTES_MAX` bytes, which are well-formed, in its slot. */
export function keepKey(slot: number, bytes: Uint8Array, at: number, length: number, key: string): void {
  const from = slot * KEPT_KEY_BYTES_MAX;
  for (let i = 0; i < length; i++) keptBytes[from + i] = bytes[at + i] as number;
  keptLengths[slot] = length;
  keptKeys[slot] = key;
}

const STAMPS_MAX = 0x7fff_ffff;
/** Which slots the keys of each open map have taken, by its depth. */
const stamps = new Int32Array(QUICK_DEPTH_MAX * KEY_SLOTS);
let lastStamp = 0;

/** A number for one map of one payload, above 0. */
export function nextStamp(): number {
  if (lastStamp === STAMPS_MAX) {
    stamps.fill(0);
    lastStamp = 0;
  }
  lastStamp += 1;
  return lastStamp;
}

/** Whether the map of this depth and stamp has had a key of this slot; notes it. */
export function isRepeated(depth: number, slot: number, stamp: number): boolean {
  const index = depth * KEY_SLOTS + slot;
  if (stamps[index] === stamp) return true;
  stamps[index] = stamp;
  return false;
}
