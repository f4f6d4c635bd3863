/** What one payload may be. The scan applies these before anything is decoded, and the sender to its own messages. */

/** Bounds on one payload; all inclusive. */
export interface WireLimits {
  /** Bytes of the whole payload. */
  readonly messageBytes: number;
  /** Containers inside each other, the outermost one included; at most `DEPTH_MAX`. */
  readonly depth: number;
  /** Keys and values in all. */
  readonly items: number;
  /** Elements of one array; of a Map or Set, the elements of the array that carries it. */
  readonly arrayItems: number;
  /** Entries of one object. */
  readonly mapEntries: number;
  /** UTF-8 bytes of one text. */
  readonly textBytes: number;
  /** UTF-8 bytes of one key of an object. */
  readonly keyBytes: number;
  /** Estimated bytes of heap that the decoded value takes. */
  readonly costBytes: number;
}

/** The bounds when nothing else is said. */
export const defaultWireLimits: WireLimits = {
  messageBytes: 1_048_576,
  depth: 32,
  items: 100_000,
  arrayItems: 65_536,
  mapEntries: 4_096,
  textBytes: 1_048_576,
  keyBytes: 256,
  costBytes: 16_777_216,
};

/** The least nesting that an end must take: a message with an object in it, and room for one more level or two. */
export const DEPTH_MIN = 4;

/** The deepest nesting that `limits.depth` may ask for; deeper values break other code that walks them. */
export const DEPTH_MAX = 128;

/** References to an object that occurred earlier in the same message. */
export const LINKS_MAX = 1_000;

/** Bytes of a bigint on the wire: one of sign, then the magnitude. */
export const BIGINT_BYTES_MAX = 1_025;

/** The tags that a payload may hold. */
export const ValueTag = {
  DATE: 40000,
  MAP: 40001,
  SET: 40002,
  BIGINT: 40003,
  ERROR: 40004,
  LINK: 40005,
  FUNCTION: 40006,
  STREAM: 40007,
} as const;

/** Keys that no object may have: each reaches an object's prototype somewhere. */
export const forbiddenKeys: readonly string[] = ['__proto__', 'prototype', 'constructor'];
