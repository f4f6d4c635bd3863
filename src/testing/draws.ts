/**
 * Chance by key: every number depends on the seed, on who draws and on how often it drew before, and on nothing else.
 * So one fault more or less changes nothing for the others, and a failing plan can be made smaller.
 */
import type { Chance } from '../actors/ports.ts';

/** The number for these keys, from 0 to 2³² − 1 (two rounds of the finish of MurmurHash3). */
export function draw(seed: number, entity: number, counter: number): number {
  let hash = Math.imul(seed ^ 0x9e37_79b9, 0x85eb_ca6b) ^ entity;
  hash = finish(hash ^ (hash >>> 15));
  return finish(hash ^ Math.imul(counter + 1, 0xc2b2_ae35)) >>> 0;
}

/** The key of a name (FNV-1a). */
export function entityOf(name: string): number {
  let hash = 0x811c_9dc5;
  for (let index = 0; index < name.length; index += 1) hash = Math.imul(hash ^ name.charCodeAt(index), 0x0100_0193);
  return hash;
}

/** The draws of one entity, one after another. */
export class Draws implements Chance {
  readonly #seed: number;
  readonly #entity: number;
  #counter = 0;

  constructor(seed: number, name: string) {
    this.#seed = seed;
    this.#entity = entityOf(name);
  }

  /** A number in [0, 1). */
  number(): number {
    return this.#next() / 0x1_0000_0000;
  }

  /** A whole number from 0 up to, and without, `count`. */
  below(count: number): number {
    return Math.floor(this.number() * count);
  }

  /** Bytes that nobody could guess if the seed were a secret. */
  bytes(count: number): Uint8Array {
    const bytes = new Uint8Array(count);
    for (let index = 0; index < count; index += 4) {
      const word = this.#next();
      for (let byte = 0; byte < 4 && index + byte < count; byte += 1) bytes[index + byte] = word >>> (byte * 8);
    }
    return bytes;
  }

  #next(): number {
    const drawn = draw(this.#seed, this.#entity, this.#counter);
    this.#counter += 1;
    return drawn;
  }
}

function finish(given: number): number {
  let hash = Math.imul(given ^ (given >>> 16), 0x85eb_ca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2_ae35);
  return hash ^ (hash >>> 16);
}
