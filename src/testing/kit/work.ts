/**
 * What code of the user is doing in a run: handlers, methods and steps that have begun and not ended. Handlers are wrapped
 * where they are attached, so that each is known by name, and that it runs once for each message, in order, is seen.
 */
import { Verdict } from './verdict.ts';

/** The process whose code it is. */
export interface JobHost {
  readonly name: string;
  readonly isAlive: boolean;
  readonly clock: { now(): number };
  /** Who is told of a verdict; `guard` tells what the work throws, and throws it. */
  readonly loop: { guard<Value>(work: () => Value): Value };
}

/** Something that has begun. */
export interface Job {
  readonly host: JobHost;
  readonly what: string;
  readonly messageId: string | undefined;
  readonly sinceMs: number;
}

/** What both handles have. */
export interface Handle {
  readonly id: string;
  readonly turn: { readonly messageId: string };
  on(event: string, handler: (...args: unknown[]) => unknown, options?: unknown): unknown;
  once(event: string, handler: (...args: unknown[]) => unknown): unknown;
  expose(methods: object): void;
}

type Worker = (...args: unknown[]) => unknown;

/** The jobs of one run. */
export class Work {
  /** Handlers and methods that have begun. */
  startedCount = 0;
  readonly #told: (what: 'begins' | 'ends', job: Job) => void;
  readonly #open = new Set<Job>();

  /** `told` hears of handlers and methods that begin, and of all jobs that end later than they began. */
  constructor(told: (what: 'begins' | 'ends', job: Job) => void) {
    this.#told = told;
  }

  /** Jobs of living processes, oldest first. */
  get open(): readonly Job[] {
    return [...this.#open].filter(({ host }) => host.isAlive);
  }

  /** Watches what is attached to this handle from now on. */
  wrap(handle: Handle, host: JobHost): void {
    const on = handle.on.bind(handle);
    const once = handle.once.bind(handle);
    const expose = handle.expose.bind(handle);
    const wrapped: Pick<Handle, 'on' | 'once' | 'expose'> = {
      on: (event, handler, options) => on(event, this.#worker(handle, host, `handler of '${event}'`, handler), options),
      once: (event, handler) => once(event, this.#worker(handle, host, `handler of '${event}'`, handler)),
      expose: (methods) => expose(this.#methods(handle, host, methods)),
    };
    for (const [name, value] of Object.entries(wrapped)) Object.defineProperty(handle, name, { value });
  }

  /** Counts a promise of the user as open until it has settled. */
  track(host: JobHost, what: string, messageId: string | undefined, promise: PromiseLike<unknown>): void {
    const job: Job = { host, what, messageId, sinceMs: host.clock.now() };
    const end = (): void => {
      if (this.#open.delete(job) && host.isAlive) this.#told('ends', job);
    };
    this.#open.add(job);
    promise.then(end, end);
  }

  /** Nothing of this run counts any more. */
  clear(): void {
    this.#open.clear();
  }

  #worker(handle: Handle, host: JobHost, what: string, worker: Worker): Worker {
    if (typeof worker !== 'function') return worker;
    const last = { epoch: 0, seq: 0 };
    return (...args) => {
      const { messageId } = handle.turn;
      host.loop.guard(() => expectNext(last, messageId, what, host));
      this.startedCount += 1;
      this.#told('begins', { host, what, messageId, sinceMs: host.clock.now() });
      const result = worker(...args);
      if (isPromise(result)) this.track(host, what, messageId, result);
      return result;
    };
  }

  #methods(handle: Handle, host: JobHost, methods: object): object {
    if (typeof methods !== 'object' || methods === null) return methods;
    const wrapped: Record<string, Worker> = {};
    const chain: object[] = [];
    for (let at: object | null = methods; at !== null && at !== Object.prototype; at = prototypeOf(at)) chain.push(at);
    for (const level of chain.toReversed()) {
      for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(level))) {
        if (typeof value !== 'function' || name === 'constructor') continue;
        wrapped[name] = this.#worker(handle, host, `method '${name}'`, (value as Worker).bind(methods));
      }
    }
    return wrapped;
  }
}

/** Within an epoch one handler gets messages with rising numbers; an older epoch does not come back. */
function expectNext(last: { epoch: number; seq: number }, messageId: string, what: string, host: JobHost): void {
  const [epoch = 0, seq = 0] = messageId.split('/').slice(1).map(Number);
  if (epoch < last.epoch || (epoch === last.epoch && seq <= last.seq)) {
    const sentence = `the ${what} got message ${seq} of epoch ${epoch} after message ${last.seq} of epoch ${last.epoch}`;
    throw new Verdict('order', sentence, { who: host.name, messageId });
  }
  last.epoch = epoch;
  last.seq = seq;
}

/** Whether something can be waited for. */
export function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';
}

function prototypeOf(value: object): object | null {
  return Object.getPrototypeOf(value) as object | null;
}
