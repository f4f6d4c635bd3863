/**
 * Cuts a byte stream into frames, whatever its chunks. A frame inside one chunk is handed out as a range of that chunk,
 * nothing is copied or allocated; a frame across chunks is gathered in one buffer that grows with what has arrived and
 * never with what a header claims. Fields instead of a returned object: one message is one call and no garbage.
 */
import type { EndCode } from '../errors.ts';
import { invariant } from '../errors.ts';
import type { Checksum } from './frame.ts';
import {
  FRAME_BYTES_MAX,
  FrameType,
  HEADER_BYTES,
  SKIPPABLE_TYPE_MIN,
  checksumHolds,
  headerFault,
  readU24,
  readU56,
  readU8,
  sizeFault,
} from './frame.ts';

const GATHERED_BYTES_MIN = 4_096;
const EMPTY = new Uint8Array(0);

/** Takes chunks, gives frames; one per connection. After a fault it holds nothing and gives nothing more. */
export class Splitter {
  /** Whether frames carry a checksum; both ends switch after WELCOME, between two calls of `next`. */
  checksummed = true;
  /** When set, any other type is the fault `unexpected-frame`, found before its body is kept. */
  only: readonly number[] | undefined = undefined;
  /** Why this stream cannot go on; undefined while it can. */
  fault: EndCode | undefined = undefined;

  /** Type of the current frame, or of the one at fault; this and the fields below are valid until the next `next`. */
  type = 0;
  /** Flags of the current frame. */
  flags = 0;
  /** Seq of the current frame; 0 for a control frame. That of a TRACE may be anything, -1 for no safe integer. */
  seq = 0;
  /** The bytes that hold the current frame's body; copy what must outlive the following call. */
  bytes: Uint8Array = EMPTY;
  /** Where the body begins in `bytes`. */
  start = 0;
  /** Where the body ends in `bytes`. */
  end = 0;

  readonly #checksum: Checksum;
  #chunk: Uint8Array = EMPTY;
  #at = 0;
  #gathered: Uint8Array = EMPTY;
  #gatheredCount = 0;

  constructor(checksum: Checksum) {
    this.#checksum = checksum;
  }

  /** Bytes this splitter keeps beside the current chunk; 0 when the last chunk ended with a frame. */
  get retainedBytes(): number {
    return this.#gathered.length;
  }

  /** Whether a frame has begun to arrive and is not complete; a line should not stay so for long. */
  get isPartial(): boolean {
    return this.#gatheredCount > 0;
  }

  /** Bytes of the frame that is not complete, as its header says; 0 while there is none, or no whole header of it. */
  get partialBytes(): number {
    return this.#gatheredCount < HEADER_BYTES ? 0 : HEADER_BYTES + readU24(this.#gathered, 5);
  }

