/**
 * The bodies of the server's answers to a HELLO: WELCOME and REFUSED. Decoders answer undefined for anything malformed,
 * trailing bytes included, and judge shape only, as that of HELLO does. What they return owns its bytes.
 */
import type { EndCode } from '../errors.ts';
import { endCodeOf, invariant, wireNumberOf } from '../errors.ts';
import type { SessionId } from '../ids.ts';
import { SESSION_ID_BYTES_MAX } from '../ids.ts';
import { BodyReader, BodyWriter } from './body.ts';
import type { Positions, Proven, Sign, Terms } from './terms.ts';
import {
  REASON_BYTES_MAX,
  SECRET_BYTES,
  areInOrder,
  readId,
  readPositions,
  readTerms,
  seal,
  unseal,
  writePositions,
  writeTerms,
} from './terms.ts';

/** A session that did not exist before this WELCOME. */
export interface NewSession {
  readonly type: 'new';
  readonly id: SessionId;
  readonly secret: Uint8Array;
  readonly epoch: number;
  /** The claimed session's last cursor, where the server still knows it; makes the WELCOME end with a proof. */
  readonly finalCursor: number | undefined;
  /** Why the claimed session is gone; undefined when none was claimed. */
  readonly loss: EndCode | undefined;
}

/** The claimed session lives on from the server's positions. */
export interface ResumedSession extends Positions {
  readonly type: 'resumed';
}

/** The server's yes. */
export interface Welcome extends Terms {
  readonly version: number;
  /** Where the session's shard listens itself; 0 for nowhere. */
  readonly directPort: number;
  readonly session: NewSession | ResumedSession;
}

/** A WELCOME as it came. */
export interface WelcomeReceived extends Welcome, Proven {}

/** The server's no. */
export interface Refused {
  readonly code: EndCode;
  readonly retryAfterMs: number;
  /** The claimed session's last cursor, where the server still knows it; makes the REFUSED end with a proof. */
  readonly finalCursor: number | undefined;
  readonly reason: string;
}

/** A REFUSED as it came. */
export interface RefusedReceived extends Refused, Proven {}

/** The body of a WELCOME. `sign` is called for a resumed session and where a final cursor is told. */
export function encodeWelcome(welcome: Welcome, sign?: Sign): Uint8Array {
  const { session } = welcome;
  const body = new BodyWriter();
  body.u8(welcome.version);
  writeTerms(body, welcome);
  body.u16(welcome.directPort);
  if (session.type === 'resumed') {
    body.u8(1);
    writePositions(body, session);
  } else {
    invariant(
      session.secret.length === SECRET_BYTES,
      `expected a secret of ${SECRET_BYTES} bytes, got ${session.secret.length}`,
    );
    body.u8(0);
    body.shortText(session.id, SESSION_ID_BYTES_MAX);
    body.bytes(session.secret);
    body.u64(session.epoch);
    writeFinalCursor(body, session.finalCursor);
    body.u16(session.loss === undefined ? 0 : wireNumberOf(session.loss));
  }
  body.u16(0);
  return seal(body, session.type === 'resumed' || session.finalCursor !== undefined, sign);
}

/** Reads the body of a WELCOME of version 1. */
export function decodeWelcome(bytes: Uint8Array, start: number, end: number): WelcomeReceived | undefined {
  const body = new BodyReader(bytes, start, end);
  const version = body.u8();
  const terms = readTerms(body);
  const directPort = body.u16();
  const mode = body.u8();
  if (mode > 1) return undefined;
  const session = mode === 1 ? readResumedSession(body) : readNewSession(body);
  body.skip(body.u16());
  const proven = unseal(body, session.type === 'resumed' || session.finalCursor !== undefined);
  if (proven === undefined || (session.type === 'resumed' && !areInOrder(session))) return undefined;
  return { version, ...terms, directPort, session, ...proven };
}

function readResumedSession(body: BodyReader): ResumedSession {
  return { type: 'resumed', ...readPositions(body) };
}

function readNewSession(body: BodyReader): NewSession {
  const id = readId(body);
  const secret = body.copy(SECRET_BYTES);
  const epoch = body.positive();
  const finalCursor = readFinalCursor(body);
  const loss = body.u16();
  return { type: 'new', id, secret, epoch, finalCursor, loss: loss === 0 ? undefined : endCodeOf(loss) };
}

/** The body of a REFUSED. `sign` is called where a final cursor is told. */
export function encodeRefused(refused: Refused, sign?: Sign): Uint8Array {
  const body = new BodyWriter();
  body.u16(wireNumberOf(refused.code));
  body.u32(refused.retryAfterMs);
  writeFinalCursor(body, refused.finalCursor);
  body.text(refused.reason, REASON_BYTES_MAX);
  return seal(body, refused.finalCursor !== undefined, sign);
}

/** Reads the body of a REFUSED; its layout is the same in every version. */
export function decodeRefused(bytes: Uint8Array, start: number, end: number): RefusedReceived | undefined {
  const body = new BodyReader(bytes, start, end);
  const code = endCodeOf(body.u16());
  const retryAfterMs = body.u32();
  const finalCursor = readFinalCursor(body);
  const reason = body.text(REASON_BYTES_MAX);
  const proven = unseal(body, finalCursor !== undefined);
  return proven === undefined ? undefined : { code, retryAfterMs, finalCursor, reason, ...proven };
}

function writeFinalCursor(body: BodyWriter, finalCursor: number | undefined): void {
  body.u8(finalCursor === undefined ? 0 : 1);
  if (finalCursor !== undefined) body.u64(finalCursor);
}

function readFinalCursor(body: BodyReader): number | undefined {
  const has = body.u8();
  if (has > 1) body.refuse();
  return has === 1 ? body.u64() : undefined;
}
