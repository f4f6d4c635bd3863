/** Lifecycle events: who listens, and what happens when nobody does. Peer events never come this way. */
import { HomingError } from '../errors.ts';

type Listener<Args extends readonly unknown[]> = (...args: Args) => unknown;

/** The listeners of one emitter. A listener that throws is told to `failed` and stops nobody else. */
export class Listeners<Events extends { [Name in keyof Events]: readonly unknown[] }> {
  /** Made for the first one. */
  #byName: Map<keyof Events, Set<Listener<never>>> | undefined;
  readonly #failed: (error: unknown) => void;

  constructor(failed: (error: unknown) => void) {
    this.#failed = failed;
  }

  /** Adds a listener; the same function is added once. Returns what removes it. */
  on<Name extends keyof Events>(name: Name, listener: Listener<Events[Name]>): () => void {
    if (typeof listener !== 'function') {
      throw new HomingError('BadOption', `expected a function to listen to ${String(name)}, got ${typeof listener}`);
    }
    this.#byName ??= new Map();
    const listeners = this.#byName.get(name) ?? new Set();
    this.#byName.set(name, listeners);
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }

  /** Whether anybody listens. */
  has(name: keyof Events): boolean {
    return (this.#byName?.get(name)?.size ?? 0) > 0;
  }

  /** Tells everybody who listened when this began. */
  emit<Name extends keyof Events>(name: Name, ...args: Events[Name]): void {
    const listeners = this.#byName?.get(name);
    if (listeners === undefined || listeners.size === 0) return;
    for (const listener of Array.from(listeners)) this.#tell(listener as Listener<Events[Name]>, args);
  }

  #tell<Args extends readonly unknown[]>(listener: Listener<Args>, args: Args): void {
    try {
      const result = listener(...args);
      if (result instanceof Promise) result.catch((error: unknown) => this.#failed(error));
    } catch (error) {
      this.#failed(error);
    }
  }
}

/** Tells an error that nobody listens to as a process warning, never as a throw. */
export function warn(error: Error): void {
  process.emitWarning(error);
}
