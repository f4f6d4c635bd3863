/** What came of a stream whose messages are numbered from 0 in the order in which they were sent. */
import { nowMs } from '../clock.ts';

/** What a ledger says at some moment. */
export interface Entries {
  /** By the clock of the machine. */
  readonly atMs: number;
  /** Messages that came for the first time, and after all that were sent before them and came at all. */
  readonly inOrder: number;
  /** Messages that came for the first time, but behind one that was sent after them. */
  readonly late: number;
  /** Messages that had come before. */
  readonly doubled: number;
  /** When the last message came that had not come before; 0 unless the ledger looks at the clock. */
  readonly lastMs: number;
}

const FIRST_BYTES = 65_536;

/** The receiver's account of one stream: a bit for each message. */
export class Ledger {
  readonly #hasClock: boolean;
  #seen = new Uint8Array(FIRST_BYTES);
  #highest = -1;
  #inOrder = 0;
  #late = 0;
  #doubled = 0;
  #lastMs = 0;

  /** With a clock it notes when messages come, which costs more than the rest. */
  constructor(hasClock: boolean) {
    this.#hasClock = hasClock;
  }

  /** A message came. */
  take(id: number): void {
    const at = id >>> 3;
    const bit = 1 << (id & 7);
    if (at >= this.#seen.length) this.#grow(at);
    const byte = this.#seen[at] ?? 0;
    if ((byte & bit) !== 0) {
      this.#doubled += 1;
      return;
    }
    this.#seen[at] = byte | bit;
    if (this.#hasClock) this.#lastMs = nowMs();
    if (id < this.#highest) {
      this.#late += 1;
      return;
    }
    this.#highest = id;
    this.#inOrder += 1;
  }

  /** What came so far. */
  look(): Entries {
    const entries = { inOrder: this.#inOrder, late: this.#late, doubled: this.#doubled, lastMs: this.#lastMs };
    return { atMs: nowMs(), ...entries };
  }

  #grow(at: number): void {
    const seen = new Uint8Array(Math.max(at + 1, this.#seen.length * 2));
    seen.set(this.#seen);
    this.#seen = seen;
  }
}
