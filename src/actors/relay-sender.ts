/**
 * The sending half of a relay, the same at both ends. What waits for room is cut into pieces of a quarter of the credit,
 * and the receiver gives room back a quarter at a time: what it may keep back never adds up to what a piece needs, so
 * nothing waits for ever and no timer is needed.
 */
import { invariant } from '../errors.ts';
import { Deque } from '../session/deque.ts';
import { Account, type Books } from './books.ts';
import type { Pipe } from './ports.ts';

/** Bytes that may be under way in one direction, from when they were posted until room for them was given back. */
export const RELAY_CREDIT_BYTES = 262_144;

/** A receiver gives room back once it has handled this much. */
export const RELAY_RETURN_BYTES = RELAY_CREDIT_BYTES / 4;

const PIECE_BYTES_MAX = RELAY_CREDIT_BYTES / 4;

/** What a relay keeps in memory. */
export interface Holding {
  /**
   * Bytes that came in at this end and that the other one is not known to have handled. Each byte of a relay is counted
   * once, in the shard where it entered; 0 once this end is done.
   */
  readonly heldBytes: number;
}

/** Posts bytes as far as the credit goes and keeps the rest, in order. */
export class RelaySender implements Holding {
  readonly #pipe: Pipe;
  readonly #account: Account;
  readonly #waiting = new Deque<Uint8Array>();
  #waitingBytes = 0;
  #roomBytes = RELAY_CREDIT_BYTES;

  /** What waits here is booked; what is under way may have been handled long since, up to a quarter of the credit. */
  constructor(pipe: Pipe, books: Books | undefined) {
    this.#pipe = pipe;
    this.#account = new Account(books);
  }

  /** Whether more may be sent now. */
  get hasRoom(): boolean {
    return this.#roomBytes > 0 && this.#waitingBytes === 0;
  }

  get heldBytes(): number {
    return RELAY_CREDIT_BYTES - this.#roomBytes + this.#waitingBytes;
  }

  /** Copies the parts: what was read lies in a pool, and what was written is kept for a resend. Tells `hasRoom`. */
  send(parts: readonly Uint8Array[]): boolean {
    let count = 0;
    for (const part of parts) count += part.length;
    const fits = this.#waitingBytes === 0 && count <= this.#roomBytes;
    this.#copy(parts, count, fits ? count : PIECE_BYTES_MAX);
    this.#post();
    return this.hasRoom;
  }

  /** The other end has handled so many bytes. Throws `InvariantBroken` when that is more than were sent. */
  granted(count: number): void {
    this.#roomBytes += count;
    invariant(
      this.#roomBytes <= RELAY_CREDIT_BYTES,
      `expected room for at most ${RELAY_CREDIT_BYTES} bytes of a relay, got ${this.#roomBytes} after ${count} more`,
    );
    this.#post();
  }

  /**
   * Posts what waits, past the credit, and the goodbye. The other end holds then what was held here, and nobody stays
   * behind for a line that takes nothing any more.
   */
  end(): void {
    for (let piece = this.#waiting.shift(); piece !== undefined; piece = this.#waiting.shift()) this.#pipe.post(piece);
    this.#pipe.post('end');
  }

  /** Holds nothing any more. */
  forget(): void {
    this.#waiting.clear();
    this.#waitingBytes = 0;
    this.#roomBytes = RELAY_CREDIT_BYTES;
    this.#account.set(0);
  }

  #copy(parts: readonly Uint8Array[], count: number, pieceBytesMax: number): void {
    let rest = count;
    let piece = new Uint8Array(Math.min(rest, pieceBytesMax));
    let filled = 0;
    for (const part of parts) {
      for (let from = 0; from < part.length;) {
        const taken = Math.min(part.length - from, piece.length - filled);
        piece.set(part.subarray(from, from + taken), filled);
        from += taken;
        filled += taken;
        if (filled < piece.length) continue;
        this.#waiting.push(piece);
        rest -= filled;
        piece = new Uint8Array(Math.min(rest, pieceBytesMax));
        filled = 0;
      }
    }
    this.#waitingBytes += count;
  }

  #post(): void {
    for (let piece = this.#waiting.at(0); piece !== undefined; piece = this.#waiting.at(0)) {
      const count = piece.length;
      if (count > this.#roomBytes) break;
      this.#waiting.shift();
      this.#waitingBytes -= count;
      this.#roomBytes -= count;
      this.#pipe.post(piece);
    }
    this.#account.set(this.#waitingBytes);
  }
}
