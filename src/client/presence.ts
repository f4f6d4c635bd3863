/**
 * Presence as its watcher has it: a map that is kept up to date and events for what changed. When the source ends, as with
 * a session that lost its history, it is opened anew and what differs is told, so a watcher never sees the seam.
 */
import { Listeners } from '../actors/listeners.ts';
import type { RosterEntry } from '../actors/notes.ts';
import type { PresenceItem, Shown } from '../actors/presence-feed.ts';
import { HomingError } from '../errors.ts';
import type { Presence } from './surface.ts';

/** Where a view gets its items. */
export interface PresenceSource {
  /** Starts watching; the first moment is all who are here. Rejects when it may not, or cannot any more. */
  open(): Promise<AsyncIterable<PresenceItem>>;
  /** Something went wrong later; the view has ended. */
  failed(error: unknown): void;
  /** A listener threw. */
  listenerFailed(error: unknown): void;
  /** Whether it is worth opening it anew after it ended by itself, or with this error. */
  mayReopen(error: unknown): boolean;
  /** The view is over. */
  closed?(view: PresenceView): void;
}

type Events = {
  came: [id: string, values: Shown];
  changed: [id: string, values: Shown];
  went: [id: string, values: Shown];
};

/** The object behind `Presence`. */
export class PresenceView implements Presence<Record<string, unknown>> {
  readonly #source: PresenceSource;
  readonly #members = new Map<string, Shown>();
  readonly #listeners: Listeners<Events>;
  readonly #first = Promise.withResolvers<void>();
  #iterator: AsyncIterator<PresenceItem> | undefined;
  #isKnown = false;
  #isOver = false;

  private constructor(source: PresenceSource) {
    this.#source = source;
    this.#listeners = new Listeners((error) => source.listenerFailed(error));
  }

  /** Resolves when all who are here are known. Rejects with what kept the source from opening. */
  static async open(source: PresenceSource, opened: (view: PresenceView) => void): Promise<PresenceView> {
    const view = new PresenceView(source);
    opened(view);
    void view.#run();
    await view.#first.promise;
    return view;
  }

  get members(): ReadonlyMap<string, Shown> {
    return this.#members;
  }

  on<Name extends keyof Events>(event: Name, listener: (...args: Events[Name]) => unknown): () => void {
    return this.#listeners.on(event, listener);
  }

  close(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    // Whoever still waits for the list gets an empty one.
    this.#first.resolve();
    void this.#iterator?.return?.();
    this.#source.closed?.(this);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  // ---- below

  async #run(): Promise<void> {
    while (!this.#isOver) {
      let failure: unknown;
      try {
        const items = await this.#source.open();
        await this.#read(items);
      } catch (error) {
        failure = error;
      }
      if (this.#isOver || this.#source.mayReopen(failure)) continue;
      this.#isOver = true;
      if (this.#isKnown) this.#source.failed(failure);
      else this.#first.reject(failure ?? new HomingError('Closed', 'the server is closing'));
      this.#source.closed?.(this);
    }
  }

  async #read(items: AsyncIterable<PresenceItem>): Promise<void> {
    const iterator = items[Symbol.asyncIterator]();
    this.#iterator = iterator;
    if (this.#isOver) return void (await iterator.return?.());
    const missing = new Set(this.#members.keys());
    let isListing = true;
    let entries: RosterEntry[] = [];
    for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) {
      if (this.#isOver) return;
      const [part, hasMore] = next.value;
      entries.push(...part);
      if (hasMore) continue;
      if (isListing) {
        for (const [id] of entries) missing.delete(id);
        for (const id of missing) entries.push([id]);
        isListing = false;
      }
      for (const entry of entries) {
        this.#take(entry);
        // A listener may have closed it.
        if (this.#isOver) return;
      }
      entries = [];
      this.#isKnown = true;
      this.#first.resolve();
    }
  }

  #take([id, values]: RosterEntry): void {
    const before = this.#members.get(id);
    if (values === undefined) {
      if (before === undefined) return;
      this.#members.delete(id);
      this.#listeners.emit('went', id, before);
      return;
    }
    if (before !== undefined && isSame(before, values)) return;
    // Its own: in the server, other watchers are told of the same object.
    const shown = { ...values };
    this.#members.set(id, shown);
    this.#listeners.emit(before === undefined ? 'came' : 'changed', id, shown);
  }
}

function isSame(one: Shown, other: Shown): boolean {
  const keys = Object.keys(one);
  return keys.length === Object.keys(other).length && keys.every((key) => Object.is(one[key], other[key]));
}
