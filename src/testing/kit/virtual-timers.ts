/**
 * Timers of user code on virtual time. Each belongs to the simulated process that set it and is gone when that dies; code
 * outside of all processes gets Node's own timers.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { promisify } from 'node:util';
import type { SimHost } from '../sim-host.ts';
import { processes, userTimersOf } from './processes.ts';
import { Verdict, wordsOf } from './verdict.ts';

type Callback = (...args: unknown[]) => unknown;

/** What `setTimeout` and its like return in a simulated process. */
export class VirtualTimeout {
  readonly #host: SimHost;
  readonly #fire: () => void;
  readonly #delayMs: number;
  readonly #repeats: boolean;
  #ticket: unknown;
  #isRef = true;

  constructor(host: SimHost, callback: () => unknown, delayMs: number, repeats: boolean) {
    this.#host = host;
    this.#delayMs = delayMs;
    this.#repeats = repeats;
    const enter = AsyncLocalStorage.snapshot();
    this.#fire = () => this.#fired(() => enter(callback));
    this.#set();
  }

  ref(): this {
    this.#isRef = true;
    return this;
  }

  unref(): this {
    this.#isRef = false;
    return this;
  }

  hasRef(): boolean {
    return this.#isRef;
  }

  refresh(): this {
    this.close();
    this.#set();
    return this;
  }

  close(): this {
    this.#host.clock.clearTimeout(this.#ticket);
    userTimersOf(this.#host).delete(this);
    return this;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #set(): void {
    this.#ticket = this.#host.clock.setTimeout(this.#fire, this.#delayMs);
    if (this.#host.isAlive) userTimersOf(this.#host).add(this);
  }

  #fired(work: () => void): void {
    userTimersOf(this.#host).delete(this);
    if (this.#repeats) this.#set();
    try {
      work();
    } catch (error) {
      const sentence = `a timer callback threw ${wordsOf(error)}`;
      this.#host.loop.fail(new Verdict('uncaught', sentence, { who: this.#host.name, cause: error }));
    }
  }
}

const real = { setTimeout, setInterval, setImmediate, clearTimeout, clearInterval, clearImmediate };

function setFor(repeats: boolean, otherwise: (callback: Callback, delayMs?: number, ...args: unknown[]) => unknown) {
  return (callback: Callback, delayMs?: number, ...args: unknown[]): unknown => {
    const host = processes.getStore();
    if (host === undefined || typeof callback !== 'function') return otherwise(callback, delayMs, ...args);
    return new VirtualTimeout(host, () => callback(...args), Number(delayMs ?? 1), repeats);
  };
}

function clearFor(otherwise: (timer: never) => void): (timer: unknown) => void {
  return (timer) => {
    if (timer instanceof VirtualTimeout) timer.close();
    else otherwise(timer as never);
  };
}

/** The functions of `node:timers`, as globals too. */
export const virtualTimers = {
  setTimeout: Object.assign(setFor(false, real.setTimeout), { [promisify.custom]: sleep }),
  setInterval: setFor(true, real.setInterval),
  setImmediate: Object.assign(
    (callback: Callback, ...args: unknown[]): unknown => {
      const host = processes.getStore();
      if (host === undefined) return real.setImmediate(callback, ...args);
      return new VirtualTimeout(host, () => callback(...args), 0, false);
    },
    { [promisify.custom]: (value?: unknown) => sleep(0, value) },
  ),
  clearTimeout: clearFor(real.clearTimeout),
  clearInterval: clearFor(real.clearInterval),
  clearImmediate: clearFor(real.clearImmediate),
};

interface SleepOptions {
  readonly signal?: AbortSignal | undefined;
}

/** `setTimeout` of `node:timers/promises`. */
export function sleep(delayMs?: number, value?: unknown, { signal }: SleepOptions = {}): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const give = (): void => reject(Object.assign(new Error('The operation was aborted'), abortion(signal)));
    if (signal?.aborted === true) return give();
    const abort = (): void => {
      virtualTimers.clearTimeout(timer);
      give();
    };
    const timer = virtualTimers.setTimeout(() => {
      signal?.removeEventListener('abort', abort);
      resolve(value);
    }, delayMs);
    signal?.addEventListener('abort', abort, { once: true });
  });
}

/** `setInterval` of `node:timers/promises`. */
export async function* ticks(delayMs?: number, value?: unknown, options: SleepOptions = {}): AsyncGenerator<unknown> {
  for (;;) yield await sleep(delayMs, value, options);
}

function abortion(signal: AbortSignal | undefined): object {
  return { name: 'AbortError', code: 'ABORT_ERR', cause: signal?.reason as unknown };
}
