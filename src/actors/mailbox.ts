/**
 * The mailbox of a session: ordered messages one after another, each to its end before the next begins. A handler that
 * returns at once costs no promise; one that returns a promise holds the queue until it settles. What waits here is
 * copied, because the chunk it came in is the socket's.
 */
import { ResultStatus } from '../session/calls.ts';
import { HomingError } from '../errors.ts';
import { ReceiptStatus } from '../session/direct.ts';
import type { Session, TakenMessage } from '../session/session.ts';
import { Deque } from '../session/deque.ts';
import type { Codec } from '../wire/codec.ts';
import { Kind, copyOf } from '../wire/frame.ts';
import type { WireLimits } from '../wire/limits.ts';
import { READ_AT_ONCE, UNREAD, readShort } from '../wire/reader.ts';
import type { Callee, Method } from './callee.ts';
import { channels } from './channels.ts';
import { isThenable } from './describe.ts';
import { FollowedCall, isHeard } from './followed-call.ts';
import type { Functions } from './functions.ts';
import type { HookFault, SharedStore } from './shared-store.ts';
import type { Handler, Handlers } from './handlers.ts';
import { type Replies, encodeError } from './replies.ts';
import type { Telemetry, Trace } from './telemetry.ts';
import { type Schema, type Validation, checked } from './validation.ts';

/** What the mailbox tells its actor. */
export interface MailboxOwner {
  /** A handler threw or rejected; the message is settled. */
  handlerFailed(error: unknown, messageId: string): void;
  /** A message was processed and nothing listened to it. */
  unheard(event: string): void;
  /** A turn ended outside of `take` or `open`: acks and receipts may be due. */
  settled(): void;
  /** The time, for acks. */
  now(): number;
}

/** What a mailbox works with; all of one session. */
export interface MailboxParts {
  readonly session: Session;
  readonly codec: Codec;
  readonly handlers: Handlers;
  readonly callee: Callee;
  readonly replies: Replies;
  readonly functions: Functions;
  readonly store: SharedStore;
  /** Schemas of what the peer may say, if there are any. */
  readonly validation: Validation | undefined;
  readonly telemetry: Telemetry | undefined;
  /** What one message may be. */
  readonly wire: WireLimits;
}

const runChannels = { start: channels['homing:run:start'], settled: channels['homing:run:settled'] };

/**
 * What the runtime does for a peer that asks with `[service, ...args]`: `result` is what the peer gets, in the end; while
 * `hold` is pending no later message starts.
 */
export type Services = (
  args: readonly unknown[],
) => { readonly result: unknown; readonly hold?: PromiseLike<unknown> | undefined } | undefined;

/** A message that waits or runs. */
interface Entry {
  readonly kind: number;
  readonly seq: number;
  readonly epoch: number;
  readonly verdict: number;
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
}

/** The turn whose handler is being started: what `session.turn` shows. */
export interface RunningTurn {
  seq: number;
  epoch: number;
  /** The session whose event this is, where it was forwarded. */
  from: string | undefined;
}

/** Receipts and results that wait for the peer beyond this hold the queue: a peer that never takes them gets no credit. */
const DIRECT_WAITING_MAX = 10_000;
const DIRECT_BYTES_MAX = 16_777_216;

/** Runs the turns of one session. */
export class Mailbox {
  /** Turns in which at least one handler ran, for the inspector. */
  turnCount = 0;
  /** Set while a handler is being started, up to its first await. */
  turn: RunningTurn | undefined;
  readonly #session: Session;
  readonly #codec: Codec;
  readonly #handlers: Handlers;
  readonly #owner: MailboxOwner;
  readonly #callee: Callee;
  readonly #replies: Replies;
  readonly #functions: Functions;
  readonly #validation: Validation | undefined;
  readonly #store: SharedStore;
  readonly #telemetry: Telemetry | undefined;
  /** Where calls that wait stand in a trace, by `epoch/seq`. */
  #traces: Map<string, Trace> | undefined;
  /** At the end that decides. */
  services: Services | undefined;
  readonly #limits: WireLimits;
  /** What `readNow` has read. */
  #ahead: unknown;
  readonly #queue = new Deque<Entry>();
  readonly #turnSlot: RunningTurn = { seq: 0, epoch: 0, from: undefined };
  #isOpen = false;
  #isClosed = false;
  #running = false;
  #isAdvancing = false;
  /** When the turn began or the last one ended: near enough for acks, and no look at the clock for each message. */
  #nowMs = 0;
  #afterClose: (() => void) | undefined;

