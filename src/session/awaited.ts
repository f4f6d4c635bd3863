/**
 * What this end waits for the peer to answer in this epoch: receipts, results of calls and of passed functions, verdicts on
 * writes to the store. Each is found by the seq of the message that asked; the waits are known by their tokens.
 */
import { Kind } from '../wire/frame.ts';
import { Calls } from './calls.ts';
import { Deque } from './deque.ts';
import { Receipts } from './receipts.ts';

/** The answers that are to come. */
export class Awaited {
  readonly #receipts = new Receipts();
  readonly #calls = new Calls();
  /** Calls of passed functions. */
  readonly #applied = new Calls();
  /** Writes are judged in their order. */
  readonly #writes = new Deque<number>();

  /** An ordered message gets its seq. */
  expect(kind: number, seq: number, token: number): void {
    if (kind === Kind.DELIVER) this.#receipts.expect(seq, token);
    else if (kind === Kind.CALL || kind === Kind.SERVICE) this.#calls.expect(seq, token);
    else if (kind === Kind.WRITE) this.#writes.push(seq);
  }

  /** A call of a passed function gets its seq, of the direct lane. */
  expectAnswer(seq: number, token: number): void {
    this.#applied.expect(seq, token);
  }

  /** A receipt came. Returns who waits, 0 for nobody, -1 when it cannot be; `released` is the seq acknowledged last. */
  settleReceipt(seq: number, released: number): number {
    return this.#receipts.settle(seq, released);
  }

  /** A result came, or the answer of a passed function. Returns who waits, 0 for nobody, -1 when it cannot be. */
  settleResult(seq: number, isAnswer: boolean): number {
    return (isAnswer ? this.#applied : this.#calls).settle(seq);
  }

  /** A verdict came. False when this write is not the next one to be judged. */
  settleWrite(seq: number): boolean {
    if (this.#writes.at(0) !== seq) return false;
    this.#writes.shift();
    return true;
  }

  /**
   * Nobody waits under this token any more. Returns what tells the peer of it: the kind of message and the seq that it
   * names; undefined when there is nothing to tell.
   */
  leave(token: number, released: number): { readonly kind: number; readonly seq: number } | undefined {
    const seq = this.#calls.leave(token);
    if (seq > 0) return { kind: Kind.CANCEL, seq };
    const appliedSeq = this.#applied.leave(token);
    if (appliedSeq > 0) return { kind: Kind.STOP, seq: appliedSeq };
    this.#receipts.leave(token, released);
    return undefined;
  }

  /** Calls without a result, given up ones included. */
  get callCount(): number {
    return this.#calls.length + this.#applied.length;
  }

  /** Calls that nobody waits for any more and that the peer has not answered. */
  get abandonedCallCount(): number {
    return this.#calls.abandonedCount + this.#applied.abandonedCount;
  }

  /** Who waits for the result of a written call. */
  callTokens(): number[] {
    return [...this.#calls.waiting(), ...this.#applied.waiting()];
  }

  /** The highest ordered seq that the peer must have processed, because it answered. */
  get provenSeq(): number {
    return Math.max(this.#receipts.provenSeq, this.#calls.provenSeq);
  }

  /** A new epoch: takes the tokens of all who wait. */
  takeAll(): number[] {
    this.#writes.clear();
    return [...this.#applied.takeAll(), ...this.#receipts.takeAll(), ...this.#calls.takeAll()];
  }
}
