/**
 * A session as an actor: the pure session, its mailbox, the handlers, and the promises of those who wait. It outlives
 * its links; whoever holds it (a client, a server) decides when it gets one. The public handles call it, nobody else.
 */
import { type EndCode, HomingError, type Outcome, isErrorCode } from '../errors.ts';
import { ReceiptStatus } from '../session/direct.ts';
import { type PeerState, Session, type SessionLimits, type SessionOptions } from '../session/session.ts';
import type { Heartbeat } from '../session/liveness.ts';
import type { Leftover, OutletOutput, Taker } from '../session/outlet.ts';
import { RESULT_BYTES, ReadItem, ResultStatus } from '../session/calls.ts';
import type { Plain } from '../session/store.ts';
import { Codec } from '../wire/codec.ts';
import { Kind } from '../wire/frame.ts';
import type { WireLimits } from '../wire/limits.ts';
import type { OutCarrier } from '../wire/values.ts';
import { READ_AT_ONCE, UNREAD, readShort } from '../wire/reader.ts';
import { scan } from '../wire/scan.ts';
import { shortBytesMax } from '../wire/writer.ts';
import { Callee } from './callee.ts';
import { Caller, type CallerOwner } from './caller.ts';
import { Handlers } from './handlers.ts';
import { Account, type Books, Traffic } from './books.ts';
import type { Link } from './link.ts';
import { describeError, remoteError } from './describe.ts';
import { Functions, type FunctionsOwner } from './functions.ts';
import { JudgedFlushes } from './judged-flushes.ts';
import { Mailbox, type MailboxOwner } from './mailbox.ts';
import { Replies, type RepliesOwner, encodeError } from './replies.ts';
import type { Host } from './ports.ts';
import { Sender, type SenderOwner } from './sender.ts';
import { SharedStore, type StoreOwner } from './shared-store.ts';
import type { Telemetry } from './telemetry.ts';
import type { Validation } from './validation.ts';
import { type Wait, Waits } from './waits.ts';

/** Settings of a session at this end; all have defaults in `options.ts`. */
export interface SessionSettings {
  readonly limits: SessionLimits;
  readonly wire: WireLimits;
  readonly heartbeat: Heartbeat;
  /** Deadline of a wait inside a handler, in milliseconds (DESIGN: contract 1). */
  readonly turnDeadlineMs: number;
  /** Deadline of a call, in milliseconds with a connection, unless the caller says otherwise. */
  readonly callDeadlineMs: number;
  /** Calls that may be in flight each way. */
  readonly callsInFlight: number;
  /** Functions and streams that may be in use at the other end, each way. */
  readonly functions: number;
  /** Schemas of what the peer may say. */
  readonly validation?: Validation | undefined;
  /** Follows calls to the other end and those that come from there. */
  readonly telemetry?: Telemetry | undefined;
}

/** What the holder of a session is told. */
export interface SessionOwner {
  /** Something went wrong that no promise carries. */
  failed(error: HomingError): void;
  /** The session has nothing to do and nothing to wait for, as far as this end knows; asked for by `watchIdle`. */
  idle(): void;
  /** Both ends have said GOAWAY on this connection and this end owes nothing. */
  quiet(): void;
  /** What this end shows of a key of the store has changed: plain values, undefined for others and for none. */
  shown?(key: string, now: Plain | undefined, before: Plain | undefined): void;
}

/** What is known of the handler being started. */
export interface Turn {
  readonly messageId: string;
  readonly attempt: number;
  readonly epoch: number;
  readonly from: string | undefined;
  readonly signal: AbortSignal;
}

/** Where a session stands: at which end, and in which shard if in one. */
export interface SessionPlace {
  /** This end accepted the session: it orders the changes of the store. */
  readonly decides?: boolean | undefined;
  /** Those of the shard, which count what this session holds. */
  readonly books?: Books | undefined;
}

const NOBODY: ReadonlyMap<number, { readonly token: number }> = new Map();

