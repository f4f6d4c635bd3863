/** What somebody waits for: promises by token, each with an optional deadline and signal, so that none is ever lost. */
import { type ErrorCode, HomingError, type Outcome } from '../errors.ts';
import { Numbered } from '../session/numbered.ts';
import { Alarm } from './alarm.ts';
import type { Clock } from './ports.ts';

/** How long to wait at most, in milliseconds, and what may end the wait early. */
export interface Wait {
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** What the deadline of a call counts: the time with a live connection ('up', unless said otherwise), or all time. */
  readonly clock?: 'up' | 'wall' | undefined;
}

/** A wait of which nothing is said. */
export const NO_WAIT: Wait = Object.freeze({});

interface Waiting {
  readonly what: string;
  readonly resolve: (value: never) => void;
  readonly reject: (error: Error) => void;
  readonly giveUp: GiveUp;
  /** What few have. */
  readonly more:
    | {
        readonly binds: (() => boolean) | undefined;
        readonly signal: AbortSignal | undefined;
        readonly abort: () => void;
      }
    | undefined;
  readonly timeoutMs: number | undefined;
  /** Whether the deadline stands still while there is no connection. */
  readonly isPaced: boolean;
  /** When it is over, on the clock that it counts; Infinity: never. */
  dueMs: number;
}

/** Called when a wait ends early; tells what is known of the message behind it. */
type GiveUp = (token: number) => Outcome | undefined;

