/**
 * The receiving half of a session: the one receive rule, for both lanes. The next seq of a lane is taken, everything
 * else closes the connection; nothing is reordered, skipped or kept for later. Also counts what was received and not
 * yet processed, which is what credit is made of.
 */
import type { EndCode } from '../errors.ts';
import { FRAGMENT_FLAG, FRAGMENT_HEADER_BYTES, readU32 } from '../wire/frame.ts';

const ASSEMBLY_BYTES_MIN = 131_072;
const NO_BYTES = new Uint8Array(0);

/** A fragmented message of which a part has arrived; its buffer grows with what came, never with what was announced. */
class Assembly {
  bytes = NO_BYTES;
  filled = 0;
  total = 0;
  seq = 0;

  get open(): boolean {
    return this.total > 0;
  }

  discard(): void {
    this.bytes = NO_BYTES;
    this.filled = 0;
    this.total = 0;
    this.seq = 0;
  }

  append(source: Uint8Array, start: number, end: number): void {
    const needed = this.filled + (end - start);
    if (needed > this.bytes.length) {
      const grown = new Uint8Array(Math.min(this.total, Math.max(ASSEMBLY_BYTES_MIN, needed, this.bytes.length * 2)));
      grown.set(this.bytes.subarray(0, this.filled));
      this.bytes = grown;
    }
    this.bytes.set(source.subarray(start, end), this.filled);
    this.filled = needed;
  }
}

/** The view of a frame that the receive rule needs; the splitter is one. */
export interface FrameView {
  readonly flags: number;
  readonly seq: number;
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
}

/** One lane's receiving state. After `admit` said 'whole', the message is in `bytes[start, end)`. */
export class Lane {
  /** Highest seq taken off the wire whole. */
  received = 0;
  bytes: Uint8Array = NO_BYTES;
  start = 0;
  end = 0;
  readonly #assembly = new Assembly();

  /** Bytes of an unfinished message; they count against the mailbox. */
  get partialBytes(): number {
    return this.#assembly.filled;
  }

  /**
   * The receive rule. 'whole': the frame completes the next message, take it with `take`. 'part': more fragments
   * must come. Anything else is the reason to close the connection. Nothing changes `received` but `take`.
   */
  admit(frame: FrameView, messageBytesMax: number): 'whole' | 'part' | EndCode {
    if (frame.seq !== this.received + 1) return 'seq-gap';
    if ((frame.flags & FRAGMENT_FLAG) !== 0) return this.#admitFragment(frame, messageBytesMax);
    if (this.#assembly.open) return 'bad-frame';
    if (frame.end - frame.start > messageBytesMax) return 'message-too-large';
    this.bytes = frame.bytes;
    this.start = frame.start;
    this.end = frame.end;
    return 'whole';
  }

  /** Counts the admitted message as received. */
  take(): void {
    this.received += 1;
    if (this.#assembly.open) this.#assembly.discard();
  }

  /** Lets go of the bytes of the last frame. */
  forget(): void {
    this.bytes = NO_BYTES;
  }

  /** The connection is gone: an unfinished message starts again at its first fragment. */
  detach(): void {
    this.#assembly.discard();
    this.bytes = NO_BYTES;
    this.start = 0;
    this.end = 0;
  }

  /** A new epoch: numbers begin again. */
  restart(): void {
    this.detach();
    this.received = 0;
  }

  #admitFragment(frame: FrameView, messageBytesMax: number): 'whole' | 'part' | EndCode {
    const assembly = this.#assembly;
    const from = frame.start + FRAGMENT_HEADER_BYTES;
    if (frame.end <= from) return 'bad-frame';
    const total = readU32(frame.bytes, frame.start);
    const offset = readU32(frame.bytes, frame.start + 4);
    if (total > messageBytesMax) return 'message-too-large';
    if (offset !== assembly.filled || offset + (frame.end - from) > total) return 'bad-frame';
    if (assembly.open && assembly.total !== total) return 'bad-frame';
    assembly.total = total;
    assembly.append(frame.bytes, from, frame.end);
    if (assembly.filled < total) return 'part';
    this.bytes = assembly.bytes;
    this.start = 0;
    this.end = total;
    return 'whole';
  }
}

/** Room in the mailbox, as this end grants it and checks it (DESIGN: Credit). */
export class Room {
  readonly #windowMessages: number;
  readonly #windowBytes: number;
  /** Received in this epoch and not yet processed. */
  messages = 0;
  bytes = 0;
  /** Received in older epochs and not yet settled; they are handled, never acknowledged, and take their room. */
  oldMessages = 0;
  oldBytes = 0;

  constructor(windowMessages: number, windowBytes: number) {
    this.#windowMessages = windowMessages;
    this.#windowBytes = windowBytes;
  }

  /** Messages that may be outstanding beyond the cursor; none while old messages fill the bytes. */
  get grantedMessages(): number {
    if (this.grantedBytes === 0) return 0;
    return Math.max(0, this.#windowMessages - this.oldMessages);
  }

  /** Payload bytes that may be outstanding beyond the cursor. */
  get grantedBytes(): number {
    return Math.max(0, this.#windowBytes - this.oldBytes);
  }

  /** Whether a message of this size keeps within what was granted; alone it may be larger than the byte window. */
  admits(bytes: number): boolean {
    if (this.messages + 1 > this.grantedMessages) return false;
    return this.messages === 0 || this.bytes + bytes <= this.grantedBytes;
  }

  /** A message was received. */
  occupy(bytes: number): void {
    this.messages += 1;
    this.bytes += bytes;
  }

  /** A message of this epoch was processed. */
  free(bytes: number): void {
    this.messages -= 1;
    this.bytes -= bytes;
  }

  /** A message of an older epoch has settled. */
  freeOld(bytes: number): void {
    this.oldMessages -= 1;
    this.oldBytes -= bytes;
  }

  /** A new epoch: what is unprocessed now belongs to the past. */
  age(): void {
    this.oldMessages += this.messages;
    this.oldBytes += this.bytes;
    this.messages = 0;
    this.bytes = 0;
  }
}
