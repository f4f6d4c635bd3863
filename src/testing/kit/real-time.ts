/** Real time of one run: milliseconds since it began, and timers that end with it. */

const LOOK_MS = 5;

/** The clock of a run on real sockets. */
export class RealTime {
  readonly #beginMs = performance.now();
  readonly #timers = new Set<NodeJS.Timeout>();

  /** Milliseconds since the run began. */
  get nowMs(): number {
    return performance.now() - this.#beginMs;
  }

  /** Does something after this time, unless `clear` comes before. */
  later(ms: number, task: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      task();
    }, ms);
    this.#timers.add(timer);
  }

  /** Does something now and then. */
  nowAndThen(task: () => void): void {
    this.#timers.add(setInterval(task, LOOK_MS));
  }

  wait(ms: number): Promise<void> {
    return new Promise((resolve) => this.later(ms, resolve));
  }

  /** Waits until something is so, at most for this long; tells whether it came to be so. */
  async until(isThere: () => boolean, withinMs: number): Promise<boolean> {
    const endMs = this.nowMs + withinMs;
    for (; !isThere(); await this.wait(LOOK_MS)) if (this.nowMs >= endMs) return false;
    return true;
  }

  /** No timer fires any more. */
  clear(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }
}
