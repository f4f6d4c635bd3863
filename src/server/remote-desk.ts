/**
 * The desk for heavy work as a shard thread has it: asks the main thread, which has the threads for such work. Deadlines
 * and aborts are judged there as well, where it is known whether the work had begun.
 */
import { wholeError } from '../actors/news.ts';
import type { Wait } from '../actors/waits.ts';
import { HomingError } from '../errors.ts';
import type { Order, Report } from './orders.ts';

interface Asked {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly forget: () => void;
}

/** Tasks of this shard that run elsewhere. */
export class RemoteDesk {
  readonly #report: (report: Report) => void;
  readonly #asked = new Map<number, Asked>();
  #token = 0;

  constructor(report: (report: Report) => void) {
    this.#report = report;
  }

  /** Has a task run; rejects as `Session.offload` says. */
  run(task: string, input: unknown, { timeoutMs, signal }: Wait): Promise<unknown> {
    if (signal?.aborted === true) {
      const sentence = `task '${task}': the signal was aborted before`;
      return Promise.reject(new HomingError('Aborted', sentence, { outcome: 'never-sent', cause: signal.reason }));
    }
    this.#token += 1;
    const token = this.#token;
    return new Promise((resolve, reject) => {
      try {
        this.#report({ type: 'task', token, task, input, timeoutMs });
      } catch (error) {
        const sentence = `the input of task '${task}' cannot be copied to another thread`;
        reject(new HomingError('NotEncodable', sentence, { cause: error }));
        return;
      }
      const giveUp = (): void => this.#report({ type: 'taskGivenUp', token });
      signal?.addEventListener('abort', giveUp, { once: true });
      this.#asked.set(token, { resolve, reject, forget: () => signal?.removeEventListener('abort', giveUp) });
    });
  }

  /** The answer of the main thread. */
  settle(answer: Extract<Order, { type: 'taskDone' | 'taskFailed' }>): void {
    const asked = this.#asked.get(answer.token);
    this.#asked.delete(answer.token);
    asked?.forget();
    if (answer.type === 'taskDone') asked?.resolve(answer.value);
    else asked?.reject(wholeError(answer.error));
  }
}
