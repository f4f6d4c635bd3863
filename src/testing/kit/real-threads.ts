/** Threads of shards as they are started, so that a run can end them in the middle of everything. */
import type { Worker } from 'node:worker_threads';

/** The threads that this one has started since; dispose of it when the run is over. */
export class RealThreads implements Disposable {
  readonly #living = new Set<Worker>();
  readonly #begun = (worker: Worker): void => {
    this.#living.add(worker);
    worker.once('exit', () => this.#living.delete(worker));
  };

  constructor() {
    process.on('worker', this.#begun);
  }

  /** Ends one of them without a word; the number picks it. False: there is none. */
  end(number: number): boolean {
    const worker = [...this.#living][number % Math.max(1, this.#living.size)];
    if (worker === undefined) return false;
    this.#living.delete(worker);
    void worker.terminate();
    return true;
  }

  /** Ends all of them. */
  endAll(): boolean {
    const { size } = this.#living;
    for (let count = 0; count < size; count += 1) this.end(0);
    return size > 0;
  }

  [Symbol.dispose](): void {
    process.off('worker', this.#begun);
  }
}
