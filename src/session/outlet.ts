/**
 * The sending half of a session: two outboxes, the credit the peer granted, who waits for what, and the order in which
 * frames leave: direct messages first, then ordered ones. Ordered bytes are kept until the peer's cursor passes them,
 * direct ones until it received them (DESIGN: received, cursor, ack).
 */
import type { Outcome } from '../errors.ts';
import { type Checksum, FrameType, Kind, copyOf, writeU64 } from '../wire/frame.ts';
import type { Gather } from '../wire/gather.ts';
import { Awaited } from './awaited.ts';
import type { ReadItem } from './calls.ts';
import type { Deque } from './deque.ts';
import { Flushes } from './flushes.ts';
import { type InLine, Line } from './line.ts';
import { type Outgoing, Outbox } from './outbox.ts';
import { type Stroke, writeMessage, writeTrace } from './stroke.ts';

/** Bounds of the outbox and of one message, in messages and payload bytes. */
export interface OutletLimits {
  readonly outboxMessages: number;
  readonly outboxBytes: number;
}

/** What the driver learns from the sending half; tokens are the numbers it gave with a message or a flush. */
export type OutletOutput =
  | {
      readonly type: 'receipt';
      readonly token: number;
      readonly status: number;
      readonly error: Uint8Array | undefined;
    }
  /** A call was answered; token 0: nobody waits for it any more. `item` is one CBOR item, for a value or an error; or the value. */
  | {
      readonly type: 'result';
      readonly token: number;
      readonly status: number;
      readonly item: Uint8Array | ReadItem | undefined;
    }
  /** The peer gave up a call that runs here, or has run. */
  | { readonly type: 'cancelled'; readonly seq: number }
  /** The peer calls a function that was passed to it; `args` is one CBOR item, an array. Its number is that of its message. */
  | { readonly type: 'apply'; readonly seq: number; readonly target: number; readonly args: Uint8Array }
  | { readonly type: 'stopped'; readonly seq: number }
  /** The oldest write that was not judged is: accepted after so many changes of the peer, or refused with an error. */
  | { readonly type: 'judged'; readonly changes: number; readonly error: Uint8Array | undefined }
  /** Something went wrong at the peer that no promise carries; an item as in a receipt. */
  | { readonly type: 'notice'; readonly error: Uint8Array }
  /** The peer has no use any more for a function that it was passed so many times. */
  | { readonly type: 'released'; readonly target: number; readonly count: number }
  /** An ordered message with this ordinal will not be written. */
  | { readonly type: 'takenBack'; readonly ordinal: number }
  | { readonly type: 'rejected'; readonly token: number; readonly outcome: Outcome }
  | { readonly type: 'oversize'; readonly token: number; readonly bytes: number; readonly bytesMax: number }
  | { readonly type: 'unfit'; readonly token: number }
  | { readonly type: 'flushed'; readonly token: number }
  | { readonly type: 'writable' };

/** Whether the peer takes the payload `bytes[start, end)`, its size apart. */
export type Taker = (bytes: Uint8Array, start: number, end: number) => boolean;

/** What a new epoch leaves behind: counts for the report, and the events that `resend` may send again. */
export interface Leftover {
  readonly unconfirmed: number;
  readonly carried: number;
  readonly messages: readonly Outgoing[];
}

/** Between `startEpoch` and `afterGap`: what may still be sent again, whose room is kept, and what was carried. */
interface Gap {
  messages: readonly Outgoing[];
  bytes: number;
  readonly carriedAfter: number;
  readonly carriedThrough: number;
}

/** How many may stand in line before the outbox at least, and their payload bytes. */
const LINE_MESSAGES = 10_000;
const LINE_BYTES = 16_777_216;

