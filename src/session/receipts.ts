/**
 * Which written messages wait for a receipt, and who waits. A wait that was given up stays until its message is
 * released, and soon after that it is forgotten: a peer that never sends its receipts costs no memory.
 */

const ABANDONED_KEPT_MAX = 64;
const NONE: ReadonlyMap<number, number> = new Map();

/** The receipts that are to come in this epoch. */
export class Receipts {
  /** Made for the first one. */
  #tokens: Map<number, number> | undefined;
  #abandonedCount = 0;
  #sweepAt = ABANDONED_KEPT_MAX;
  /** Highest seq that a receipt came for: all up to it was processed, whatever the acks say. */
  provenSeq = 0;

  get length(): number {
    return this.#tokens?.size ?? 0;
  }

  /** The message with this seq asks for a receipt; token 0 when nobody waits for it. */
  expect(seq: number, token: number): void {
    (this.#tokens ??= new Map()).set(seq, token);
    if (token === 0) this.#abandonedCount += 1;
  }

  /**
   * A receipt came. Returns who waits for it, 0 when nobody does any more, -1 when it cannot be: its message asked for
   * none. A late one for a message released long ago may be of a wait that was forgotten.
   */
  settle(seq: number, released: number): number {
    const token = this.#tokens?.get(seq);
    if (token === undefined) return seq <= released ? 0 : -1;
    this.#tokens?.delete(seq);
    if (token === 0) this.#abandonedCount -= 1;
    if (seq > this.provenSeq) this.provenSeq = seq;
    return token;
  }

  /** Nobody waits under this token any more. */
  leave(token: number, released: number): void {
    for (const [seq, waiting] of this.#tokens ?? NONE) {
      if (waiting !== token) continue;
      this.#tokens?.set(seq, 0);
      this.#abandonedCount += 1;
      break;
    }
    if (this.#abandonedCount > this.#sweepAt) this.#sweep(released);
  }

  /** A new epoch: takes the tokens of all who wait, in the order of their messages. */
  takeAll(): number[] {
    const tokens = [...(this.#tokens ?? NONE).values()];
    this.#tokens = undefined;
    this.#abandonedCount = 0;
    this.#sweepAt = ABANDONED_KEPT_MAX;
    this.provenSeq = 0;
    return tokens;
  }

  #sweep(released: number): void {
    for (const [seq, token] of this.#tokens ?? NONE) {
      if (token !== 0 || seq > released) continue;
      this.#tokens?.delete(seq);
      this.#abandonedCount -= 1;
    }
    this.#sweepAt = this.#abandonedCount * 2 + ABANDONED_KEPT_MAX;
  }
}
