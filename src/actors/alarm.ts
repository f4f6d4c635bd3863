/** One timer that is set often and fires seldom: an earlier time re-arms it, a later one is looked at when it fires. */
import type { Clock } from './ports.ts';

/** Longest delay the clock takes; beyond it the alarm wakes early and sleeps again. */
const DELAY_MAX_MS = 2 ** 31 - 1;

/** Calls `ring` at the time set last, or somewhat later. */
export class Alarm {
  readonly #clock: Clock;
  readonly #ring: () => void;
  readonly #fire: () => void;
  #ticket: unknown;
  #armedAtMs = Infinity;
  #wantedMs = Infinity;

  constructor(clock: Clock, ring: () => void) {
    this.#clock = clock;
    this.#ring = ring;
    this.#fire = () => this.#wake();
  }

  /** Sets the time; Infinity means never. */
  set(atMs: number): void {
    this.#wantedMs = atMs;
    if (atMs < this.#armedAtMs) this.#arm(atMs);
  }

  /** Never rings again unless set. Clears the timer. */
  stop(): void {
    this.#wantedMs = Infinity;
    if (this.#armedAtMs === Infinity) return;
    this.#armedAtMs = Infinity;
    this.#clock.clearTimeout(this.#ticket);
    this.#ticket = undefined;
  }

  #arm(atMs: number): void {
    if (this.#armedAtMs !== Infinity) this.#clock.clearTimeout(this.#ticket);
    this.#armedAtMs = atMs;
    const delayMs = Math.min(DELAY_MAX_MS, Math.max(0, Math.ceil(atMs - this.#clock.now())));
    this.#ticket = this.#clock.setTimeout(this.#fire, delayMs);
  }

  #wake(): void {
    this.#armedAtMs = Infinity;
    this.#ticket = undefined;
    if (this.#wantedMs === Infinity) return;
    if (this.#clock.now() < this.#wantedMs) {
      this.#arm(this.#wantedMs);
      return;
    }
    this.#wantedMs = Infinity;
    this.#ring();
  }
}
