/**
 * The timers of one thread as one heap with one timer of Node behind it, set to the earliest: a server has a deadline for each of
 * very many connections, and most are moved long before they come. Those that are due together fire in the order of their times,
 * then in that in which they were set.
 */

/** Longest delay that Node's timers take; with a longer one they would fire at once. */
const DELAY_MAX_MS = 2 ** 31 - 1;

/** One timer: the ticket of `Deadlines.set`. */
class Deadline {
  readonly fire: () => void;
  readonly atMs: number;
  readonly order: number;
  /** Where it stands in the heap; -1: it has fired, or was cleared. */
  index = -1;

  constructor(fire: () => void, atMs: number, order: number) {
    this.fire = fire;
    this.atMs = atMs;
    this.order = order;
  }
}

/** All timers of a host. */
export class Deadlines {
  readonly #heap: Deadline[] = [];
  readonly #now: () => number;
  #timer: NodeJS.Timeout | undefined;
  /** When the timer of Node fires. */
  #timerAtMs = Infinity;
  #lastOrder = 0;
  #isReferenced = true;

  /** `now` is the time in milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Fires once, after so many milliseconds or a little later; the ticket is for `clear`. What `fire` throws is uncaught. */
  set(fire: () => void, delayMs: number): object {
    this.#lastOrder += 1;
    const deadline = new Deadline(fire, this.#now() + delayMs, this.#lastOrder);
    this.#heap.push(deadline);
    this.#rise(deadline, this.#heap.length - 1);
    if (deadline.index === 0) this.#arm();
    return deadline;
  }

  /** Forgets a timer. One that has fired, or anything that is no ticket, is no error. */
  clear(ticket: unknown): void {
    if (!(ticket instanceof Deadline) || ticket.index < 0) return;
    this.#remove(ticket);
    // With others left the timer stays: when it fires too early it is set anew, which is rarer than being cleared.
    if (this.#heap.length === 0) this.#disarm();
  }

  /** Whether they keep the process alive. */
  ref(alive: boolean): void {
    this.#isReferenced = alive;
    if (alive) this.#timer?.ref();
    else this.#timer?.unref();
  }

  // ---- below

  #arm(): void {
    const [first] = this.#heap;
    if (first === undefined || first.atMs >= this.#timerAtMs) return;
    this.#disarm();
    const delayMs = Math.min(DELAY_MAX_MS, Math.max(0, Math.ceil(first.atMs - this.#now())));
    this.#timerAtMs = first.atMs;
    this.#timer = setTimeout(() => this.#wake(), delayMs);
    if (!this.#isReferenced) this.#timer.unref();
  }

  #disarm(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#timerAtMs = Infinity;
  }

  #wake(): void {
    this.#timer = undefined;
    this.#timerAtMs = Infinity;
    const nowMs = this.#now();
    // One that is set meanwhile for now comes with the next timer: nobody keeps the thread for ever.
    const order = this.#lastOrder;
    try {
      for (let first = this.#heap[0]; first !== undefined && first.atMs <= nowMs; first = this.#heap[0]) {
        if (first.order > order) break;
        this.#remove(first);
        first.fire();
      }
    } finally {
      this.#arm();
    }
  }

  #remove(deadline: Deadline): void {
    const { index } = deadline;
    deadline.index = -1;
    const last = this.#heap.pop();
    if (last === undefined || last === deadline) return;
    if (!this.#rise(last, index)) this.#sink(last, index);
  }

  /** Puts a deadline at this place or nearer to the front; whether it is nearer. */
  #rise(deadline: Deadline, from: number): boolean {
    let index = from;
    while (index > 0) {
      const above = (index - 1) >> 1;
      const other = this.#heap[above];
      if (other === undefined || !isBefore(deadline, other)) break;
      this.#put(other, index);
      index = above;
    }
    this.#put(deadline, index);
    return index < from;
  }

  #sink(deadline: Deadline, from: number): void {
    let index = from;
    for (;;) {
      const left = this.#heap[2 * index + 1];
      const right = this.#heap[2 * index + 2];
      const next = left !== undefined && right !== undefined && isBefore(right, left) ? right : left;
      if (next === undefined || !isBefore(next, deadline)) break;
      const below = next.index;
      this.#put(next, index);
      index = below;
    }
    this.#put(deadline, index);
  }

  #put(deadline: Deadline, index: number): void {
    this.#heap[index] = deadline;
    deadline.index = index;
  }
}

function isBefore(one: Deadline, other: Deadline): boolean {
  return one.atMs < other.atMs || (one.atMs === other.atMs && one.order < other.order);
}
