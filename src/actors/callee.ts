/**
 * The calls that the peer makes here: the exposed methods, and the calls that run. A call counts as processed once it has
 * started, so a slow one holds nobody up; its place is free only when its work has ended, cancelled or not.
 */
import { HomingError } from '../errors.ts';
import { ResultStatus } from '../session/calls.ts';
import { Numbered } from '../session/numbered.ts';
import { isThenable } from './describe.ts';

/** A method that the peer may call. */
export type Method = (...args: unknown[]) => unknown;

/** A call that runs. */
interface Running {
  readonly seq: number;
  readonly epoch: number;
  controller: AbortController | undefined;
}

/** What became of a call; called once, at once or later. */
export type Answer = (status: number, value: unknown) => void;

/** The methods of one session and their running calls. */
export class Callee {
  readonly #callsMax: number;
  /** Made for the first one. */
  #methods: Map<string, Method> | undefined;
  /** Of the current epoch, by seq; those of older ones only count. Made for the first one. */
  #running: Numbered<Running> | undefined;
  #oldCount = 0;
  /** Calls of this epoch and of those before are old: a call may have waited here for longer than its epoch lasted. */
  #oldThrough = 0;
  #starting: Running | undefined;
  #isClosed = false;

  constructor(callsMax: number) {
    this.#callsMax = callsMax;
  }

  /** Calls that run. */
  get runningCount(): number {
    return (this.#running?.size ?? 0) + this.#oldCount;
  }

  /** Adds methods, own ones and those of its class; a name that is there already gets the new one. Throws `BadOption`. */
  expose(methods: object): void {
    if (typeof methods !== 'object' || methods === null) {
      throw new HomingError('BadOption', `expected an object of methods, got ${typeof methods}`);
    }
    this.#methods ??= new Map();
    for (const [name, method] of methodsOf(methods)) this.#methods.set(name, method);
  }

  /** Whether a call of this name may start now; its refusal as a status otherwise. */
  refusalOf(name: string): number | undefined {
    if (this.#methods?.has(name) !== true) return ResultStatus.NO_METHOD;
    return this.runningCount >= this.#callsMax ? ResultStatus.TOO_MANY : undefined;
  }

  /** Starts a call of a function that was passed; its seq is of the other lane. False when too many run: it did not. */
  apply(seq: number, epoch: number, enter: () => unknown, answer: Answer): boolean {
    if (this.runningCount >= this.#callsMax) return false;
    this.#run(-seq, epoch, enter, undefined, answer);
    return true;
  }

  /** Starts something that the runtime does for the peer. False when too many calls run: it did not. */
  serve(seq: number, epoch: number, enter: () => unknown, answer: Answer): boolean {
    if (this.runningCount >= this.#callsMax) return false;
    this.#run(seq, epoch, enter, undefined, answer);
    return true;
  }

  /** Starts a call; `enter` runs its first part, up to the first await, as the turn that can be asked for. */
  start(
    values: readonly unknown[],
    seq: number,
    epoch: number,
    enter: (method: Method) => unknown,
    answer: Answer,
  ): void {
    const method = this.#methods?.get(values[0] as string);
    if (method === undefined) return answer(ResultStatus.NO_METHOD, undefined);
    this.#run(seq, epoch, enter, method, answer);
  }

  #run<Work>(seq: number, epoch: number, enter: (work: Work) => unknown, work: Work, answer: Answer): void {
    const running: Running = { seq, epoch, controller: undefined };
    if (epoch <= this.#oldThrough) this.#oldCount += 1;
    else (this.#running ??= new Numbered()).set(seq, running);
    let result: unknown;
    let isLater: boolean;
    this.#starting = running;
    try {
      result = enter(work);
      isLater = isThenable(result);
    } catch (error) {
      this.#leave(running);
      return answer(statusOf(running, ResultStatus.FAILED), error);
    } finally {
      this.#starting = undefined;
    }
    if (!isLater) {
      this.#leave(running);
      return answer(statusOf(running, ResultStatus.OK), result);
    }
    this.#await(result, running, answer);
  }

  /** By itself, as the closures would cost every call. */
  #await(result: unknown, running: Running, answer: Answer): void {
    Promise.resolve(result).then(
      (value) => {
        this.#leave(running);
        answer(statusOf(running, ResultStatus.OK), value);
      },
      (error: unknown) => {
        this.#leave(running);
        answer(statusOf(running, ResultStatus.FAILED), error);
      },
    );
  }

  /** The passed function that is being started: the seq of its APPLY, which is of the direct lane, and its epoch. */
  get applied(): { readonly seq: number; readonly epoch: number } | undefined {
    const running = this.#starting;
    return running === undefined || running.seq >= 0 ? undefined : { seq: -running.seq, epoch: running.epoch };
  }

  /** The signal of the call that is being started: aborted when the peer gives it up, or the session ends. */
  signalOf(seq: number, epoch: number): AbortSignal | undefined {
    const running = this.#starting;
    if (running === undefined || running.seq !== seq || running.epoch !== epoch) return undefined;
    running.controller ??= new AbortController();
    return running.controller.signal;
  }

  /** The peer has given up a call, or (a negative seq) one of a passed function; one that has ended is no error. */
  cancel(seq: number): void {
    const running = this.#running?.get(seq);
    if (running === undefined) return;
    running.controller ??= new AbortController();
    running.controller.abort(new HomingError('Aborted', 'the caller gave this call up'));
  }

  /** This epoch is over: nobody will get what still runs. Its work goes on and keeps its place. */
  age(epoch: number): void {
    this.#oldThrough = epoch;
    const running = this.#running?.entries() ?? [];
    this.#running = undefined;
    this.#oldCount += running.length;
    for (const [, { controller }] of running) {
      controller?.abort(new HomingError('OutcomeUnknown', 'the caller lost its memory of this call'));
    }
  }

  /** The session has ended. */
  close(reason: HomingError): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const [, { controller }] of this.#running?.entries() ?? []) controller?.abort(reason);
    this.#methods = undefined;
  }

  #leave(running: Running): void {
    if (running.epoch <= this.#oldThrough) this.#oldCount -= 1;
    else this.#running?.delete(running.seq);
  }
}

/** Who has given up is told that the work has ended, and no more. */
function statusOf({ controller }: Running, status: number): number {
  return controller?.signal.aborted === true ? ResultStatus.CANCELLED : status;
}

/** The functions of an object by name: its own, and those of its class and the classes it extends. */
function methodsOf(methods: object): [string, Method][] {
  const found = new Map<string, Method>();
  const chain: object[] = [];
  for (
    let at: object | null = methods;
    at !== null && at !== Object.prototype;
    at = Object.getPrototypeOf(at) as object | null
  ) {
    chain.push(at);
  }
  for (const level of chain.reverse()) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(level))) {
      if (typeof value === 'function' && name !== 'constructor') found.set(name, (value as Method).bind(methods));
    }
  }
  return [...found];
}