/** One end of a session, alive in this thread. */
export class SessionActor
  implements SessionOptions, SenderOwner, CallerOwner, MailboxOwner, RepliesOwner, FunctionsOwner, StoreOwner
{
  readonly session: Session;
  readonly mailbox: Mailbox;
  readonly handlers = new Handlers();
  readonly callee: Callee;
  readonly decides: boolean;
  /** Messages processed that nobody listened to. */
  unheardCount = 0;
  /** The connection that carries it now. */
  link: Link | undefined;
  readonly #settings: SessionSettings;
  readonly #owner: SessionOwner;
  readonly #host: Host;
  readonly #codec: Codec;
  /** Made for the first wait. */
  #waits: Waits | undefined;
  readonly #books: Books | undefined;
  readonly #account: Account;
  readonly #traffic = new Traffic();
  #writableTokens: number[] | undefined;
  readonly #replies: Replies;
  /** Made for the first call. */
  #caller: Caller | undefined;
  readonly #shortBytes: number;
  readonly functions: Functions;
  readonly sender: Sender;
  readonly store: SharedStore;
  /** Made for the first flush. */
  #flushes: JudgedFlushes | undefined;
  #ending: AbortController | undefined;
  #end: { readonly code: EndCode; readonly reason: string } | undefined;
  #isClosing = false;
  /** Ordinals of messages that pass functions of the epoch before this. */
  #gone: ReadonlyMap<number, { readonly token: number }> = NOBODY;
  #watchesIdle = false;

  constructor(host: Host, settings: SessionSettings, owner: SessionOwner, { decides = false, books }: SessionPlace) {
    this.#books = books;
    this.#account = new Account(books);
    this.#settings = settings;
    this.#owner = owner;
    this.#host = host;
    this.decides = decides;
    this.#shortBytes = shortBytesMax(settings.wire);
    this.#codec = new Codec(settings.wire);
    this.callee = new Callee(settings.callsInFlight);
    this.functions = new Functions(this, settings.functions);
    this.session = new Session(this);
    const { session, functions, handlers, callee } = this;
    const codec = this.#codec;
    this.#replies = new Replies(session, codec, functions, this);
    this.sender = new Sender({ session, codec, functions, limits: settings.limits, books }, this);
    this.store = new SharedStore(this, codec, decides, settings.limits);
    const { store } = this;
    const { telemetry, validation, wire } = settings;
    const replies = this.#replies;
    this.mailbox = new Mailbox(
      { session, codec, handlers, callee, replies, functions, store, validation, telemetry, wire },
      this,
    );
  }

  // ---- what the public handles call

  /** Accepts `[event, ...args]`. False from half the bound; throws `OutboxFull` at it. */
  send(message: readonly unknown[]): boolean {
    return this.sender.send(message);
  }

  /** Accepts `[event, ...args]` when there is room; resolves when the peer has processed it. */
  deliver(message: readonly unknown[], wait: Wait): Promise<void> {
    const begin = (token: number): void => {
      this.requireOpen();
      this.sender.enqueue(Kind.DELIVER, message, token);
    };
    return this.#wait(String(message[0]), wait, begin, (token) => this.giveUp(token));
  }

  /**
   * Calls a method of the peer with `[method, ...args]` and resolves with what it returns. Waits for room in the outbox;
   * deadline and abort as `Limited.call` says.
   */
  call(message: readonly unknown[], wait: Wait, isOfRun = false): Promise<unknown> {
    return this.#theCaller.call(message, wait, isOfRun);
  }

  /** Asks the runtime of the peer for `[service, ...args]`; deadline and abort as for a call. */
  serve(message: readonly unknown[], wait: Wait): Promise<unknown> {
    return this.#theCaller.serve(message, wait);
  }

  /** Tells the peer of an error that no promise of its own carries. */
  notify(error: HomingError): void {
    if (this.#end !== undefined) return;
    this.session.direct.sendNotice(encodeError(error));
    this.wake();
  }

  /** Resolves when the peer has processed everything accepted so far. */
  flush(wait: Wait): Promise<void> {
    const begin = (token: number): void => {
      this.requireOpen();
      this.#flushes ??= new JudgedFlushes();
      this.#flushes.begin(token, this.store.lastUnjudged);
      this.session.outlet.flush(token);
      this.#settleOutputs();
      this.wake();
    };
    const giveUp = (token: number): Outcome => {
      this.#flushes?.leave(token);
      return this.giveUp(token);
    };
    return this.#wait('flush', wait, begin, giveUp);
  }

  /** Resolves when `send` would return true. */
  writable(wait: Wait): Promise<void> {
    let forget: (() => void) | undefined;
    const want = (token: number): void => {
      (this.#writableTokens ??= []).push(token);
      this.session.outlet.wantWritable();
      this.#settleOutputs();
    };
    const begin = (token: number): void => {
      this.requireOpen();
      if (this.#books?.isSpent === true) forget = this.#books.whenEased(() => want(token));
      else want(token);
    };
    const giveUp = (token: number): undefined => {
      forget?.();
      const tokens = this.#writableTokens ?? [];
      const at = tokens.indexOf(token);
      if (at >= 0) tokens.splice(at, 1);
    };
    return this.#wait('writable', wait, begin, giveUp);
  }

  /** The turn whose handler, method or passed function is being started; throws `NoTurn` elsewhere. */
  get turn(): Turn {
    const { applied } = this.callee;
    if (applied !== undefined) return this.#turnOf(applied);
    const turn = this.mailbox.turn;
    if (turn === undefined) throw new HomingError('NoTurn', 'expected to be read in a handler before its first await');
    const { seq, epoch } = turn;
    const signal = this.callee.signalOf(seq, epoch) ?? this.ending;
    return { messageId: `${this.session.id ?? 'new'}/${epoch}/${seq}`, attempt: 1, epoch, from: turn.from, signal };
  }

  /** The call of a passed function, which stands in the direct lane. */
  #turnOf({ seq, epoch }: { readonly seq: number; readonly epoch: number }): Turn {
    const signal = this.callee.signalOf(-seq, epoch) ?? this.ending;
    return {
      messageId: `${this.session.id ?? 'new'}/${epoch}/direct ${seq}`,
      attempt: 1,
      epoch,
      from: undefined,
      signal,
    };
  }

  /** Aborted when the session ends. */
  get ending(): AbortSignal {
    this.#ending ??= new AbortController();
    if (this.#end !== undefined) this.#ending.abort();
    return this.#ending.signal;
  }

  /** From now on only handlers that run may send: the session is closing. */
  refuseNew(): void {
    this.#isClosing = true;
  }

  // ---- what a link calls

  /** A message was taken off the wire. */
  take(nowMs: number): void {
    const { message } = this.session;
    if (this.session.outlet.outputs.length === 0) return this.mailbox.take(message, nowMs);
    // Direct messages that came before it take effect before it: a verdict counts before the changes that follow it. What
    // listens to them may have another session of this thread receive, which has its message in the same place.
    const kept = { ...message };
    this.#settleOutputs();
    this.mailbox.take(kept, nowMs);
  }

  /** A batch of frames has been taken: promises settle, drains go on. */
  afterInput(): void {
    this.#settleOutputs();
    this.functions.sweep();
    this.mailbox.resume();
    if (this.session.settleDrain(this.isIdle)) this.#owner.quiet();
    if (this.#watchesIdle) this.checkIdle();
  }

  // ---- what the holder calls

  /**
   * A connection is up; see `Session.attach`. `depth` is the deepest message that the peer takes: from now on none is
   * deeper, and of what was accepted before, deeper ones are dropped and told.
   */
  attach(peer: PeerState, depth: number, ackAtOnce: boolean): void {
    const own = this.#settings.wire;
    const limits = depth < own.depth ? { ...own, depth } : own;
    this.#codec.limits = limits;
    const taker: Taker | undefined =
      limits === own ? undefined : (bytes, start, end) => scan(bytes, start, end, limits) >= 0;
    this.session.attach({ ...peer, taker }, ackAtOnce, this.now());
    this.#waits?.pause(false);
  }

  /** Whether no message waits or is handled, and no call runs here. */
  get isIdle(): boolean {
    return this.mailbox.isIdle && this.callee.runningCount === 0;
  }

  /** The connection is gone. */
  detach(): void {
    this.link = undefined;
    this.session.detach();
    this.#waits?.pause(true);
    // What this connection brought last counts, though it ended with the same bytes.
    this.#settleOutputs();
  }

  /** There was no connection for as long as the peer keeps the session: what became of written calls will not be known. */
  lingerOver(): void {
    this.#caller?.lingerOver();
  }

  /** Something is there to write: it leaves with the rest of this tick. */
  wake(): void {
    if (this.link === undefined) this.account();
    else this.link.wake();
  }

  /** What the session holds goes into the books. */
  account(): void {
    const isOver = this.#end !== undefined;
    this.#account.set(isOver ? 0 : this.session.heldBytes + this.store.bytes);
    this.#books?.traffic(this.session, this.#traffic, isOver);
  }

  /** Own calls that have no result yet. */
  get callsWaiting(): number {
    return this.#caller?.inFlightCount ?? 0;
  }

  /** From now on the owner hears of idleness, at once if it is so. */
  watchIdle(): void {
    this.#watchesIdle = true;
    this.checkIdle();
  }

  /** Tells the owner if this end has nothing to do and nothing to wait for. */
  checkIdle(): void {
    if (this.session.isIdle(this.isIdle)) this.#owner.idle();
  }

  /** History was lost: a new epoch begins. Promises of what was written reject before this returns. */
  startEpoch(finalCursor: number): Leftover {
    const leftover = this.session.startEpoch(finalCursor);
    this.callee.age(this.session.epoch);
    this.#settleOutputs();
    for (const token of this.#flushes?.takeUnjudged(this.store) ?? []) {
      this.#waits?.reject(token, this.#ended('flush', this.session.outlet.giveUp(token)));
    }
    const { outlet } = this.session;
    this.#gone = this.functions.age();
    for (const token of outlet.dropWaiting(this.#gone)) {
      this.#refuse(token, lostMessage());
    }
    return { ...leftover, carried: outlet.ordered.messages };
  }

  /** Sends the events of a leftover again, but those whose functions went with the old epoch. */
  resend(leftover: Leftover): void {
    this.session.outlet.resend(leftover, (ordinal) => this.#gone.has(ordinal));
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
    this.callee.close(new HomingError(code, `the session ended: ${reason || code}`));
    this.handlers.close();
    this.#replies.close();
    this.functions.close();
    this.store.close();
    this.#settleOutputs();
    this.#waits?.rejectAll((what) => this.#ended(what, undefined));
    this.#ending?.abort(new HomingError(code, `the session ended: ${reason || code}`));
    this.account();
    return counts;
  }

  // ---- what its parts ask: one object serves them all, because there are very many sessions

  get limits(): SessionLimits {
    return this.#settings.limits;
  }

  get heartbeat(): Heartbeat {
    return this.#settings.heartbeat;
  }

  /** Scans a message before anything decodes it; one that may start at once and is plain is read instead. */
  inspect(bytes: Uint8Array, start: number, end: number): number {
    if (!isNamedArray(bytes, start)) return -1;
    const isShort = end - start <= this.#shortBytes;
    return isShort && this.mailbox.readNow(bytes, start, end) ? READ_AT_ONCE : this.inspectItem(bytes, start, end);
  }

  readItem(bytes: Uint8Array, start: number, end: number): ReadItem | undefined {
    if (end - start > this.#shortBytes) return undefined;
    const value = readShort(bytes, start, end, this.#settings.wire);
    return value === UNREAD ? undefined : new ReadItem(value);
  }

  inspectItem(bytes: Uint8Array, start: number, end: number): number {
    return scan(bytes, start, end, this.#settings.wire);
  }

  now(): number {
    return this.#host.clock.now();
  }

  defer(task: () => void): void {
    this.#host.defer(task);
  }

  isOpen(): boolean {
    return this.#end === undefined && !this.#isClosing;
  }

  giveUp(token: number): Outcome {
    const outcome = this.session.outlet.giveUp(token);
    this.#settleOutputs();
    this.wake();
    return outcome;
  }

  requireOpen(isOfRun = false): void {
    if (this.#end === undefined) {
      if (!this.#isClosing || isOfRun || this.#isInTurn) return;
      throw new HomingError('Closed', 'the session is being closed');
    }
    const { code, reason } = this.#end;
    throw new HomingError('Closed', `the session has ended (${code}${reason === '' ? '' : `: ${reason}`})`);
  }

  /** Something is on its way that a running turn may have made: such a message leaves also while the session drains. */
  accepted(isCall: boolean): void {
    if (this.#isInTurn) this.session.allowInTurn();
    if (isCall && this.link !== undefined) this.link.wakeForCall();
    else this.wake();
  }

  handlerFailed(error: unknown, messageId: string): void {
    const sentence = `a handler threw at message ${messageId}: ${describeError(error).message}`;
    this.#owner.failed(new HomingError('HandlerFailed', sentence, { cause: error, messageId }));
  }

  unheard(): void {
    this.unheardCount += 1;
  }

  /** A turn ended by itself: its effects leave, and so does its acknowledgement. */
  settled(): void {
    this.afterInput();
    this.wake();
  }

  apply(target: number, args: readonly unknown[], wait?: Wait): Promise<unknown> {
    return this.#theCaller.apply(target, args, wait);
  }

  release(target: number, count: number): void {
    if (this.#end !== undefined) return;
    this.session.direct.sendRelease(target, count);
    this.wake();
  }

  oldestOrdinal(): number {
    return this.session.outlet.oldestOrdinal;
  }

  hasOldMessages(): boolean {
    return this.session.room.oldMessages > 0;
  }

  answerBytesMax(): number {
    return this.session.outlet.messageBytesMax - RESULT_BYTES;
  }

  weigh(value: unknown, carrier: OutCarrier): number {
    const codec = this.#codec;
    // As it stands in an answer to a pull.
    codec.encode([[value], false], 'items', carrier);
    return codec.end - codec.start;
  }

  sendStored(kind: number, key: string, payload: Uint8Array): number {
    return this.sender.store(kind, key, payload);
  }

  isSpent(): boolean {
    return this.#books?.isSpent === true;
  }

  tell(error: HomingError): void {
    this.#owner.failed(error);
  }

  shown(key: string, now: Plain | undefined, before: Plain | undefined): void {
    this.#owner.shown?.(key, now, before);
  }

  // ---- below

  get #theWaits(): Waits {
    return (this.#waits ??= this.#makeWaits());
  }

  #makeWaits(): Waits {
    const waits = new Waits(this.#host.clock);
    // Deadlines of calls count the time with a connection.
    waits.pause(!this.session.attached);
    return waits;
  }

  get #theCaller(): Caller {
    return (this.#caller ??= this.#makeCaller());
  }

  #makeCaller(): Caller {
    const { session, sender, functions } = this;
    const { callsInFlight, callDeadlineMs, telemetry } = this.#settings;
    const parts = { session, codec: this.#codec, sender, waits: this.#theWaits, functions };
    return new Caller({ ...parts, callsInFlight, callDeadlineMs, telemetry }, this);
  }

  get #isInTurn(): boolean {
    return this.mailbox.isRunning || this.callee.runningCount > 0;
  }

  #wait(
    what: string,
    wait: Wait,
    begin: (token: number) => void,
    giveUp: (token: number) => Outcome | undefined,
  ): Promise<void> {
    const { mailbox } = this;
    if (wait.timeoutMs !== undefined || !mailbox.isRunning) return this.#theWaits.start(what, wait, begin, giveUp);
    // The default deadline breaks cycles of handlers that wait for each other: once the turn is over there is none.
    const turn = mailbox.turnCount;
    const binds = (): boolean => mailbox.isRunning && mailbox.turnCount === turn;
    const { turnDeadlineMs } = this.#settings;
    return this.#theWaits.start(what, { timeoutMs: turnDeadlineMs, signal: wait.signal }, begin, giveUp, binds);
  }

  /** The peer calls a function that it was passed. */
  #apply({ seq, target, args }: Extract<OutletOutput, { type: 'apply' }>): void {
    const { epoch } = this.session;
    const exported = this.functions.exported(target);
    const answer = (status: number, value: unknown): void => {
      this.#replies.send(Kind.ANSWER, seq, epoch, status, value);
      this.settled();
    };
    if (exported === undefined) {
      this.functions.discard(this.#codec, args);
      return answer(ResultStatus.NO_METHOD, undefined);
    }
    const enter = (): unknown => {
      const values = this.functions.decode(this.#codec, args, 0, args.length, 1, false) as unknown[];
      return exported.work.apply(exported.self, values);
    };
    if (!this.callee.apply(seq, epoch, enter, answer)) {
      this.functions.discard(this.#codec, args);
      answer(ResultStatus.TOO_MANY, undefined);
    }
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
      case 'result':
        this.#caller?.answered(output);
        return;
      case 'apply':
        this.#apply(output);
        return;
      case 'stopped':
        this.callee.cancel(-output.seq);
        return;
      case 'released':
        this.functions.peerReleased(output.target, output.count);
        return;
      case 'takenBack':
        this.functions.takenBack(output.ordinal);
        this.store.takenBack(output.ordinal);
        return;
      case 'judged':
        return this.#judged(output.changes, output.error);
      case 'notice':
        this.#owner.failed(this.#told(output.error));
        return;
      case 'cancelled':
        this.callee.cancel(output.seq);
        return;
      case 'rejected':
        this.#caller?.forget(output.token);
        this.#waits?.reject(output.token, this.#ended(this.#waits?.whatOf(output.token) ?? 'message', output.outcome));
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
        if (this.#flushes?.processed(output.token, this.store) !== false) this.#waits?.resolve(output.token);
        return;
      case 'writable':
        for (const token of this.#writableTokens?.splice(0) ?? []) this.#waits?.resolve(token);
        return;
    }
  }

  #settleReceipt(token: number, status: number, error: Uint8Array | undefined): void {
    const event = this.#waits?.whatOf(token) ?? 'message';
    if (status === ReceiptStatus.OK) this.#waits?.resolve(token);
    else if (status === ReceiptStatus.NO_HANDLER) {
      this.#waits?.reject(
        token,
        new HomingError('NoHandler', `the peer processed ${event}, but nothing there listens to it`),
      );
    } else {
      this.#waits?.reject(token, remoteError(event, error === undefined ? undefined : this.#decodeError(error)));
    }
  }

  /** The peer has decided about the oldest write of the store. */
  #judged(changes: number, error: Uint8Array | undefined): void {
    this.store.judged(changes, error === undefined ? undefined : this.#told(error));
    for (const token of this.#flushes?.takeOver(this.store) ?? []) this.#waits?.resolve(token);
  }

  /** An error that the peer tells of, with its code where that is one of ours. */
  #told(error: Uint8Array): HomingError {
    const { message, code } = describeError(remoteError('peer', this.#decodeError(error)).cause);
    return new HomingError(isErrorCode(code) ? code : 'HandlerFailed', message);
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
    this.#caller?.forget(token);
    if (token === 0) this.#owner.failed(error);
    else this.#waits?.reject(token, error);
  }

  #ended(what: string, outcome: Outcome | undefined): HomingError {
    const end = this.#end;
    const why = end === undefined ? 'the peer lost its memory of the session' : `the session ended (${end.code})`;
    return new HomingError('OutcomeUnknown', `${what}: ${why} before it was confirmed`, {
      outcome: outcome ?? 'unknown',
    });
  }
}

function lostMessage(): HomingError {
  const sentence = 'the message passes or gives back a function of a session that is gone';
  return new HomingError('SessionLost', sentence, { outcome: 'never-sent' });
}

/** Whether a payload begins as every message does: an array whose first element is a text. */
function isNamedArray(bytes: Uint8Array, start: number): boolean {
  const head = bytes[start] ?? 0;
  if (head >> 5 !== 4 || head === 0x80) return false;
  const next = start + (head < 0x98 ? 1 : head === 0x98 ? 2 : head === 0x99 ? 3 : 5);
  return (bytes[next] ?? 0) >> 5 === 3;
}
