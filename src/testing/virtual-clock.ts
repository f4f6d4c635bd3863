/**
 * Virtual time: a heap of timers keyed by (time, order of setting). Nothing waits, idle time costs nothing. Delays are
 * taken as Node takes them, in whole milliseconds and at least 1, so that an actor that counts on anything else is
 * found out here.
 */
import type { Clock } from '../actors/ports.ts';

/** A timer that is set; `clearTimeout` takes it back. */
export interface VirtualTimer {
  readonly atMs: number;
  readonly order: number;
  readonly fire: () => void;
  /** Where it stands in the heap; -1 once it has fired or was taken back. */
  place: number;
}

/** Time that moves when somebody takes the next timer, and only then. */
export class VirtualClock implements Clock {
  readonly #heap: VirtualTimer[] = [];
  #nowMs = 0;
  #order = 0;

  /** Milliseconds since the world began. */
  now(): number {
    return this.#nowMs;
  }

  /** Timers that are set. */
  get pendingCount(): number {
    return this.#heap.length;
  }

  /** When the next timer fires; Infinity when none is set. */
  get nextMs(): number {
    return this.#heap[0]?.atMs ?? Infinity;
  }

  /** Sets a timer with the delay that Node would make of this one. */
  setTimeout(fire: () => void, delayMs: number): VirtualTimer {
    return this.at(this.#nowMs + (delayMs >= 1 ? Math.trunc(delayMs) : 1), fire);
  }

  /** Takes a timer back; one that has fired is no error. */
  clearTimeout(ticket: unknown): void {
    const timer = ticket as VirtualTimer;
    if (timer.place >= 0) this.#remove(timer);
  }

  /** Sets a timer for an exact time, fractions included; a time in the past is now. */
  at(atMs: number, fire: () => void): VirtualTimer {
    this.#order += 1;
    const timer = { atMs: Math.max(atMs, this.#nowMs), order: this.#order, fire, place: this.#heap.length };
    this.#heap.push(timer);
    this.#rise(timer);
    return timer;
  }

  /** Moves time to the next timer, takes it off and hands it to the caller, who fires it. */
  take(): VirtualTimer | undefined {
    const timer = this.#heap[0];
    if (timer === undefined) return undefined;
    this.#nowMs = timer.atMs;
    this.#remove(timer);
    return timer;
  }

  /** Lets time pass up to a moment before which no timer is set. */
  pass(toMs: number): void {
    this.#nowMs = Math.max(this.#nowMs, Math.min(toMs, this.nextMs));
  }

  #remove(timer: VirtualTimer): void {
    const last = this.#heap.pop();
    const { place } = timer;
    timer.place = -1;
    if (last === undefined || last === timer) return;
    this.#put(last, place);
    this.#sink(last);
    this.#rise(last);
  }

  #rise(timer: VirtualTimer): void {
    while (timer.place > 0) {
      const above = this.#heap[(timer.place - 1) >> 1] as VirtualTimer;
      if (isBefore(above, timer)) return;
      this.#swap(timer, above);
    }
  }

  #sink(timer: VirtualTimer): void {
    for (;;) {
      const left = this.#heap[timer.place * 2 + 1];
      if (left === undefined) return;
      const right = this.#heap[timer.place * 2 + 2];
      const first = right !== undefined && isBefore(right, left) ? right : left;
      if (isBefore(timer, first)) return;
      this.#swap(timer, first);
    }
  }

  #swap(one: VirtualTimer, other: VirtualTimer): void {
    const { place } = one;
    this.#put(one, other.place);
    this.#put(other, place);
  }

  #put(timer: VirtualTimer, place: number): void {
    this.#heap[place] = timer;
    timer.place = place;
  }
}

function isBefore(one: VirtualTimer, other: VirtualTimer): boolean {
  return one.atMs < other.atMs || (one.atMs === other.atMs && one.order < other.order);
}
