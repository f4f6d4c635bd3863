/**
 * The one loop of a simulated world: it takes event after event off the virtual clock, runs what the event deferred,
 * and lets promises settle in between if anybody holds one. A world without promises never leaves this function.
 */
import { VirtualClock } from './virtual-clock.ts';

/** Who deferred a task; a task of a host that has died is dropped. */
export interface TaskOwner {
  readonly isAlive: boolean;
}

/** Steps of one `run` after which a world is taken to go round in circles. */
const STEPS_MAX = 5_000_000;

/** Runs a world. */
export class Loop {
  readonly clock = new VirtualClock();
  /** Events taken so far. */
  stepCount = 0;
  /** Called after every event and what it deferred. */
  onStep: (() => void) | undefined;
  /** Runs work as that of its process; without it, work is simply run. */
  enter: ((owner: TaskOwner, work: () => void) => void) | undefined;
  #promiseCount = 0;
  #failure: { readonly error: unknown } | undefined;
  #owners: TaskOwner[] = [];
  #tasks: (() => void)[] = [];

  /** Runs a task once the current event is over. */
  defer(owner: TaskOwner, task: () => void): void {
    this.#owners.push(owner);
    this.#tasks.push(task);
  }

  /** A promise is held: from now on promises get their turn after each event. Pair with `released`. */
  held(): void {
    this.#promiseCount += 1;
  }

  /** A promise that was held has settled, or never will. */
  released(): void {
    this.#promiseCount -= 1;
  }

  /** Something is wrong where nobody may throw: the world stops with this error after the current event. */
  fail(error: unknown): void {
    this.#failure ??= { error };
  }

  /** What `fail` was told is forgotten, and the world may go on. */
  forgive(): void {
    this.#failure = undefined;
  }

  /** Runs what may throw where a throw would be caught by the actor that calls it. */
  guard<Value>(work: () => Value): Value {
    try {
      return work();
    } catch (error) {
      this.fail(error);
      throw error;
    }
  }

  /** Lets the world go on until virtual time has reached this moment. */
  async run(untilMs: number): Promise<void> {
    await this.#go(untilMs, never);
    this.clock.pass(untilMs);
  }

  /** Lets the world go on until `isThere`, or to the moment given. Tells whether it came to be. */
  async until(isThere: () => boolean, atMostMs: number): Promise<boolean> {
    await this.#finishEvent();
    if (isThere() || (await this.#go(atMostMs, isThere))) return true;
    this.clock.pass(atMostMs);
    return false;
  }

  async #go(untilMs: number, isThere: () => boolean): Promise<boolean> {
    const { clock } = this;
    const stepsEnd = this.stepCount + STEPS_MAX;
    await this.#finishEvent();
    while (clock.nextMs <= untilMs) {
      if (this.stepCount >= stepsEnd) throw new Error(`expected rest, got ${STEPS_MAX} events up to ${clock.now()} ms`);
      this.stepCount += 1;
      clock.take()?.fire();
      if (this.#tasks.length > 0 && this.#promiseCount === 0) this.#runTasks();
      if (this.#promiseCount > 0) await this.#finishEvent();
      this.onStep?.();
      if (this.#failure !== undefined) throw this.#failure.error;
      if (isThere()) return true;
    }
    return false;
  }

  async #finishEvent(): Promise<void> {
    do {
      if (this.#promiseCount > 0) await settled();
      this.#runTasks();
      if (this.#promiseCount > 0) await settled();
    } while (this.#tasks.length > 0);
  }

  #runTasks(): void {
    while (this.#tasks.length > 0) {
      const owners = this.#owners;
      const tasks = this.#tasks;
      this.#owners = [];
      this.#tasks = [];
      for (let index = 0; index < tasks.length; index += 1) this.#runTask(owners[index], tasks[index]);
    }
  }

  #runTask(owner: TaskOwner | undefined, task: (() => void) | undefined): void {
    if (owner?.isAlive !== true || task === undefined) return;
    if (this.enter === undefined) task();
    else this.enter(owner, task);
  }
}

function never(): boolean {
  return false;
}

/** Comes back when no promise has anything left to do: Node empties the queue of promises before that of its ticks. */
function settled(): Promise<void> {
  return new Promise((resolve) => {
    process.nextTick(resolve);
  });
}
