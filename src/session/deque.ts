/** A ring of values with a head and a tail: what outbox and mailbox queue in. Grows by doubling, shrinks when emptied. */

const SLOTS_MIN = 16;
/** An emptied ring larger than this gives its memory back: a server holds tens of thousands of quiet sessions. */
const SLOTS_KEPT_MAX = 64;

/** What a ring that holds nothing has; never written to. */
const NO_SLOTS: never[] = [];

/** First in, first out, with reading by index; every operation but growth takes constant time. */
export class Deque<Value> {
  #slots: (Value | undefined)[] = NO_SLOTS;
  #head = 0;
  #count = 0;

  get length(): number {
    return this.#count;
  }

  /** Adds behind the last value. */
  push(value: Value): void {
    if (this.#count === this.#slots.length) this.#grow();
    this.#slots[(this.#head + this.#count) & (this.#slots.length - 1)] = value;
    this.#count += 1;
  }

  /** Adds before the first value. */
  unshift(value: Value): void {
    if (this.#count === this.#slots.length) this.#grow();
    this.#head = (this.#head - 1) & (this.#slots.length - 1);
    this.#slots[this.#head] = value;
    this.#count += 1;
  }

  /** Takes the first value, or undefined when there is none. */
  shift(): Value | undefined {
    if (this.#count === 0) return undefined;
    const value = this.#slots[this.#head];
    this.#slots[this.#head] = undefined;
    this.#head = (this.#head + 1) & (this.#slots.length - 1);
    this.#count -= 1;
    if (this.#count === 0 && this.#slots.length > SLOTS_KEPT_MAX) this.clear();
    return value;
  }

  /** The value `index` places behind the first. */
  at(index: number): Value | undefined {
    if (index < 0 || index >= this.#count) return undefined;
    return this.#slots[(this.#head + index) & (this.#slots.length - 1)];
  }

  /** Drops everything and its memory. */
  clear(): void {
    this.#slots = NO_SLOTS;
    this.#head = 0;
    this.#count = 0;
  }

  #grow(): void {
    const slots = this.#slots;
    const larger = new Array<Value | undefined>(Math.max(SLOTS_MIN, slots.length * 2));
    for (let index = 0; index < this.#count; index += 1)
      larger[index] = slots[(this.#head + index) & (slots.length - 1)];
    for (let index = this.#count; index < larger.length; index += 1) larger[index] = undefined;
    this.#slots = larger;
    this.#head = 0;
  }
}
