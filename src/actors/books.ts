/**
 * The bytes that a shard holds for its sessions and connections, as we count them ourselves: a worker thread is no
 * boundary for memory. Each session and connection has an account; near the bound the shard sheds what nobody has seen
 * and refuses what is new, at the bound it accepts no message. What was accepted is never dropped for room.
 */
import { Count, type Tally } from './tally.ts';

/** From this part of the bound on the shard makes room and takes nothing new. */
const PRESSED_PART = 0.75;

/** The books of one shard. */
export class Books {
  readonly #tally: Tally;
  readonly #bytesMax: number;
  readonly #pressedBytes: number;
  readonly #waiting = new Set<() => void>();
  #bytes = 0;

  constructor(tally: Tally, bytesMax: number) {
    this.#tally = tally;
    this.#bytesMax = bytesMax;
    this.#pressedBytes = bytesMax * PRESSED_PART;
  }

  /** Bytes held now. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The bound. */
  get bytesMax(): number {
    return this.#bytesMax;
  }

  /** No more messages are accepted. */
  get isSpent(): boolean {
    return this.#bytes >= this.#bytesMax;
  }

  /** Nothing new is taken: no session, while those that are there go on. */
  get isPressed(): boolean {
    return this.#bytes >= this.#pressedBytes;
  }

  /** Calls back once, when the books are not pressed any more; what is returned forgets it. */
  whenEased(eased: () => void): () => void {
    this.#waiting.add(eased);
    return () => void this.#waiting.delete(eased);
  }

  /** An account changed by so many bytes. */
  book(bytes: number): void {
    this.#bytes += bytes;
    this.#tally.set(Count.BYTES, this.#bytes);
    if (bytes >= 0 || this.#waiting.size === 0 || this.isPressed) return;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const eased of waiting) eased();
  }
}

/** What one session or connection holds. */
export class Account {
  readonly #books: Books | undefined;
  #bytes = 0;

  /** Without books nothing is counted: a client has none. */
  constructor(books: Books | undefined) {
    this.#books = books;
  }

  /** It holds so many bytes now. */
  set(bytes: number): void {
    if (bytes === this.#bytes) return;
    this.#books?.book(bytes - this.#bytes);
    this.#bytes = bytes;
  }
}
