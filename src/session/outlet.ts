/**
 * The sending half of a session: two outboxes, the credit the peer granted, who waits for what, and the order in which
 * frames leave: direct messages first, then ordered ones. Ordered bytes are kept until the peer's cursor passes them,
 * direct ones until it received them (DESIGN: received, cursor, ack).
 */
import type { Outcome } from '../errors.ts';
import { FRAGMENT_BYTES, FRAGMENT_FLAG, FRAGMENT_HEADER_BYTES, FrameType, HEADER_BYTES, Kind } from '../wire/frame.ts';
import { type Checksum, stampChecksum, writeHeader, writeU32 } from '../wire/frame.ts';
import type { Gather } from '../wire/gather.ts';
import { Deque } from './deque.ts';
import { type Outgoing, Outbox } from './outbox.ts';

/** Bounds of the outbox and of one message, in messages and payload bytes. */
export interface OutletLimits {
  readonly outboxMessages: number;
  readonly outboxBytes: number;
}

/** What the driver learns from the sending half; tokens are the numbers it gave with `offer` and `flush`. */
export type OutletOutput =
  | { readonly type: 'receipt'; readonly token: number; readonly status: number; readonly error: Uint8Array | undefined }
  | { readonly type: 'rejected'; readonly token: number; readonly outcome: Outcome }
  | { readonly type: 'oversize'; readonly token: number; readonly bytes: number; readonly bytesMax: number }
  | { readonly type: 'flushed'; readonly token: number }
  | { readonly type: 'writable' };

/** What a new epoch leaves behind: counts for the report, and the events that `resend` may send again. */
export interface Leftover {
  readonly unconfirmed: number;
  readonly carried: number;
  readonly messages: readonly Outgoing[];
}

/** A message that waits in line because the outbox is full; not accepted yet. */
interface InLine {
  readonly kind: number;
  readonly bytes: Uint8Array;
  readonly token: number;
  readonly ordinal: number;
  cancelled: boolean;
}

interface FlushWaiter {
  readonly ordinal: number;
  readonly token: number;
}

/** The frames of one connection that are written and where the next one begins. */
interface Stroke {
  nextSeq: number;
  /** Payload bytes of `nextSeq` that have left as fragments. */
  fragmentOffset: number;
}

/** Everything on its way to the peer. Time never matters here. */
export class Outlet {
  readonly ordered = new Outbox();
  readonly direct = new Outbox();
  readonly outputs: OutletOutput[] = [];
  readonly #limits: OutletLimits;
  readonly #line = new Deque<InLine>();
  #lineLength = 0;
  readonly #flushes = new Deque<FlushWaiter>();
  /** Seqs of written messages that wait for a receipt, and who waits. */
  readonly #receipts = new Map<number, number>();
  #ordinal = 0;
  #wantsWritable = false;

  // of the connection
  #orderedStroke: Stroke = { nextSeq: 1, fragmentOffset: 0 };
  #directStroke: Stroke = { nextSeq: 1, fragmentOffset: 0 };
  #windowMessages = 0;
  #windowBytes = 0;
  #outstandingBytes = 0;
  #askedOrdinal = 0;
  #checksum: Checksum | undefined;
  #messageBytesMax = Infinity;
  /** Highest ordered seq the peer has received. */
  peerReceived = 0;
  /** Waiting messages with a higher ordinal stay where they are: the connection is going away. */
  writeThrough = Infinity;

  constructor(limits: OutletLimits) {
    this.#limits = limits;
  }

  // ---- what the user does

  /** Whether `send` should tell its caller to slow down: from half the bound. */
  get isHalfFull(): boolean {
    const { outboxMessages, outboxBytes } = this.#limits;
    return this.ordered.messages * 2 >= outboxMessages || this.ordered.bytes * 2 >= outboxBytes;
  }

