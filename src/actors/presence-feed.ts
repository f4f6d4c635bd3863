/**
 * What one watcher of presence is still to be told: first all who are here, then what changed, gathered while it looks
 * away. What is kept grows with the sessions that there are, never with how long a slow watcher takes.
 */
import type { Plain } from '../session/store.ts';
import type { RosterEntry } from './notes.ts';

/** Values that are shown of a session. */
export type Shown = Readonly<Record<string, Plain>>;

/** Entries, and whether more of the same moment follow. */
export type PresenceItem = readonly [entries: readonly RosterEntry[], hasMore: boolean];

/** Entries of one item, and their estimated bytes, at most. */
const ENTRIES_MAX = 200;
const BYTES_MAX = 16_384;

interface Change {
  readonly values: Shown | undefined;
  /** The watcher has never heard of this session. */
  readonly isNew: boolean;
}

/** An async iterable of items; one loop at a time reads it. */
export class PresenceFeed implements AsyncIterableIterator<PresenceItem> {
  readonly #left: () => void;
  readonly #changes = new Map<string, Change>();
  #wake: (() => void) | undefined;
  #isListed = false;
  #isTold = false;
  #isOver = false;

  /** `left` is called once, when nobody reads it any more. */
  constructor(left: () => void) {
    this.#left = left;
  }

  /** All who are here; comes first, and once. */
  list(entries: Iterable<readonly [id: string, values: Shown]>): void {
    for (const [id, values] of entries) this.#changes.set(id, { values, isNew: true });
    this.#isListed = true;
    this.#wake?.();
  }

  /** A session came or shows other values. */
  set(id: string, values: Shown): void {
    const before = this.#changes.get(id);
    this.#note(id, { values, isNew: before?.isNew ?? false });
  }

  /** A session came. */
  came(id: string, values: Shown): void {
    // One that went and came again, as after a crash of its shard, is known.
    this.#note(id, { values, isNew: !this.#changes.has(id) });
  }

  /** A session went; one of which nothing was told is forgotten. */
  went(id: string): void {
    if (this.#changes.get(id)?.isNew === true) this.#changes.delete(id);
    else this.#note(id, { values: undefined, isNew: false });
  }

  /** Ends it; the watcher hears so. */
  close(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#changes.clear();
    this.#wake?.();
    this.#left();
  }

  async next(): Promise<IteratorResult<PresenceItem>> {
    while (!this.#isOver && !this.#hasNews) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    if (this.#isOver) return { done: true, value: undefined };
    this.#isTold = true;
    return { done: false, value: this.#take() };
  }

  return(): Promise<IteratorResult<PresenceItem>> {
    this.close();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  // ---- below

  /** The first listing is news even when nobody is here. */
  get #hasNews(): boolean {
    return this.#isListed && (!this.#isTold || this.#changes.size > 0);
  }

  #note(id: string, change: Change): void {
    if (this.#isOver) return;
    this.#changes.set(id, change);
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
    return [entries, this.#changes.size > 0];
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
