/**
 * One lane's outbox: messages that were accepted and not yet released by an ack, as encoded bytes. A message waits
 * without a number until its writing begins; from then on it keeps its seq for the epoch. A frame's header stands right
 * before its payload in one page, so that a run of messages leaves, and leaves again after a cut, as one range.
 */
import { invariant } from '../errors.ts';
import { HEADER_BYTES } from '../wire/frame.ts';
import { Deque } from './deque.ts';

const PAGE_BYTES_MIN = 512;
/** A page of at most this size stays while there is traffic: one for each call of a quick series is work for the collector. */
const KEPT_PAGE_BYTES_MAX = 4_096;
const PAGE_BYTES_MAX = 65_536;
/** Messages from this size on get a page of their own: a shared page would waste what is left of it. */
const OWN_PAGE_BYTES = 16_384;
/** From so many messages on that were taken back but not from the front, what waits is packed anew. */
const CANCELLED_KEPT_MAX = 16;

/** A message on its way out. `start` is where the payload begins; the sixteen bytes before it are for the header. */
export interface Outgoing {
  page: Uint8Array;
  start: number;
  end: number;
  readonly kind: number;
  /** Who waits for this message's outcome; 0 when nobody does. */
  token: number;
  /** Rises with every message of this lane, waiting ones included; never reused, also not in a new epoch. */
  ordinal: number;
  /** Taken back before its writing began. */
  cancelled: boolean;
}

/** The numbered and the waiting messages of one lane; knows sizes and positions, not what is in them. */
export class Outbox {
  /** Messages with a seq: `released + 1` is the seq of the first. */
  readonly written = new Deque<Outgoing>();
  /** Messages without a seq; the first one is never cancelled. */
  readonly waiting = new Deque<Outgoing>();
  /** Highest seq that an ack has released. */
  released = 0;
  /** Highest seq given so far in this epoch. */
  sent = 0;
  /** Messages and payload bytes, written and waiting together, cancelled ones not counted. */
  messages = 0;
  bytes = 0;
  #cancelledCount = 0;
  #page: Uint8Array | undefined;
  #used = 0;
  #pageBytes = PAGE_BYTES_MIN;

  /** Takes a copy of the payload `bytes[start, end)` and lets it wait; returns the message. */
  append(kind: number, bytes: Uint8Array, start: number, end: number, token: number, ordinal: number): Outgoing {
    const message = this.#store(kind, bytes, start, end, token, ordinal);
    this.waiting.push(message);
    return message;
  }

  /** The page that the next message may be written into, if there is one: from `freeAt` to its end. */
  get page(): Uint8Array | undefined {
    return this.#page;
  }

  /** Where the payload of the next message begins in `page`, behind room for its header. */
  get freeAt(): number {
    return this.#used + HEADER_BYTES;
  }

  /** Lets a message wait whose payload was written into `page` from `freeAt` to `end`. */
  appendWritten(kind: number, end: number, token: number, ordinal: number): void {
    const page = this.#page;
    const start = this.#used + HEADER_BYTES;
    invariant(page !== undefined && end > start && end <= page.length, 'a message was written outside of its page');
    this.#used = end;
    this.waiting.push({ page, start, end, kind, token, ordinal, cancelled: false });
    this.messages += 1;
    this.bytes += end - start;
  }