/** Everything on its way to the peer. Time never matters here. */
export class Outlet {
  readonly ordered = new Outbox();
  readonly direct = new Outbox();
  readonly outputs: OutletOutput[] = [];
  readonly #limits: OutletLimits;
  readonly #line = new Line();
  readonly #flushes = new Flushes();
  /** Made for the first message that asks for an answer. */
  #awaited: Awaited | undefined;
  /** Trace contexts of calls by token, as bodies of TRACE; most sessions have none, ever. */
  #traces: Map<number, Uint8Array> | undefined;
  #ordinal = 0;
  #wantsWritable = false;
  #gap: Gap | undefined;

  // of the connection
  #orderedStroke: Stroke = { nextSeq: 1, fragmentOffset: 0 };
  #directStroke: Stroke = { nextSeq: 1, fragmentOffset: 0 };
  #windowMessages = 0;
  #windowBytes = 0;
  #outstandingBytes = 0;
  #checksum: Checksum | undefined;
  #messageBytesMax = Infinity;
  #taker: Taker | undefined;
  /** Highest ordered seq the peer has received. */
  peerReceived = 0;
  /** Waiting messages with a higher ordinal stay where they are: this connection is going away. */
  writeThrough = Infinity;

  constructor(limits: OutletLimits) {
    this.#limits = limits;
  }

  // ---- what the user does

