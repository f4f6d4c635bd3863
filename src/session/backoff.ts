/**
 * Backoff as a value: ask it for a delay, get the delay and the next value. First a short random wait, then full jitter
 * over a doubling range (AWS Architecture Blog, "Exponential Backoff And Jitter"). Chance is an argument.
 */

/** Settings in milliseconds. */
export interface BackoffOptions {
  readonly firstMs: number;
  readonly baseMs: number;
  readonly maxMs: number;
}

/** How many redials were planned since the last reset. */
export interface Backoff {
  readonly options: BackoffOptions;
  readonly attemptCount: number;
}

/** A backoff at its beginning. */
export function freshBackoff(options: BackoffOptions): Backoff {
  return { options, attemptCount: 0 };
}

/** The same backoff after a connection that proved itself. */
export function resetBackoff(backoff: Backoff): Backoff {
  return backoff.attemptCount === 0 ? backoff : freshBackoff(backoff.options);
}

/** The next delay for `chance` in [0, 1); a server's retry-after comes on top, so that those it sent away spread. */
export function nextDelay(backoff: Backoff, chance: number, retryAfterMs = 0): { delayMs: number; next: Backoff } {
  const { firstMs, baseMs, maxMs } = backoff.options;
  const rangeMs = backoff.attemptCount === 0 ? firstMs : Math.min(maxMs, baseMs * 2 ** (backoff.attemptCount - 1));
  const next = { options: backoff.options, attemptCount: backoff.attemptCount + 1 };
  return { delayMs: retryAfterMs + chance * rangeMs, next };
}
