/**
 * Who hears of changes of a store. A listener may change the store itself: all hear of that afterwards, so that each hears
 * of the changes in the order in which they were made.
 */
import { HomingError } from '../errors.ts';
import { Listeners } from './listeners.ts';

/** Hears of every change of what this end shows: `undefined` for a key that is gone; by whom it was made. */
export type StoreListener = (key: string, value: unknown, by: 'here' | 'peer') => unknown;

/** A change as listeners hear of it. */
export type StoreChange = Parameters<StoreListener>;

/** The listeners of one store. */
export class StoreListeners {
  readonly #failed: (error: unknown) => void;
  /** Made for the first listener. */
  #listeners: Listeners<{ change: StoreChange }> | undefined;
  #untold: StoreChange[] | undefined;
  #isTelling = false;

  /** `failed` is told what listeners throw. */
  constructor(failed: (error: unknown) => void) {
    this.#failed = failed;
  }

  /** Whether anybody has ever listened. */
  get isUsed(): boolean {
    return this.#listeners !== undefined;
  }

  /** Adds a listener; returns what removes it. Throws `BadOption`. */
  on(event: 'change', listener: StoreListener): () => void {
    if (event !== 'change') throw new HomingError('BadOption', `expected the event 'change', got ${String(event)}`);
    this.#listeners ??= new Listeners(this.#failed);
    return this.#listeners.on('change', listener);
  }

  /** Tells of changes; those that listeners make meanwhile come after them. */
  tell(changes: readonly StoreChange[]): void {
    const untold = (this.#untold ??= []);
    untold.push(...changes);
    if (this.#isTelling) return;
    this.#isTelling = true;
    try {
      for (let next = untold.shift(); next !== undefined; next = untold.shift()) {
        this.#listeners?.emit('change', ...next);
      }
    } finally {
      this.#isTelling = false;
    }
  }
}
