/** A run as one number: everything that reached an actor, in order. The same seed must give the same number. */

/** Gathers a run. */
export class Trace {
  #hash = 0x811c_9dc5;
  #count = 0;
  /** Told each word that is added. */
  onTell: ((word: string) => void) | undefined;

  /** Adds an event: a small number of what happened, when, and its size. */
  add(kind: number, nowMs: number, size: number): void {
    this.#count += 1;
    let hash = Math.imul(this.#hash ^ kind, 0x0100_0193);
    hash = Math.imul(hash ^ Math.round(nowMs * 1_024), 0x0100_0193);
    hash = Math.imul(hash ^ size, 0x0100_0193);
    this.#hash = hash ^ (hash >>> 15);
  }

  /** Adds a word. */
  tell(word: string, nowMs: number): void {
    this.onTell?.(word);
    for (let index = 0; index < word.length; index += 1) this.add(word.charCodeAt(index), nowMs, index);
  }

  /** Events and their hash. */
  get hash(): string {
    return `${this.#count}:${(this.#hash >>> 0).toString(16).padStart(8, '0')}`;
  }
}
