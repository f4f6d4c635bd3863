/** Keys and values of the shared store: which keys there may be, which values are looked at, and how one is read back. */
import { HomingError } from '../errors.ts';
import { type Entry, type Plain, STORE_BYTES_MAX, STORE_KEYS_MAX } from '../session/store.ts';
import { Codec } from '../wire/codec.ts';
import { defaultWireLimits } from '../wire/limits.ts';

/** Characters of a key at most. */
const KEY_LENGTH_MAX = 256;

// What is kept here was within the terms of the peer when it crossed; reading it back needs no more.
const storeCodec = new Codec(defaultWireLimits);

/** Throws `BadOption` for what cannot be a key. */
export function requireKey(key: string): void {
  if (isKey(key)) return;
  throw new HomingError('BadOption', `expected a key of 1 to ${KEY_LENGTH_MAX} characters, got ${String(key)}`);
}

/** Whether something can be a key of the store. */
export function isKey(key: unknown): key is string {
  return typeof key === 'string' && key.length > 0 && key.length <= KEY_LENGTH_MAX;
}

/** The value itself if it is a text, a number or a boolean. */
export function plainOf(value: unknown): Plain | undefined {
  const type = typeof value;
  return type === 'string' || type === 'number' || type === 'boolean' ? (value as Plain) : undefined;
}

/** The value of an entry: a new copy where it is not plain. */
export function valueOf(entry: Entry | undefined): unknown {
  if (entry === undefined) return undefined;
  if (entry.plain !== undefined) return entry.plain;
  const [, value] = storeCodec.decode(entry.payload, 0, entry.payload.length, 1) as [string, unknown];
  return value;
}

/** The refusal of an entry for which there is no room. */
export function storeFull(key: string): HomingError {
  return new HomingError('StoreFull', `store.${key}: expected a store of at most ${bounds()}`);
}

/** How much a store may hold, in words. */
export function bounds(): string {
  return `${STORE_KEYS_MAX} keys and ${STORE_BYTES_MAX} bytes`;
}
