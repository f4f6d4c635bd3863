/** The user's handlers of peer events, by name. */
import { HomingError } from '../errors.ts';

/** A handler of one peer event. */
export type Handler = (...args: unknown[]) => unknown;

/** Who listens to which event. The lists are replaced on change, so that a turn in progress keeps its own. */
export class Handlers {
  readonly #byEvent = new Map<string, readonly Handler[]>();
  /** What lets go of the signals that were given; made for the first one. */
  #signalled: Set<() => void> | undefined;
  #isClosed = false;
  /** Called after the first handler was attached. */
  attached: (() => void) | undefined;

  /** The handlers of an event in the order they were attached; undefined when there are none. */
  of(event: string): readonly Handler[] | undefined {
    return this.#byEvent.get(event);
  }

  /** Events that somebody listens to. */
  get count(): number {
    return this.#byEvent.size;
  }

  /** Attaches a handler; returns what removes it. An aborted signal removes it, too. */
  on(event: string, handler: Handler, signal?: AbortSignal): () => void {
    requireFunction(event, handler);
    if (this.#isClosed || signal?.aborted === true) return () => {};
    this.#byEvent.set(event, [...(this.#byEvent.get(event) ?? []), handler]);
    let isAttached = true;
    const remove = (): void => {
      signal?.removeEventListener('abort', remove);
      this.#signalled?.delete(remove);
      if (isAttached) this.#remove(event, handler);
      isAttached = false;
    };
    if (signal !== undefined) {
      signal.addEventListener('abort', remove, { once: true });
      (this.#signalled ??= new Set()).add(remove);
    }
    this.attached?.();
    return remove;
  }

  /** Attaches a handler for the next message only. */
  once(event: string, handler: Handler): () => void {
    requireFunction(event, handler);
    const remove = this.on(event, (...args) => {
      remove();
      return handler(...args);
    });
    return remove;
  }

  /** The session has ended: a signal of the user, which may live on, holds nothing of it any more. */
  close(): void {
    this.#isClosed = true;
    if (this.#signalled !== undefined) for (const remove of this.#signalled) remove();
  }

  /** A function attached twice is called twice; removing takes one of them away. */
  #remove(event: string, handler: Handler): void {
    const handlers = this.#byEvent.get(event) ?? [];
    const at = handlers.indexOf(handler);
    const left = handlers.filter((_each, index) => index !== at);
    if (left.length === 0) this.#byEvent.delete(event);
    else this.#byEvent.set(event, left);
  }
}

function requireFunction(event: string, handler: unknown): void {
  if (typeof handler === 'function') return;
  throw new HomingError('BadOption', `expected a function to handle ${event}, got ${typeof handler}`);
}
