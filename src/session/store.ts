/**
 * The shared store without its values: which key has which encoded entry, what is pending at the end that follows, and when
 * a verdict counts. The end that decides holds `Entries`; the other one a `Copy`, which is a prefix of the history that
 * the first one made, with the own writes on top that are not decided yet (DESIGN: the store).
 */
import { Deque } from './deque.ts';

/** Keys of a store at most; fixed by the protocol version. */
export const STORE_KEYS_MAX = 1_000;

/** Payload bytes of all entries of a store at most; fixed by the protocol version. */
export const STORE_BYTES_MAX = 262_144;

/** A value that groups and presence can look at without decoding. */
export type Plain = string | number | boolean;

/** One entry: its payload as it crosses, `[key, value]`, and the value itself where that is plain. */
export interface Entry {
  readonly payload: Uint8Array;
  readonly plain: Plain | undefined;
}

/** Entries by key, bounded together. */
export class Entries {
  #byKey: Map<string, Entry> | undefined;
  /** Payload bytes of all. */
  bytes = 0;

  get size(): number {
    return this.#byKey?.size ?? 0;
  }

  get(key: string): Entry | undefined {
    return this.#byKey?.get(key);
  }

  /** Keys in the order in which they were first set. */
  keys(): string[] {
    return [...(this.#byKey?.keys() ?? [])];
  }

  /** Whether there is room for this entry in place of what the key has now. */
  fits(key: string, entry: Entry): boolean {
    const before = this.get(key);
    if (before === undefined && this.size >= STORE_KEYS_MAX) return false;
    return this.bytes - (before?.payload.length ?? 0) + entry.payload.length <= STORE_BYTES_MAX;
  }

  /** Sets a key, or deletes it with undefined. */
  set(key: string, entry: Entry | undefined): void {
    this.bytes += (entry?.payload.length ?? 0) - (this.get(key)?.payload.length ?? 0);
    if (entry !== undefined) (this.#byKey ??= new Map()).set(key, entry);
    else if (this.#byKey?.delete(key) === true && this.#byKey.size === 0) this.#byKey = undefined;
  }

  clear(): void {
    this.#byKey = undefined;
    this.bytes = 0;
  }
}

/** A write of this end that is not decided, or decided after a change which has not come yet. */
interface Pending {
  readonly ordinal: number;
  readonly key: string;
  readonly entry: Entry | undefined;
  /** Changes of the peer that come before it; known with the verdict. */
  after: number;
}

/** What the end that follows knows of the store. */
export class Copy {
  readonly confirmed = new Entries();
  /** Not judged yet, by ordinal, in order. */
  readonly #waiting = new Map<number, Pending>();
  /** Accepted, but an earlier change has not come yet. */
  readonly #accepted = new Deque<Pending>();
  /** What is pending of each key, oldest first. */
  readonly #byKey = new Map<string, Pending[]>();
  #pendingBytes = 0;
  #changeCount = 0;
  #lastOrdinal = 0;

  /** Entries and pending writes together, in payload bytes. */
  get bytes(): number {
    return this.confirmed.bytes + this.#pendingBytes;
  }

  /** Writes that do not count yet. */
  get pendingCount(): number {
    return this.#waiting.size + this.#accepted.length;
  }

  /** Payload bytes of those writes. */
  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  /** No write without a verdict has a higher ordinal than this; 0 when there is none. */
  get lastUnjudged(): number {
    return this.#waiting.size === 0 ? 0 : this.#lastOrdinal;
  }

  /** Whether a write with at most this ordinal has no verdict yet. */
  isUnjudged(ordinal: number): boolean {
    for (const first of this.#waiting.keys()) return first <= ordinal;
    return false;
  }

  /** The entry as this end shows it: the own newest write, else what is confirmed. */
  get(key: string): Entry | undefined {
    const own = this.#byKey.get(key)?.at(-1);
    return own === undefined ? this.confirmed.get(key) : own.entry;
  }

  /** Keys as this end shows them. */
  keys(): string[] {
    const keys = this.confirmed.keys().filter((key) => this.get(key) !== undefined);
    for (const [key, pending] of this.#byKey) {
      if (this.confirmed.get(key) === undefined && pending.at(-1)?.entry !== undefined) keys.push(key);
    }
    return keys;
  }

  /** The writes that do not count yet, oldest first. */
  *pending(): IterableIterator<{ readonly key: string; readonly entry: Entry | undefined }> {
    for (let index = 0; index < this.#accepted.length; index += 1) {
      const accepted = this.#accepted.at(index);
      if (accepted !== undefined) yield accepted;
    }
    yield* this.#waiting.values();
  }

  /** This end has sent a write; `ordinal` is that of its message. */
  write(ordinal: number, key: string, entry: Entry | undefined): void {
    const pending = { ordinal, key, entry, after: 0 };
    this.#waiting.set(ordinal, pending);
    this.#lastOrdinal = ordinal;
    const own = this.#byKey.get(key);
    if (own === undefined) this.#byKey.set(key, [pending]);
    else own.push(pending);
    this.#pendingBytes += entry?.payload.length ?? 0;
  }

  /** The next change of the peer. False when it goes past the bounds; it is counted, but not kept. */
  change(key: string, entry: Entry | undefined): boolean {
    this.#changeCount += 1;
    const fits = entry === undefined || this.confirmed.fits(key, entry);
    if (fits) this.confirmed.set(key, entry);
    this.#confirmReached();
    return fits;
  }

  /** The next change of the peer cannot be read: it is counted. */
  miss(): void {
    this.#changeCount += 1;
    this.#confirmReached();
  }

  /** The key of the oldest write without a verdict. */
  get oldestUnjudgedKey(): string | undefined {
    for (const { key } of this.#waiting.values()) return key;
    return undefined;
  }

  /** The key of the write with this ordinal, if it has no verdict yet. */
  keyOf(ordinal: number): string | undefined {
    return this.#waiting.get(ordinal)?.key;
  }

  /** The oldest write without a verdict was accepted, after so many changes of the peer. */
  accepted(changes: number): void {
    const pending = this.#takeOldest();
    if (pending === undefined) return;
    pending.after = changes;
    this.#accepted.push(pending);
    this.#confirmReached();
  }

  /** The oldest write without a verdict was refused. */
  refused(): void {
    const pending = this.#takeOldest();
    if (pending !== undefined) this.#forget(pending);
  }

  /** A message will not be written: if it was a write, it is not pending any more. */
  takenBack(ordinal: number): void {
    const pending = this.#waiting.get(ordinal);
    if (pending === undefined) return;
    this.#waiting.delete(ordinal);
    this.#forget(pending);
  }

  /** History was lost: nothing of the old epoch comes back by itself. */
  clear(): void {
    this.confirmed.clear();
    this.#waiting.clear();
    this.#accepted.clear();
    this.#byKey.clear();
    this.#pendingBytes = 0;
    this.#changeCount = 0;
  }

  #takeOldest(): Pending | undefined {
    for (const [ordinal, pending] of this.#waiting) {
      this.#waiting.delete(ordinal);
      return pending;
    }
    return undefined;
  }

  /**
   * Accepted writes take their place in the history once all changes before them are there. A peer that accepts more than
   * a store may hold has another history.
   */
  #confirmReached(): void {
    for (let first = this.#accepted.at(0); first !== undefined; first = this.#accepted.at(0)) {
      if (first.after > this.#changeCount) return;
      this.#accepted.shift();
      this.#forget(first);
      if (first.entry === undefined || this.confirmed.fits(first.key, first.entry)) {
        this.confirmed.set(first.key, first.entry);
      }
    }
  }

  #forget(pending: Pending): void {
    const own = this.#byKey.get(pending.key) ?? [];
    if (own.length < 2) this.#byKey.delete(pending.key);
    else if (own[0] === pending) own.shift();
    else own.splice(own.indexOf(pending), 1);
    this.#pendingBytes -= pending.entry?.payload.length ?? 0;
  }
}
