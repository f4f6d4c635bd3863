/** What somebody waits for: promises by token, each with an optional deadline and signal, so that none is ever lost. */
import { type ErrorCode, HomingError, type Outcome } from '../errors.ts';
import type { Clock } from './ports.ts';

/** How long to wait at most, in milliseconds, and what may end the wait early. */
export interface Wait {
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

interface Waiting {
  readonly what: string;
  readonly resolve: (value: never) => void;
  readonly reject: (error: Error) => void;
  readonly clear: () => void;
}

/** Called when a wait ends early; tells what is known of the message behind it. */
type GiveUp = (token: number) => Outcome | undefined;

/** The waits of one session. */
export class Waits {
  readonly #clock: Clock;
  readonly #waiting = new Map<number, Waiting>();
  #token = 0;

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
    this.#token += 1;
    const token = this.#token;
    return new Promise<Value>((resolve, reject) => {
      const abort = (): void => this.#end(token, 'Aborted', 'the signal was aborted', giveUp, signal?.reason);
      const late = (): void => {
        if (binds === undefined || binds()) this.#end(token, 'Deadline', `${timeoutMs} ms are over`, giveUp, undefined);
      };
      const timer =
        timeoutMs === undefined || timeoutMs === Infinity ? undefined : this.#clock.setTimeout(late, timeoutMs);
      signal?.addEventListener('abort', abort, { once: true });
      const clear = (): void => {
        if (timer !== undefined) this.#clock.clearTimeout(timer);
        signal?.removeEventListener('abort', abort);
      };
      this.#waiting.set(token, { what, resolve, reject, clear });
      try {
        begin(token);
      } catch (error) {
        this.reject(token, error as Error);
      }
    });
  }

  /** The wait is over and this is its value. */
  resolve(token: number, value?: unknown): void {
    this.#take(token)?.resolve(value as never);
  }

  /** Every wait is over, in the order in which they began. */
  resolveAll(): void {
    for (const token of this.#waiting.keys()) this.resolve(token);
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

  #take(token: number): Waiting | undefined {
    const waiting = this.#waiting.get(token);
    if (waiting === undefined) return undefined;
    this.#waiting.delete(token);
    waiting.clear();
    return waiting;
  }
}
