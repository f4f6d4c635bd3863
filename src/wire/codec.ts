/**
 * Values to payload bytes and back; the only file that knows cbor-x, which writes. What it wrote is scanned like what
 * comes from a peer, so that both ends refuse the same messages: one that only the receiver refused would come again
 * with every resume.
 * cbor-x keeps its position in module variables: nothing may encode while something else is being encoded.
 */
import { Encoder, Tag } from 'cbor-x/index-no-eval';
import { HomingError } from '../errors.ts';
import type { WireLimits } from './limits.ts';
import { read } from './reader.ts';
import { type InCarrier, fromWire } from './restore.ts';
import { scan, scanReason } from './scan.ts';
import { isPlain } from './survey.ts';
import { type OutCarrier, toWire } from './values.ts';
import { SHORT_BYTES_MAX, shortBytesMax, writeShort } from './writer.ts';

/** The part of cbor-x that its typings leave out: the options of encode, and what it returns with them. */
interface Cbor {
  encode(value: unknown, options: number): Uint8Array & { readonly start: number; readonly end: number };
}

const cbor = new Encoder({ useRecords: false, structuredClone: false, tagUint8Array: false }) as unknown as Cbor;

/** REUSE_BUFFER_MODE: return the whole buffer with the range in it; RESET_BUFFER_MODE: begin there again next time. */
const IN_PLACE = 512 | 1024;

let encoding = false;

/** Where short payloads are written. */
const short = new Uint8Array(SHORT_BYTES_MAX);

/** Encodes and decodes payloads within the given limits. Stateless between calls, but for where the last result is. */
export class Codec {
  /** Has the last encoded payload from `start` to `end`, until the next `encode` of any codec in this thread. */
  scratch: Uint8Array = short;
  start = 0;
  end = 0;
  #limits: WireLimits;
  #shortBytesMax: number;

  constructor(limits: WireLimits) {
    this.#limits = limits;
    this.#shortBytesMax = shortBytesMax(limits);
  }

  /** What `encode` and `writeShort` keep within; may be set anew when the peer's terms are known. */
  get limits(): WireLimits {
    return this.#limits;
  }

  set limits(limits: WireLimits) {
    this.#limits = limits;
    this.#shortBytesMax = shortBytesMax(limits);
  }

  /**
   * Encodes a value into `scratch`. Throws `NotEncodable` with the path of the first value that cannot cross, or
   * `MessageTooLarge`. Without a carrier functions and streams cannot cross. Paths call the value `root`; without it, it is a message `[name, ...args]`.
   */
  encode(value: unknown, root?: string, carrier?: OutCarrier): void {
    if (encoding) throw new HomingError('NotEncodable', 'a getter or proxy in a message encoded another message');
    encoding = true;
    try {
      const shortEnd = writeShort(value, short, 0, this.#shortBytesMax, this.#limits);
      if (shortEnd >= 0) {
        this.scratch = short;
        this.start = 0;
        this.end = shortEnd;
        return;
      }
      if (isPlain(value, this.limits)) this.#write(value);
      else {
        const { tree, hasNegativeZero } = toWire(value, this.limits, Tag, root, carrier);
        this.#write(tree);
        if (hasNegativeZero) patchNegativeZeros(this.scratch, this.start, this.end);
      }
      const verdict = scan(this.scratch, this.start, this.end, this.limits);
      if (verdict < 0) this.#refuse(value, root, `refused as ${scanReason(verdict) ?? verdict}`, undefined);
    } catch (error) {
      if (error instanceof HomingError) throw error;
      this.#refuse(value, root, 'reading it threw', error);
    } finally {
      encoding = false;
    }
  }

  /**
   * Writes a value that is short and plain into `target` from `start`, before `limit`; where it ends, or -1 for one that
   * `encode` has to see, which also knows why a value cannot cross. What lies behind `start` is of no use then.
   */
  writeShort(value: unknown, target: Uint8Array, start: number, limit: number): number {
    if (encoding) return -1;
    encoding = true;
    try {
      const room = start + this.#shortBytesMax;
      return writeShort(value, target, start, room < limit ? room : limit, this.#limits);
    } catch {
      return -1;
    } finally {
      encoding = false;
    }
  }

  /**
   * Decodes bytes for which `scan` gave this verdict, 0 or 1. The value shares no memory with `bytes`. Throws
   * `payload-refused` when the parts of a payload with tags contradict each other.
   */
  decode(bytes: Uint8Array, start: number, end: number, verdict: number, carrier?: InCarrier): unknown {
    const tree = read(bytes, start, end);
    return verdict === 1 ? fromWire(tree, carrier) : tree;
  }

  #write(tree: unknown): void {
    const target = cbor.encode(tree, IN_PLACE);
    // The library works in a Buffer, whose `slice` does not copy: a plain view of it leaves here, the same until it grows.
    if (this.scratch.buffer !== target.buffer) {
      this.scratch = new Uint8Array(target.buffer, target.byteOffset, target.length);
    }
    this.start = target.start;
    this.end = target.end;
    const length = this.end - this.start;
    if (length > this.limits.messageBytes) {
      throw new HomingError('MessageTooLarge', `expected at most ${this.limits.messageBytes} bytes, got ${length}`);
    }
  }

  /** Throws, with the path of what cannot cross when the slow walk can tell it. */
  #refuse(value: unknown, root: string | undefined, why: string, cause: unknown): never {
    try {
      toWire(value, this.limits, Tag, root, idle);
    } catch (found) {
      if (found instanceof HomingError) throw found;
    }
    throw new HomingError('NotEncodable', `${root ?? 'message'}: ${why}`, { cause });
  }
}

/** For the walk that looks for a path only: references are not made twice. */
const idle: OutCarrier = { functionOut: () => 0, streamOut: () => 0 };

/**
 * Turns every mark of -0 into a float: only marks are written as 64-bit integers, and their eight bytes are those of
 * the float. Items follow each other without closing bytes, so heads are found without knowing the tree.
 */
function patchNegativeZeros(bytes: Uint8Array, start: number, end: number): void {
  let at = start;
  while (at < end) {
    const head = bytes[at] as number;
    if (head === 0x1b) bytes[at] = 0xfb;
    at++;
    let length = head & 31;
    if (length > 23) {
      const width = 1 << (length - 24);
      length = 0;
      for (let i = 0; i < width && width < 8; i++) length = length * 256 + (bytes[at + i] as number);
      at += width;
    }
    const major = head >> 5;
    if (major === 2 || major === 3) at += length;
  }
}