/** The waits of one session. One timer serves them all: most end long before their deadline, and a timer each costs. */
export class Waits {
  readonly #clock: Clock;
  /** Made for the first deadline. */
  #alarm: Alarm | undefined;
  /** Made for the first one. */
  #waiting: Numbered<Waiting> | undefined;
  #token = 0;
  #isPaused = false;
  /** Waits of a session: it was said once whether there is a connection. */
  #isOfSession = false;
  /** Time with a connection, in milliseconds: what was counted, and since when more of it counts. */
  #upMs = 0;
  #upSinceMs = 0;
  /** The time that the alarm is set to. */
  #ringsAtMs = Infinity;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#upSinceMs = clock.now();
  }

  /** How many wait. */
  get size(): number {
    return this.#waiting?.size ?? 0;
  }

  /**
   * Starts a wait. `begin` gets the token and may throw, which rejects; `giveUp` is called at the deadline or abort. A
   * deadline that no longer `binds` when it comes is ignored: the wait goes on without one.
   */
  start<Value>(
    what: string,
    wait: Wait,
    begin: (token: number) => void,
    giveUp: GiveUp,
    binds?: () => boolean,
  ): Promise<Value> {
    const { timeoutMs, signal } = wait;
    if (signal?.aborted === true) {
      return Promise.reject(this.#early('Aborted', what, 'the signal was aborted before', 'never-sent', signal.reason));
    }
    if (timeoutMs !== undefined && !(typeof timeoutMs === 'number' && timeoutMs >= 0)) {
      return Promise.reject(new HomingError('BadOption', `expected timeoutMs of 0 or more, got ${String(timeoutMs)}`));
    }
    if (wait.clock !== undefined && wait.clock !== 'up' && wait.clock !== 'wall') {
      return Promise.reject(new HomingError('BadOption', `expected clock 'up' or 'wall', got ${String(wait.clock)}`));
    }
    this.#token += 1;
    const token = this.#token;
    const { promise, resolve, reject } = Promise.withResolvers<Value>();
    const more = signal === undefined && binds === undefined ? undefined : this.#more(token, signal, binds);
    const isPaced = wait.clock === 'up';
    const dueMs = timeoutMs === undefined ? Infinity : timeoutMs + (isPaced ? this.#upNowMs() : this.#clock.now());
    const waiting = { what, resolve, reject, giveUp, more, timeoutMs, isPaced, dueMs };
    (this.#waiting ??= new Numbered()).set(token, waiting);
    this.#plan(waiting);
    try {
      begin(token);
    } catch (error) {
      this.reject(token, error as Error);
    }
    return promise;
  }

  /** By itself, as its closure would cost every wait. */
  #more(token: number, signal: AbortSignal | undefined, binds: (() => boolean) | undefined) {
    const abort = (): void => this.#end(token, 'Aborted', 'the signal was aborted', signal?.reason);
    signal?.addEventListener('abort', abort, { once: true });
    return { binds, signal, abort };
  }

  /** There is no connection, or there is one again: deadlines on the clock 'up' stand still, or go on with what is left. */
  pause(isPaused: boolean): void {
    this.#isOfSession = true;
    if (this.#isPaused === isPaused) return;
    this.#upMs = this.#upNowMs();
    this.#upSinceMs = this.#clock.now();
    this.#isPaused = isPaused;
    this.#planAll();
  }

  /** The wait is over and this is its value. */
  resolve(token: number, value?: unknown): void {
    this.#take(token)?.resolve(value as never);
  }

  /** Every wait is over with this value, in the order in which they began. */
  resolveAll(value?: unknown): void {
    for (const [token] of this.#waiting?.entries() ?? []) this.resolve(token, value);
  }

  /** The wait has failed. */
  reject(token: number, error: Error): void {
    this.#take(token)?.reject(error);
  }

  /** What a token waits for, in words. */
  whatOf(token: number): string | undefined {
    return this.#waiting?.get(token)?.what;
  }

  /** Ends every wait with this error; the session is over. */
  rejectAll(error: (what: string) => Error): void {
    for (const [token, waiting] of this.#waiting?.entries() ?? []) this.reject(token, error(waiting.what));
    this.#rest();
  }

  #end(token: number, code: ErrorCode, why: string, cause: unknown): void {
    const waiting = this.#take(token);
    if (waiting === undefined) return;
    waiting.reject(this.#early(code, waiting.what, why, waiting.giveUp(token), cause));
  }

  #early(code: ErrorCode, what: string, why: string, outcome: Outcome | undefined, cause: unknown): HomingError {
    return new HomingError(code, `${what}: ${why}`, { outcome, ...(cause === undefined ? {} : { cause }) });
  }

  #upNowMs(): number {
    return this.#isPaused ? this.#upMs : this.#upMs + this.#clock.now() - this.#upSinceMs;
  }

  #plan({ isPaced, dueMs }: Waiting): void {
    if (dueMs === Infinity || (isPaced && this.#isPaused)) return;
    const atMs = isPaced ? this.#upSinceMs + dueMs - this.#upMs : dueMs;
    if (atMs >= this.#ringsAtMs) return;
    this.#ringsAtMs = atMs;
    this.#alarm ??= new Alarm(this.#clock, () => this.#ring());
    this.#alarm.set(atMs);
  }

  #planAll(): void {
    this.#rest();
    for (const [, waiting] of this.#waiting?.entries() ?? []) this.#plan(waiting);
  }

  #rest(): void {
    this.#ringsAtMs = Infinity;
    this.#alarm?.stop();
  }

  /** The earliest deadline that was set is there; who set it may have what it waited for. */
  #ring(): void {
    const nowMs = this.#clock.now();
    const upNowMs = this.#upNowMs();
    const all = this.#waiting?.entries() ?? [];
    const late = all.filter(([, { isPaced, dueMs }]) => dueMs <= (isPaced ? upNowMs : nowMs));
    for (const [token, waiting] of late) {
      waiting.dueMs = Infinity;
      if (waiting.more?.binds?.() === false) continue;
      this.#end(token, 'Deadline', `${waiting.timeoutMs} ms are over`, undefined);
    }
    this.#planAll();
  }

  #take(token: number): Waiting | undefined {
    const waiting = this.#waiting?.get(token);
    if (waiting === undefined) return undefined;
    this.#waiting?.delete(token);
    if (waiting.more !== undefined) waiting.more.signal?.removeEventListener('abort', waiting.more.abort);
    // With a connection the next wait is near, and the timer keeps nobody alive who is not alive anyway.
    if (this.size === 0 && (this.#isPaused || !this.#isOfSession)) this.#rest();
    return waiting;
  }
}
