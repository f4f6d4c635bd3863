/**
 * What all contracts are made of: cases with a name and a promise, which any test runner takes. A case says what it expects in
 * its title, and rejects with a sentence when it does not find it.
 */
import { isDeepStrictEqual, inspect } from 'node:util';

/** One thing that an adapter must do. */
export interface ContractCase {
  /** Stays the same from version to version. */
  readonly id: string;
  /** A sentence about the adapter. */
  readonly title: string;
  /** Resolves when the adapter keeps to the title; rejects with what it did instead. */
  readonly run: () => Promise<void>;
}

/** How time passes for an adapter while a case waits. */
export interface Passing {
  /**
   * Lets something happen, as little as there is. Resolves to false when nothing more will happen by itself: what a case still
   * waits for then will never be. Without it time is real: turns of the event loop, ten seconds of them at most.
   */
  readonly turn?: () => Promise<boolean>;
}

/** How long a case waits for one thing where time is real. */
const PATIENCE_MS = 10_000;

/** Waits, in the time of an adapter. */
export class Waits {
  readonly #turn: () => Promise<boolean>;

  constructor({ turn }: Passing) {
    this.#turn = turn === undefined ? turnOfLoop : () => turn();
  }

  /** Lets a little time pass. */
  async turn(): Promise<void> {
    await this.#turn();
  }

  /** Waits until something holds. Rejects with a sentence when it does not come to hold. */
  async until(holds: () => boolean, what: string): Promise<void> {
    const endsAtMs = performance.now() + PATIENCE_MS;
    while (!holds()) {
      const goesOn = await this.#turn();
      if (holds()) return;
      if (!goesOn || performance.now() > endsAtMs) throw new Error(`expected ${what}, and it did not come`);
    }
  }
}

function turnOfLoop(): Promise<boolean> {
  return new Promise((resolve) => {
    setImmediate(() => resolve(true));
  });
}

/** Throws unless two values are alike to the last part. */
export function same(what: string, got: unknown, wanted: unknown): void {
  if (isDeepStrictEqual(got, wanted)) return;
  throw new Error(`expected ${what} to be ${inspect(wanted)}, got ${inspect(got)}`);
}

/** Throws a sentence unless something holds. */
export function must(holds: boolean, sentence: string): void {
  if (!holds) throw new Error(sentence);
}

/** Throws unless the bytes are alike; names the first that is not. */
export function sameBytes(what: string, got: Uint8Array, wanted: Uint8Array): void {
  if (Buffer.compare(got, wanted) === 0) return;
  if (got.length !== wanted.length) {
    throw new Error(`expected ${what} to be ${wanted.length} bytes, got ${got.length}`);
  }
  const at = wanted.findIndex((byte, index) => got[index] !== byte);
  throw new Error(`expected ${what} to be as written, got ${got[at]} instead of ${wanted[at]} at byte ${at}`);
}
