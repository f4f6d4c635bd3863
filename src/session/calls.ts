/**
 * Which written calls wait for their result, and who waits. A call that was given up keeps its place until the peer has
 * answered: it may still run there, and who calls and cancels without end must not go past the bound on calls.
 */

import { Numbered } from './numbered.ts';

/** The value of an item that was read when it came, instead of its bytes. */
export class ReadItem {
  readonly value: unknown;

  constructor(value: unknown) {
    this.value = value;
  }
}

/** The results that are to come in this epoch. */
export class Calls {
  /** Made for the first one. */
  #tokens: Numbered<number> | undefined;
  /** Calls that nobody waits for any more and that the peer has not answered. */
  abandonedCount = 0;
  /** Highest seq that a result came for: all up to it was processed, whatever the acks say. */
  provenSeq = 0;

  /** Written calls without a result, given up ones included. */
  get length(): number {
    return this.#tokens?.size ?? 0;
  }

  /** The call with this seq asks for a result. */
  expect(seq: number, token: number): void {
    (this.#tokens ??= new Numbered()).set(seq, token);
  }

  /** A result came. Returns who waits for it, 0 when nobody does any more, -1 when no such call is unanswered. */
  settle(seq: number): number {
    const token = this.#tokens?.get(seq);
    if (token === undefined) return -1;
    this.#tokens?.delete(seq);
    if (token === 0) this.abandonedCount -= 1;
    if (seq > this.provenSeq) this.provenSeq = seq;
    return token;
  }

  /** Nobody waits under this token any more. Returns the seq of its call, 0 when there is none. */
  leave(token: number): number {
    for (const [seq, waiting] of this.#tokens?.entries() ?? []) {
      if (waiting !== token) continue;
      this.#tokens?.set(seq, 0);
      this.abandonedCount += 1;
      return seq;
    }
    return 0;
  }

  /** Who waits for a written call now. */
  waiting(): number[] {
    return (this.#tokens?.entries() ?? []).map(([, token]) => token).filter((token) => token !== 0);
  }

  /** A new epoch: takes the tokens of all who wait, in the order of their calls. */
  takeAll(): number[] {
    const tokens = this.waiting();
    this.#tokens = undefined;
    this.abandonedCount = 0;
    this.provenSeq = 0;
    return tokens;
  }
}

/** What became of a call, on the wire. */
export const ResultStatus = {
  /** The method returned; its value follows. */
  OK: 0,
  /** It threw; name, sentence and code follow as one item. */
  FAILED: 1,
  /** Nothing has that name. */
  NO_METHOD: 2,
  /** Too many calls run already; it was not started. */
  TOO_MANY: 3,
  /** It was cancelled, and has ended or never began. */
  CANCELLED: 4,
} as const;

/** Bytes before the item of a result: u64 seq of the call, u8 status. */
export const RESULT_BYTES = 9;

/** Bytes before the arguments of a called function: its u64 number. */
export const TARGET_BYTES = 8;
