/** Programs of a benchmark in processes of their own: each says what it has when asked, and ends when it is let go. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';

/** A program that was started. */
export class Program implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #name: string;
  readonly #said: unknown[] = [];
  readonly #asking: PromiseWithResolvers<unknown>[] = [];
  #hasEnded = false;

  /**
   * Starts a file beside the benchmark with arguments and, if need be, flags of Node; with BENCH_PROFILE=folder it leaves a
   * CPU profile of each thread there.
   */
  constructor(file: URL, args: readonly string[] = [], flags: readonly string[] = []) {
    this.#name = [file.pathname.split('/').at(-1), ...args.slice(0, 1)].join(' ');
    this.#child = fork(file, args, { execArgv: [...process.execArgv, ...profiling(), ...flags] });
    this.#child.on('message', (message) => this.#take(message));
    // Not 'exit': what it said last may come after that.
    this.#child.once('disconnect', () => this.#ended());
  }

  /** What it says next. Rejects when it ends before. */
  next<Said>(): Promise<Said> {
    const asking = Promise.withResolvers<unknown>();
    if (this.#said.length > 0) asking.resolve(this.#said.shift());
    else if (this.#hasEnded) asking.reject(this.#fault());
    else this.#asking.push(asking);
    return asking.promise as Promise<Said>;
  }

  /** Tells it something; its answer. */
  ask<Said>(order: unknown): Promise<Said> {
    this.tell(order);
    return this.next<Said>();
  }

  /** Tells it something; what it says to that comes in its turn. */
  tell(order: unknown): void {
    this.#child.send(order as object);
  }

  /** Lets it go; resolves when it has ended. */
  async [Symbol.asyncDispose](): Promise<void> {
    const { exitCode, signalCode } = this.#child;
    if (exitCode !== null || signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    if (this.#child.connected) this.#child.disconnect();
    await ended;
  }

  #take(message: unknown): void {
    const asking = this.#asking.shift();
    if (asking === undefined) this.#said.push(message);
    else asking.resolve(message);
  }

  #ended(): void {
    this.#hasEnded = true;
    for (const asking of this.#asking.splice(0)) asking.reject(this.#fault());
  }

  #fault(): Error {
    return new Error(`${this.#name}: expected an answer, but it has ended`);
  }
}

function profiling(): string[] {
  const folder = process.env['BENCH_PROFILE'];
  return folder === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${folder}`];
}
