/**
 * How a thread is: that its loop turns, how long it stood still at most in the last seconds, and how much heap it uses. All of it
 * lies in the counters that the thread shares, so that asking costs the thread nothing.
 */
import { getHeapStatistics } from 'node:v8';
import { Count, type Tally } from './tally.ts';

/** The longest standstill is that of this window and of the one before: it can be seen for one window at least. */
const WINDOW_MS = 5_000;

/** The pulse of one thread. */
export class Pulse {
  readonly #tally: Tally;
  readonly #periodMs: number;
  #lastMs: number;
  #windowEndsAtMs: number;
  #longestMs = 0;
  #longestBeforeMs = 0;

  /** `beat` will be called every `periodMs`; `startedAtMs` in milliseconds since 1970. */
  constructor(
    tally: Tally,
    { periodMs, nowMs, startedAtMs }: { periodMs: number; nowMs: number; startedAtMs: number },
  ) {
    this.#tally = tally;
    this.#periodMs = periodMs;
    this.#lastMs = nowMs;
    this.#windowEndsAtMs = nowMs + WINDOW_MS;
    tally.set(Count.STARTED_SECONDS, startedAtMs / 1_000);
    tally.set(Count.HEAP_BYTES, getHeapStatistics().used_heap_size);
  }

  /** The loop turns. */
  beat(nowMs: number): void {
    const tally = this.#tally;
    tally.add(Count.BEATS, 1);
    this.#longestMs = Math.max(this.#longestMs, nowMs - this.#lastMs - this.#periodMs);
    this.#lastMs = nowMs;
    tally.set(Count.LOOP_LAG_SECONDS, Math.max(this.#longestMs, this.#longestBeforeMs) / 1_000);
    if (nowMs < this.#windowEndsAtMs) return;
    this.#windowEndsAtMs = nowMs + WINDOW_MS;
    this.#longestBeforeMs = this.#longestMs;
    this.#longestMs = 0;
    tally.set(Count.HEAP_BYTES, getHeapStatistics().used_heap_size);
  }
}

/** Takes the pulse of this thread from now on; the timer that is returned ends it. */
export function takePulse(tally: Tally, periodMs: number): NodeJS.Timeout {
  const pulse = new Pulse(tally, { periodMs, nowMs: performance.now(), startedAtMs: Date.now() });
  return setInterval(() => pulse.beat(performance.now()), periodMs);
}
