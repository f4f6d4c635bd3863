/**
 * Values by numbers that rise, most of which stay only for a moment: calls by their seqs, waits by their tokens. A number has its
 * slot in a ring, so that nothing is hashed, and no table is built anew after so many deletions, as a Map's is. A number whose slot
 * is taken by one that stays makes the ring larger, up to a bound; beyond it, it goes to a Map.
 */

import { invariant } from '../errors.ts';

const SLOTS_MIN = 4;
const SLOTS_MAX = 1_024;
/** An emptied ring larger than this gives its memory back. */
const SLOTS_KEPT_MAX = 128;
/** The number of a free slot, which nothing has. */
const FREE = 0;

/** A table of values by whole numbers other than 0, for which there is never a value; it is read like a Map. */
export class Numbered<Value> {
  #numbers: number[] = new Array<number>(SLOTS_MIN).fill(FREE);
  #values: (Value | undefined)[] = new Array<Value | undefined>(SLOTS_MIN).fill(undefined);
  #slotted = 0;
  #others: Map<number, Value> | undefined;

  get size(): number {
    return this.#slotted + (this.#others?.size ?? 0);
  }

  get(number: number): Value | undefined {
    const slot = number & (this.#numbers.length - 1);
    return this.#numbers[slot] === number ? this.#values[slot] : this.#others?.get(number);
  }

  set(number: number, value: Value): void {
    invariant(number !== FREE, 'nothing has the number 0');
    const slot = number & (this.#numbers.length - 1);
    const owner = this.#numbers[slot];
    if (owner === number) this.#values[slot] = value;
    else if (this.#others?.has(number) === true) this.#others.set(number, value);
    else if (owner === FREE) {
      this.#numbers[slot] = number;
      this.#values[slot] = value;
      this.#slotted += 1;
    } else if (this.#numbers.length < SLOTS_MAX) {
      this.#grow();
      this.set(number, value);
    } else (this.#others ??= new Map()).set(number, value);
  }

  /** Whether it was there. */
  delete(number: number): boolean {
    const slot = number & (this.#numbers.length - 1);
    if (number === FREE) return false;
    if (this.#numbers[slot] !== number) return this.#others?.delete(number) === true;
    this.#numbers[slot] = FREE;
    this.#values[slot] = undefined;
    this.#slotted -= 1;
    if (this.#slotted === 0 && this.#numbers.length > SLOTS_KEPT_MAX) this.#shrink();
    return true;
  }

  /** What is there now, by rising numbers; changes meanwhile are not seen. */
  entries(): [number: number, value: Value][] {
    const all: [number, Value][] = [...(this.#others ?? [])];
    this.#numbers.forEach((number, slot) => {
      if (number !== FREE) all.push([number, this.#values[slot] as Value]);
    });
    return all.sort(([left], [right]) => left - right);
  }

  #grow(): void {
    const [numbers, values] = [this.#numbers, this.#values];
    const slots = numbers.length * 2;
    this.#numbers = new Array<number>(slots).fill(FREE);
    this.#values = new Array<Value | undefined>(slots).fill(undefined);
    // Numbers that had slots of their own have them in a ring of twice the size.
    numbers.forEach((number, at) => {
      if (number === FREE) return;
      const slot = number & (slots - 1);
      this.#numbers[slot] = number;
      this.#values[slot] = values[at];
    });
  }

  #shrink(): void {
    this.#numbers = new Array<number>(SLOTS_MIN).fill(FREE);
    this.#values = new Array<Value | undefined>(SLOTS_MIN).fill(undefined);
  }
}
