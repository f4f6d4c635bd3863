/** A token bucket per key: how often something may happen. Time is an argument; the number of keys is bounded. */

interface Bucket {
  tokens: number;
  atMs: number;
}

/** At most `perSecond` events a second and key, with a burst of the same size. */
export class Pace {
  readonly #perSecond: number;
  readonly #keysMax: number;
  readonly #buckets = new Map<string, Bucket>();

  constructor(perSecond: number, keysMax: number) {
    this.#perSecond = perSecond;
    this.#keysMax = keysMax;
  }

  /** Whether one more event of this key is allowed now; counts nothing. */
  allows(key: string, nowMs: number): boolean {
    return this.#refill(key, nowMs) >= 1;
  }

  /** Counts one event of this key. */
  spend(key: string, nowMs: number): void {
    const tokens = Math.max(0, this.#refill(key, nowMs) - 1);
    this.#buckets.delete(key);
    if (this.#buckets.size >= this.#keysMax) this.#forgetOldest();
    this.#buckets.set(key, { tokens, atMs: nowMs });
  }

  #refill(key: string, nowMs: number): number {
    const bucket = this.#buckets.get(key);
    if (bucket === undefined) return this.#perSecond;
    return Math.min(this.#perSecond, bucket.tokens + ((nowMs - bucket.atMs) / 1_000) * this.#perSecond);
  }

  #forgetOldest(): void {
    for (const key of this.#buckets.keys()) {
      this.#buckets.delete(key);
      return;
    }
  }
}
