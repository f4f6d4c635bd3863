/**
 * Held messages as one shard keeps them: copies that wait for a session here which matches. Found by each value that they
 * ask for, so that a change of a store looks at few of them.
 */
import type { Plain } from '../session/store.ts';
import type { Slot } from './held-slots.ts';
import type { GroupMessage } from './notes.ts';

/** A copy, and who sent the message. */
export interface HeldCopy {
  readonly owner: number;
  readonly message: GroupMessage;
  readonly slot: Slot;
}

/** The copies of one shard. */
export class HeldCopies {
  /** Arrival by arrival: those of one sender lie here in its order. */
  readonly #all = new Map<string, HeldCopy>();
  readonly #byValue = new Map<string, Map<Plain, Set<HeldCopy>>>();

  get size(): number {
    return this.#all.size;
  }

  add(copy: HeldCopy): void {
    this.#all.set(keyOf(copy.owner, copy.slot.index, copy.slot.ticket), copy);
    for (const [key, value] of valuesOf(copy)) {
      const values = this.#byValue.get(key) ?? new Map<Plain, Set<HeldCopy>>();
      this.#byValue.set(key, values);
      values.set(value, (values.get(value) ?? new Set()).add(copy));
    }
  }

  /** The copy is of no use any more. */
  drop(owner: number, index: number, ticket: number): void {
    const copy = this.#all.get(keyOf(owner, index, ticket));
    if (copy !== undefined) this.remove(copy);
  }

  remove(copy: HeldCopy): void {
    if (!this.#all.delete(keyOf(copy.owner, copy.slot.index, copy.slot.ticket))) return;
    for (const [key, value] of valuesOf(copy)) {
      const values = this.#byValue.get(key);
      const asking = values?.get(value);
      if (values === undefined || asking?.delete(copy) !== true || asking.size > 0) continue;
      values.delete(value);
      if (values.size === 0) this.#byValue.delete(key);
    }
  }

  /** Nobody waits for the messages of a sender that is gone. */
  dropOf(owner: number): void {
    for (const copy of this.#all.values()) if (copy.owner === owner) this.remove(copy);
  }

  /** Those that ask for this value among others, in the order in which they came. */
  asking(key: string, value: Plain): readonly HeldCopy[] {
    return [...(this.#byValue.get(key)?.get(value) ?? [])];
  }

  /** All, in the order in which they came. */
  all(): readonly HeldCopy[] {
    return [...this.#all.values()];
  }
}

function keyOf(owner: number, index: number, ticket: number): string {
  return `${owner}/${index}/${ticket}`;
}

function valuesOf({ message: { selection } }: HeldCopy): readonly (readonly [string, Plain])[] {
  return selection.type === 'values' ? selection.values : [];
}
