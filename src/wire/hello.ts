/**
 * The body of a HELLO, the client's first frame. The decoder checks every length before it uses it and answers undefined
 * for anything malformed, trailing bytes included; it judges shape only: whether a position, an epoch or a proof is
 * believable is the session's question. What it returns owns its bytes.
 */
import { HomingError } from '../errors.ts';
import type { SessionId } from '../ids.ts';
import { SESSION_ID_BYTES_MAX } from '../ids.ts';
import { BodyReader, BodyWriter } from './body.ts';
import { FrameType, bodyBytesMax, readU16, readU32 } from './frame.ts';
import type { Positions, Proven, Sign, Terms } from './terms.ts';
import { areInOrder, readId, readPositions, readTerms, seal, unseal, writePositions, writeTerms } from './terms.ts';

/** 'HMNG', the first four bytes of a HELLO. */
export const MAGIC = 0x484d_4e47;

/** The one version of the protocol that this code speaks. */
export const PROTOCOL_VERSION = 1;

/** The session a HELLO says it belongs to; `renew` gives it up and asks for a new one with the next epoch. */
export interface Claim extends Positions {
  readonly mode: 'resume' | 'renew';
  readonly id: SessionId;
  readonly epoch: number;
}

/** The client's first frame on a connection. */
export interface Hello extends Terms {
  readonly versionMin: number;
  readonly versionMax: number;
  /** Rises with every HELLO of a session; only one above the last attached is taken. */
  readonly dialNumber: number;
  /** The remote address and port that the client's socket sees; '' and 0 when it has none. */
  readonly seenAddress: string;
  readonly seenPort: number;
  /** Undefined asks for a new session. */
  readonly claim: Claim | undefined;
  /** One encoded value. */
  readonly credentials: Uint8Array;
}

/** A HELLO as it came; the whole body is `unsigned` followed by `mac`. */
export interface HelloReceived extends Hello, Proven {}

/** The body of a HELLO. `sign` is called for a HELLO with a claim; credentials that do not fit throw `MessageTooLarge`. */
export function encodeHello(hello: Hello, sign?: Sign): Uint8Array {
  const body = new BodyWriter();
  body.u32(MAGIC);
  body.u8(hello.versionMin);
  body.u8(hello.versionMax);
  writeTerms(body, hello);
  body.u64(hello.dialNumber);
  body.u16(hello.seenPort);
  body.shortText(hello.seenAddress, 255);
  const claim = hello.claim;
  body.u8(claim === undefined ? 0 : claim.mode === 'resume' ? 1 : 2);
  if (claim !== undefined) {
    body.shortText(claim.id, SESSION_ID_BYTES_MAX);
    body.u64(claim.epoch);
    writePositions(body, claim);
  }
  body.u32(hello.credentials.length);
  body.bytes(hello.credentials);
  body.u16(0);
  const bytes = seal(body, claim !== undefined, sign);
  const max = bodyBytesMax(FrameType.HELLO);
  if (bytes.length > max) {
    const sentence = `expected a HELLO of at most ${max} bytes, got ${bytes.length}: the credentials are too large`;
    throw new HomingError('MessageTooLarge', sentence);
  }
  return bytes;
}

/**
 * The versions a HELLO speaks, read from the six bytes that are the same in every version, so that a HELLO of a later
 * layout is told `version-unsupported` and not that it is malformed; undefined when this is no HELLO of Homing.
 */
export function helloVersions(
  bytes: Uint8Array,
  start: number,
  end: number,
): { readonly min: number; readonly max: number } | undefined {
  if (end - start < 6 || readU32(bytes, start) !== MAGIC) return undefined;
  const range = readU16(bytes, start + 4);
  const min = range >>> 8;
  const max = range & 0xff;
  return min === 0 || min > max ? undefined : { min, max };
}

/** Reads the body of a HELLO of version 1. */
export function decodeHello(bytes: Uint8Array, start: number, end: number): HelloReceived | undefined {
  const versions = helloVersions(bytes, start, end);
  if (versions === undefined) return undefined;
  const body = new BodyReader(bytes, start, end);
  body.skip(6);
  const terms = readTerms(body);
  const dialNumber = body.u64();
  const seenPort = body.u16();
  const seenAddress = body.shortText(255);
  const mode = body.u8();
  if (mode > 2) return undefined;
  const claim = mode === 0 ? undefined : readClaim(body, mode === 1 ? 'resume' : 'renew');
  const credentials = body.copy(body.u32());
  body.skip(body.u16());
  const proven = unseal(body, mode !== 0);
  if (proven === undefined || (claim !== undefined && !areInOrder(claim))) return undefined;
  return {
    versionMin: versions.min,
    versionMax: versions.max,
    ...terms,
    dialNumber,
    seenAddress,
    seenPort,
    claim,
    credentials,
    ...proven,
  };
}

function readClaim(body: BodyReader, mode: Claim['mode']): Claim {
  return { mode, id: readId(body), epoch: body.positive(), ...readPositions(body) };
}
