/** Counts what a receiver gets, and its rate once the code is warm: the same for every contestant. */

/** Not counted in the rate: the time in which the engine compiles. */
const WARM_MS = 1_000;
/** Messages between two looks at the clock. */
const LOOK_EVERY = 1_024;

/** One stream at its receiver. */
export class Meter {
  count = 0;
  sum = 0;
  #startedMs = 0;
  #warmMs = 0;
  #warmCount = 0;

  /** A message came. */
  take(id: number): void {
    this.sum += id;
    if (this.count % LOOK_EVERY === 0) this.#look();
    this.count += 1;
  }

  /** Messages a second since the code was warm. */
  rate(): number {
    return ((this.count - this.#warmCount) / (performance.now() - this.#warmMs)) * 1_000;
  }

  #look(): void {
    const nowMs = performance.now();
    if (this.count === 0) this.#startedMs = nowMs;
    if (this.#warmMs > 0 || nowMs - this.#startedMs < WARM_MS) return;
    this.#warmMs = nowMs;
    this.#warmCount = this.count;
  }
}
