/**
 * The calls that this end makes, of methods and of passed functions: each is a wait that its result ends. One that was
 * given up after it was written keeps its place until the peer has answered.
 */
import { HomingError, type Outcome, isErrorCode } from '../errors.ts';
import { ReadItem, ResultStatus, TARGET_BYTES } from '../session/calls.ts';
import { Numbered } from '../session/numbered.ts';
import type { OutletOutput } from '../session/outlet.ts';
import type { Session } from '../session/session.ts';
import type { Codec } from '../wire/codec.ts';
import { Kind } from '../wire/frame.ts';
import { encodeTrace } from '../wire/control.ts';
import { channels } from './channels.ts';
import { describeError, remoteError } from './describe.ts';
import { FollowedCall, isHeard } from './followed-call.ts';
import type { Functions } from './functions.ts';
import type { Sender } from './sender.ts';
import type { Telemetry } from './telemetry.ts';
import { NO_WAIT, type Wait, type Waits } from './waits.ts';

/** What a caller works with; all of one session. */
export interface CallerParts {
  readonly session: Session;
  readonly codec: Codec;
  readonly sender: Sender;
  readonly waits: Waits;
  readonly functions: Functions;
  /** Calls that may be in flight. */
  readonly callsInFlight: number;
  /** Deadline of a call unless its caller says otherwise, in milliseconds with a connection. */
  readonly callDeadlineMs: number;
  readonly telemetry?: Telemetry | undefined;
}

const callChannels = { start: channels['homing:call:start'], settled: channels['homing:call:settled'] };

/** What a caller asks of its session's actor. */
export interface CallerOwner {
  /** Throws `Closed`; `isOfRun` as for `Caller.call`. */
  requireOpen(isOfRun: boolean): void;
  /** Something was accepted; `isCall` as for `SenderOwner`. */
  accepted(isCall: boolean): void;
  /** Nobody waits under this token any more. */
  giveUp(token: number): Outcome;
  /** The time, in milliseconds. */
  now(): number;
}

/** The calls of one end of a session. */
export class Caller {
  readonly #parts: CallerParts;
  readonly #owner: CallerOwner;
  /** Calls that somebody waits for; made for the first one. */
  #tokens: Numbered<true> | undefined;
  // Made for the first call.
  #giveUpLater: ((token: number) => Outcome) | undefined;
  #usualWait: Wait | undefined;

  constructor(parts: CallerParts, owner: CallerOwner) {
    this.#parts = parts;
    this.#owner = owner;
  }

  /** Calls without a result, given up ones included. */
  get inFlightCount(): number {
    return (this.#tokens?.size ?? 0) + this.#parts.session.outlet.abandonedCallCount;
  }

  /**
   * Calls a method of the peer with `[method, ...args]`. `isOfRun`: made by a running `establish`, whose calls go on while
   * the session is being closed, as those of a running handler do.
   */
  call(message: readonly unknown[], wait: Wait, isOfRun: boolean): Promise<unknown> {
    const isFollowed = this.#parts.telemetry !== undefined || isHeard(callChannels);
    return isFollowed ? this.#follow(message, wait, isOfRun) : this.#ask(Kind.CALL, message, wait, isOfRun, undefined);
  }

  /** Asks for something that the runtime of the peer does: `[service, ...args]`. */
  async serve(message: readonly unknown[], wait: Wait): Promise<unknown> {
    try {
      return await this.#ask(Kind.SERVICE, message, wait, false, undefined);
    } catch (error) {
      throw plainRefusal(error);
    }
  }

  /** Calls a function that the peer has passed. */
  apply(target: number, args: readonly unknown[], wait: Wait = {}): Promise<unknown> {
    const { session, codec, functions } = this.#parts;
    const begin = (token: number): void => {
      this.#owner.requireOpen(false);
      this.#requireSlot('a passed function');
      functions.encode(codec, args, 'arguments');
      const bytesMax = session.outlet.messageBytesMax - TARGET_BYTES;
      const bytes = codec.end - codec.start;
      if (bytes > bytesMax) {
        functions.refused();
        const sentence = `a passed function: expected arguments of at most ${bytesMax} bytes, got ${bytes}`;
        throw new HomingError('MessageTooLarge', sentence);
      }
      functions.acceptedDirect(token);
      session.direct.sendApply(target, codec.scratch, codec.start, codec.end, token);
      (this.#tokens ??= new Numbered()).set(token, true);
      this.#owner.accepted(false);
    };
    return this.#start('a passed function', wait, begin);
  }

  /** A call was answered. */
  answered({ token, status, item }: Extract<OutletOutput, { type: 'result' }>): void {
    const { waits, codec, functions } = this.#parts;
    functions.settledDirect(token);
    if (!this.#drop(token)) {
      if (item instanceof Uint8Array) functions.discard(codec, item);
      return;
    }
    if (item instanceof ReadItem) return waits.resolve(token, item.value);
    const method = waits.whatOf(token) ?? 'call';
    if (status !== ResultStatus.OK || item === undefined) waits.reject(token, this.#refusalOf(method, status, item));
    else this.#resolve(token, method, item);
  }

  /** A call will not be answered: its message or its epoch is gone. The wait is the caller's to reject. */
  forget(token: number): void {
    this.#drop(token);
    this.#parts.functions.settledDirect(token);
  }

  /** There was no connection for as long as the peer keeps the session: what became of written calls will not be known. */
  lingerOver(): void {
    const { session, waits } = this.#parts;
    for (const token of session.outlet.writtenCallTokens()) {
      const sentence = `${waits.whatOf(token) ?? 'call'}: no connection came back within the linger time`;
      const error = new HomingError('OutcomeUnknown', sentence, { outcome: 'unknown' });
      this.#giveUp(token);
      waits.reject(token, error);
    }
  }

  // ---- below

  async #follow(message: readonly unknown[], wait: Wait, isOfRun: boolean): Promise<unknown> {
    const { session, telemetry } = this.#parts;
    const method = String(message[0]);
    const span = telemetry?.calls({ method, session });
    const now = (): number => this.#owner.now();
    const call = new FollowedCall({ method, session, channels: callChannels, span, now });
    const trace = span?.trace === undefined ? undefined : encodeTrace(span.trace);
    try {
      const value = await this.#ask(Kind.CALL, message, wait, isOfRun, trace);
      call.settled(undefined);
      return value;
    } catch (error) {
      call.settled(error);
      throw error;
    }
  }

  /** Nobody waits for this call any more. False: nobody did. */
  #drop(token: number): boolean {
    const { telemetry, session } = this.#parts;
    if (telemetry !== undefined) session.outlet.untrace(token);
    return this.#tokens?.delete(token) === true;
  }

  #ask(
    kind: number,
    message: readonly unknown[],
    wait: Wait,
    isOfRun: boolean,
    trace: Uint8Array | undefined,
  ): Promise<unknown> {
    const begin = (token: number): void => {
      this.#owner.requireOpen(isOfRun);
      this.#requireSlot(String(message[0]));
      // First: over a line within this process the answer may be there before this returns.
      (this.#tokens ??= new Numbered()).set(token, true);
      if (trace !== undefined) this.#parts.session.outlet.trace(token, trace);
      try {
        this.#parts.sender.enqueue(kind, message, token);
      } catch (error) {
        this.#drop(token);
        throw error;
      }
    };
    return this.#start(String(message[0]), wait, begin);
  }

  #start(what: string, wait: Wait, begin: (token: number) => void): Promise<unknown> {
    this.#giveUpLater ??= (token) => this.#giveUp(token);
    return this.#parts.waits.start(what, this.#waitOf(wait), begin, this.#giveUpLater);
  }