  /** Whether a message of this size finds no room now. A message alone may be larger than the byte bound. */
  isFull(bytes: number): boolean {
    if (this.#lineLength > 0) return true;
    return this.#isOver(bytes);
  }

  /** The largest payload that may be sent, as far as is known. */
  get messageBytesMax(): number {
    return this.#messageBytesMax;
  }

  /** Accepts an ordered message; the caller has asked `isFull`. The bytes are copied. */
  accept(kind: number, bytes: Uint8Array, start: number, end: number, token: number): void {
    this.#ordinal += 1;
    this.ordered.append(kind, bytes, start, end, token, this.#ordinal);
  }

  /** Lets a message wait in line for room; it is accepted in its turn, before any later one. The bytes are copied. */
  enqueue(kind: number, bytes: Uint8Array, start: number, end: number, token: number): void {
    this.#ordinal += 1;
    this.#line.push({ kind, bytes: bytes.slice(start, end), token, ordinal: this.#ordinal, cancelled: false });
    this.#lineLength += 1;
  }

  /** Sends a direct message. The bytes are copied. */
  acceptDirect(kind: number, bytes: Uint8Array, start: number, end: number): void {
    this.direct.append(kind, bytes, start, end, 0, 0);
  }

  /**
   * The caller no longer waits for this token. A message whose writing has not begun is taken back. Returns what is
   * known of it.
   */
  giveUp(token: number): Outcome {
    for (let index = 0; index < this.#line.length; index += 1) {
      const entry = this.#line.at(index);
      if (entry?.token !== token || entry.cancelled) continue;
      entry.cancelled = true;
      this.#lineLength -= 1;
      this.#advanceLine();
      return 'never-sent';
    }
    for (let index = 0; index < this.ordered.waiting.length; index += 1) {
      const message = this.ordered.waiting.at(index);
      if (message?.token !== token || message.cancelled) continue;
      this.ordered.cancel(message);
      this.#afterRelease();
      return 'never-sent';
    }
    for (const [seq, waiting] of this.#receipts) {
      if (waiting === token) this.#receipts.set(seq, 0);
    }
    return 'unknown';
  }

  /** Waits until the peer has processed all that was accepted or stands in line now; answers with 'flushed'. */
  flush(token: number): void {
    const waiter = { ordinal: this.#ordinal, token };
    this.#flushes.push(waiter);
    this.#settleFlushes();
  }

  /** Asks for one 'writable' as soon as there is room again. */
  wantWritable(): void {
    this.#wantsWritable = true;
    this.#announceRoom();
  }

  /** The ordinal of the message accepted or lined up last. */
  get lastOrdinal(): number {
    return this.#ordinal;
  }

  /** The ordinal up to which every message has been numbered. */
  get lastNumberedOrdinal(): number {
    const head = this.ordered.waiting.at(0);
    return head === undefined ? this.#ordinal - this.#line.length : head.ordinal - 1;
  }

  // ---- what the connection does

  /** A connection is up: the peer's positions, good ones, and terms. Writing goes on after what it received. */
  attach(peer: {
    readonly orderedReceived: number;
    readonly cursor: number;
    readonly directReceived: number;
    readonly windowMessages: number;
    readonly windowBytes: number;
    readonly messageBytes: number;
    readonly checksum: Checksum | undefined;
  }): void {
    this.ordered.releaseThrough(peer.cursor);
    this.direct.releaseThrough(peer.directReceived);
    this.#orderedStroke = { nextSeq: peer.orderedReceived + 1, fragmentOffset: 0 };
    this.#directStroke = { nextSeq: peer.directReceived + 1, fragmentOffset: 0 };
    this.peerReceived = peer.orderedReceived;
    this.#windowMessages = peer.windowMessages;
    this.#windowBytes = peer.windowBytes;
    this.#checksum = peer.checksum;
    this.#askedOrdinal = 0;
    this.writeThrough = Infinity;
    this.#outstandingBytes = 0;
    for (let seq = this.ordered.released + 1; seq <= peer.orderedReceived; seq += 1) {
      const message = this.ordered.withSeq(seq);
      if (message !== undefined) this.#outstandingBytes += message.end - message.start;
    }
    this.#messageBytesMax = peer.messageBytes;
    this.#dropOversize();
    this.#afterRelease();
  }

  /** Whether these positions can be true of this memory: nothing beyond what was sent, nothing below what was released. */
  fits(orderedReceived: number, cursor: number, directReceived: number): boolean {
    if (orderedReceived > this.ordered.sent || directReceived > this.direct.sent) return false;
    return cursor >= this.ordered.released && directReceived >= this.direct.released;
  }

  /** An ack arrived. Returns false when it claims what was never sent on this connection, or goes back. */
  acknowledge(orderedReceived: number, cursor: number, directReceived: number, windowMessages: number, windowBytes: number): boolean {
    if (orderedReceived >= this.#orderedStroke.nextSeq || directReceived >= this.#directStroke.nextSeq) return false;
    if (orderedReceived < this.peerReceived || cursor > orderedReceived) return false;
    if (cursor < this.ordered.released || directReceived < this.direct.released) return false;
    this.peerReceived = orderedReceived;
    this.#windowMessages = windowMessages;
    this.#windowBytes = windowBytes;
    if (directReceived > this.direct.released) this.direct.releaseThrough(directReceived);
    if (cursor > this.ordered.released) {
      const before = this.ordered.bytes;
      this.ordered.releaseThrough(cursor);
      this.#outstandingBytes -= before - this.ordered.bytes;
      this.#afterRelease();
    }
    return true;
  }

  /** A receipt arrived. Returns false when nobody asked for it. */
  settleReceipt(seq: number, status: number, error: Uint8Array | undefined): boolean {
    const token = this.#receipts.get(seq);
    if (token === undefined) return false;
    this.#receipts.delete(seq);
    if (token !== 0) this.outputs.push({ type: 'receipt', token, status, error });
    return true;
  }

  /** Whether anything could be written now, credit and drain considered. */
  get hasWork(): boolean {
    return this.#nextDirect() || this.#nextOrdered() !== undefined;
  }

  /** Whether every written message is acknowledged and nothing that may still be written waits. */
  get isQuiet(): boolean {
    if (this.ordered.written.length > 0 || this.direct.messages > 0) return false;
    const head = this.ordered.waiting.at(0);
    return head === undefined || head.ordinal > this.writeThrough;
  }

  /** Whether something was written on this connection that the peer has not received. */
  get isAwaited(): boolean {
    return this.#orderedStroke.nextSeq - 1 > this.peerReceived || this.#directStroke.nextSeq - 1 > this.direct.released;
  }

  /** Writes frames until the credit, the messages or about `bytesMax` bytes are used up. */
  write(gather: Gather, bytesMax: number): void {
    while (gather.bytes < bytesMax && this.#nextDirect()) {
      const seq = this.#directStroke.nextSeq;
      const message = this.direct.withSeq(seq) ?? this.direct.number();
      if (message === undefined) break;
      this.#writeFrames(gather, bytesMax, FrameType.DIRECT, message, this.#directStroke);
    }
    while (gather.bytes < bytesMax) {
      const message = this.#nextOrdered();
      if (message === undefined) break;
      const stroke = this.#orderedStroke;
      if (stroke.nextSeq > this.ordered.sent) {
        this.ordered.number();
        if (message.kind === Kind.DELIVER) this.#receipts.set(stroke.nextSeq, message.token);
      }
      const size = message.end - message.start;
      if (stroke.fragmentOffset === 0) this.#outstandingBytes += size;
      this.#writeFrames(gather, bytesMax, FrameType.ORDERED, message, stroke);
    }
  }

  /** The seq to ask an early ack for, once per waiting flush and connection; 0 when there is none. */
  takeAsk(): number {
    let asked = 0;
    for (let index = 0; index < this.#flushes.length; index += 1) {
      const waiter = this.#flushes.at(index);
      if (waiter === undefined || waiter.ordinal <= this.#askedOrdinal) continue;
      const seq = this.#seqOf(waiter.ordinal);
      if (seq === 0) break;
      this.#askedOrdinal = waiter.ordinal;
      asked = seq;
    }
    return asked;
  }

  // ---- what the session does

  /**
   * A new epoch begins: seqs start again, direct messages are gone. What had been written leaves the outbox, what the
   * peer is known to have processed (`finalCursor`) counts as released, what waits is carried over.
   */
  startEpoch(finalCursor: number): Leftover {
    const before = Math.min(finalCursor, this.ordered.sent);
    if (before > this.ordered.released) {
      this.ordered.releaseThrough(before);
      this.#afterRelease();
    }
    const messages = this.ordered.takeWritten();
    const lastUnconfirmed = messages.at(-1)?.ordinal ?? 0;
    this.direct.takeWritten();
    this.direct.takeWaiting();
    for (const token of this.#receipts.values()) this.#reject(token, 'unknown');
    this.#receipts.clear();
    const firstUnconfirmed = messages[0]?.ordinal ?? Infinity;
    this.#rejectFlushes(firstUnconfirmed);
    this.#resetConnection();
    const carried = this.#waitingCount();
    for (const message of messages) message.token = 0;
    this.#askedOrdinal = Math.min(this.#askedOrdinal, lastUnconfirmed);
    return { unconfirmed: messages.length, carried, messages };
  }

  /** Sends what a `Leftover` holds again, before everything that waits. */
  resend(leftover: Leftover): void {
    for (let index = leftover.messages.length - 1; index >= 0; index -= 1) {
      const message = leftover.messages[index];
      if (message !== undefined) this.ordered.prepend({ ...message, token: 0 });
    }
  }

  /** The room that resent or dropped messages leave is offered to those in line. */
  afterGap(): void {
    this.#afterRelease();
  }

  /** Forgets what waits and was carried; who waits for it is told. Messages in line are not touched. */
  discardCarried(): void {
    for (const message of this.ordered.takeWaiting()) this.#reject(message.token, 'never-sent');
    this.#rejectFlushes(0);
    this.#afterRelease();
  }

  /** Accepted messages the peer is not known to have processed: those whose writing had begun, and the others. */
  get counts(): { unconfirmed: number; carried: number } {
    return { unconfirmed: this.ordered.written.length, carried: this.#waitingCount() };
  }

  /**
   * The session has ended: everything is let go, and who waits is told. What the peer is known to have processed
   * (`finalCursor`) counts as released. Returns the counts for the report.
   */
  end(finalCursor: number): { unconfirmed: number; carried: number } {
    const leftover = this.startEpoch(finalCursor);
    for (const message of this.ordered.takeWaiting()) this.#reject(message.token, 'never-sent');
    for (let entry = this.#line.shift(); entry !== undefined; entry = this.#line.shift()) {
      if (!entry.cancelled) this.#reject(entry.token, 'never-sent');
    }
    this.#lineLength = 0;
    this.#rejectFlushes(0);
    return { unconfirmed: leftover.unconfirmed, carried: leftover.carried };
  }

  // ---- below: no branching on who called

  #isOver(bytes: number): boolean {
    const { outboxMessages, outboxBytes } = this.#limits;
    if (this.ordered.messages >= outboxMessages) return true;
    return this.ordered.messages > 0 && this.ordered.bytes + bytes > outboxBytes;
  }

  #nextDirect(): boolean {
    return this.#directStroke.nextSeq <= this.direct.sent || this.direct.waiting.length > 0;
  }

  /** The ordered message to write next, if credit and drain allow it. A begun one is always completed. */
  #nextOrdered(): Outgoing | undefined {
    const stroke = this.#orderedStroke;
    let message = this.ordered.withSeq(stroke.nextSeq);
    if (message !== undefined && stroke.fragmentOffset > 0) return message;
    if (message === undefined) {
      message = this.ordered.waiting.at(0);
      if (message === undefined || message.ordinal > this.writeThrough) return undefined;
    }
    const outstanding = stroke.nextSeq - 1 - this.ordered.released;
    if (outstanding >= this.#windowMessages) return undefined;
    const fits = outstanding === 0 || this.#outstandingBytes + (message.end - message.start) <= this.#windowBytes;
    return fits ? message : undefined;
  }

  #writeFrames(gather: Gather, bytesMax: number, type: number, message: Outgoing, stroke: Stroke): void {
    const size = message.end - message.start;
    if (size <= FRAGMENT_BYTES) {
      const at = message.start - HEADER_BYTES;
      writeHeader(message.page, at, type, message.kind, stroke.nextSeq, size);
      if (this.#checksum !== undefined) stampChecksum(message.page, at, message.end, this.#checksum);
      gather.add(message.page, at, message.end);
      stroke.nextSeq += 1;
      return;
    }
    while (stroke.fragmentOffset < size && gather.bytes < bytesMax) {
      this.#writeFragment(gather, type, message, stroke, size);
    }
    if (stroke.fragmentOffset < size) return;
    stroke.fragmentOffset = 0;
    stroke.nextSeq += 1;
  }

  #writeFragment(gather: Gather, type: number, message: Outgoing, stroke: Stroke, size: number): void {
    const from = message.start + stroke.fragmentOffset;
    const to = Math.min(from + FRAGMENT_BYTES, message.end);
    const headBytes = HEADER_BYTES + FRAGMENT_HEADER_BYTES;
    const length = to - from + FRAGMENT_HEADER_BYTES;
    const flags = message.kind | FRAGMENT_FLAG;
    const frame = new Uint8Array(this.#checksum === undefined ? headBytes : headBytes + (to - from));
    writeHeader(frame, 0, type, flags, stroke.nextSeq, length);
    writeU32(frame, HEADER_BYTES, size);
    writeU32(frame, HEADER_BYTES + 4, stroke.fragmentOffset);
    if (this.#checksum === undefined) {
      gather.add(frame, 0, headBytes);
      gather.add(message.page, from, to);
    } else {
      frame.set(message.page.subarray(from, to), headBytes);
      stampChecksum(frame, 0, frame.length, this.#checksum);
      gather.add(frame, 0, frame.length);
    }
    stroke.fragmentOffset += to - from;
  }

  /** The seq of the last numbered message with at most this ordinal, when all such are numbered; else 0. */
  #seqOf(ordinal: number): number {
    const head = this.ordered.waiting.at(0);
    if (head !== undefined && head.ordinal <= ordinal) return 0;
    const written = this.ordered.written;
    let low = 0;
    let high = written.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((written.at(middle)?.ordinal ?? 0) <= ordinal) low = middle + 1;
      else high = middle;
    }
    return low === 0 ? 0 : this.ordered.released + low;
  }

  #dropOversize(): void {
    const bytesMax = this.#messageBytesMax;
    for (let index = this.ordered.waiting.length - 1; index >= 0; index -= 1) {
      const message = this.ordered.waiting.at(index);
      if (message === undefined || message.cancelled || message.end - message.start <= bytesMax) continue;
      this.outputs.push({ type: 'oversize', token: message.token, bytes: message.end - message.start, bytesMax });
      this.ordered.cancel(message);
    }
  }

  #afterRelease(): void {
    this.#advanceLine();
    this.#settleFlushes();
    this.#announceRoom();
  }

  #advanceLine(): void {
    while (this.#line.length > 0) {
      const entry = this.#line.at(0);
      if (entry === undefined) return;
      if (!entry.cancelled) {
        if (this.#isOver(entry.bytes.length)) return;
        this.#lineLength -= 1;
        this.#acceptFromLine(entry);
      }
      this.#line.shift();
    }
  }

  #acceptFromLine(entry: InLine): void {
    if (entry.bytes.length > this.#messageBytesMax) {
      const { token, bytes } = entry;
      this.outputs.push({ type: 'oversize', token, bytes: bytes.length, bytesMax: this.#messageBytesMax });
      return;
    }
    this.ordered.append(entry.kind, entry.bytes, 0, entry.bytes.length, entry.token, entry.ordinal);
  }

  /** The ordinal of the oldest message that is neither released nor taken back. */
  #oldestOrdinal(): number {
    const written = this.ordered.written.at(0);
    if (written !== undefined) return written.ordinal;
    const waiting = this.ordered.waiting.at(0);
    if (waiting !== undefined) return waiting.ordinal;
    for (let index = 0; index < this.#line.length; index += 1) {
      const entry = this.#line.at(index);
      if (entry !== undefined && !entry.cancelled) return entry.ordinal;
    }
    return Infinity;
  }

  #settleFlushes(): void {
    if (this.#flushes.length === 0) return;
    const oldest = this.#oldestOrdinal();
    for (let waiter = this.#flushes.at(0); waiter !== undefined && waiter.ordinal < oldest; waiter = this.#flushes.at(0)) {
      this.#flushes.shift();
      this.outputs.push({ type: 'flushed', token: waiter.token });
    }
  }

  #rejectFlushes(fromOrdinal: number): void {
    const kept: FlushWaiter[] = [];
    for (let waiter = this.#flushes.shift(); waiter !== undefined; waiter = this.#flushes.shift()) {
      if (waiter.ordinal < fromOrdinal) kept.push(waiter);
      else this.#reject(waiter.token, 'unknown');
    }
    for (const waiter of kept) this.#flushes.push(waiter);
  }

  #reject(token: number, outcome: Outcome): void {
    if (token !== 0) this.outputs.push({ type: 'rejected', token, outcome });
  }

  #waitingCount(): number {
    let count = 0;
    for (let index = 0; index < this.ordered.waiting.length; index += 1) {
      if (this.ordered.waiting.at(index)?.cancelled === false) count += 1;
    }
    return count;
  }

  #announceRoom(): void {
    if (!this.#wantsWritable || this.#lineLength > 0 || this.isHalfFull) return;
    this.#wantsWritable = false;
    this.outputs.push({ type: 'writable' });
  }

  #resetConnection(): void {
    this.#orderedStroke = { nextSeq: 1, fragmentOffset: 0 };
    this.#directStroke = { nextSeq: 1, fragmentOffset: 0 };
    this.#outstandingBytes = 0;
    this.peerReceived = 0;
    this.#windowMessages = 0;
    this.#windowBytes = 0;
  }
}
