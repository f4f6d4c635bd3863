/** The books of the shop. They are on a disk, so to speak: a server that dies and starts again finds them as they were. */
import { setTimeout as sleep } from 'node:timers/promises';

const WRITE_MS = 10;

/** What a shop knows of its books. */
export interface Books {
  readonly sum: number;
  has(id: string): Promise<boolean>;
  /** Writes an order, and adds it to the sum. */
  add(id: string, pieces: number): Promise<void>;
}

/** Orders by id, and the sum that is kept beside them. */
export class Ledger implements Books {
  readonly #pieces = new Map<string, number>();
  #sum = 0;

  get sum(): number {
    return this.#sum;
  }

  async has(id: string): Promise<boolean> {
    await sleep(1);
    return this.#pieces.has(id);
  }

  async add(id: string, pieces: number): Promise<void> {
    await sleep(WRITE_MS);
    this.#pieces.set(id, pieces);
    this.#sum += pieces;
  }
}
