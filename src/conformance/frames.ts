/**
 * Frames as PROTOCOL.md section 2 has them: written with any field wrong that a case wants wrong, and read with every rule
 * of that section checked.
 */
import { crc32 } from 'node:zlib';
import { Failed, join, u32 } from './bytes.ts';

/** Frame types by name. */
export const types = {
  HELLO: 0x01,
  WELCOME: 0x02,
  REFUSED: 0x03,
  ACK: 0x04,
  PING: 0x05,
  PONG: 0x06,
  ASK: 0x07,
  GOAWAY: 0x08,
  CLOSE: 0x09,
  ORDERED: 0x10,
  DIRECT: 0x11,
} as const;

/** A name of `types`. */
export type TypeName = keyof typeof types;

/** Kinds of the ordered lane by name. */
export const orderedKinds = { EVENT: 1, DELIVER: 2, CALL: 3, WRITE: 4, CHANGE: 5, SERVICE: 6, FORWARD: 7 } as const;

/** Kinds of the direct lane by name. */
export const directKinds = {
  RECEIPT: 1,
  RESULT: 2,
  CANCEL: 3,
  APPLY: 4,
  ANSWER: 5,
  STOP: 6,
  RELEASE: 7,
  VERDICT: 8,
  NOTICE: 9,
} as const;

/** The flag of a fragment. */
export const FRAGMENT = 0x80;
/** Bytes of a header. */
export const HEADER_BYTES = 16;
/** Payload bytes of one frame. */
export const PIECE_BYTES = 65_536;

const bounds: Readonly<Record<number, readonly [least: number, most: number]>> = {
  [types.WELCOME]: [0, 4_096],
  [types.REFUSED]: [0, 4_096],
  [types.ACK]: [32, 32],
  [types.PING]: [8, 8],
  [types.PONG]: [8, 8],
  [types.ASK]: [8, 8],
  [types.GOAWAY]: [0, 4_096],
  [types.CLOSE]: [0, 4_096],
  [types.ORDERED]: [0, 65_544],
  [types.DIRECT]: [0, 65_544],
};

/** What of a frame may be unlike what is right. */
export interface Wrong {
  readonly flags?: number;
  readonly seq?: number | bigint;
  /** What the header says of the length. */
  readonly length?: number;
  /** The field as it stands; without it, the right checksum or 0. */
  readonly checksum?: number;
}

/** One frame; `checksummed`: with its checksum. */
export function frame(type: number, body: Uint8Array, checksummed: boolean, wrong: Wrong = {}): Buffer {
  const { flags = 0, seq = 0, length = body.length } = wrong;
  const rest = Buffer.alloc(12);
  rest.writeUInt8(type, 0);
  rest.writeUIntBE(length, 1, 3);
  rest.writeBigUInt64BE((BigInt(flags) << 56n) | BigInt(seq), 4);
  const covered = join(rest, body);
  return join(u32(wrong.checksum ?? (checksummed ? crc32(covered) : 0)), covered);
}

/** A frame that came. */
export interface Got {
  readonly type: number;
  /** Its name, or its number. */
  readonly name: string;
  readonly flags: number;
  readonly seq: number;
  readonly body: Buffer;
}

/** Cuts what comes into frames; throws `Failed` at the first that a server must not send. */
export class FrameReader {
  /** Whether frames after the handshake carry checksums. */
  checksummed = true;
  readonly #first: number | undefined;
  #rest: Buffer = Buffer.alloc(0);

  /** Of a server unless a first frame, as a client sends it, is named. */
  constructor(first?: typeof types.HELLO) {
    this.#first = first;
  }

  /** Bytes of a frame that has begun. */
  get partialBytes(): number {
    return this.#rest.length;
  }

  *push(chunk: Uint8Array): Generator<Got> {
    let rest = join(this.#rest, chunk);
    while (rest.length >= HEADER_BYTES) {
      const bytes = HEADER_BYTES + lengthOf(rest, this.#first);
      if (rest.length < bytes) break;
      const whole = rest.subarray(0, bytes);
      rest = rest.subarray(bytes);
      this.#rest = rest;
      const got = this.#read(whole);
      if (got !== undefined) yield got;
    }
    this.#rest = rest;
  }

  #read(whole: Buffer): Got | undefined {
    const type = whole.readUInt8(4);
    const inHandshake = type === this.#first || type === types.WELCOME || type === types.REFUSED;
    const checksum = whole.readUInt32BE(0);
    const wanted = this.checksummed || inHandshake ? crc32(whole.subarray(4)) : 0;
    if (checksum !== wanted) throw new Failed(`it sent a frame of type ${type} with a wrong checksum`);
    if (type >= 0x80) return undefined;
    const name = nameOf(type);
    const head = whole.readBigUInt64BE(8);
    const flags = Number(head >> 56n);
    const seq = head & 0xff_ffff_ffff_ffffn;
    if (seq > BigInt(Number.MAX_SAFE_INTEGER)) throw new Failed(`it sent ${name} with an unsafe seq`);
    const isMessage = type === types.ORDERED || type === types.DIRECT;
    if (!isMessage && (flags !== 0 || seq !== 0n)) throw new Failed(`it sent ${name} with flags or a seq`);
    return { type, name, flags, seq: Number(seq), body: whole.subarray(HEADER_BYTES) };
  }
}

/** The length that a header claims, which must be one that its type may have. */
function lengthOf(header: Buffer, first: number | undefined): number {
  const type = header.readUInt8(4);
  const length = header.readUIntBE(5, 3);
  const [least, most] = type === first ? [0, 16_384] : type >= 0x80 ? [0, 65_544] : (bounds[type] ?? [1, 0]);
  if (length < least || length > most) throw new Failed(`it sent a frame of type ${type} with ${length} bytes`);
  return length;
}

/** A frame type as one says it. */
export function nameOf(type: number): string {
  return Object.entries(types).find(([, number]) => number === type)?.[0] ?? `type ${type}`;
}
