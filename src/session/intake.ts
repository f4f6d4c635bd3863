/**
 * The receiving half of a session: the one receive rule, for both lanes. The next seq of a lane is taken, everything
 * else closes the connection; nothing is reordered, skipped or kept for later. Also counts what was received and not
 * yet processed, which is what credit is made of: what was told is a promise, kept as an edge that never goes back
 * within an epoch, and the peer is held to it, not to the room that there happens to be (DESIGN: Credit).
 */
import type { EndCode } from '../errors.ts';
import { FRAGMENT_BYTES, FRAGMENT_FLAG, FRAGMENT_HEADER_BYTES, readU32 } from '../wire/frame.ts';

const NO_BYTES = new Uint8Array(0);

/** A fragmented message of which a part has arrived; its buffer grows with what came, never with what was announced. */
class Assembly {
  bytes = NO_BYTES;
  filled = 0;
  total = 0;
  flags = 0;

  get isOpen(): boolean {
    return this.total > 0;
  }

  append(source: Uint8Array, start: number, end: number): void {
    const needed = this.filled + (end - start);
    if (needed > this.bytes.length) {
      const grown = new Uint8Array(Math.min(this.total, needed * 2));
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

/** Bytes of the whole message that a frame is, or is a fragment of. */
export function messageBytesOf(frame: FrameView): number {
  if ((frame.flags & FRAGMENT_FLAG) === 0) return frame.end - frame.start;
  return frame.end - frame.start < FRAGMENT_HEADER_BYTES ? 0 : readU32(frame.bytes, frame.start);
}

/** One lane's receiving state: `admit` a frame, `hold` its bytes, and when a message is whole, `take` it. */
export class Lane {
  /** Highest seq taken off the wire whole. */
  received = 0;
  /** The message that `hold` made whole is `bytes[start, end)`. */
  bytes: Uint8Array = NO_BYTES;
  start = 0;
  end = 0;
  /** Made for the first fragment. */
  #assembly: Assembly | undefined;

  /** Bytes of an unfinished message; they count against the mailbox. */
  get partialBytes(): number {
    return this.#assembly?.filled ?? 0;
  }

  /** The receive rule: why this frame must close the connection, undefined when it may be held. Changes nothing. */
  admit(frame: FrameView, messageBytesMax: number): EndCode | undefined {
    if (frame.seq !== this.received + 1) return 'seq-gap';
    if (messageBytesOf(frame) > messageBytesMax) return 'message-too-large';
    if ((frame.flags & FRAGMENT_FLAG) !== 0) return this.#admitFragment(frame);
    return this.#assembly?.isOpen === true ? 'bad-frame' : undefined;
  }

  /** Keeps the bytes of an admitted frame: a view of a whole message, a copy of a fragment. True when it is whole. */
  hold(frame: FrameView): boolean {
    if ((frame.flags & FRAGMENT_FLAG) !== 0) return this.#holdFragment(frame);
    this.bytes = frame.bytes;
    this.start = frame.start;
    this.end = frame.end;
    return true;
  }

  /** Counts the message that is whole as received. */
  take(): void {
    this.received += 1;
    if (this.#assembly !== undefined) this.#assembly = undefined;
  }

  /** Lets go of the bytes of the last frame. */
  forget(): void {
    this.bytes = NO_BYTES;
  }

  /** The connection is gone: an unfinished message starts again at its first fragment. */
  detach(): void {
    this.#assembly = undefined;
    this.bytes = NO_BYTES;
    this.start = 0;
    this.end = 0;
  }

  /** A new epoch: numbers begin again. */
  restart(): void {
    this.detach();
    this.received = 0;
  }

  #admitFragment(frame: FrameView): EndCode | undefined {
    const assembly = (this.#assembly ??= new Assembly());
    const bytes = frame.end - frame.start - FRAGMENT_HEADER_BYTES;
    if (bytes <= 0) return 'bad-frame';
    const total = readU32(frame.bytes, frame.start);
    const offset = readU32(frame.bytes, frame.start + 4);
    if (total <= FRAGMENT_BYTES) return 'bad-frame';
    if (offset !== assembly.filled || offset + bytes > total) return 'bad-frame';
    if (assembly.isOpen && (assembly.total !== total || assembly.flags !== frame.flags)) return 'bad-frame';
    return undefined;
  }

  #holdFragment(frame: FrameView): boolean {
    const assembly = (this.#assembly ??= new Assembly());
    assembly.total = readU32(frame.bytes, frame.start);
    assembly.flags = frame.flags;
    assembly.append(frame.bytes, frame.start + FRAGMENT_HEADER_BYTES, frame.end);
    if (assembly.filled < assembly.total) return false;
    this.bytes = assembly.bytes;
    this.start = 0;
    this.end = assembly.total;
    return true;
  }
}

/** How many messages wait until the peer has received them. */
interface Backlog {
  readonly messages: number;
}

/** The credit of one end's mailbox. */
export class Room {
  readonly #windowMessages: number;
  readonly #windowBytes: number;
  readonly #backlog: Backlog;
  /** Received in this epoch and not yet processed. */
  messages = 0;
  bytes = 0;
  /** Received in older epochs and not yet settled; they are handled, never acknowledged, and take their room. */
  oldMessages = 0;
  oldBytes = 0;
  // of this epoch: processed so far, and the sum up to which the peer may send
  #passedMessages = 0;
  #passedBytes = 0;
  #edgeMessages = 0;
  #edgeBytes = 0;

  /**
   * `backlog` is what the peer has not received of the direct lane: receipts of messages that were processed. More than
   * a window of them takes credit away, so that a peer that never takes its receipts cannot make them pile up.
   */
  constructor(windowMessages: number, windowBytes: number, backlog: Backlog) {
    this.#windowMessages = windowMessages;
    this.#windowBytes = windowBytes;
    this.#backlog = backlog;
  }

  /** Messages that may be outstanding beyond the cursor; none while old messages fill the bytes. */
  get grantedMessages(): number {
    if (this.grantedBytes === 0) return 0;
    const withheld = Math.max(0, this.#backlog.messages - this.#windowMessages);
    const free = this.#windowMessages - this.oldMessages - withheld;
    return Math.max(0, free, this.#edgeMessages - this.#passedMessages);
  }

  /** Payload bytes that may be outstanding beyond the cursor. */
  get grantedBytes(): number {
    return Math.max(0, this.#windowBytes - this.oldBytes);
  }

  /** What is granted now has been told to the peer. */
  promise(): void {
    this.#edgeMessages = this.#passedMessages + this.grantedMessages;
    this.#edgeBytes = this.#passedBytes + this.grantedBytes;
  }

  /** Whether a message of this size keeps within what was told; alone it may be larger than the byte window. */
  admits(bytes: number): boolean {
    if (this.#passedMessages + this.messages >= this.#edgeMessages) return false;
    return this.messages === 0 || this.#passedBytes + this.bytes + bytes <= this.#edgeBytes;
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
    this.#passedMessages += 1;
    this.#passedBytes += bytes;
  }

  /** A message of an older epoch has settled. */
  freeOld(bytes: number): void {
    this.oldMessages -= 1;
    this.oldBytes -= bytes;
  }

  /** A new epoch: what is unprocessed now belongs to the past, and nothing is promised. */
  age(): void {
    this.oldMessages += this.messages;
    this.oldBytes += this.bytes;
    this.messages = 0;
    this.bytes = 0;
    this.#passedMessages = 0;
    this.#passedBytes = 0;
    this.#edgeMessages = 0;
    this.#edgeBytes = 0;
  }
}
