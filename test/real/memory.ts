/**
 * What a long run holds, early and late. Of a heap the lowest value of a phase is taken, as a collection has just left it then:
 * what lies above depends on when one looks, and asking for collections would change the run.
 */
import { getHeapStatistics } from 'node:v8';
import type { Worker } from 'node:worker_threads';

/** Bytes in the second tenth of a run, and in its last one. */
export interface EarlyAndLate {
  readonly early: number;
  readonly late: number;
}

type Phase = 'early' | 'late';

const EVERY_MS = 250;

/** Looks at this process and its worker threads until it is disposed of; `progress` is the share of the run that is over. */
export class Memory implements Disposable {
  readonly #progress: () => number;
  readonly #threads: () => Iterable<Worker>;
  /** The lowest of each phase, by the number of the thread; this one is 0. */
  readonly #heaps: Record<Phase, Map<number, number>> = { early: new Map(), late: new Map() };
  readonly #resident: Record<Phase, number> = { early: 0, late: 0 };
  readonly #timer: NodeJS.Timeout;

  constructor(progress: () => number, threads: () => Iterable<Worker>) {
    this.#progress = progress;
    this.#threads = threads;
    this.#timer = setInterval(() => this.#look(), EVERY_MS);
  }

  /** Heaps in use, of all threads together. 0 in a phase that was too short to look. */
  get heapBytes(): EarlyAndLate {
    const sumOf = (phase: Phase): number => [...this.#heaps[phase].values()].reduce((sum, bytes) => sum + bytes, 0);
    return { early: sumOf('early'), late: sumOf('late') };
  }

  /** Resident memory of the process, the lowest as well. 0 in a phase that was too short to look. */
  get rssBytes(): EarlyAndLate {
    return { ...this.#resident };
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const phase = phaseAt(this.#progress());
    if (phase === undefined) return;
    this.#resident[phase] = Math.min(this.#resident[phase] || Infinity, process.memoryUsage.rss());
    this.#note(phase, 0, getHeapStatistics().used_heap_size);
    for (const worker of this.#threads()) {
      const { threadId } = worker;
      worker.getHeapStatistics().then(
        ({ used_heap_size }) => this.#note(phase, threadId, used_heap_size),
        // It has ended meanwhile.
        () => {},
      );
    }
  }

  #note(phase: Phase, thread: number, bytes: number): void {
    const heaps = this.#heaps[phase];
    heaps.set(thread, Math.min(bytes, heaps.get(thread) ?? Infinity));
  }
}

function phaseAt(progress: number): Phase | undefined {
  if (progress >= 0.1 && progress < 0.2) return 'early';
  // What is over lets go of what it held.
  return progress >= 0.9 && progress < 1 ? 'late' : undefined;
}
