/**
 * Worker threads through Piscina, which only this file knows. Each thread is a Piscina of its own with room for one
 * thread: in a shared one nobody can tell which thread took which task, a place counts as free while the old thread
 * still runs, abortable tasks pass its bound, and what waits is stuck when the thread that should take it ends first.
 */
import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';
import { MessagePort, type ResourceLimits, type Transferable, type Worker } from 'node:worker_threads';
import { Piscina } from 'piscina';
import { HomingError, invariant } from '../errors.ts';

/** What a pool is made of. */
export interface PoolOptions {
  /** A module whose default export is the function that each thread runs, as a `file:` URL. */
  readonly entry: URL;
  /** How many threads there may be at a time; one that was killed counts until it is gone. */
  readonly threads: number;
  /** Bounds on the memory of each thread; over one, the thread ends with `ERR_WORKER_OUT_OF_MEMORY`. */
  readonly resourceLimits?: ResourceLimits | undefined;
}

/** A thread that runs one task which does not return. */
export interface PoolThread {
  /**
   * Resolves when the thread is really gone, never earlier and never with a rejection: undefined after `kill()`, else the
   * error that ended it. A task that returns ends its thread too, which is an error as well.
   */
  readonly exited: Promise<Error | undefined>;
  /** Ends it, wherever it is: a loop, a regular expression, its own start. May be called again. */
  kill(): void;
  /** Whether this thread keeps the process alive; it does at first. Takes effect once the thread has loaded its entry. */
  ref(alive: boolean): void;
}

/** Threads of which each runs one task for as long as it lives. */
export interface ShardPool {
  /**
   * Starts a fresh thread that calls the entry with a copy of the input. What is in `transfer` belongs to the thread
   * afterwards: ports that it never came to take are closed when it is gone, so that their other ends hear of it.
   * Throws `Closed` after `close()`, and `InvariantBroken` while all `threads` are taken.
   */
  start(input: unknown, transfer?: readonly Transferable[]): PoolThread;
  /** Ends all threads; resolves when they are gone. */
  close(): Promise<void>;
}

/** Opens a pool for tasks that do not return. No thread is started before the first `start`. */
export function openShardPool(options: PoolOptions): ShardPool {
  const threads = new Set<Thread>();
  let isClosed = false;
  return {
    start(input, transfer = []) {
      if (isClosed) throw new HomingError('Closed', 'expected an open pool of threads, it was closed');
      const { size } = threads;
      invariant(size < options.threads, `expected fewer than ${options.threads} threads at a start, got ${size}`);
      const thread = new Thread(options);
      threads.add(thread);
      void thread.exited.then(() => {
        threads.delete(thread);
        // One that was handed over is not ours any more, and closing it here does nothing.
        for (const item of transfer) if (item instanceof MessagePort) item.close();
      });
      thread.run(input, { transfer }).then(
        () => thread.end(new Error('the task of the thread returned, and it should run for as long as the thread')),
        (error: unknown) => thread.end(asError(error)),
      );
      return thread;
    },
    async close() {
      isClosed = true;
      await endAll(threads);
    },
  };
}

interface RunOptions {
  readonly transfer?: readonly Transferable[];
  readonly signal?: AbortSignal | undefined;
}

/** What Piscina keeps of a thread: the port it posts tasks through. */
interface Held {
  ref(): void;
  unref(): void;
}

/** One Piscina with one thread, which the first task starts and nothing replaces. One task at a time. */
export class Thread implements PoolThread {
  readonly exited: Promise<Error | undefined>;
  /** Its entry is loaded: a task given to it is on its way. */
  isLoaded = false;
  readonly #piscina: Piscina;
  readonly #tellExit: (error: Error | undefined) => void;
  #worker: Worker | undefined;
  #held: Held | undefined;
  #isReferenced = true;
  #isEnding = false;
  #fault: Error | undefined;
  /** Rejects the running task: Piscina itself forgets one whose thread ended before it was loaded. */
  #failTask: ((error: Error) => void) | undefined;

