/** What code of the user is doing in a run: handlers, methods and steps that have begun and not ended. */

/** The process whose code it is. */
export interface JobHost {
  readonly name: string;
  readonly isAlive: boolean;
  readonly clock: { now(): number };
}

/** Something that has begun. */
export interface Job {
  readonly host: JobHost;
  readonly what: string;
  readonly messageId: string | undefined;
  readonly sinceMs: number;
}

/** The jobs of one run. */
export class Work {
  readonly #ended: (job: Job) => void;
  readonly #open = new Set<Job>();

  /** `ended` hears of all jobs that end later than they began. */
  constructor(ended: (job: Job) => void) {
    this.#ended = ended;
  }

  /** Jobs of living processes, oldest first. */
  get open(): readonly Job[] {
    return [...this.#open].filter(({ host }) => host.isAlive);
  }

  /** Counts a promise of the user as open until it has settled. */
  track(host: JobHost, what: string, messageId: string | undefined, promise: PromiseLike<unknown>): void {
    const job: Job = { host, what, messageId, sinceMs: host.clock.now() };
    const end = (): void => {
      if (this.#open.delete(job) && host.isAlive) this.#ended(job);
    };
    this.#open.add(job);
    promise.then(end, end);
  }

  /** Nothing of this run counts any more. */
  clear(): void {
    this.#open.clear();
  }
}

/** Whether something can be waited for. */
export function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';
}