  /** Brings the next bytes of the stream; the chunk must stay untouched until `next` has returned false. */
  push(chunk: Uint8Array): void {
    if (this.fault !== undefined) return;
    invariant(this.#at === this.#chunk.length, 'expected next() to have returned false before another push()');
    this.#chunk = chunk;
    this.#at = 0;
  }

  /** Ends here: a copy of the bytes behind the current frame, which somebody else goes on with. */
  takeRest(): Uint8Array {
    const rest = new Uint8Array(this.#chunk.length - this.#at);
    rest.set(this.#chunk.subarray(this.#at));
    this.#letGo();
    return rest;
  }

  /** Moves to the next frame: true when the fields hold one, false when more bytes are needed or `fault` is set. */
  next(): boolean {
    while (this.fault === undefined) {
      if (this.#gatheredCount > 0) {
        if (!this.#gatherFrame()) return false;
        if (this.#take(this.#gathered, 0, HEADER_BYTES + readU24(this.#gathered, 5))) return true;
        continue;
      }
      const chunk = this.#chunk;
      const from = this.#at;
      if (chunk.length - from < HEADER_BYTES) return this.#keepRest();
      const length = readU24(chunk, from + 5);
      if (!this.#admits(readU8(chunk, from + 4), length)) return false;
      const end = from + HEADER_BYTES + length;
      if (end > chunk.length) return this.#keepRest();
      this.#at = end;
      if (this.#take(chunk, from, end)) return true;
    }
    return false;
  }

  /** Whether a frame of this type and length may come at all; otherwise the fault is set. */
  #admits(type: number, length: number): boolean {
    if (this.only !== undefined && !this.only.includes(type)) return this.#fail('unexpected-frame', type);
    const fault = sizeFault(type, length);
    return fault === undefined || this.#fail(fault, type);
  }

  /** Moves the frame that fills `from` to `end` into the fields; false for one to skip, and for a fault. */
  #take(bytes: Uint8Array, from: number, end: number): boolean {
    const type = readU8(bytes, from + 4);
    // What is skipped is checked as well: a bit that flipped in the type of a message must not make it vanish.
    if (this.checksummed && !checksumHolds(bytes, from, end, this.#checksum)) return this.#fail('bad-checksum', type);
    if (type >= SKIPPABLE_TYPE_MIN && type !== FrameType.TRACE) return false;
    const flags = readU8(bytes, from + 8);
    const seq = readU56(bytes, from + 9);
    // A TRACE that makes no sense has no effect, as one that is not known has none.
    const fault = type === FrameType.TRACE ? undefined : headerFault(type, flags, seq, end - from - HEADER_BYTES);
    if (fault !== undefined) return this.#fail(fault, type);
    this.type = type;
    this.flags = flags;
    this.seq = seq;
    this.bytes = bytes;
    this.start = from + HEADER_BYTES;
    this.end = end;
    return true;
  }

  /** Completes the frame that earlier chunks began; false when this chunk is not enough, and for a fault. */
  #gatherFrame(): boolean {
    if (this.#gatheredCount < HEADER_BYTES) {
      if (!this.#gatherTo(HEADER_BYTES)) return false;
      if (!this.#admits(readU8(this.#gathered, 4), readU24(this.#gathered, 5))) return false;
    }
    if (!this.#gatherTo(HEADER_BYTES + readU24(this.#gathered, 5))) return false;
    this.#gatheredCount = 0;
    return true;
  }

  /** Moves bytes of the chunk behind the gathered ones until there are `count`; false when the chunk ends before. */
  #gatherTo(count: number): boolean {
    const moved = Math.min(count - this.#gatheredCount, this.#chunk.length - this.#at);
    const filled = this.#gatheredCount + moved;
    if (filled > this.#gathered.length) {
      const doubled = Math.min(this.#gathered.length * 2, FRAME_BYTES_MAX);
      const grown = new Uint8Array(Math.max(GATHERED_BYTES_MIN, filled, doubled));
      grown.set(this.#gathered.subarray(0, this.#gatheredCount));
      this.#gathered = grown;
    }
    copy(this.#chunk, this.#at, this.#gathered, this.#gatheredCount, moved);
    this.#gatheredCount = filled;
    this.#at += moved;
    if (filled === count) return true;
    this.#letGo();
    return false;
  }

  /** The chunk is used up but for the beginning of a frame, if that. */
  #keepRest(): false {
    if (this.#at < this.#chunk.length) this.#gatherTo(FRAME_BYTES_MAX + 1);
    else {
      // Between two frames, where most connections are most of the time, no buffer is kept.
      this.#gathered = EMPTY;
      this.#letGo();
    }
    return false;
  }

  #fail(code: EndCode, type: number): false {
    this.fault = code;
    this.type = type;
    this.#gathered = EMPTY;
    this.#gatheredCount = 0;
    this.#letGo();
    return false;
  }

  #letGo(): void {
    this.#chunk = EMPTY;
    this.#at = 0;
    this.bytes = EMPTY;
    this.start = 0;
    this.end = 0;
  }
}

/** Short runs byte by byte: below about this length the view that `set` needs costs more than the copy. */
function copy(from: Uint8Array, at: number, to: Uint8Array, toAt: number, count: number): void {
  if (count > 64) to.set(from.subarray(at, at + count), toAt);
  else for (let i = 0; i < count; i++) to[toAt + i] = readU8(from, at + i);
}