  /** Whether `send` should tell its caller to slow down: from half the bound. */
  get isHalfFull(): boolean {
    const { outboxMessages, outboxBytes } = this.#limits;
    const messages = this.ordered.messages + (this.#gap?.messages.length ?? 0);
    const bytes = this.ordered.bytes + (this.#gap?.bytes ?? 0);
    return messages * 2 >= outboxMessages || bytes * 2 >= outboxBytes;
  }

  /** Whether a message of this size finds no room now. A message alone may be larger than the byte bound. */
  isFull(bytes: number): boolean {
    if (this.#line.length > 0) return true;
    return this.#isOver(bytes);
  }

  /** Payload bytes of everything that is kept here: waiting, written, in line, direct, and what a gap report holds. */
  get heldBytes(): number {
    return this.ordered.bytes + this.direct.bytes + this.#line.bytes + (this.#gap?.bytes ?? 0);
  }

  /** The largest payload that may be sent, as far as is known. */
  get messageBytesMax(): number {
    return this.#messageBytesMax;
  }

  /** What the peer still lets this end write on this connection. */
  get credit(): { readonly messages: number; readonly bytes: number } {
    const outstanding = this.#orderedStroke.nextSeq - 1 - this.ordered.released;
    return {
      messages: Math.max(0, this.#windowMessages - outstanding),
      bytes: Math.max(0, this.#windowBytes - this.#outstandingBytes),
    };
  }

  /** What a report would say now: written and not known to be processed, and never written. */
  get counts(): { unconfirmed: number; carried: number } {
    return { unconfirmed: countedIn(this.ordered.written), carried: countedIn(this.ordered.waiting) };
  }

  /** Accepts an ordered message; the caller has asked `isFull`. The bytes are copied. */
  accept(kind: number, bytes: Uint8Array, start: number, end: number, token: number): void {
    this.#ordinal += 1;
    this.ordered.append(kind, bytes, start, end, token, this.#ordinal);
  }

  /** Accepts an ordered message that was written into the page of `ordered`, up to `end`; the caller has asked `isFull`. */
  acceptWritten(kind: number, end: number, token: number): void {
    this.#ordinal += 1;
    this.ordered.appendWritten(kind, end, token, this.#ordinal);
  }

  /** Whether even the line before the outbox is full: its bounds are those of the outbox, and never small ones. */
  isLineFull(bytes: number): boolean {
    const messagesMax = Math.max(LINE_MESSAGES, this.#limits.outboxMessages);
    const bytesMax = Math.max(LINE_BYTES, this.#limits.outboxBytes);
    return this.#line.length >= messagesMax || (this.#line.length > 0 && this.#line.bytes + bytes > bytesMax);
  }

  /** Lets a message wait in line for room; it is accepted in its turn, before any later one. The bytes are copied. */
  enqueue(kind: number, bytes: Uint8Array, start: number, end: number, token: number): void {
    this.#ordinal += 1;
    this.#line.push(kind, copyOf(bytes, start, end), token, this.#ordinal);
  }

  /** The trace context of a call, as the body of a TRACE: it goes right before its call, whenever that is written. */
  trace(token: number, body: Uint8Array): void {
    this.#traces ??= new Map();
    this.#traces.set(token, body);
  }

  /** Nobody waits for this call any more: its trace goes no further. */
  untrace(token: number): void {
    this.#traces?.delete(token);
  }

  /** Sends a direct message; `token` is who waits for the answer of an APPLY. The bytes are copied. */
  acceptDirect(kind: number, bytes: Uint8Array, start: number, end: number, token = 0): void {
    this.direct.append(kind, bytes, start, end, token, 0);
  }

  /** Sends a direct message that was written into the page of `direct`, up to `end`. */
  acceptDirectWritten(kind: number, end: number): void {
    this.direct.appendWritten(kind, end, 0, 0);
  }

  /**
   * The caller no longer waits for this token, of a message or of a flush. A message whose writing has not begun is
   * taken back. Returns what is known of it.
   */
  giveUp(token: number): Outcome {
    const lined = this.#line.leave(token);
    if (lined > 0) this.outputs.push({ type: 'takenBack', ordinal: lined });
    if (lined > 0 || this.#takeBack(this.ordered, token) || this.#takeBack(this.direct, token)) {
      this.#afterRelease();
      return 'never-sent';
    }
    if (this.#flushes.leave(token)) return 'unknown';
    const told = this.#awaited?.leave(token, this.ordered.released);
    if (told !== undefined) this.#sendNumber(told.kind, told.seq);
    return 'unknown';
  }

  /** Waits until the peer has processed all that was accepted or stands in line now; answers with 'flushed'. */
  flush(token: number): void {
    this.#flushes.add(this.#ordinal, token);
    this.#settleFlushes();
  }

  /** Asks for one 'writable' as soon as there is room again. */
  wantWritable(): void {
    this.#wantsWritable = true;
    this.#announceRoom();
  }

  /** Messages that stand in line and are not accepted yet. */
  get inLineCount(): number {
    return this.#line.length;
  }

  /** The ordinal of the message accepted or lined up last. */
  get lastOrdinal(): number {
    return this.#ordinal;
  }

  /** The ordinal up to which every message has been numbered. */
  get lastNumberedOrdinal(): number {
    const next = this.ordered.waiting.at(0) ?? this.#line.first;
    return next === undefined ? this.#ordinal : next.ordinal - 1;
  }

  // ---- what the connection does

  /** A connection is up: the peer's positions, which fit, and its terms. Writing goes on after what it received. */
  attach(peer: {
    readonly orderedReceived: number;
    readonly cursor: number;
    readonly directReceived: number;
    readonly windowMessages: number;
    readonly windowBytes: number;
    readonly messageBytes: number;
    readonly checksum: Checksum | undefined;
    /** Given when the peer takes less than this end may have accepted before: asked of all that waits. */
    readonly taker?: Taker | undefined;
  }): void {
    this.ordered.releaseThrough(peer.cursor);
    this.direct.releaseThrough(peer.directReceived);
    this.#resetConnection(peer.orderedReceived, peer.directReceived);
    this.#windowMessages = peer.windowMessages;
    this.#windowBytes = peer.windowBytes;
    this.#checksum = peer.checksum;
    this.#messageBytesMax = peer.messageBytes;
    this.#taker = peer.taker;
    for (let seq = this.ordered.released + 1; seq <= peer.orderedReceived; seq += 1) {
      const message = this.ordered.withSeq(seq);
      if (message !== undefined) this.#outstandingBytes += message.end - message.start;
    }
    this.#dropRefused();
    this.#afterRelease();
  }

  /** Whether these positions can be true of this memory: nothing beyond what was sent, nothing below what was released. */
  fits(orderedReceived: number, cursor: number, directReceived: number): boolean {
    if (orderedReceived > this.ordered.sent || directReceived > this.direct.sent) return false;
    if (cursor > orderedReceived) return false;
    return cursor >= this.ordered.released && directReceived >= this.direct.released;
  }

  /** Whether these positions of the peer tell more than its last ack did. */
  isNews(orderedReceived: number, cursor: number, directReceived: number): boolean {
    return (
      orderedReceived > this.peerReceived || cursor > this.ordered.released || directReceived > this.direct.released
    );
  }

  /** An ack arrived. Returns false when it claims what was never sent on this connection, or goes back. */
  acknowledge(
    orderedReceived: number,
    cursor: number,
    directReceived: number,
    windowMessages: number,
    windowBytes: number,
  ): boolean {
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

  /** A receipt arrived. Returns false when its message asked for none. */
  settleReceipt(seq: number, status: number, error: Uint8Array | undefined): boolean {
    const { released } = this.ordered;
    const token = this.#awaited?.settleReceipt(seq, released) ?? (seq <= released ? 0 : -1);
    if (token > 0) this.outputs.push({ type: 'receipt', token, status, error });
    return token >= 0;
  }

  /** A result arrived. Returns false when no such call is unanswered. */
  settleResult(seq: number, status: number, item: Uint8Array | ReadItem | undefined, isAnswer: boolean): boolean {
    const token = this.#awaited?.settleResult(seq, isAnswer) ?? -1;
    if (token >= 0) this.outputs.push({ type: 'result', token, status, item });
    return token >= 0;
  }

  /** A verdict on a write came. Returns false when this write is not the next one to be judged. */
  settleWrite(seq: number, changes: number, error: Uint8Array | undefined): boolean {
    if (this.#awaited?.settleWrite(seq) !== true) return false;
    this.outputs.push({ type: 'judged', changes, error });
    return true;
  }

  /** Whether anything could be written now, credit and drain considered. */
  get hasWork(): boolean {
    return this.#nextDirect() || this.#nextOrdered() !== undefined;
  }

  /** Whether every written message is acknowledged and nothing waits but what a drain holds back. */
  get isQuiet(): boolean {
    if (this.ordered.written.length > 0 || this.direct.messages > 0) return false;
    const head = this.ordered.waiting.at(0);
    return head === undefined || head.ordinal > this.writeThrough;
  }

  /** Calls that nobody waits for any more and that the peer has not answered. */
  get abandonedCallCount(): number {
    return this.#awaited?.abandonedCallCount ?? 0;
  }

  /** Who waits for the result of a written call. */
  writtenCallTokens(): number[] {
    return this.#awaited?.callTokens() ?? [];
  }

  /** Whether there is nothing at all that the peer has not acknowledged or answered, written or not. */
  get isEmpty(): boolean {
    return (
      (this.#awaited === undefined || this.#awaited.callCount === 0) &&
      this.ordered.messages === 0 &&
      this.direct.messages === 0 &&
      this.#line.length === 0
    );
  }

  /** Whether something was written on this connection that the peer has not received. */
  get isAwaited(): boolean {
    return this.#orderedStroke.nextSeq - 1 > this.peerReceived || this.#directStroke.nextSeq - 1 > this.direct.released;
  }

  /** Writes frames until the credit, the messages or about `bytesMax` bytes are used up. */
  write(gather: Gather, bytesMax: number): void {
    while (gather.bytes < bytesMax && this.#nextDirect()) {
      const stroke = this.#directStroke;
      const isNew = stroke.nextSeq > this.direct.sent;
      const message = isNew ? this.direct.number() : this.direct.withSeq(stroke.nextSeq);
      if (message === undefined) break;
      if (isNew && message.kind === Kind.APPLY)
        (this.#awaited ??= new Awaited()).expectAnswer(stroke.nextSeq, message.token);
      writeMessage(gather, bytesMax, FrameType.DIRECT, message, stroke, this.#checksum);
    }
    while (gather.bytes < bytesMax) {
      const message = this.#nextOrdered();
      if (message === undefined) break;
      const stroke = this.#orderedStroke;
      if (stroke.nextSeq > this.ordered.sent) {
        this.ordered.number();
        if (message.kind !== Kind.EVENT)
          (this.#awaited ??= new Awaited()).expect(message.kind, stroke.nextSeq, message.token);
      }
      if (stroke.fragmentOffset === 0) {
        this.#outstandingBytes += message.end - message.start;
        if (this.#traces !== undefined) this.#writeTrace(gather, message, stroke.nextSeq);
      }
      writeMessage(gather, bytesMax, FrameType.ORDERED, message, stroke, this.#checksum);
    }
  }

  /** The seq to ask an early ack for, once per waiting flush and connection; 0 when there is none. */
  takeAsk(): number {
    if (this.#flushes.length === 0) return 0;
    const ordinal = this.#flushes.takeAsked(this.lastNumberedOrdinal);
    return ordinal === 0 ? 0 : this.#seqOf(ordinal);
  }

  /** Nothing has happened for a while: empty outboxes keep no page. */
  trim(): void {
    this.ordered.trim();
    this.direct.trim();
  }

  // ---- what the session does

  /**
   * A new epoch begins: seqs start again, direct messages are gone. What the peer is known to have processed, by
   * `finalCursor` or by a receipt, counts as released; what else had been written leaves the outbox, what waits is
   * carried over. Until `afterGap` it can be sent again or discarded.
   */
  startEpoch(finalCursor: number): Leftover {
    const known = Math.min(Math.max(finalCursor, this.#awaited?.provenSeq ?? 0), this.ordered.sent);
    if (known > this.ordered.released) {
      this.ordered.releaseThrough(known);
      this.#afterRelease();
    }
    this.#dropStore();
    const bytesBefore = this.ordered.bytes;
    const messages = this.ordered.takeWritten();
    this.direct.takeWritten();
    for (const message of this.direct.takeWaiting(-1, Infinity)) this.#reject(message.token, 'never-sent');
    for (const token of this.#awaited?.takeAll() ?? []) this.#reject(token, 'unknown');
    for (const message of messages) message.token = 0;
    this.#gap = {
      messages,
      bytes: bytesBefore - this.ordered.bytes,
      carriedAfter: messages.at(-1)?.ordinal ?? 0,
      carriedThrough: this.#ordinal,
    };
    this.#rejectFlushes(messages[0]?.ordinal ?? Infinity);
    const unconfirmed = messages.filter(({ kind }) => isCounted(kind)).length;
    return { unconfirmed, carried: this.ordered.messages, messages };
  }

  /**
   * Sends the events that a `Leftover` holds again, before everything that waits; once, and not after `afterGap`. Calls
   * are not sent again: who made them was told. Nor are messages that `cannot` names by their ordinal.
   */
  resend(leftover: Leftover, cannot: (ordinal: number) => boolean = () => false): void {
    const gap = this.#gap;
    if (gap === undefined || gap.messages !== leftover.messages) return;
    for (let index = gap.messages.length - 1; index >= 0; index -= 1) {
      const message = gap.messages[index];
      if (message === undefined || !isEvent(message.kind) || cannot(message.ordinal)) continue;
      this.ordered.prepend(message);
    }
    gap.messages = [];
    gap.bytes = 0;
  }

  /** Forgets what was carried into the new epoch; who waits for it is told. What was sent since then stays. */
  discardCarried(): void {
    const gap = this.#gap;
    if (gap === undefined) return;
    const discarded = this.ordered.takeWaiting(gap.carriedAfter, gap.carriedThrough);
    for (const message of discarded) this.#reject(message.token, 'never-sent');
    this.#rejectFlushes(discarded[0]?.ordinal ?? Infinity);
  }

  /** The gap was reported: the room of what is not sent again is offered to those in line. */
  afterGap(): void {
    this.#gap = undefined;
    this.#afterRelease();
  }

  /**
   * The session has ended: everything is let go, and who waits is told. What the peer is known to have processed
   * (`finalCursor`) counts as released. Returns the counts for the report.
   */
  end(finalCursor: number): { unconfirmed: number; carried: number } {
    const { unconfirmed, carried } = this.startEpoch(finalCursor);
    this.#gap = undefined;
    for (const message of this.ordered.takeWaiting(-1, Infinity)) this.#reject(message.token, 'never-sent');
    for (let entry = this.#line.shift(); entry !== undefined; entry = this.#line.shift()) {
      this.#reject(entry.token, 'never-sent');
    }
    this.#rejectFlushes(0);
    return { unconfirmed, carried };
  }

  // ---- below: no branching on who called

  #isOver(bytes: number): boolean {
    const { outboxMessages, outboxBytes } = this.#limits;
    const gap = this.#gap;
    const messages = this.ordered.messages + (gap === undefined ? 0 : gap.messages.length);
    if (messages >= outboxMessages) return true;
    return messages > 0 && this.ordered.bytes + (gap === undefined ? 0 : gap.bytes) + bytes > outboxBytes;
  }

  #writeTrace(gather: Gather, { kind, token }: Outgoing, seq: number): void {
    const body = kind === Kind.CALL ? this.#traces?.get(token) : undefined;
    if (body !== undefined) writeTrace(gather, body, seq, this.#checksum);
  }

  #sendNumber(kind: number, seq: number): void {
    const payload = new Uint8Array(8);
    writeU64(payload, 0, seq);
    this.acceptDirect(kind, payload, 0, payload.length);
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

  /** The seq of the last numbered message with at most this ordinal; all such are numbered and not all released. */
  #seqOf(ordinal: number): number {
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

  #takeBack(lane: Outbox, token: number): boolean {
    for (let index = 0; index < lane.waiting.length; index += 1) {
      const message = lane.waiting.at(index);
      if (message?.token !== token || message.cancelled) continue;
      lane.cancel(message);
      if (lane === this.ordered) this.outputs.push({ type: 'takenBack', ordinal: message.ordinal });
      return true;
    }
    return false;
  }

  /** The ordinal of the oldest message that the peer has not processed; Infinity when there is none. */
  get oldestOrdinal(): number {
    const oldest = this.ordered.written.at(0) ?? this.ordered.waiting.at(0) ?? this.#line.first;
    return oldest?.ordinal ?? Infinity;
  }

  /**
   * A new epoch: of what waits, the messages with these ordinals cannot be sent any more. Returns the tokens of who waits
   * for them.
   */
  dropWaiting(ordinals: ReadonlyMap<number, { readonly token: number }>): number[] {
    const tokens: number[] = [];
    // Who stands in line has a token.
    for (const { token } of ordinals.values()) if (token > 0 && this.#line.leave(token) > 0) tokens.push(token);
    // Those that are taken out first would move the others.
    const dropped: Outgoing[] = [];
    for (let index = 0; index < this.ordered.waiting.length; index += 1) {
      const message = this.ordered.waiting.at(index);
      if (message !== undefined && !message.cancelled && ordinals.has(message.ordinal)) dropped.push(message);
    }
    for (const message of dropped) {
      this.ordered.cancel(message);
      tokens.push(message.token);
    }
    return tokens;
  }

  /** Writes and changes of the store end with their epoch: what they asked for is in the report. */
  #dropStore(): void {
    const dropped: Outgoing[] = [];
    for (let index = 0; index < this.ordered.waiting.length; index += 1) {
      const message = this.ordered.waiting.at(index);
      if (message !== undefined && !message.cancelled && !isCounted(message.kind)) dropped.push(message);
    }
    for (const message of dropped) this.ordered.cancel(message);
  }

  /** What the peer would not take leaves now: written, it would break every connection. */
  #dropRefused(): void {
    const dropped: Outgoing[] = [];
    for (let index = 0; index < this.ordered.waiting.length; index += 1) {
      const message = this.ordered.waiting.at(index);
      if (message === undefined || message.cancelled) continue;
      if (this.#isRefused(message.page, message.start, message.end, message)) dropped.push(message);
    }
    for (const message of dropped) this.ordered.cancel(message);
  }

  /** Whether the peer would not take this payload; who waits for it is told. */
  #isRefused(
    source: Uint8Array,
    start: number,
    end: number,
    { ordinal, token }: { readonly ordinal: number; readonly token: number },
  ): boolean {
    const bytes = end - start;
    const bytesMax = this.#messageBytesMax;
    if (bytes > bytesMax) this.outputs.push({ type: 'oversize', token, bytes, bytesMax });
    else if (this.#taker?.(source, start, end) === false) this.outputs.push({ type: 'unfit', token });
    else return false;
    this.outputs.push({ type: 'takenBack', ordinal });
    return true;
  }

  #afterRelease(): void {
    this.#advanceLine();
    this.#settleFlushes();
    this.#announceRoom();
  }

  #advanceLine(): void {
    for (let entry = this.#line.first; entry !== undefined; entry = this.#line.first) {
      if (this.#isOver(entry.bytes.length)) return;
      this.#line.shift();
      this.#acceptFromLine(entry);
    }
  }

  #acceptFromLine({ kind, bytes, token, ordinal }: InLine): void {
    if (this.#isRefused(bytes, 0, bytes.length, { ordinal, token })) return;
    this.ordered.append(kind, bytes, 0, bytes.length, token, ordinal);
  }

  #settleFlushes(): void {
    if (this.#flushes.length === 0) return;
    const { oldestOrdinal } = this;
    for (
      let token = this.#flushes.takeSettled(oldestOrdinal);
      token > 0;
      token = this.#flushes.takeSettled(oldestOrdinal)
    ) {
      this.outputs.push({ type: 'flushed', token });
    }
  }

  #rejectFlushes(fromOrdinal: number): void {
    for (const token of this.#flushes.takeFrom(fromOrdinal)) this.#reject(token, 'unknown');
  }

  #reject(token: number, outcome: Outcome): void {
    if (token !== 0) this.outputs.push({ type: 'rejected', token, outcome });
  }

  #announceRoom(): void {
    if (!this.#wantsWritable || this.#line.length > 0 || this.isHalfFull) return;
    this.#wantsWritable = false;
    this.outputs.push({ type: 'writable' });
  }

  #resetConnection(orderedReceived: number, directReceived: number): void {
    this.#orderedStroke = { nextSeq: orderedReceived + 1, fragmentOffset: 0 };
    this.#directStroke = { nextSeq: directReceived + 1, fragmentOffset: 0 };
    this.peerReceived = orderedReceived;
    this.#outstandingBytes = 0;
    this.#windowMessages = 0;
    this.#windowBytes = 0;
    this.#flushes.attach();
    this.writeThrough = Infinity;
  }
}

/** Whether a report counts a message of this kind: events and calls, of whichever sort, but not the store. */
function isCounted(kind: number): boolean {
  return kind !== Kind.WRITE && kind !== Kind.CHANGE;
}

/** Whether a message may be sent again in a new epoch: who made a call was told. */
function isEvent(kind: number): boolean {
  return kind === Kind.EVENT || kind === Kind.DELIVER || kind === Kind.FORWARD;
}

function countedIn(messages: Deque<Outgoing>): number {
  let count = 0;
  for (let index = 0; index < messages.length; index += 1) {
    const message = messages.at(index);
    if (message !== undefined && !message.cancelled && isCounted(message.kind)) count += 1;
  }
  return count;
}
