/** The books of the shop in a file, a line for each order, so that several threads can have them. */
import { appendFileSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Books } from './ledger.ts';

const WRITE_MS = 10;

/** Reads and writes the file anew each time. */
export class FileLedger implements Books {
  readonly #file: string;

  /** The file must be there. */
  constructor(file: string) {
    this.#file = file;
  }

  get sum(): number {
    return this.#orders.reduce((sum, [, pieces]) => sum + Number(pieces), 0);
  }

  async has(id: string): Promise<boolean> {
    await sleep(1);
    return this.#orders.some(([known]) => known === id);
  }

  async add(id: string, pieces: number): Promise<void> {
    appendFileSync(this.#file, `${id} ${pieces}\n`);
    await sleep(WRITE_MS); // as if the disk were slow
  }

  get #orders(): readonly (readonly string[])[] {
    const lines = readFileSync(this.#file, 'utf8').split('\n');
    return lines.filter((line) => line !== '').map((line) => line.split(' '));
  }
}
