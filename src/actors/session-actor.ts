/**
 * A session as an actor: the pure session, its mailbox, the handlers, and the promises of those who wait. It outlives
 * its links; whoever holds it (a client, a server) decides when it gets one. The public handles call it, nobody else.
 */
import { type EndCode, HomingError, type Outcome } from '../errors.ts';
import { type PeerState, ReceiptStatus, Session, type SessionLimits } from '../session/session.ts';
import type { Heartbeat } from '../session/liveness.ts';
import type { Leftover, OutletOutput, Taker } from '../session/outlet.ts';
import { Codec } from '../wire/codec.ts';
import { Kind } from '../wire/frame.ts';
import type { WireLimits } from '../wire/limits.ts';
import { scan } from '../wire/scan.ts';
import { Handlers } from './handlers.ts';
import { Account, type Books } from './books.ts';
import type { Link } from './link.ts';
import { Mailbox, describeError, remoteError } from './mailbox.ts';
import type { Clock, Host } from './ports.ts';
import { type Wait, Waits } from './waits.ts';

/** Settings of a session at this end; all have defaults in `options.ts`. */
export interface SessionSettings {
  readonly limits: SessionLimits;
  readonly wire: WireLimits;
  readonly heartbeat: Heartbeat;
  /** Deadline of a wait inside a handler, in milliseconds (DESIGN: contract 1). */
  readonly turnDeadlineMs: number;
}

/** What the holder of a session is told. */
export interface SessionOwner {
  /** Something went wrong that no promise carries. */
  failed(error: HomingError): void;
  /** The session has nothing to do and nothing to wait for, as far as this end knows; asked for by `watchIdle`. */
  idle(): void;
  /** Both ends have said GOAWAY on this connection and this end owes nothing. */
  quiet(): void;
}

/** What is known of the handler being started. */
export interface Turn {
  readonly messageId: string;
  readonly attempt: number;
  readonly epoch: number;
  readonly from: string | undefined;
  readonly signal: AbortSignal;
}

/** One end of a session, alive in this thread. */
export class SessionActor {
  readonly session: Session;
  readonly mailbox: Mailbox;
  readonly handlers = new Handlers();
  /** Messages processed that nobody listened to. */
  unheardCount = 0;
  /** The connection that carries it now. */
  link: Link | undefined;
  readonly #settings: SessionSettings;
  readonly #owner: SessionOwner;
  readonly #clock: Clock;
  readonly #codec: Codec;
  readonly #waits: Waits;
  readonly #books: Books | undefined;
  readonly #account: Account;
  readonly #writableTokens: number[] = [];
  #ending: AbortController | undefined;
  #end: { readonly code: EndCode; readonly reason: string } | undefined;
  #isClosing = false;
  #watchesIdle = false;

