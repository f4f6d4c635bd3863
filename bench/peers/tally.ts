/** Counts what a receiver gets of one sender by the ids, which the sender counts from 0: lost, doubled, out of order. */

/** What a receiver saw. */
export interface Count {
  /** Messages that came, doubled ones included. */
  readonly came: number;
  /** Ids that are missing below the highest one that came. */
  readonly missing: number;
  /** Messages that came once more. */
  readonly doubled: number;
  /** Messages that came after one that was sent later. */
  readonly reordered: number;
}

/** The messages of one sender at its receiver. */
export class Tally {
  came = 0;
  doubled = 0;
  reordered = 0;
  #next = 0;
  readonly #missing = new Set<number>();

  /** A message came. */
  take(id: number): void {
    this.came += 1;
    if (id === this.#next) this.#next += 1;
    else this.#takeOther(id);
  }

  /** Ids that did not come so far, though later ones did. */
  get missing(): number {
    return this.#missing.size;
  }

  #takeOther(id: number): void {
    if (id > this.#next) {
      for (let skipped = this.#next; skipped < id; skipped += 1) this.#missing.add(skipped);
      this.#next = id + 1;
    } else if (this.#missing.delete(id)) this.reordered += 1;
    else this.doubled += 1;
  }
}

/** The sum over several senders. */
export function countOf(tallies: Iterable<Tally>): Count {
  const count = { came: 0, missing: 0, doubled: 0, reordered: 0 };
  for (const { came, missing, doubled, reordered } of tallies) {
    count.came += came;
    count.missing += missing;
    count.doubled += doubled;
    count.reordered += reordered;
  }
  return count;
}

/** Messages that were sent and never came. */
export function lostOf(sent: number, { came, doubled }: Count): number {
  return sent - (came - doubled);
}
