/**
 * Flushes that wait for the store as well: the peer has processed all messages, but a verdict on a write is a message of
 * its own and may still be on its way.
 */

/** What is known of writes to the store. */
export interface Writes {
  /** Whether one with at most this ordinal has no verdict yet. */
  isUnjudged(ordinal: number): boolean;
}

/** The flushes of one session that began while writes had no verdict. */
export class JudgedFlushes {
  /** By token: the newest write it waits for, and whether the messages are processed; made for the first one. */
  #waiting: Map<number, { readonly lastWrite: number; isProcessed: boolean }> | undefined;

  /** A flush begins; `lastWrite` is the ordinal of the newest write without a verdict, 0 for none. */
  begin(token: number, lastWrite: number): void {
    if (lastWrite > 0) (this.#waiting ??= new Map()).set(token, { lastWrite, isProcessed: false });
  }

  /** The messages of a flush are processed. Whether it is over. */
  processed(token: number, writes: Writes): boolean {
    const flush = this.#waiting?.get(token);
    if (flush === undefined) return true;
    flush.isProcessed = true;
    if (writes.isUnjudged(flush.lastWrite)) return false;
    this.#waiting?.delete(token);
    return true;
  }

  /** A verdict came: takes the flushes that are over now. */
  takeOver(writes: Writes): number[] {
    const over: number[] = [];
    if (this.#waiting === undefined) return over;
    for (const [token, { lastWrite, isProcessed }] of this.#waiting) {
      if (!isProcessed || writes.isUnjudged(lastWrite)) continue;
      this.#waiting.delete(token);
      over.push(token);
    }
    return over;
  }

  /** History was lost, and with it writes without a verdict: takes the flushes that waited for one. */
  takeUnjudged(writes: Writes): number[] {
    const lost: number[] = [];
    if (this.#waiting === undefined) return lost;
    for (const [token, { lastWrite }] of this.#waiting) if (writes.isUnjudged(lastWrite)) lost.push(token);
    this.#waiting.clear();
    return lost;
  }

  /** Nobody waits for this flush any more. */
  leave(token: number): void {
    this.#waiting?.delete(token);
  }
}
