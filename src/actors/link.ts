/**
 * One connection from its bytes to its session and back: splits what comes in, hands frames to the handshake or the
 * session, writes what the session has. It decides nothing about dialling, welcoming or ending: its owner does.
 */
import type { EndCode } from '../errors.ts';
import { type Parting, type Session, Taken } from '../session/session.ts';
import { encodeClose } from '../wire/control.ts';
import { type FrameType, FrameType as Type, frameOf } from '../wire/frame.ts';
import { Gather } from '../wire/gather.ts';
import { Splitter } from '../wire/splitter.ts';
import { Alarm } from './alarm.ts';
import { Account, type Books } from './books.ts';
import type { Dial, Host, Line, LineEnds, LineEvents } from './ports.ts';
import type { SessionActor } from './session-actor.ts';
import { Count } from './tally.ts';

/** About how many bytes one write takes; between two writes the other lane and control frames get their turn. */
const WRITE_BYTES = 131_072;

/** A frame that does not end is looked at once more after this time, so often. */
const PARDON_MS = 250;
const PARDONS_MAX = 3;

/** Calls that are gathered for one write, at most. */
const CALLS_GATHERED = 32;

// What one link has to write is taken before any other one is asked; one that failed on the way leaves nothing to the next.
const gather = new Gather();

/** What the owner of a link is told. After `parted` or `lost` nothing comes any more. */
export interface LinkOwner {
  /** The line can carry bytes. */
  opened(): void;
  /** A frame came before a session was attached; it is in the fields of the splitter. */
  greeted(frame: Splitter): void;
  /** The first frame after `carry`; a goodbye does not count. */
  confirmed(): void;
  /** The session took something, or something of it was acknowledged: once per link. */
  advanced(): void;
  /** The peer drains: it wants this end to finish and to come back later. */
  goingAway(parting: Parting): void;
  /** The peer said goodbye, broke a rule or fell silent. CLOSE is written where that makes sense. */
  parted(parting: Parting, by: 'peer' | 'here'): void;
  /** The line is gone. */
  lost(error: Error | undefined): void;
}

/** A line with the protocol on it. */
export class Link implements LineEvents {
  readonly #host: Host;
  readonly #owner: LinkOwner;
  readonly #splitter: Splitter;
  readonly #alarm: Alarm;
  readonly #books: Books | undefined;
  readonly #account: Account;
  readonly #line: Line;
  #actor: SessionActor | undefined;
  #checksummed = true;
  #isOver = false;
  #isCongested = false;
  #isReading = false;
  #isFlushPlanned = false;
  /** Calls accepted since the last flush. */
  #callCount = 0;
  #hasConfirmed = false;
  #hasAdvanced = false;
  #partialSinceMs = -1;
  /** Looks at a frame that is over its time between which bytes came, and the bytes read at the last one. */
  #pardonCount = 0;
  #lookedBytes = 0;
  /** Who goes on with the line after `surrender`. */
  #heir: LineEvents | undefined;
  /** Bytes read and written, for the inspector. */
  bytesRead = 0;
  bytesWritten = 0;

