/**
 * A bounded queue before threads that take one task after another. A place is free when the work in it has really ended:
 * a thread that was told to end may sit in a call into native code and keep its core busy for long.
 */
import { HomingError, type Outcome } from '../errors.ts';
import { endAll, type PoolOptions, Thread } from './pool.ts';

/** What a pool for tasks is made of. */
export interface TaskPoolOptions extends PoolOptions {
  /** How many tasks may wait for a thread. */
  readonly queueMax: number;
}

/** Threads that take one task after another. */
export interface TaskPool {
  /**
   * Runs the entry in a thread with a copy of the input as it is now, and resolves with a copy of what it returns. Rejects
   * with what the entry threw or structured clone refused (`DataCloneError`); `TaskFailed` when the thread ended under it
   * (the cause says by what), or with `retry: true` when `queueMax` tasks wait already; `Aborted` as soon as the signal
   * is, with an outcome; `Closed`. An abort ends the thread, and its place is free again when it is gone.
   */
  run(input: unknown, signal?: AbortSignal): Promise<unknown>;
  /** Rejects what runs and waits with `Closed` and ends all threads; resolves when they are gone. */
  close(): Promise<void>;
}

/** Opens a pool for tasks that return. Threads are started as they are needed, and idle ones let the process end. */
export function openTaskPool(options: TaskPoolOptions): TaskPool {
  const threads = new Set<Thread>();
  const idle = new Set<Thread>();
  const waiting = new Set<Job>();
  const running = new Set<Job>();
  let isClosed = false;

  function pump(): void {
    for (const job of waiting) {
      const thread = nextIdle() ?? newThread();
      if (thread === undefined) return;
      waiting.delete(job);
      idle.delete(thread);
      void work(thread, job);
    }
  }

  function nextIdle(): Thread | undefined {
    for (const thread of idle) if (!thread.isEnding) return thread;
    return undefined;
  }

  function newThread(): Thread | undefined {
    if (isClosed || threads.size >= options.threads) return undefined;
    const thread = new Thread(options);
    threads.add(thread);
    void thread.exited.then(() => {
      threads.delete(thread);
      idle.delete(thread);
      pump();
    });
    return thread;
  }

  async function work(thread: Thread, job: Job): Promise<void> {
    running.add(job);
    job.thread = thread;
    try {
      job.resolve(await thread.run(job.input, { signal: job.signal }));
    } catch (error) {
      job.reject(thread.isEnding ? crashOf(error) : error);
    }
    running.delete(job);
    // A thread on its way out keeps its place until it is gone: the work in it may still go on.
    if (thread.isEnding) return;
    idle.add(thread);
    pump();
  }

  function abort(job: Job): void {
    // A thread that has not loaded yet is not asked to end: the task never reached it, and the next one can have it.
    const outcome = job.thread?.isLoaded === true ? 'unknown' : 'never-sent';
    waiting.delete(job);
    job.reject(abortError(job.signal, outcome));
  }

  return {
    async run(input, signal) {
      if (isClosed) throw closedError();
      if (signal?.aborted === true) throw abortError(signal, 'never-sent');
      const free = nextIdle();
      if (free === undefined && threads.size >= options.threads && waiting.size >= options.queueMax) {
        const sentence = `expected fewer than ${options.queueMax} waiting tasks, got ${waiting.size}`;
        throw new HomingError('TaskFailed', sentence, { retry: true, outcome: 'never-sent' });
      }
      const { promise, resolve, reject } = Promise.withResolvers<unknown>();
      // A thread that is ready is sent its copy at once; what has to wait is copied now, so that no later change shows.
      const copy = free?.isLoaded === true ? input : structuredClone(input);
      const job: Job = { input: copy, signal, resolve, reject, thread: undefined };
      const listener = (): void => abort(job);
      signal?.addEventListener('abort', listener, { once: true });
      waiting.add(job);
      pump();
      try {
        return await promise;
      } finally {
        signal?.removeEventListener('abort', listener);
      }
    },
    async close() {
      isClosed = true;
      for (const job of [...waiting, ...running]) job.reject(closedError());
      waiting.clear();
      await endAll(threads);
    },
  };
}

interface Job {
  readonly input: unknown;
  readonly signal: AbortSignal | undefined;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
  /** Where it runs; undefined while it waits. */
  thread: Thread | undefined;
}

function crashOf(error: unknown): HomingError {
  return new HomingError('TaskFailed', `the thread of the task ended: ${(error as Error).message}`, { cause: error });
}

function abortError(signal: AbortSignal | undefined, outcome: Outcome): HomingError {
  const where = outcome === 'unknown' ? 'after the task had been sent to its thread' : 'before the task was sent';
  return new HomingError('Aborted', `the signal was aborted ${where}`, { outcome, cause: signal?.reason });
}

function closedError(): HomingError {
  return new HomingError('Closed', 'the threads for tasks were closed');
}
