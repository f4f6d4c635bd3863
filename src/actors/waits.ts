/** What somebody waits for: promises by token, each with an optional deadline and signal, so that none is ever lost. */
import { type ErrorCode, HomingError, type Outcome } from '../errors.ts';
import type { Clock } from './ports.ts';

/** How long to wait at most, in milliseconds, and what may end the wait early. */
export interface Wait {
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** What the deadline of a call counts: the time with a live connection ('up', unless said otherwise), or all time. */
  readonly clock?: 'up' | 'wall' | undefined;
}

interface Waiting {
  readonly what: string;
  readonly resolve: (value: never) => void;
  readonly reject: (error: Error) => void;
  readonly clear: () => void;
  /** Set for a deadline that stands still while there is no connection. */
  readonly pace: Pace | undefined;
}

interface Pace {
  leftMs: number;
  sinceMs: number;
  timer: unknown;
  readonly late: () => void;
}

/** Called when a wait ends early; tells what is known of the message behind it. */
type GiveUp = (token: number) => Outcome | undefined;

/** The waits of one session. */
export class Waits {
  readonly #clock: Clock;
  readonly #waiting = new Map<number, Waiting>();
  #token = 0;
  #isPaused = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How many wait. */
  get size(): number {
    return this.#waiting.size;
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
    return new Promise<Value>((resolve, reject) => {
      const abort = (): void => this.#end(token, 'Aborted', 'the signal was aborted', giveUp, signal?.reason);
      const late = (): void => {
        if (binds === undefined || binds()) this.#end(token, 'Deadline', `${timeoutMs} ms are over`, giveUp, undefined);
      };
      const limitMs = timeoutMs === Infinity ? undefined : timeoutMs;
      const isPaced = wait.clock === 'up' && limitMs !== undefined;
      const pace = isPaced ? { leftMs: limitMs, sinceMs: 0, timer: undefined, late } : undefined;
      const timer = isPaced || limitMs === undefined ? undefined : this.#clock.setTimeout(late, limitMs);
      if (pace !== undefined && !this.#isPaused) this.#arm(pace);
      signal?.addEventListener('abort', abort, { once: true });
      const clear = (): void => {
        if (timer !== undefined) this.#clock.clearTimeout(timer);
        if (pace?.timer !== undefined) this.#clock.clearTimeout(pace.timer);
        signal?.removeEventListener('abort', abort);
      };
      this.#waiting.set(token, { what, resolve, reject, clear, pace });
      try {
        begin(token);
      } catch (error) {
        this.reject(token, error as Error);
      }
    });
  }

  /** There is no connection, or there is one again: deadlines on the clock 'up' stand still, or go on with what is left. */
  pause(isPaused: boolean): void {
    if (this.#isPaused === isPaused) return;
    this.#isPaused = isPaused;
    for (const { pace } of this.#waiting.values()) {
      if (pace === undefined) continue;
      if (isPaused) this.#halt(pace);
      else this.#arm(pace);
    }
  }

  /** The wait is over and this is its value. */
  resolve(token: number, value?: unknown): void {
    this.#take(token)?.resolve(value as never);
  }

  /** Every wait is over with this value, in the order in which they began. */
  resolveAll(value?: unknown): void {
    for (const token of this.#waiting.keys()) this.resolve(token, value);
  }

  /** The wait has failed. */
  reject(token: number, error: Error): void {
    this.#take(token)?.reject(error);
  }

  /** What a token waits for, in words. */
  whatOf(token: number): string | undefined {
    return this.#waiting.get(token)?.what;
  }

  /** Ends every wait with this error; the session is over. */
  rejectAll(error: (what: string) => Error): void {
    for (const [token, waiting] of this.#waiting) this.reject(token, error(waiting.what));
  }

  #end(token: number, code: ErrorCode, why: string, giveUp: GiveUp, cause: unknown): void {
    const waiting = this.#take(token);
    if (waiting === undefined) return;
    waiting.reject(this.#early(code, waiting.what, why, giveUp(token), cause));
  }

  #early(code: ErrorCode, what: string, why: string, outcome: Outcome | undefined, cause: unknown): HomingError {
    return new HomingError(code, `${what}: ${why}`, { outcome, ...(cause === undefined ? {} : { cause }) });
  }

  #arm(pace: Pace): void {
    pace.sinceMs = this.#clock.now();
    pace.timer = this.#clock.setTimeout(pace.late, pace.leftMs);
  }

  #halt(pace: Pace): void {
    if (pace.timer !== undefined) this.#clock.clearTimeout(pace.timer);
    pace.timer = undefined;
    pace.leftMs = Math.max(0, pace.leftMs - (this.#clock.now() - pace.sinceMs));
  }

  #take(token: number): Waiting | undefined {
    const waiting = this.#waiting.get(token);
    if (waiting === undefined) return undefined;
    this.#waiting.delete(token);
    waiting.clear();
    return waiting;
  }
}