  readonly #flushLater = (): void => {
    this.#isFlushPlanned = false;
    this.flush();
  };

  /**
   * Makes the line at once; `expected` are the frames that may come before a session is attached. `books`: those of the
   * shard, which count what this connection holds.
   */
  constructor(host: Host, owner: LinkOwner, dial: Dial, expected: readonly FrameType[], books?: Books) {
    this.#books = books;
    this.#account = new Account(books);
    this.#host = host;
    this.#owner = owner;
    this.#splitter = new Splitter(host.checksum);
    this.#splitter.only = expected;
    this.#alarm = new Alarm(host.clock, () => this.#tick());
    this.#line = dial(this);
  }

  /** The addresses of the line, once it is open. */
  get ends(): LineEnds {
    return this.#line.ends;
  }

  /** Whether nothing can be sent or received any more. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Writes a whole control frame of the handshake. */
  writeControl(type: FrameType, body: Uint8Array): void {
    if (this.#isOver) return;
    const frame = frameOf(type, body, this.#checksummed ? this.#host.checksum : undefined);
    this.#countWritten(frame.length);
    if (!this.#line.write([frame])) this.#isCongested = true;
  }

  /** From now on this link carries the session, which has been attached with the same terms. `first`: what has to come first. */
  carry(actor: SessionActor, checksummed: boolean, first?: readonly FrameType[]): void {
    this.#actor = actor;
    this.#checksummed = checksummed;
    this.#splitter.only = first;
    this.#splitter.checksummed = checksummed;
    actor.link = this;
  }

  /** Something is there to write: it leaves with the rest of this tick. */
  wake(): void {
    if (this.#isFlushPlanned || this.#isReading) return;
    this.#isFlushPlanned = true;
    this.#host.soon(this.#flushLater);
  }

  /** A call was accepted: of very many in one tick the peer begins with the first while this end makes the others. */
  wakeForCall(): void {
    this.#callCount += 1;
    if (this.#callCount < CALLS_GATHERED) this.wake();
    else this.flush();
  }

  /** Writes what the session has to write now, as far as the line takes it. */
  flush(): void {
    const actor = this.#actor;
    if (actor === undefined || this.#isOver || this.#isReading) return;
    const { session } = actor;
    this.#callCount = 0;
    const nowMs = this.#host.clock.now();
    if (gather.bytes > 0) gather.take();
    while (!this.#isCongested) {
      session.pump(gather, WRITE_BYTES, nowMs);
      if (gather.bytes === 0) break;
      this.#countWritten(gather.bytes);
      if (!this.#line.write(gather.take())) this.#isCongested = true;
    }
    actor.account();
    this.#alarm.set(this.#deadlineMs(session));
  }

  #countWritten(bytes: number): void {
    this.bytesWritten += bytes;
    this.#books?.passed(Count.BYTES_OUT, bytes);
  }

  #deadlineMs(session: Session): number {
    return this.#partialSinceMs < 0 ? session.deadlineMs : Math.min(session.deadlineMs, this.#partialUntilMs(session));
  }

  #partialUntilMs({ liveness }: Session): number {
    return this.#partialSinceMs + liveness.frameMs(this.#splitter.partialBytes);
  }

  /** Says goodbye with a code and lets the line go; the session is not told. */
  close(code: EndCode, reason: string, retryAfterMs = 0): void {
    if (this.#isOver) return;
    this.#writeLastAck();
    this.writeControl(Type.CLOSE, encodeClose({ code, reason, retryAfterMs }));
    this.leave();
  }

  #writeLastAck(): void {
    const session = this.#actor?.session;
    if (session === undefined) return;
    session.ackNow();
    if (gather.bytes > 0) gather.take();
    session.pump(gather, 0, this.#host.clock.now());
    if (gather.bytes > 0) this.#line.write(gather.take());
  }

  /** Sends what is queued and lets the line go without a word. */
  leave(): void {
    if (this.#isOver) return;
    this.#letGo();
    this.#line.end();
  }

  /** Gives the line up at once. */
  destroy(): void {
    if (this.#isOver) return;
    this.#letGo();
    this.#line.destroy();
  }

  /** Breaks the line as a network does: neither end says a word. */
  cut(): void {
    if (this.#isOver) return;
    this.#line.destroy();
    this.closed(undefined);
  }

  /**
   * Gives the line away, with the bytes behind the current frame; `heir` is asked who goes on with it. Nothing is told to
   * the owner any more.
   */
  surrender(heir: (line: Line, rest: Uint8Array) => LineEvents): void {
    if (this.#isOver) return;
    this.#letGo();
    this.#isReading = false;
    this.#heir = heir(this.#line, this.#splitter.takeRest());
  }

  /** Whether the line alone keeps the process alive. */
  ref(alive: boolean): void {
    this.#line.ref(alive);
  }

  // ---- what the line tells

  opened(): void {
    if (!this.#isOver) this.#owner.opened();
  }

  received(chunk: Uint8Array): void {
    if (this.#isOver) {
      this.#heir?.received(chunk);
      return;
    }
    const nowMs = this.#host.clock.now();
    this.bytesRead += chunk.length;
    this.#books?.passed(Count.BYTES_IN, chunk.length);
    this.#actor?.session.heard(nowMs);
    this.#isReading = true;
    this.#splitter.push(chunk);
    let frames = 0;
    while (this.#splitter.next()) {
      this.#frame(nowMs);
      if (this.#isOver) return;
      frames += 1;
    }
    if (frames > 0 || this.#partialSinceMs < 0) {
      this.#partialSinceMs = this.#splitter.isPartial ? nowMs : -1;
      this.#pardonCount = 0;
    }
    this.#isReading = false;
    this.#account.set(this.#splitter.retainedBytes);
    const fault = this.#splitter.fault;
    if (fault !== undefined)
      this.#part({ code: fault, reason: `frame type ${this.#splitter.type}`, retryAfterMs: 0 }, 'here');
    this.#afterInput();
  }

  drained(): void {
    this.#heir?.drained();
    this.#isCongested = false;
    this.flush();
  }

  closed(error: Error | undefined): void {
    if (this.#isOver) {
      this.#heir?.closed(error);
      return;
    }
    this.#letGo();
    this.#owner.lost(error);
  }

  // ---- below

  #frame(nowMs: number): void {
    const frame = this.#splitter;
    const actor = this.#actor;
    if (actor === undefined) {
      this.#owner.greeted(frame);
      return;
    }
    // It says nothing of the session, and an end that does not know it skips it: it confirms nothing either.
    if (frame.type === Type.TRACE) return actor.session.receiveTrace(frame);
    if (!this.#hasConfirmed && frame.type !== Type.CLOSE) {
      this.#hasConfirmed = true;
      this.#splitter.only = undefined;
      this.#owner.confirmed();
    }
    const session = actor.session;
    const taken = session.receive(frame.type, frame, nowMs);
    if (taken === Taken.MESSAGE) actor.take(nowMs);
    else if (taken === Taken.FAULT) this.#part(session.parting, 'here');
    else if (taken === Taken.CLOSED) this.#part(session.parting, 'peer');
    else if (taken === Taken.GOAWAY) this.#owner.goingAway(session.parting);
    if (!this.#hasAdvanced) this.#noteAdvance(frame.type);
  }

  #noteAdvance(type: number): void {
    if (type !== Type.ORDERED && type !== Type.DIRECT && type !== Type.ACK) return;
    this.#hasAdvanced = true;
    if (!this.#isOver) this.#owner.advanced();
  }

  #afterInput(): void {
    const actor = this.#actor;
    if (actor === undefined || this.#isOver) return;
    actor.session.forgetFrame();
    actor.afterInput();
    this.flush();
  }

  #tick(): void {
    const actor = this.#actor;
    if (actor === undefined || this.#isOver) return;
    const nowMs = this.#host.clock.now();
    if (this.#partialSinceMs >= 0 && nowMs >= this.#partialUntilMs(actor.session)) {
      if (this.#pardonsPartial()) {
        this.#partialSinceMs += nowMs - this.#partialUntilMs(actor.session) + PARDON_MS;
        return this.flush();
      }
      const reason = `a frame of ${this.#splitter.partialBytes} bytes did not end in time`;
      this.#part({ code: 'bad-frame', reason, retryAfterMs: 0 }, 'here');
      return;
    }
    if (actor.session.tick(nowMs) === 'silent') {
      this.#part({ code: 'silent', reason: 'nothing was heard for the heartbeat timeout', retryAfterMs: 0 }, 'here');
      return;
    }
    this.flush();
  }

  /**
   * Whether a frame that is over its time gets a little more. Without a byte since the last look it is silence, which is judged
   * elsewhere, or this end stood still itself and what came meanwhile is not read yet.
   */
  #pardonsPartial(): boolean {
    if (this.bytesRead !== this.#lookedBytes) this.#pardonCount += 1;
    this.#lookedBytes = this.bytesRead;
    return this.#pardonCount <= PARDONS_MAX;
  }

  #part(parting: Parting, by: 'peer' | 'here'): void {
    if (this.#isOver) return;
    this.#isReading = false;
    if (by === 'here' && parting.code !== 'silent') this.close(parting.code, parting.reason);
    else this.destroy();
    this.#owner.parted(parting, by);
  }

  #letGo(): void {
    this.#isOver = true;
    this.#account.set(0);
    this.#alarm.stop();
    const actor = this.#actor;
    if (actor?.link !== this) return;
    actor.detach();
  }
}
