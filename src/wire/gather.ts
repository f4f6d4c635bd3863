/** What one pump writes: ranges of pages, where neighbours in the same page become one, so that few writes leave. */

/** Collects byte ranges in order. The ranges are views: their bytes must not change while a socket may read them. */
export class Gather {
  readonly #parts: Uint8Array[] = [];
  #page: Uint8Array | undefined;
  #start = 0;
  #end = 0;
  /** Bytes collected since the last `take`. */
  bytes = 0;

  /** Adds `page[start, end)`. */
  add(page: Uint8Array, start: number, end: number): void {
    this.bytes += end - start;
    if (page === this.#page && start === this.#end) {
      this.#end = end;
      return;
    }
    this.#close();
    this.#page = page;
    this.#start = start;
    this.#end = end;
  }

  /** Hands over what was collected, in order, and starts anew. */
  take(): Uint8Array[] {
    this.#close();
    this.bytes = 0;
    return this.#parts.splice(0);
  }

  #close(): void {
    if (this.#page === undefined) return;
    this.#parts.push(this.#page.subarray(this.#start, this.#end));
    this.#page = undefined;
  }
}
