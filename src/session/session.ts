/**
 * One end of a session: what both ends remember across connections, joined from its parts. Two verbs in (`receive` a
 * frame, or a command), one out (`pump` the bytes, then take the outputs). Time and bytes are arguments; the owner of a
 * frame's bytes stays the caller, who must hand a message on or copy it before the next frame.
 */
import type { EndCode } from '../errors.ts';
import { invariant, isTerminal } from '../errors.ts';
import type { SessionId } from '../ids.ts';
import {
  type MutableAck,
  type Trace,
  decodeClose,
  decodeGoAway,
  decodeTrace,
  encodeGoAway,
  encodeNumber,
  readAck,
  readNumber,
  writeAck,
} from '../wire/control.ts';
import {
  ACK_BYTES,
  type Checksum,
  FRAGMENT_FLAG,
  FrameType,
  HEADER_BYTES,
  KIND_MASK,
  Kind,
  frameOf,
  stampChecksum,
} from '../wire/frame.ts';
import type { Gather } from '../wire/gather.ts';
import { Acks, type Positions } from './acks.ts';
import { Direct, type DirectOptions } from './direct.ts';
import { Drain } from './drain.ts';
import { type FrameView, Lane, Room, messageBytesOf } from './intake.ts';
import { type Heartbeat, Liveness } from './liveness.ts';
import { type Leftover, Outlet, type OutletLimits, type Taker } from './outlet.ts';

/** Bounds of one end, in messages and payload bytes. */
export interface SessionLimits extends OutletLimits {
  readonly messageBytes: number;
  readonly mailboxMessages: number;
  readonly mailboxBytes: number;
}

/**
 * What a session is made with. `inspect` scans a message, `inspectItem` the item of a result, before anything decodes them:
 * negative means refused.
 */
export interface SessionOptions extends DirectOptions {
  readonly limits: SessionLimits;
  readonly heartbeat: Heartbeat;
}

/** What the handshake told about the peer: its positions and terms. */
export interface PeerState {
  readonly orderedReceived: number;
  readonly cursor: number;
  readonly directReceived: number;
  readonly windowMessages: number;
  readonly windowBytes: number;
  readonly messageBytes: number;
  readonly checksum: Checksum | undefined;
  /** Given when the peer takes less than this end may have accepted: what it refuses is never written. */
  readonly taker?: Taker | undefined;
}

/** What `receive` did with a frame. After MESSAGE the message is in `message`; after the last two see `parting`. */
export const Taken = { NOTHING: 0, MESSAGE: 1, GOAWAY: 2, CLOSED: 3, FAULT: 4 } as const;

/** Why a connection parts: the peer's CLOSE, or a fault found here. */
export interface Parting {
  readonly code: EndCode;
  readonly reason: string;
  readonly retryAfterMs: number;
}

/** The ordered message taken last; its bytes belong to the frame unless `owned`. */
export interface TakenMessage {
  kind: number;
  seq: number;
  verdict: number;
  bytes: Uint8Array;
  start: number;
  end: number;
  owned: boolean;
  /** Of a call: where its maker says that it stands in a trace. */
  trace: Trace | undefined;
}

const NO_BYTES = new Uint8Array(0);
const NO_PARTING: Parting = { code: 'line-lost', reason: '', retryAfterMs: 0 };

// Scratch space of all sessions: what is read or told is used up before anything else happens.
const positionsNow: Positions = { orderedReceived: 0, cursor: 0, directReceived: 0, windowMessages: 0, windowBytes: 0 };
const ackRead: MutableAck = { orderedReceived: 0, cursor: 0, directReceived: 0, windowMessages: 0, windowBytes: 0 };

const taken: TakenMessage = {
  kind: 0,
  seq: 0,
  verdict: 0,
  bytes: NO_BYTES,
  start: 0,
  end: 0,
  owned: false,
  trace: undefined,
};