  constructor(parts: MailboxParts, owner: MailboxOwner) {
    const { session, codec, handlers, callee, replies, functions, store, validation, telemetry, wire } = parts;
    this.#limits = wire;
    this.#store = store;
    this.#session = session;
    this.#codec = codec;
    this.#handlers = handlers;
    this.#callee = callee;
    this.#replies = replies;
    this.#functions = functions;
    this.#validation = validation;
    this.#telemetry = telemetry;
    this.#owner = owner;
  }

  /** Whether a handler runs now. */
  get isRunning(): boolean {
    return this.#running;
  }

  /** Whether no message waits and no handler runs. */
  get isIdle(): boolean {
    return !this.#running && this.#queue.length === 0;
  }

  /** Messages that wait. */
  get length(): number {
    return this.#queue.length;
  }

  /** Handlers are attached: what waits may run. */
  open(): void {
    this.#isOpen = true;
    this.#advance();
  }

  /** The session has ended: what waits is dropped; a handler that runs is left to end, then `settledLast` is called. */
  close(settledLast?: () => void): void {
    this.#isClosed = true;
    this.#queue.clear();
    this.#traces = undefined;
    this.#afterClose = settledLast;
  }

  /** Takes the message that the session has just received, at this time; its bytes are read or copied before this returns. */
  take(message: TakenMessage, nowMs: number): void {
    this.#nowMs = nowMs;
    const { kind, seq, bytes, start, end } = message;
    let { verdict } = message;
    const epoch = this.#session.epoch;
    if (message.trace !== undefined && this.#telemetry !== undefined) this.#keepTrace(seq, epoch, message.trace);
    if (this.#mayStart) {
      this.#start(kind, seq, epoch, verdict, bytes, start, end);
      return;
    }
    if (this.#isClosed) return;
    if (verdict === READ_AT_ONCE) verdict = 0;
    if (message.owned) this.#queue.push({ kind, seq, epoch, verdict, bytes, start, end });
    else this.#queue.push({ kind, seq, epoch, verdict, bytes: copyOf(bytes, start, end), start: 0, end: end - start });
  }

  /** Goes on after the peer took receipts. */
  resume(): void {
    if (this.#queue.length > 0) this.#advance();
  }

  /**
   * Reads a message that will be taken next, if it may start at once and is plain: then it is not scanned before, and its
   * verdict is `READ_AT_ONCE`. It is no longer than `shortBytesMax`.
   */
  readNow(bytes: Uint8Array, start: number, end: number): boolean {
    if (!this.#mayStart) return false;
    this.#ahead = readShort(bytes, start, end, this.#limits);
    return this.#ahead !== UNREAD;
  }

  get #mayStart(): boolean {
    if (!this.#isOpen || this.#running || this.#queue.length > 0 || this.#isClosed) return false;
    return !this.#isHeld;
  }

  get #isHeld(): boolean {
    const { direct } = this.#session.outlet;
    return direct.messages >= DIRECT_WAITING_MAX || direct.bytes >= DIRECT_BYTES_MAX;
  }

  /** Starts what waits. A turn that ends at once comes back here: the loop goes on, the stack does not grow. */
  #advance(): void {
    if (this.#isAdvancing) return;
    this.#nowMs = this.#owner.now();
    this.#isAdvancing = true;
    this.#startWaiting();
    this.#isAdvancing = false;
  }

  #startWaiting(): void {
    while (this.#isOpen && !this.#running && !this.#isClosed && this.#queue.length > 0) {
      if (this.#isHeld) return;
      const entry = this.#queue.shift();
      if (entry === undefined) return;
      this.#start(entry.kind, entry.seq, entry.epoch, entry.verdict, entry.bytes, entry.start, entry.end);
    }
  }

  /** Starts a turn. Seven arguments instead of an object: this is the path of every message. */
  #start(
    kind: number,
    seq: number,
    epoch: number,
    verdict: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    const size = end - start;
    let values: unknown[];
    try {
      const isPast = epoch !== this.#session.epoch;
      if (verdict === READ_AT_ONCE) {
        values = this.#ahead as unknown[];
        this.#ahead = undefined;
      } else if (kind < Kind.WRITE)
        values = this.#functions.decode(this.#codec, bytes, start, end, verdict, isPast) as unknown[];
      else values = this.#codec.decode(bytes, start, end, verdict) as unknown[];
    } catch (error) {
      if (kind === Kind.WRITE) this.#sendVerdict(seq, epoch, unreadable());
      if (kind === Kind.CALL) this.#takeTrace(seq, epoch);
      this.#settle(kind, seq, epoch, size, ReceiptStatus.FAILED, error);
      return;
    }
    if (kind === Kind.CALL) return this.#startCall(seq, epoch, size, values);
    if (kind === Kind.SERVICE) return this.#startService(seq, epoch, size, values);
    if (kind === Kind.WRITE) return this.#startWrite(seq, epoch, size, values, copyOf(bytes, start, end));
    if (kind === Kind.CHANGE) return this.#change(seq, epoch, size, values, copyOf(bytes, start, end));
    const from = kind === Kind.FORWARD ? nameOf(values.pop()) : undefined;
    const handlers = this.#handlers.of(values[0] as string);
    if (handlers === undefined) {
      this.#owner.unheard(values[0] as string);
      this.#settle(kind, seq, epoch, size, ReceiptStatus.NO_HANDLER, undefined);
      return;
    }
    this.turnCount += 1;
    this.#running = true;
    const only = handlers.length === 1 ? handlers[0] : undefined;
    if (only === undefined) {
      void this.#runAll(kind, seq, epoch, size, handlers, values, from);
      return;
    }
    let result: unknown;
    try {
      result = this.#call(only, values, seq, epoch, this.#validation?.event(values[0] as string), from);
    } catch (error) {
      this.#running = false;
      this.#settle(kind, seq, epoch, size, ReceiptStatus.FAILED, error);
      return;
    }
    if (!isThenable(result)) {
      this.#running = false;
      this.#settle(kind, seq, epoch, size, ReceiptStatus.OK, undefined);
      return;
    }
    this.#awaitTurn(result, kind, seq, epoch, size);
  }

  /** By itself, as the closures would cost every message. Whatever it is, it settles once, and later. */
  #awaitTurn(result: unknown, kind: number, seq: number, epoch: number, size: number): void {
    Promise.resolve(result).then(
      () => this.#settleLater(kind, seq, epoch, size, ReceiptStatus.OK, undefined),
      (error: unknown) => this.#settleLater(kind, seq, epoch, size, ReceiptStatus.FAILED, error),
    );
  }

  /** Several handlers listen: one after another, each awaited; a throw does not stop the next, the first one counts. */
  async #runAll(
    kind: number,
    seq: number,
    epoch: number,
    size: number,
    handlers: readonly Handler[],
    values: readonly unknown[],
    from: string | undefined,
  ): Promise<void> {
    let status: number = ReceiptStatus.OK;
    let first: unknown;
    for (const handler of handlers) {
      try {
        const result = this.#call(handler, values, seq, epoch, this.#validation?.event(values[0] as string), from);
        if (isThenable(result)) await result;
      } catch (error) {
        if (status === ReceiptStatus.OK) first = error;
        status = ReceiptStatus.FAILED;
      }
    }
    this.#settleLater(kind, seq, epoch, size, status, first);
  }

