/**
 * Work that a behavior hands off, so that its shard's heartbeats keep their time: a bounded queue before a few threads,
 * with a deadline and a signal for each task. A task cannot be asked to stop: ending it early ends its thread.
 */
import { openTaskPool, type TaskPool } from '../actors/task-pool.ts';
import type { Clock } from '../actors/ports.ts';
import type { Wait } from '../actors/waits.ts';
import { entryUrl } from './entry-url.ts';
import { HomingError } from '../errors.ts';
import type { OffloadInput, OffloadReply, TaskFault } from './offload-entry.ts';

/** How many tasks may wait for a thread; one more is refused. */
export const OFFLOAD_QUEUE_MAX = 1_000;

/** What a desk is made of. */
export interface OffloadOptions {
  /** URL of the module whose default export is the behavior. */
  readonly module: string;
  /** How many tasks may run at a time. */
  readonly threads: number;
  readonly clock: Clock;
}

/** Where a behavior's tasks are handed in. Opens its threads with the first one. */
export class OffloadDesk {
  readonly #options: OffloadOptions;
  #pool: TaskPool | undefined;
  #isClosed = false;

  constructor(options: OffloadOptions) {
    this.#options = options;
  }

  /**
   * Runs `tasks[task]` of the behavior with a copy of the value and resolves with a copy of what it returns. The name is
   * written in the behavior's own code; one that came from a peer must never get here, as tasks know of no `authorize`.
   * Rejects: `TaskFailed` when the task threw (the cause has its name, message and code) or its thread ended, and with
   * `retry: true` when too many wait; `BadOption` for a task that the behavior does not have; `NotEncodable` for a value
   * or result that structured clone refuses; `Deadline` and `Aborted` with outcome 'never-sent' when the task had not been
   * sent to a thread, else 'unknown', its thread being ended; `Closed`.
   */
  async run(task: string, value: unknown, wait: Wait = {}): Promise<unknown> {
    const { timeoutMs } = wait;
    if (this.#isClosed) throw closedError(task);
    if (timeoutMs !== undefined && !(typeof timeoutMs === 'number' && timeoutMs >= 0)) {
      throw new HomingError('BadOption', `expected timeoutMs of 0 or more, got ${String(timeoutMs)}`);
    }
    return resultOf(task, await this.#ask({ module: this.#options.module, task, value }, wait));
  }

  /** Rejects what waits and runs with `Closed`; resolves when the threads are gone. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#pool?.close();
  }

  async #ask(input: OffloadInput, { timeoutMs, signal }: Wait): Promise<OffloadReply> {
    const { clock } = this.#options;
    const stop = new AbortController();
    const abort = (): void => stop.abort(signal?.reason);
    if (signal?.aborted === true) abort();
    else signal?.addEventListener('abort', abort, { once: true });
    let lateMs: number | undefined;
    const late = (): void => {
      lateMs = timeoutMs;
      stop.abort();
    };
    const timer = timeoutMs === undefined || timeoutMs === Infinity ? undefined : clock.setTimeout(late, timeoutMs);
    try {
      return (await this.#open().run(input, stop.signal)) as OffloadReply;
    } catch (error) {
      throw errorOf(input.task, error, lateMs);
    } finally {
      if (timer !== undefined) clock.clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
    }
  }

  #open(): TaskPool {
    this.#pool ??= openTaskPool({
      entry: entryUrl('offload-entry'),
      threads: this.#options.threads,
      queueMax: OFFLOAD_QUEUE_MAX,
    });
    return this.#pool;
  }
}

function resultOf(task: string, reply: OffloadReply): unknown {
  switch (reply.type) {
    case 'done':
      return reply.value;
    case 'failed':
      throw new HomingError('TaskFailed', `task '${task}' failed: ${reply.error.message}`, {
        cause: errorFrom(reply.error),
      });
    case 'unknown': {
      const names = reply.names.map((name) => `'${name}'`).join(', ');
      throw new HomingError(
        'BadOption',
        `expected ${names === '' ? 'no task, as the behavior has none' : `one of the tasks ${names}`}, got '${task}'`,
      );
    }
    case 'uncloneable':
      throw new HomingError('NotEncodable', `the result of task '${task}' cannot leave its thread: ${reply.message}`);
  }
}

/** What the caller is told of an error of the pool; `lateMs` when it was the deadline that aborted the task. */
function errorOf(task: string, error: unknown, lateMs: number | undefined): HomingError {
  const { message } = error as Error;
  if (error instanceof HomingError) {
    const { code, outcome, cause, retry } = error;
    if (code === 'Closed') return closedError(task);
    if (code === 'Aborted' && lateMs !== undefined) {
      return new HomingError('Deadline', `task '${task}': ${lateMs} ms are over`, { outcome });
    }
    return new HomingError(code, `task '${task}': ${message}`, { outcome, cause, retry });
  }
  if ((error as Error).name === 'DataCloneError') {
    return new HomingError('NotEncodable', `the input of task '${task}' cannot reach its thread: ${message}`, {
      cause: error,
    });
  }
  return new HomingError('TaskFailed', `task '${task}' failed: ${message}`, { cause: error });
}

function errorFrom({ name, message, code, stack }: TaskFault): Error {
  const error = new Error(message);
  error.name = name;
  if (stack !== undefined) error.stack = stack;
  return code === undefined ? error : Object.assign(error, { code });
}

function closedError(task: string): HomingError {
  return new HomingError('Closed', `task '${task}': the server was closed`);
}
