/**
 * What the handshake bodies have in common: the terms an end announces, positions, and the proof at the end of a body.
 * A proof covers bytes, not fields: the receiver checks it over the body as it came, before it believes any of it.
 */
import { invariant } from '../errors.ts';
import type { SessionId } from '../ids.ts';
import { SESSION_ID_BYTES_MAX, sessionId } from '../ids.ts';
import type { BodyReader, BodyWriter } from './body.ts';
import { DEPTH_MAX, DEPTH_MIN } from './limits.ts';

/** Bits of `features`: HELLO offers, WELCOME chooses among what was offered. Unknown bits are ignored. */
export const Feature = {
  CHECKSUM: 1,
} as const;

/** Bytes of the session secret. */
export const SECRET_BYTES = 32;

/** Bytes of the HMAC-SHA-256 at the end of a proven body. */
export const MAC_BYTES = 32;

/** Longest reason, in bytes of UTF-8, that REFUSED, GOAWAY and CLOSE carry; a longer one is cut between characters. */
export const REASON_BYTES_MAX = 1_024;

/** Computes the HMAC-SHA-256 (32 bytes) of a body without its mac; the one who knows the secret brings it. */
export type Sign = (unsignedBody: Uint8Array) => Uint8Array;

/** How far one end is in the peer's two lanes. */
export interface Positions {
  readonly orderedReceived: number;
  readonly cursor: number;
  readonly directReceived: number;
}

/** What both ends of a connection announce of themselves. */
export interface Terms {
  readonly features: number;
  /** 0 switches pings off. */
  readonly heartbeatIntervalMs: number;
  readonly heartbeatTimeoutMs: number;
  /** HELLO: wanted; WELCOME: granted. */
  readonly lingerMs: number;
  /** The largest message that this end takes. */
  readonly messageBytes: number;
  /** The deepest message that this end takes, from `DEPTH_MIN` to `DEPTH_MAX`. */
  readonly depth: number;
  /** This end's mailbox: ordered messages beyond its cursor that it takes, and their payload bytes. */
  readonly windowMessages: number;
  readonly windowBytes: number;
}

/** A decoded body that may end with a proof. */
export interface Proven {
  /** The body before its mac. */
  readonly unsigned: Uint8Array;
  /** The 32 bytes of proof; undefined where the body carries none. */
  readonly mac: Uint8Array | undefined;
}

/** Whether the cursor is not ahead of what was received. */
export function areInOrder(positions: Positions): boolean {
  return positions.cursor <= positions.orderedReceived;
}

/** Appends what an end announces of itself. */
export function writeTerms(body: BodyWriter, terms: Terms): void {
  body.u32(terms.features);
  body.u32(terms.heartbeatIntervalMs);
  body.u32(terms.heartbeatTimeoutMs);
  body.u32(terms.lingerMs);
  body.u32(terms.messageBytes);
  body.u8(terms.depth);
  body.u32(terms.windowMessages);
  body.u32(terms.windowBytes);
}

/** Takes what an end announces of itself. */
export function readTerms(body: BodyReader): Terms {
  return {
    features: body.u32(),
    heartbeatIntervalMs: body.u32(),
    heartbeatTimeoutMs: body.u32(),
    lingerMs: body.u32(),
    messageBytes: body.u32(),
    depth: readDepth(body),
    windowMessages: body.u32(),
    windowBytes: body.u32(),
  };
}

function readDepth(body: BodyReader): number {
  const depth = body.u8();
  if (depth < DEPTH_MIN || depth > DEPTH_MAX) body.refuse();
  return depth;
}

/** Appends three positions. */
export function writePositions(body: BodyWriter, positions: Positions): void {
  body.u64(positions.orderedReceived);
  body.u64(positions.cursor);
  body.u64(positions.directReceived);
}

/** Takes three positions; whether they are in order is asked when the body is known to be complete. */
export function readPositions(body: BodyReader): Positions {
  return { orderedReceived: body.u64(), cursor: body.u64(), directReceived: body.u64() };
}

/** Takes a session id, which is never empty. */
export function readId(body: BodyReader): SessionId {
  const id = body.shortText(SESSION_ID_BYTES_MAX);
  if (id === '') body.refuse();
  return sessionId(id);
}

/** The finished body, with the proof of everything before it where one belongs. */
export function seal(body: BodyWriter, proven: boolean, sign: Sign | undefined): Uint8Array {
  if (!proven) return body.finish();
  invariant(sign !== undefined, 'expected a sign function: this body ends with a proof');
  const mac = sign(body.finish());
  invariant(mac.length === MAC_BYTES, `expected a mac of ${MAC_BYTES} bytes, got ${mac.length}`);
  body.bytes(mac);
  return body.finish();
}

/** The proof of a body read to the end of its fields; undefined when the body is malformed. */
export function unseal(body: BodyReader, proven: boolean): Proven | undefined {
  const unsigned = body.taken();
  const mac = proven ? body.copy(MAC_BYTES) : undefined;
  return body.isComplete() ? { unsigned, mac } : undefined;
}