  /** Most calls say nothing of how they wait: they share what is said then. */
  #waitOf(wait: Wait): Wait {
    const { timeoutMs = this.#parts.callDeadlineMs, clock = 'up', signal } = wait;
    if (wait !== NO_WAIT) return { timeoutMs, clock, signal };
    this.#usualWait ??= { timeoutMs, clock };
    return this.#usualWait;
  }

  #giveUp(token: number): Outcome {
    this.#drop(token);
    const outcome = this.#owner.giveUp(token);
    if (outcome === 'never-sent') this.#parts.functions.takenBackDirect(token);
    else this.#parts.functions.settledDirect(token);
    return outcome;
  }

  #requireSlot(what: string): void {
    const { callsInFlight } = this.#parts;
    if (this.inFlightCount < callsInFlight) return;
    const sentence = `${what}: expected fewer than ${callsInFlight} calls in flight (limits.callsInFlight)`;
    throw new HomingError('TooManyCalls', sentence, { outcome: 'never-sent' });
  }

  #resolve(token: number, method: string, item: Uint8Array): void {
    const { waits } = this.#parts;
    let value: unknown;
    try {
      value = this.#decode(item);
    } catch (error) {
      const sentence = `the result of ${method} contradicts itself`;
      waits.reject(token, new HomingError('HandlerFailed', sentence, { cause: error }));
      return;
    }
    waits.resolve(token, value);
  }

  #refusalOf(method: string, status: number, item: Uint8Array | undefined): HomingError {
    switch (status) {
      case ResultStatus.NO_METHOD:
        return new HomingError('NoMethod', `the peer has no method ${method}`);
      case ResultStatus.TOO_MANY:
        return new HomingError('TooManyCalls', `${method}: too many calls run at the peer already`);
      case ResultStatus.FAILED:
        return remoteError(method, item === undefined ? undefined : this.#decodeError(item));
      default:
        return new HomingError('OutcomeUnknown', `${method}: the peer says that it was cancelled`, {
          outcome: 'unknown',
        });
    }
  }

  #decode(item: Uint8Array): unknown {
    return this.#parts.functions.decode(this.#parts.codec, item, 0, item.length, 1, false);
  }

  #decodeError(item: Uint8Array): unknown {
    try {
      return this.#decode(item);
    } catch {
      return undefined;
    }
  }
}

/** A service is code of ours: what it throws is the error itself, not that of a handler. */
function plainRefusal(error: unknown): unknown {
  if (!(error instanceof HomingError) || error.code !== 'HandlerFailed') return error;
  const { message, code } = describeError(error.cause);
  return isErrorCode(code) ? new HomingError(code, message) : error;
}
