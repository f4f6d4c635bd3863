/** What one pump writes: ranges of pages, where neighbours in the same page become one, so that few writes leave. */

/** Up to so many bytes in several places are copied into one: that costs less than a view of each and a system call for all. */
const COPIED_BYTES_MAX = 4_096;
/** Small frames and copies are put one behind the other into a buffer of this size, which is never written over. */
const POOL_BYTES = 16_384;
/** Below this many bytes a loop beats the call into the engine. */
const LOOP_BYTES_MAX = 128;

/** Collects byte ranges in order. The ranges are views: their bytes must not change while a socket may read them. */
export class Gather {
  readonly #pages: Uint8Array[] = [];
  /** Start and end of each range but the last. */
  readonly #edges: number[] = [];
  // the last range
  #page: Uint8Array | undefined;
  #start = 0;
  #end = 0;
  #pool: Uint8Array = new Uint8Array(0);
  #poolAt = 0;
  /** Bytes collected since the last `take`. */
  bytes = 0;

  /** Adds `page[start, end)`. */
  add(page: Uint8Array, start: number, end: number): void {
    this.bytes += end - start;
    if (page === this.#page && start === this.#end) {
      this.#end = end;
      return;
    }
    if (this.#page !== undefined) {
      this.#pages.push(this.#page);
      this.#edges.push(this.#start, this.#end);
    }
    this.#page = page;
    this.#start = start;
    this.#end = end;
  }

  /** Adds a small frame of so many bytes, which the caller writes now: into `pool`, from what is returned. */
  addNew(bytes: number): number {
    const at = this.#reserve(bytes);
    this.add(this.#pool, at, at + bytes);
    return at;
  }

  /** Where the frame that was added last by `addNew` is to be written. */
  get pool(): Uint8Array {
    return this.#pool;
  }

  /** Hands over what was collected, in order, and starts anew. */
  take(): Uint8Array[] {
    const page = this.#page;
    if (page === undefined) return [];
    const { bytes } = this;
    const parts =
      this.#pages.length === 0
        ? [page.subarray(this.#start, this.#end)]
        : bytes <= COPIED_BYTES_MAX
          ? [this.#joined(page, bytes)]
          : this.#apart(page);
    this.#pages.length = 0;
    this.#edges.length = 0;
    this.#page = undefined;
    this.bytes = 0;
    return parts;
  }

  #apart(last: Uint8Array): Uint8Array[] {
    const parts = this.#pages.map((page, index) => page.subarray(this.#edges[2 * index], this.#edges[2 * index + 1]));
    parts.push(last.subarray(this.#start, this.#end));
    return parts;
  }

  #joined(last: Uint8Array, bytes: number): Uint8Array {
    const [first] = this.#pages;
    const [start = 0, end = 0] = this.#edges;
    // The first range is mostly an ack that was written here a moment ago: the rest is put behind it.
    const isHere = first === this.#pool && end === this.#poolAt && this.#pool.length - start >= bytes;
    const from = isHere ? start : this.#reserve(bytes);
    let at = isHere ? end : from;
    const pool = this.#pool;
    for (let index = isHere ? 1 : 0; index < this.#pages.length; index += 1) {
      at = copy(
        this.#pages[index] as Uint8Array,
        this.#edges[2 * index] ?? 0,
        this.#edges[2 * index + 1] ?? 0,
        pool,
        at,
      );
    }
    this.#poolAt = copy(last, this.#start, this.#end, pool, at);
    return pool.subarray(from, from + bytes);
  }

  #reserve(bytes: number): number {
    if (this.#pool.length - this.#poolAt < bytes) {
      this.#pool = new Uint8Array(Math.max(POOL_BYTES, bytes));
      this.#poolAt = 0;
    }
    const at = this.#poolAt;
    this.#poolAt += bytes;
    return at;
  }
}

/** Copies a range; where the copy ends. */
function copy(source: Uint8Array, start: number, end: number, target: Uint8Array, at: number): number {
  if (end - start > LOOP_BYTES_MAX) target.set(source.subarray(start, end), at);
  else for (let from = start, to = at; from < end; from += 1, to += 1) target[to] = source[from] as number;
  return at + end - start;
}