  constructor({ entry, resourceLimits }: PoolOptions) {
    const { promise, resolve } = Promise.withResolvers<Error | undefined>();
    this.exited = promise;
    this.#tellExit = resolve;
    this.#piscina = new Piscina({
      filename: fileURLToPath(entry),
      minThreads: 0,
      maxThreads: 1,
      concurrentTasksPerWorker: 1,
      idleTimeout: Infinity,
      atomics: 'disabled',
      recordTiming: false,
      ...(resourceLimits !== undefined && { resourceLimits }),
    });
    // What Piscina tells here the thread's own events tell better; without a listener it would be thrown.
    this.#piscina.on('error', () => {});
    this.#piscina.once('workerCreate', (created: object) => {
      this.isLoaded = true;
      this.#held = heldIn(created);
      // Right after this event Piscina posts the task and refers to its port again.
      if (!this.#isReferenced) queueMicrotask(() => this.ref(this.#isReferenced));
    });
  }

  /** It is gone or about to be, and takes no task any more. */
  get isEnding(): boolean {
    return this.#isEnding || (this.#worker !== undefined && this.#piscina.threads.length === 0);
  }

  /** Runs one task; rejects when it throws, is aborted, or the thread ends. */
  run(input: unknown, { transfer = [], signal }: RunOptions): Promise<unknown> {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#failTask = reject;
    try {
      this.#piscina.run(input, { transferList: [...transfer], signal: signal ?? null }).then(resolve, reject);
      if (this.#worker === undefined) this.#watch(this.#piscina.threads[0]);
    } catch (error) {
      // The operating system gave no thread, or Node refuses its options.
      this.#fault = asError(error);
      this.#leave();
    }
    return promise;
  }

  kill(): void {
    this.end(undefined);
  }

  /** Ends it for a reason, which `exited` tells; the first reason counts. */
  end(reason: Error | undefined): void {
    if (this.#isEnding) return;
    this.#isEnding = true;
    this.#fault = reason;
    void this.#piscina.destroy();
  }

  ref(alive: boolean): void {
    this.#isReferenced = alive;
    if (this.isEnding) return;
    if (alive) this.#held?.ref();
    else this.#held?.unref();
  }

  #watch(worker: Worker | undefined): void {
    invariant(worker !== undefined, 'expected a thread for the first task of a pool, got none');
    this.#worker = worker;
    worker.on('error', (error: unknown) => {
      this.end(asError(error));
      this.#failTask?.(asError(error));
    });
    worker.on('exit', (code) => {
      this.end(new Error(`the thread ended by itself, with exit code ${code}`));
      this.#leave();
    });
  }

  #leave(): void {
    this.#isEnding = true;
    this.#failTask?.(this.#fault ?? new Error('the thread was ended'));
    this.#tellExit(this.#fault);
  }
}

/** Piscina refers to its port while a task runs and has no public way to undo that: it lies under a private symbol. */
function heldIn(created: object): Held {
  for (const key of Object.getOwnPropertySymbols(created)) {
    const held = (created as Record<symbol, Partial<Held> | undefined>)[key];
    if (typeof held?.ref === 'function' && typeof held.unref === 'function') return held as Held;
  }
  throw new HomingError('InvariantBroken', 'expected the port of a thread behind a symbol of Piscina, got none');
}

/** Ends threads; resolves when they are gone. */
export async function endAll(threads: ReadonlySet<Thread>): Promise<void> {
  const ends: Promise<unknown>[] = [];
  for (const thread of threads) {
    thread.kill();
    ends.push(thread.exited);
  }
  await Promise.all(ends);
}

function asError(error: unknown): Error {
  return error instanceof Error
    ? error
    : new Error(`expected an error to be thrown, got ${inspect(error)}`, { cause: error });
}