  /** A call counts as processed once it has started; what it comes to is a message of its own. */
  #startCall(seq: number, epoch: number, size: number, values: readonly unknown[]): void {
    const session = this.#session;
    const trace = this.#takeTrace(seq, epoch);
    const isCancelled = epoch === session.epoch && session.direct.takeCancel(seq);
    const refusal = isCancelled ? ResultStatus.CANCELLED : this.#callee.refusalOf(values[0] as string);
    if (refusal === undefined) {
      this.turnCount += 1;
      let isLater = false;
      const schema = this.#validation?.method(values[0] as string);
      const followed = this.#follow(values[0] as string, trace);
      const enter = (method: Method): unknown => {
        if (followed === undefined) return this.#call(method, values, seq, epoch, schema, undefined);
        return followed.run(() => this.#call(method, values, seq, epoch, schema, undefined));
      };
      this.#callee.start(values, seq, epoch, enter, (status, value) => {
        followed?.settled(status === ResultStatus.OK ? undefined : failureOf(status, value));
        this.#replies.send(Kind.RESULT, seq, epoch, status, value);
        if (isLater) this.#owner.settled();
      });
      isLater = true;
    } else this.#replies.send(Kind.RESULT, seq, epoch, refusal, undefined);
    if (this.#isClosed) return;
    if (epoch === session.epoch) session.processed(size, this.#nowMs);
    else session.settleOld(size, this.#nowMs);
  }

  #follow(method: string, trace: Trace | undefined): FollowedCall | undefined {
    const telemetry = this.#telemetry;
    if (telemetry === undefined && !isHeard(runChannels)) return undefined;
    const session = this.#session;
    const span = telemetry?.runs({ method, session }, trace);
    return new FollowedCall({ method, session, channels: runChannels, span, now: () => this.#owner.now() });
  }

  #keepTrace(seq: number, epoch: number, trace: Trace): void {
    if (this.#isClosed) return;
    this.#traces ??= new Map();
    this.#traces.set(`${epoch}/${seq}`, trace);
  }

  #takeTrace(seq: number, epoch: number): Trace | undefined {
    if (this.#traces === undefined) return undefined;
    const key = `${epoch}/${seq}`;
    const trace = this.#traces.get(key);
    this.#traces.delete(key);
    return trace;
  }

  /** The runtime itself is asked for something. The turn lasts as long as what comes after must wait. */
  #startService(seq: number, epoch: number, size: number, values: readonly unknown[]): void {
    const { services } = this;
    const answer = (status: number, value: unknown): void => {
      this.#replies.send(Kind.RESULT, seq, epoch, status, value);
      this.#owner.settled();
    };
    let hold: PromiseLike<unknown> | undefined;
    const enter = (): unknown => {
      const begun = services?.(values);
      if (begun === undefined) throw new HomingError('NoMethod', 'this server has no such service');
      hold = begun.hold;
      return begun.result;
    };
    if (!this.#callee.serve(seq, epoch, enter, answer)) {
      this.#replies.send(Kind.RESULT, seq, epoch, ResultStatus.TOO_MANY, undefined);
    }
    if (hold === undefined) return this.#settle(Kind.SERVICE, seq, epoch, size, ReceiptStatus.OK, undefined);
    this.#running = true;
    const done = (): void => this.#settleLater(Kind.SERVICE, seq, epoch, size, ReceiptStatus.OK, undefined);
    Promise.resolve(hold).then(done, done);
  }

  /** The peer asks for a write of the store: what comes after it sees it decided. */
  #startWrite(seq: number, epoch: number, size: number, values: readonly unknown[], payload: Uint8Array): void {
    const judged = this.#store.judge(values, payload, (refusal) => this.#sendVerdict(seq, epoch, refusal));
    if (!isThenable(judged)) return this.#settleWrite(seq, epoch, size, judged);
    this.#running = true;
    // It never rejects: a hook that throws is a refusal.
    void judged.then((fault) => {
      this.#nowMs = this.#owner.now();
      this.#running = false;
      this.#settleWrite(seq, epoch, size, fault);
      this.#advance();
      this.#owner.settled();
    });
  }

  #settleWrite(seq: number, epoch: number, size: number, fault: HookFault | undefined): void {
    const status = fault === undefined ? ReceiptStatus.OK : ReceiptStatus.FAILED;
    this.#settle(Kind.WRITE, seq, epoch, size, status, fault?.cause);
  }

  #sendVerdict(seq: number, epoch: number, refusal: HomingError | undefined): void {
    if (this.#isClosed || epoch !== this.#session.epoch) return;
    const error = refusal === undefined ? undefined : encodeError(refusal);
    this.#session.direct.sendVerdict(seq, this.#store.changeCount, error);
  }

  /** The end that decides tells of a change; one of a lost epoch changes nothing any more. */
  #change(seq: number, epoch: number, size: number, values: readonly unknown[], payload: Uint8Array): void {
    if (epoch === this.#session.epoch) this.#store.change(values, payload);
    this.#settle(Kind.CHANGE, seq, epoch, size, ReceiptStatus.OK, undefined);
  }

  /** Calls a handler or method as the turn that can be asked for; with a schema only when that lets the arguments pass. */
  #call(
    handler: Handler,
    values: readonly unknown[],
    seq: number,
    epoch: number,
    schema: Schema | undefined,
    from: string | undefined,
  ): unknown {
    if (schema === undefined) return this.#enter(handler, values, seq, epoch, from);
    const name = values[0] as string;
    const args = checked(schema, name, values.slice(1));
    if (!isThenable(args)) return this.#enter(handler, [name, ...args], seq, epoch, from);
    return args.then((passed) => this.#enter(handler, [name, ...passed], seq, epoch, from));
  }

  #enter(handler: Handler, values: readonly unknown[], seq: number, epoch: number, from: string | undefined): unknown {
    const slot = this.#turnSlot;
    slot.seq = seq;
    slot.epoch = epoch;
    slot.from = from;
    this.turn = slot;
    try {
      if (values.length === 2) return handler(values[1]);
      return handler(...values.slice(1));
    } finally {
      this.turn = undefined;
    }
  }

  #settleLater(kind: number, seq: number, epoch: number, size: number, status: number, error: unknown): void {
    this.#nowMs = this.#owner.now();
    this.#running = false;
    this.#settle(kind, seq, epoch, size, status, error);
    this.#advance();
    this.#owner.settled();
  }

  #settle(kind: number, seq: number, epoch: number, size: number, status: number, error: unknown): void {
    const session = this.#session;
    if (status === ReceiptStatus.FAILED) this.#owner.handlerFailed(error, `${session.id ?? 'new'}/${epoch}/${seq}`);
    if (this.#isClosed) {
      this.#afterClose?.();
      this.#afterClose = undefined;
      return;
    }
    if (epoch !== session.epoch) {
      session.settleOld(size, this.#nowMs);
      return;
    }
    session.processed(size, this.#nowMs);
    const errorItem = status === ReceiptStatus.FAILED && kind === Kind.DELIVER ? encodeError(error) : undefined;
    if (kind === Kind.DELIVER) session.direct.sendReceipt(seq, status, errorItem);
    else if (status === ReceiptStatus.FAILED && (kind === Kind.CALL || kind === Kind.SERVICE))
      this.#replies.send(Kind.RESULT, seq, epoch, ResultStatus.FAILED, error);
  }
}

function failureOf(status: number, value: unknown): unknown {
  return status === ResultStatus.FAILED ? value : new HomingError('Aborted', 'the caller gave this call up');
}

/** The session that a forwarded event comes from; undefined where a peer names none. */
function nameOf(from: unknown): string | undefined {
  return typeof from === 'string' ? from : undefined;
}

/** A write whose payload contradicts itself, which the scan cannot see. */
function unreadable(): HomingError {
  return new HomingError('WriteRefused', 'a write to the store that cannot be read');
}