  /** `books`: those of the shard, which count what this session holds. */
  constructor(host: Host, settings: SessionSettings, owner: SessionOwner, books?: Books) {
    this.#books = books;
    this.#account = new Account(books);
    this.#settings = settings;
    this.#owner = owner;
    this.#clock = host.clock;
    this.#codec = new Codec(settings.wire);
    this.#waits = new Waits(host.clock);
    const inspect = (bytes: Uint8Array, start: number, end: number): number =>
      isNamedArray(bytes, start) ? scan(bytes, start, end, settings.wire) : -1;
    this.session = new Session({ limits: settings.limits, heartbeat: settings.heartbeat, inspect });
    this.mailbox = new Mailbox(this.session, this.#codec, this.handlers, {
      failed: (error, messageId) => this.#failed(error, messageId),
      unheard: () => void (this.unheardCount += 1),
      settled: () => this.#afterInput(),
      now: () => host.clock.now(),
    });
  }

  // ---- what the public handles call

  /** Accepts `[event, ...args]`. False from half the bound; throws `OutboxFull` at it. */
  send(message: readonly unknown[]): boolean {
    this.#requireOpen();
    const outlet = this.session.outlet;
    const codec = this.#encode(message);
    if (outlet.isFull(codec.end - codec.start)) throw this.#outboxFull(message[0] as string);
    if (this.#books?.isSpent === true) throw this.#shardFull(message[0] as string, this.#books.bytesMax);
    outlet.accept(Kind.EVENT, codec.scratch, codec.start, codec.end, 0);
    if (this.mailbox.isRunning) this.session.allowInTurn();
    this.wake();
    return !outlet.isHalfFull;
  }

  /** Accepts `[event, ...args]` when there is room; resolves when the peer has processed it. */
  deliver(message: readonly unknown[], wait: Wait): Promise<void> {
    const begin = (token: number): void => {
      this.#requireOpen();
      const outlet = this.session.outlet;
      const { scratch, start, end } = this.#encode(message);
      if (this.#books?.isSpent === true) throw this.#shardFull(String(message[0]), this.#books.bytesMax);
      if (outlet.isFull(end - start)) {
        if (outlet.isLineFull(end - start)) throw this.#outboxFull(String(message[0]));
        outlet.enqueue(Kind.DELIVER, scratch, start, end, token);
      } else outlet.accept(Kind.DELIVER, scratch, start, end, token);
      if (this.mailbox.isRunning) this.session.allowInTurn();
      this.wake();
    };
    return this.#wait(String(message[0]), wait, begin, (token) => this.#giveUp(token));
  }

  /** Resolves when the peer has processed everything accepted so far. */
  flush(wait: Wait): Promise<void> {
    const begin = (token: number): void => {
      this.#requireOpen();
      this.session.outlet.flush(token);
      this.#settleOutputs();
      this.wake();
    };
    return this.#wait('flush', wait, begin, (token) => this.#giveUp(token));
  }

  /** Resolves when `send` would return true. */
  writable(wait: Wait): Promise<void> {
    let forget: (() => void) | undefined;
    const want = (token: number): void => {
      this.#writableTokens.push(token);
      this.session.outlet.wantWritable();
      this.#settleOutputs();
    };
    const begin = (token: number): void => {
      this.#requireOpen();
      if (this.#books?.isSpent === true) forget = this.#books.whenEased(() => want(token));
      else want(token);
    };
    const giveUp = (token: number): undefined => {
      forget?.();
      const at = this.#writableTokens.indexOf(token);
      if (at >= 0) this.#writableTokens.splice(at, 1);
    };
    return this.#wait('writable', wait, begin, giveUp);
  }

  /** The turn whose handler is being started; throws `NoTurn` elsewhere. */
  get turn(): Turn {
    const turn = this.mailbox.turn;
    if (turn === undefined) throw new HomingError('NoTurn', 'expected to be read in a handler before its first await');
    const { seq, epoch } = turn;
    this.#ending ??= new AbortController();
    const { signal } = this.#ending;
    return { messageId: `${this.session.id ?? 'new'}/${epoch}/${seq}`, attempt: 1, epoch, from: undefined, signal };
  }

  /** From now on only handlers that run may send: the session is closing. */
  refuseNew(): void {
    this.#isClosing = true;
  }

  // ---- what a link calls

  /** A message was taken off the wire. */
  take(nowMs: number): void {
    this.mailbox.take(this.session.message, nowMs);
  }

  /** A batch of frames has been taken: promises settle, drains go on. */
  afterInput(): void {
    this.#settleOutputs();
    this.mailbox.resume();
    if (this.session.settleDrain(this.mailbox.isIdle)) this.#owner.quiet();
    if (this.#watchesIdle) this.checkIdle();
  }

  // ---- what the holder calls

  /**
   * A connection is up; see `Session.attach`. `depth` is the deepest message that the peer takes: from now on none is
   * deeper, and of what was accepted before, deeper ones are dropped and told.
   */
  attach(peer: PeerState, depth: number, ackAtOnce: boolean): void {
    const own = this.#settings.wire;
    const limits = { ...own, depth: Math.min(own.depth, depth) };
    this.#codec.limits = limits;
    const taker: Taker = (bytes, start, end) => scan(bytes, start, end, limits) >= 0;
    const isShallower = limits.depth < own.depth;
    this.session.attach({ ...peer, taker: isShallower ? taker : undefined }, ackAtOnce, this.#clock.now());
  }

  /** Something is there to write: it leaves with the rest of this tick. */
  wake(): void {
    if (this.link === undefined) this.account();
    else this.link.wake();
  }

  /** What the session holds goes into the books. */
  account(): void {
    this.#account.set(this.#end === undefined ? this.session.heldBytes : 0);
  }

  /** From now on the owner hears of idleness, at once if it is so. */
  watchIdle(): void {
    this.#watchesIdle = true;
    this.checkIdle();
  }

  /** Tells the owner if this end has nothing to do and nothing to wait for. */
  checkIdle(): void {
    if (this.session.isIdle(this.mailbox.isIdle)) this.#owner.idle();
  }

  /** History was lost: a new epoch begins. Promises of what was written reject before this returns. */
  startEpoch(finalCursor: number): Leftover {
    const leftover = this.session.startEpoch(finalCursor);
    this.#settleOutputs();
    return leftover;
  }

  /**
   * The session is over: everybody who waits is told. What the peer is known to have processed (`finalCursor`) counts as
   * confirmed. Returns the counts for the report; the second call none.
   */
  end(
    code: EndCode,
    reason: string,
    finalCursor: number,
    settledLast?: () => void,
  ): { unconfirmed: number; carried: number } {
    if (this.#end !== undefined) return { unconfirmed: 0, carried: 0 };
    this.#end = { code, reason };
    this.link = undefined;
    this.session.detach();
    const counts = this.session.outlet.end(finalCursor);
    this.mailbox.close(settledLast);
    this.handlers.close();
    this.#settleOutputs();
    this.#waits.rejectAll((what) => this.#ended(what, undefined));
    this.#ending?.abort(new HomingError(code, `the session ended: ${reason || code}`));
    this.account();
    return counts;
  }

  // ---- below

  #wait(
    what: string,
    wait: Wait,
    begin: (token: number) => void,
    giveUp: (token: number) => Outcome | undefined,
  ): Promise<void> {
    const { mailbox } = this;
    if (wait.timeoutMs !== undefined || !mailbox.isRunning) return this.#waits.start(what, wait, begin, giveUp);
    // The default deadline breaks cycles of handlers that wait for each other: once the turn is over there is none.
    const turn = mailbox.turnCount;
    const binds = (): boolean => mailbox.isRunning && mailbox.turnCount === turn;
    const { turnDeadlineMs } = this.#settings;
    return this.#waits.start(what, { timeoutMs: turnDeadlineMs, signal: wait.signal }, begin, giveUp, binds);
  }

  #giveUp(token: number): Outcome {
    const outcome = this.session.outlet.giveUp(token);
    this.#settleOutputs();
    this.wake();
    return outcome;
  }

  #encode(message: readonly unknown[]): Codec {
    if (typeof message[0] !== 'string') {
      throw new HomingError('BadOption', `expected the name of an event as text, got ${typeof message[0]}`);
    }
    const codec = this.#codec;
    codec.encode(message);
    const bytes = codec.end - codec.start;
    const bytesMax = this.session.outlet.messageBytesMax;
    if (bytes > bytesMax) {
      throw new HomingError(
        'MessageTooLarge',
        `${message[0]}: expected at most ${bytesMax} bytes, which the peer takes, got ${bytes}`,
      );
    }
    return codec;
  }

  #requireOpen(): void {
    if (this.#end === undefined) {
      if (!this.#isClosing || this.mailbox.isRunning) return;
      throw new HomingError('Closed', 'the session is being closed');
    }
    const { code, reason } = this.#end;
    throw new HomingError('Closed', `the session has ended (${code}${reason === '' ? '' : `: ${reason}`})`);
  }

  #shardFull(event: string, bytesMax: number): HomingError {
    return new HomingError(
      'OutboxFull',
      `${event}: expected this shard to hold less than ${bytesMax} bytes, its bound`,
    );
  }

  #outboxFull(event: string): HomingError {
    const { outboxMessages, outboxBytes } = this.#settings.limits;
    const { messages, bytes } = this.session.outlet.ordered;
    return new HomingError(
      'OutboxFull',
      `${event}: expected at most ${outboxMessages} messages and ${outboxBytes} bytes in the outbox, which holds ${messages} and ${bytes}`,
    );
  }

  #failed(error: unknown, messageId: string): void {
    const sentence = `a handler threw at message ${messageId}: ${describeError(error).message}`;
    this.#owner.failed(new HomingError('HandlerFailed', sentence, { cause: error, messageId }));
  }

  /** A turn ended by itself: its effects leave, and so does its acknowledgement. */
  #afterInput(): void {
    this.afterInput();
    this.wake();
  }

  #settleOutputs(): void {
    const outputs = this.session.outlet.outputs;
    if (outputs.length === 0) return;
    for (const output of outputs.splice(0)) this.#settleOutput(output);
  }

  #settleOutput(output: OutletOutput): void {
    switch (output.type) {
      case 'receipt':
        this.#settleReceipt(output.token, output.status, output.error);
        return;
      case 'rejected':
        this.#waits.reject(output.token, this.#ended(this.#waits.whatOf(output.token) ?? 'message', output.outcome));
        return;
      case 'oversize':
        this.#refuse(
          output.token,
          new HomingError(
            'MessageTooLarge',
            `expected at most ${output.bytesMax} bytes, which the peer takes, got ${output.bytes}`,
          ),
        );
        return;
      case 'unfit':
        this.#refuse(
          output.token,
          new HomingError('NotEncodable', `nested deeper than ${this.#codec.limits.depth}, which the peer takes`),
        );
        return;
      case 'flushed':
        this.#waits.resolve(output.token);
        return;
      case 'writable':
        for (const token of this.#writableTokens.splice(0)) this.#waits.resolve(token);
        return;
    }
  }

  #settleReceipt(token: number, status: number, error: Uint8Array | undefined): void {
    const event = this.#waits.whatOf(token) ?? 'message';
    if (status === ReceiptStatus.OK) this.#waits.resolve(token);
    else if (status === ReceiptStatus.NO_HANDLER) {
      this.#waits.reject(
        token,
        new HomingError('NoHandler', `the peer processed ${event}, but nothing there listens to it`),
      );
    } else {
      this.#waits.reject(token, remoteError(event, error === undefined ? undefined : this.#decodeError(error)));
    }
  }

  /** What the peer says of an error; undefined for a payload that contradicts itself, which the scan cannot see. */
  #decodeError(error: Uint8Array): unknown {
    try {
      return this.#codec.decode(error, 0, error.length, 1);
    } catch {
      return undefined;
    }
  }

  /** A message that was accepted before the peer's terms were known cannot be sent. */
  #refuse(token: number, error: HomingError): void {
    if (token === 0) this.#owner.failed(error);
    else this.#waits.reject(token, error);
  }

  #ended(what: string, outcome: Outcome | undefined): HomingError {
    const end = this.#end;
    const why = end === undefined ? 'the peer lost its memory of the session' : `the session ended (${end.code})`;
    return new HomingError('OutcomeUnknown', `${what}: ${why} before it was confirmed`, {
      outcome: outcome ?? 'unknown',
    });
  }
}

/** Whether a payload begins as every message does: an array whose first element is a text. */
function isNamedArray(bytes: Uint8Array, start: number): boolean {
  const head = bytes[start] ?? 0;
  if (head >> 5 !== 4 || head === 0x80) return false;
  const next = start + (head < 0x98 ? 1 : head === 0x98 ? 2 : head === 0x99 ? 3 : 5);
  return (bytes[next] ?? 0) >> 5 === 3;
}
