/**
 * Who gets a held message, decided between threads without asking anybody: each one that a sender holds has a cell in
 * shared memory, and whoever changes it first has it. Copies of the message wait in every shard, so that the order in
 * which a sender's messages reach a session is that in which they came to its shard.
 */
import { Deque } from '../session/deque.ts';

/** Messages that one sender holds at most. */
export const HELD_MESSAGES_MAX = 1_000;

/** Between two tickets there is room for the number of each thread; a cell comes back to a ticket after 2^20 others. */
const TICKET_STEP = 4_096;

/** A held message's cell, as its copies know it; plain data. */
export interface Slot {
  readonly memory: Int32Array;
  readonly index: number;
  /** What the cell shows while nobody has the message. */
  readonly ticket: number;
}

/** Takes a held message for a place, at least -1; false when somebody has it, or it is gone. */
export function claim({ memory, index, ticket }: Slot, place: number): boolean {
  return Atomics.compareExchange(memory, index, ticket, (ticket + place + 2) | 0) === ticket;
}

/** Whether nobody has it yet. */
export function isOpen({ memory, index, ticket }: Slot): boolean {
  return Atomics.load(memory, index) === ticket;
}

/** Whether this place has it. */
export function isClaimedBy({ memory, index, ticket }: Slot, place: number): boolean {
  return Atomics.load(memory, index) === ((ticket + place + 2) | 0);
}

/** The cells of one sender. A cell that was used shows another ticket, so that a late copy finds it gone. */
export class HeldSlots {
  readonly #memory = new Int32Array(new SharedArrayBuffer(HELD_MESSAGES_MAX * Int32Array.BYTES_PER_ELEMENT));
  readonly #free = new Deque<number>();
  #used = 0;

  /** A cell for one more message; undefined at the bound. */
  take(): Slot | undefined {
    const memory = this.#memory;
    const index = this.#free.shift() ?? (this.#used < HELD_MESSAGES_MAX ? this.#used++ : undefined);
    if (index === undefined) return undefined;
    const ticket = ((Atomics.load(memory, index) & -TICKET_STEP) + TICKET_STEP) | 0;
    Atomics.store(memory, index, ticket);
    return { memory, index, ticket };
  }

  /** Nobody asks for this cell any more: it has been claimed, by whomever. */
  release({ index }: Slot): void {
    this.#free.push(index);
  }
}