/** One end's memory of a session. */
export class Session {
  id: SessionId | undefined;
  epoch = 0;
  attached = false;
  readonly outlet: Outlet;
  readonly direct: Direct;
  readonly liveness: Liveness;
  readonly room: Room;
  /** Highest ordered seq with everything up to it processed. */
  cursor = 0;
  /** Why the connection has to part, after FAULT or CLOSED; the server's wish after GOAWAY. */
  parting: Parting = NO_PARTING;
  // Private, so that nobody who prints or logs a session prints this.
  #secret: Uint8Array = NO_BYTES;
  readonly #options: SessionOptions;
  readonly #orderedIn = new Lane();
  readonly #directIn = new Lane();
  readonly #acks: Acks;
  readonly #drain: Drain;
  #checksum: Checksum | undefined;
  #isShallow = false;
  /** The trace context that came last, and of which ordered seq it says that it is. */
  #trace: Trace | undefined;
  #traceSeq = 0;
  #mustAck = false;
  #pingDue = false;
  #pongNonce = -1;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.outlet = new Outlet(options.limits);
    this.direct = new Direct(this.outlet, options);
    this.liveness = new Liveness(options.heartbeat);
    const { mailboxMessages, mailboxBytes } = options.limits;
    this.room = new Room(mailboxMessages, mailboxBytes, this.outlet.direct);
    this.#acks = new Acks(mailboxMessages, mailboxBytes);
    this.#drain = new Drain(this.outlet);
  }

  /** What proves a resume; known to both ends and to nobody else. */
  get secret(): Uint8Array {
    return this.#secret;
  }

  /** What the last MESSAGE of any session was, until the next frame. */
  get message(): TakenMessage {
    return taken;
  }

  // ---- positions

  /** Highest ordered seq taken off the wire whole. */
  get orderedReceived(): number {
    return this.#orderedIn.received;
  }

  /** Highest direct seq taken off the wire whole. */
  get directReceived(): number {
    return this.#directIn.received;
  }

  /** Bytes that received messages hold here: waiting ones, old ones and an unfinished one. */
  get mailboxBytes(): number {
    return this.room.bytes + this.room.oldBytes + this.#orderedIn.partialBytes;
  }

  /** Payload bytes that this session keeps in memory, both ways. */
  get heldBytes(): number {
    return this.outlet.heldBytes + this.mailboxBytes + this.#directIn.partialBytes;
  }

  // ---- connections

  /** A connection is up; the peer's positions have been found to fit. `ackAtOnce`: the client's answer to WELCOME. */
  attach(peer: PeerState, ackAtOnce: boolean, nowMs: number): void {
    this.detach();
    this.attached = true;
    this.#checksum = peer.checksum;
    this.#isShallow = peer.taker !== undefined;
    this.outlet.attach(peer);
    this.#acks.start(this.#readPositions());
    this.room.promise();
    this.#mustAck = ackAtOnce;
    this.liveness.start(nowMs);
    this.#drain.announce();
  }

  /** The connection is gone. What was received stays; an unfinished message starts again with the next connection. */
  detach(): void {
    this.attached = false;
    this.#orderedIn.detach();
    this.#directIn.detach();
    this.#mustAck = false;
    this.#pingDue = false;
    this.#pongNonce = -1;
    this.#trace = undefined;
    this.#drain.detach();
    this.outlet.trim();
  }

  /** Takes the name of a new epoch; the first one, or the next after `startEpoch`. */
  adopt(id: SessionId, secret: Uint8Array, epoch: number): void {
    this.id = id;
    this.#secret = secret;
    this.epoch = epoch;
  }

  /**
   * History was lost: both directions start at seq 1 again. What was received and not processed keeps its room and is
   * settled with `settleOld`. Returns what the sending half had left over.
   */
  startEpoch(finalCursor: number): Leftover {
    this.detach();
    this.#orderedIn.restart();
    this.#directIn.restart();
    this.cursor = 0;
    this.direct.restart();
    this.room.age();
    return this.outlet.startEpoch(finalCursor);
  }

  // ---- in

  /** Bytes of this connection were read. */
  heard(nowMs: number): void {
    this.liveness.heard(nowMs);
  }

  /** Takes one frame off the wire; see `Taken`. */
  receive(type: number, frame: FrameView, nowMs: number): number {
    switch (type) {
      case FrameType.ORDERED:
        return this.#receiveOrdered(frame, nowMs);
      case FrameType.DIRECT:
        return this.#receiveDirect(frame, nowMs);
      case FrameType.ACK:
        return this.#receiveAck(frame, nowMs);
      case FrameType.PING:
      case FrameType.PONG:
      case FrameType.ASK:
        return this.#receiveNumber(type, readNumber(frame.bytes, frame.start), nowMs);
      case FrameType.GOAWAY:
        return this.#receiveGoAway(frame);
      case FrameType.CLOSE:
        return this.#receiveClose(frame);
      default:
        return this.#fault('unexpected-frame', `frame type ${type} after the handshake`);
    }
  }

  /** The trace context of a call that follows. What is malformed, or is of no call, has no effect. */
  receiveTrace({ bytes, start, end, seq }: FrameView): void {
    this.#trace = decodeTrace(bytes, start, end);
    this.#traceSeq = seq;
  }

  /** Lets go of the bytes of the last frame, so that an idle session does not keep a chunk alive. */
  forgetFrame(): void {
    taken.bytes = NO_BYTES;
    taken.trace = undefined;
    this.#orderedIn.forget();
    this.#directIn.forget();
  }

  /** An ordered message of this epoch has been processed: the next one in order, of this payload size. */
  processed(bytes: number, nowMs: number): void {
    invariant(this.room.messages > 0, 'expected a message to be processed to have been received in this epoch');
    this.cursor += 1;
    this.direct.processed(this.cursor);
    this.room.free(bytes);
    this.#acks.owe(bytes, nowMs);
    this.#acks.reached(this.cursor);
  }

  /** A message of an older epoch has settled: it is not acknowledged, its room is granted again. */
  settleOld(bytes: number, nowMs: number): void {
    invariant(this.room.oldMessages > 0, 'expected an old message to settle to have been received in an older epoch');
    this.room.freeOld(bytes);
    this.#acks.owe(bytes, nowMs);
  }

  // ---- time

  /** When `tick` has to be called, Infinity when nothing waits for time. */
  get deadlineMs(): number {
    return this.attached ? Math.min(this.#acks.deadlineMs, this.liveness.deadlineMs) : Infinity;
  }

  /** Looks at the clock. 'silent' means that the connection is dead; pump after 'nothing'. */
  tick(nowMs: number): 'nothing' | 'silent' {
    if (!this.attached) return 'nothing';
    this.#acks.look(nowMs);
    const pulse = this.liveness.look(nowMs);
    if (pulse === 'ping') this.#rest();
    return pulse === 'silent' ? 'silent' : 'nothing';
  }

  // ---- drain

  /** This end is leaving: what was accepted so far is still written, later messages only from inside a turn. */
  startDrain(retryAfterMs: number, reason: string): void {
    if (this.#drain.start({ retryAfterMs, reason }) && this.attached) this.#drain.announce();
  }

  /** A message was accepted inside a running turn: it is written also while draining, with all before it. */
  allowInTurn(): void {
    this.#drain.allowInTurn();
  }

  /** Whether the peer of this connection takes less deeply nested messages than this end might send. */
  get isShallow(): boolean {
    return this.#isShallow;
  }

  /**
   * Whether this end owes nothing and waits for nothing, not even for a connection that takes what a drain holds back.
   * `mailboxIdle` says that no handler runs or waits.
   */
  isIdle(mailboxIdle: boolean): boolean {
    return mailboxIdle && this.#isRoomFree && this.outlet.isEmpty;
  }

  /**
   * Answers a GOAWAY once this end is idle but for what has to wait for another connection. True when both ends have
   * said it and nothing of either is on its way; the answer leaves with the next pump.
   */
  settleDrain(mailboxIdle: boolean): boolean {
    if (!this.attached) return false;
    return this.#drain.settle(mailboxIdle && this.#isRoomFree && this.outlet.isQuiet, this.cursor);
  }

  // ---- out

  /** Writes what is due into `gather`: ack and control frames, then messages up to about `bytesMax` bytes. */
  pump(gather: Gather, bytesMax: number, nowMs: number): void {
    if (!this.attached) return;
    // What GOAWAY says of this end holds for an end that knows how far this one has come.
    const isLeaving = this.#drain.isDue(this.orderedReceived);
    if (isLeaving) this.#acks.urgent = true;
    this.#pumpAck(gather);
    if (this.#pingDue || this.#pongNonce >= 0) this.#pumpHeartbeat(gather);
    const before = gather.bytes;
    this.outlet.write(gather, bytesMax);
    const wrote = gather.bytes > before;
    const asked = this.outlet.takeAsk();
    if (asked > 0) this.#control(gather, FrameType.ASK, encodeNumber(asked));
    if (isLeaving) this.#control(gather, FrameType.GOAWAY, encodeGoAway(this.#drain.take()));
    if (wrote) this.liveness.expecting(true, false, nowMs);
  }

  /** Makes the next pump carry an ack if there is any news: before a graceful close. */
  ackNow(): void {
    this.#acks.urgent = true;
  }

  // ---- below: one function a frame

  #receiveOrdered(frame: FrameView, nowMs: number): number {
    const lane = this.#orderedIn;
    const size = messageBytesOf(frame);
    const refusal = lane.admit(frame, this.#options.limits.messageBytes);
    if (refusal !== undefined) {
      return this.#fault(refusal, `ordered: expected seq ${lane.received + 1}, got ${frame.seq}, ${size} bytes`);
    }
    if (this.#isMisdirected(frame.flags & KIND_MASK)) {
      return this.#fault('bad-frame', `ordered seq ${frame.seq} of a kind that only the other end may send`);
    }
    if (!this.room.admits(size)) {
      return this.#fault('credit-exceeded', `ordered seq ${frame.seq} with ${size} bytes is more than was granted`);
    }
    if (!lane.hold(frame)) return Taken.NOTHING;
    const message = taken;
    message.verdict = this.#options.inspect(lane.bytes, lane.start, lane.end);
    if (message.verdict < 0) return this.#fault('payload-refused', `payload of ordered seq ${frame.seq}`);
    message.kind = frame.flags & KIND_MASK;
    message.seq = frame.seq;
    message.bytes = lane.bytes;
    message.start = lane.start;
    message.end = lane.end;
    message.owned = (frame.flags & FRAGMENT_FLAG) !== 0;
    message.trace = this.#trace === undefined ? undefined : this.#takeTrace(message.kind, frame.seq);
    lane.take();
    this.room.occupy(size);
    this.#acks.note(nowMs);
    return Taken.MESSAGE;
  }

  #takeTrace(kind: number, seq: number): Trace | undefined {
    const trace = kind === Kind.CALL && seq === this.#traceSeq ? this.#trace : undefined;
    this.#trace = undefined;
    return trace;
  }

  /** The end that decides takes writes and requests, the other one changes and what it forwards. */
  #isMisdirected(kind: number): boolean {
    if (kind < Kind.WRITE) return false;
    return (kind === Kind.WRITE || kind === Kind.SERVICE) !== (this.#options.decides === true);
  }

  #receiveDirect(frame: FrameView, nowMs: number): number {
    const lane = this.#directIn;
    const refusal = lane.admit(frame, this.#options.limits.messageBytes);
    if (refusal !== undefined) {
      return this.#fault(refusal, `direct: expected seq ${lane.received + 1}, got ${frame.seq}`);
    }
    if (!lane.hold(frame)) return Taken.NOTHING;
    const kind = frame.flags & KIND_MASK;
    const code = this.direct.take(kind, frame.seq, lane, this.cursor);
    if (code !== undefined) return this.#fault(code, `direct seq ${frame.seq}`);
    const bytes = lane.end - lane.start;
    lane.take();
    this.#acks.owe(bytes, nowMs);
    return Taken.NOTHING;
  }

  /** The line was quiet for an interval: this end asks whether the peer is there. */
  #rest(): void {
    this.#pingDue = true;
    this.outlet.trim();
  }

  #receiveAck(frame: FrameView, nowMs: number): number {
    const ack = ackRead;
    if (!readAck(frame.bytes, frame.start, ack)) return this.#fault('bad-frame', 'an ack with an unsafe position');
    const { outlet, room } = this;
    const receivedBefore = outlet.peerReceived + outlet.direct.released;
    const grantedBefore = room.grantedMessages;
    const { orderedReceived, cursor, directReceived, windowMessages, windowBytes } = ack;
    if (!outlet.acknowledge(orderedReceived, cursor, directReceived, windowMessages, windowBytes)) {
      return this.#fault('ack-beyond-sent', `received ${orderedReceived}, cursor ${cursor}, direct ${directReceived}`);
    }
    // The peer may stand still for want of the credit that its own backlog had taken away.
    if (room.grantedMessages > grantedBefore) this.#acks.urgent = true;
    const progressed = outlet.peerReceived + outlet.direct.released > receivedBefore;
    this.liveness.expecting(outlet.isAwaited, progressed, nowMs);
    return Taken.NOTHING;
  }

  #receiveNumber(type: number, value: number, nowMs: number): number {
    if (value < 0) return this.#fault('bad-frame', `frame type ${type} with an unsafe number`);
    if (type === FrameType.PING) {
      this.#pongNonce = value;
      // Who is asked first never asks itself: for this end the line was quiet as well.
      this.outlet.trim();
    } else if (type === FrameType.PONG) this.liveness.answered(value, nowMs);
    else this.#acks.want(value, this.cursor);
    return Taken.NOTHING;
  }

  #receiveGoAway(frame: FrameView): number {
    const goAway = decodeGoAway(frame.bytes, frame.start, frame.end);
    if (goAway === undefined) return this.#fault('bad-frame', 'a malformed GOAWAY');
    if (!this.#drain.hear()) return Taken.NOTHING;
    this.parting = { code: 'going-away', reason: goAway.reason, retryAfterMs: goAway.retryAfterMs };
    return Taken.GOAWAY;
  }

  #receiveClose(frame: FrameView): number {
    const close = decodeClose(frame.bytes, frame.start, frame.end);
    if (close === undefined) return this.#fault('bad-frame', 'a malformed CLOSE');
    this.parting = close;
    return Taken.CLOSED;
  }

  #fault(code: EndCode, reason: string): number {
    this.parting = { code: isTerminal(code) ? 'bad-frame' : code, reason, retryAfterMs: 0 };
    return Taken.FAULT;
  }

  get #isRoomFree(): boolean {
    return this.room.messages === 0 && this.room.oldMessages === 0;
  }

  #readPositions(): Positions {
    const positions = positionsNow;
    positions.orderedReceived = this.#orderedIn.received;
    positions.cursor = this.cursor;
    positions.directReceived = this.#directIn.received;
    positions.windowMessages = this.room.grantedMessages;
    positions.windowBytes = this.room.grantedBytes;
    return positions;
  }

  #pumpAck(gather: Gather): void {
    const acks = this.#acks;
    const positions = this.#readPositions();
    if (!this.#mustAck) {
      if (!acks.isNews(positions)) {
        acks.tell(positions);
        return;
      }
      if (!acks.urgent && !this.outlet.hasWork) return;
    }
    this.#mustAck = false;
    const at = gather.addNew(HEADER_BYTES + ACK_BYTES);
    const frame = gather.pool;
    const { orderedReceived, cursor, directReceived, windowMessages, windowBytes } = positions;
    writeAck(frame, at, orderedReceived, cursor, directReceived, windowMessages, windowBytes);
    if (this.#checksum !== undefined) stampChecksum(frame, at, at + HEADER_BYTES + ACK_BYTES, this.#checksum);
    acks.tell(positions);
    this.room.promise();
  }

  #pumpHeartbeat(gather: Gather): void {
    if (this.#pongNonce >= 0) this.#control(gather, FrameType.PONG, encodeNumber(this.#pongNonce));
    if (this.#pingDue) this.#control(gather, FrameType.PING, encodeNumber(this.liveness.nonce));
    this.#pongNonce = -1;
    this.#pingDue = false;
  }

  #control(gather: Gather, type: FrameType, body: Uint8Array): void {
    const frame = frameOf(type, body, this.#checksum);
    gather.add(frame, 0, frame.length);
  }
}