  /** Puts a copy of a message that left an older epoch before everything that waits; it keeps its ordinal. */
  prepend(message: Outgoing): void {
    const { kind, page, start, end, token, ordinal } = message;
    this.waiting.unshift(this.#store(kind, page, start, end, token, ordinal));
  }

  /** Takes a waiting message back: it gives up its room now and is skipped when its turn to be written comes. */
  cancel(message: Outgoing): void {
    if (message.cancelled) return;
    message.cancelled = true;
    this.messages -= 1;
    this.bytes -= message.end - message.start;
    this.#cancelledCount += 1;
    this.#dropCancelledHead();
    if (this.#cancelledCount > CANCELLED_KEPT_MAX && this.#cancelledCount * 2 > this.waiting.length) this.#pack();
    if (this.messages === 0) this.#forgetPage();
  }

  /** Gives the first waiting message the next seq; the caller writes it now. */
  number(): Outgoing | undefined {
    const message = this.waiting.shift();
    if (message === undefined) return undefined;
    this.sent += 1;
    this.written.push(message);
    this.#dropCancelledHead();
    return message;
  }

  /** The message with this seq, if it has been numbered and not been released. */
  withSeq(seq: number): Outgoing | undefined {
    return this.written.at(seq - this.released - 1);
  }

  /** Lets go of everything up to and including `seq`, which must have been sent. */
  releaseThrough(seq: number): void {
    while (this.released < seq) {
      const message = this.written.shift();
      if (message === undefined) break;
      this.released += 1;
      this.messages -= 1;
      this.bytes -= message.end - message.start;
    }
    if (this.messages === 0) this.#forgetPage();
  }

  /** Starts a new epoch: numbers begin again, what had been written is handed back in order, what waits stays. */
  takeWritten(): Outgoing[] {
    const taken: Outgoing[] = [];
    for (let message = this.written.shift(); message !== undefined; message = this.written.shift()) {
      taken.push(message);
      this.messages -= 1;
      this.bytes -= message.end - message.start;
    }
    this.released = 0;
    this.sent = 0;
    if (this.messages === 0) this.#forgetPage();
    return taken;
  }

  /** Hands back, in order, what waits with an ordinal above `after` and up to `through`, and forgets it. */
  takeWaiting(after: number, through: number): Outgoing[] {
    const taken: Outgoing[] = [];
    for (let left = this.waiting.length; left > 0; left -= 1) {
      const message = this.waiting.shift();
      if (message === undefined || message.cancelled) continue;
      if (message.ordinal > after && message.ordinal <= through) {
        taken.push(message);
        this.messages -= 1;
        this.bytes -= message.end - message.start;
      } else this.waiting.push(message);
    }
    this.#cancelledCount = 0;
    if (this.messages === 0) this.#forgetPage();
    return taken;
  }

  #dropCancelledHead(): void {
    while (this.waiting.at(0)?.cancelled === true) {
      this.waiting.shift();
      this.#cancelledCount -= 1;
    }
  }

  /** Forgets the cancelled messages and moves the others to new pages, which they do not share with forgotten bytes. */
  #pack(): void {
    this.#page = undefined;
    this.#used = 0;
    for (let left = this.waiting.length; left > 0; left -= 1) {
      const message = this.waiting.shift();
      if (message === undefined || message.cancelled) continue;
      const { page, start, end } = message;
      if (page.length > end - start + HEADER_BYTES) this.#place(message, page, start, end);
      this.waiting.push(message);
    }
    this.#cancelledCount = 0;
  }

  #store(kind: number, bytes: Uint8Array, start: number, end: number, token: number, ordinal: number): Outgoing {
    const message = { page: bytes, start, end, kind, token, ordinal, cancelled: false };
    this.#place(message, bytes, start, end);
    this.messages += 1;
    this.bytes += end - start;
    return message;
  }

  #place(message: Outgoing, bytes: Uint8Array, start: number, end: number): void {
    const size = end - start;
    const page = this.#room(size + HEADER_BYTES);
    const isShared = page === this.#page;
    const at = (isShared ? this.#used : 0) + HEADER_BYTES;
    if (isShared) this.#used = at + size;
    copyBytes(bytes, start, end, page, at);
    message.page = page;
    message.start = at;
    message.end = at + size;
  }

  /** The shared page if there is room in it; else a new one, which a large message does not share. */
  #room(size: number): Uint8Array {
    if (this.#page !== undefined && this.#page.length - this.#used >= size) return this.#page;
    if (size >= OWN_PAGE_BYTES) return pageOf(size);
    if (this.#page !== undefined && this.#isEnough(this.#page.length)) this.#pageBytes = this.#page.length;
    while (this.#pageBytes < size) this.#pageBytes *= 2;
    this.#page = pageOf(this.#pageBytes);
    this.#used = 0;
    this.#pageBytes = Math.min(PAGE_BYTES_MAX, this.#pageBytes * 2);
    return this.#page;
  }

  /** Whether a page of this size need not be followed by a larger one: little of it is held. */
  #isEnough(pageBytes: number): boolean {
    return pageBytes >= KEPT_PAGE_BYTES_MAX && this.bytes * 2 < pageBytes;
  }

  /** Nothing has happened for a while: an idle session keeps no page. */
  trim(): void {
    if (this.messages > 0) return;
    this.#page = undefined;
    this.#used = 0;
    this.#pageBytes = PAGE_BYTES_MIN;
    this.written.clear();
    this.waiting.clear();
  }

  /**
   * An empty outbox keeps no large page. Pages are never written over: a socket or a peer in this process may still read the
   * old one.
   */
  #forgetPage(): void {
    if (this.#page === undefined || this.#page.length <= KEPT_PAGE_BYTES_MAX) return;
    this.#page = undefined;
    this.#used = 0;
    if (this.#pageBytes > PAGE_BYTES_MIN) this.#pageBytes /= 2;
  }
}

/** Memory for messages, which nobody reads before it is written; to fill a large one with zeros takes as long as a message in it. */
function pageOf(bytes: number): Uint8Array {
  return bytes <= KEPT_PAGE_BYTES_MAX ? new Uint8Array(bytes) : new Uint8Array(Buffer.allocUnsafeSlow(bytes).buffer);
}

/** Below this many bytes a loop beats the call into the engine. */
const LOOP_BYTES_MAX = 128;

function copyBytes(source: Uint8Array, start: number, end: number, target: Uint8Array, at: number): void {
  if (end - start > LOOP_BYTES_MAX) {
    target.set(start === 0 && end === source.length ? source : source.subarray(start, end), at);
    return;
  }
  for (let index = start, to = at; index < end; index += 1, to += 1) target[to] = source[index] as number;
}
