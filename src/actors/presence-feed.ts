/**
 * What one watcher of presence is still to be told: first all who are here, then what changed, gathered while it looks
 * away. What is kept grows with the sessions that there are, never with how long a slow watcher takes.
 */
import type { Plain } from '../session/store.ts';
import type { RosterEntry } from './notes.ts';

/** Values that are shown of a session. */
export type Shown = Readonly<Record<string, Plain>>;

/** Entries, and whether more of the first list follow. */
export type PresenceItem = readonly [entries: readonly RosterEntry[], hasMore: boolean];

/** Entries of one item, and their estimated bytes, at most. */
const ENTRIES_MAX = 200;
const BYTES_MAX = 16_384;

interface Change {
  readonly values: Shown | undefined;
  /** The watcher has never heard of this session. */
  readonly isNew: boolean;
  /** Of the first list; what is not told of it stays in front. */
  readonly isListed: boolean;
}

/** An async iterable of items; one loop at a time reads it. */
export class PresenceFeed implements AsyncIterableIterator<PresenceItem> {
  /** Called once, when it is over. */
  ended: (() => void) | undefined;
  readonly #left: () => void;
  readonly #changes = new Map<string, Change>();
  #wake: (() => void) | undefined;
  #isListed = false;
  /** The watcher waits for an item whatever there is: for the first one, and for the last of the first list. */
  #isOwed = true;
  #isOver = false;

  /** `left` is called once, when nobody reads it any more. */
  constructor(left: () => void) {
    this.#left = left;
  }

  /** All who are here; comes first, and once. */
  list(entries: Iterable<readonly [id: string, values: Shown]>): void {
    for (const [id, values] of entries) this.#changes.set(id, { values, isNew: true, isListed: true });
    this.#isListed = true;
    this.#wake?.();
  }

  /** A session that is here shows other values. */
  set(id: string, values: Shown): void {
    this.#note(id, values, false);
  }

  /** A session came. */
  came(id: string, values: Shown): void {
    this.#note(id, values, true);
  }

  /** A session went; one of which nothing was told is forgotten. */
  went(id: string): void {
    if (this.#changes.get(id)?.isNew === true) this.#changes.delete(id);
    else this.#note(id, undefined, false);
  }

  /** Ends it; the watcher hears so. */
  close(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#changes.clear();
    this.#wake?.();
    this.#left();
    this.ended?.();
  }

  async next(): Promise<IteratorResult<PresenceItem>> {
    while (!this.#isOver && !this.#hasNews) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    if (this.#isOver) return { done: true, value: undefined };
    const item = this.#take();
    this.#isOwed = item[1];
    return { done: false, value: item };
  }

  return(): Promise<IteratorResult<PresenceItem>> {
    this.close();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  // ---- below

  get #hasNews(): boolean {
    return this.#isListed && (this.#isOwed || this.#changes.size > 0);
  }

  /** What waits to be told of a session is replaced; whether the watcher knows it follows from what was told. */
  #note(id: string, values: Shown | undefined, isNew: boolean): void {
    if (this.#isOver) return;
    const before = this.#changes.get(id);
    this.#changes.set(id, { values, isNew: before?.isNew ?? isNew, isListed: before?.isListed ?? false });
    this.#wake?.();
  }

  #take(): PresenceItem {
    const entries: RosterEntry[] = [];
    let bytes = 0;
    for (const [id, { values }] of this.#changes) {
      const size = bytesOf(id, values);
      if (entries.length > 0 && (entries.length >= ENTRIES_MAX || bytes + size > BYTES_MAX)) break;
      this.#changes.delete(id);
      entries.push(values === undefined ? [id] : [id, values]);
      bytes += size;
    }
    return [entries, this.#changes.values().next().value?.isListed === true];
  }
}

function bytesOf(id: string, values: Shown | undefined): number {
  let bytes = id.length + 8;
  for (const key in values) {
    const value = values[key];
    bytes += key.length + 8 + (typeof value === 'string' ? value.length * 3 : 8);
  }
  return bytes;
}
