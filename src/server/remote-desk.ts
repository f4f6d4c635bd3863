/** The desk for heavy work as a shard thread has it: asks the main thread, which has the threads for such work. */
import { wholeError } from '../actors/news.ts';
import type { Clock } from '../actors/ports.ts';
import { type Wait, Waits } from '../actors/waits.ts';
import { HomingError } from '../errors.ts';
import type { Order, Report } from './orders.ts';

/** Tasks of this shard that run elsewhere. */
export class RemoteDesk {
  readonly #waits: Waits;
  readonly #report: (report: Report) => void;

  constructor(clock: Clock, report: (report: Report) => void) {
    this.#waits = new Waits(clock);
    this.#report = report;
  }

  /** Has a task run; rejects as `Session.offload` says. */
  run(task: string, input: unknown, wait: Wait): Promise<unknown> {
    const begin = (token: number): void => {
      try {
        this.#report({ type: 'task', token, task, input });
      } catch (error) {
        const sentence = `the input of task ${task} cannot be copied to another thread: ${(error as Error).message}`;
        throw new HomingError('NotEncodable', sentence, { cause: error });
      }
    };
    return this.#waits.start(`task ${task}`, wait, begin, (token) => {
      this.#report({ type: 'taskGivenUp', token });
      return 'unknown';
    });
  }

  /** The answer of the main thread; one that nobody waits for any more is dropped. */
  settle(answer: Extract<Order, { type: 'taskDone' | 'taskFailed' }>): void {
    if (answer.type === 'taskDone') this.#waits.resolve(answer.token, answer.value);
    else this.#waits.reject(answer.token, wholeError(answer.error));
  }
}
