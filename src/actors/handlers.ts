/** The user's handlers of peer events, by name. */
import { HomingError } from '../errors.ts';

/** A handler of one peer event. */
export type Handler = (...args: unknown[]) => unknown;

/** Who listens to which event. The lists are replaced on change, so that a turn in progress keeps its own. */
export class Handlers {
  readonly #byEvent = new Map<string, readonly Handler[]>();
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
    if (typeof handler !== 'function') {
      throw new HomingError('BadOption', `expected a function to handle ${event}, got ${typeof handler}`);
    }
    if (signal?.aborted === true) return () => {};
    this.#byEvent.set(event, [...(this.#byEvent.get(event) ?? []), handler]);
    let isAttached = true;
    const remove = (): void => {
      signal?.removeEventListener('abort', remove);
      if (isAttached) this.#remove(event, handler);
      isAttached = false;
    };
    signal?.addEventListener('abort', remove, { once: true });
    this.attached?.();
    return remove;
  }

  /** Attaches a handler for the next message only. */
  once(event: string, handler: Handler): () => void {
    const remove = this.on(event, (...args) => {
      remove();
      return handler(...args);
    });
    return remove;
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
