/**
 * What this end waits for the peer to answer in this epoch: receipts, results of calls and of passed functions, verdicts on
 * writes to the store. Each is found by the seq of the message that asked; the waits are known by their tokens.
 */
import { Kind } from '../wire/frame.ts';
import { Calls } from './calls.ts';
import { Deque } from './deque.ts';
import { Receipts } from './receipts.ts';

const NONE: readonly number[] = [];

/** The answers that are to come. */
export class Awaited {
  // Each is made when it is needed: most sessions ask for nothing of its kind.
  #receipts: Receipts | undefined;
  #calls: Calls | undefined;
  /** Calls of passed functions. */
  #applied: Calls | undefined;
  /** Writes are judged in their order. */
  #writes: Deque<number> | undefined;

  /** An ordered message gets its seq. */
  expect(kind: number, seq: number, token: number): void {
    if (kind === Kind.DELIVER) (this.#receipts ??= new Receipts()).expect(seq, token);
    else if (kind === Kind.CALL || kind === Kind.SERVICE) (this.#calls ??= new Calls()).expect(seq, token);
    else if (kind === Kind.WRITE) (this.#writes ??= new Deque()).push(seq);
  }

  /** A call of a passed function gets its seq, of the direct lane. */
  expectAnswer(seq: number, token: number): void {
    (this.#applied ??= new Calls()).expect(seq, token);
  }

  /** A receipt came. Returns who waits, 0 for nobody, -1 when it cannot be; `released` is the seq acknowledged last. */
  settleReceipt(seq: number, released: number): number {
    if (this.#receipts === undefined) return seq <= released ? 0 : -1;
    return this.#receipts.settle(seq, released);
  }

  /** A result came, or the answer of a passed function. Returns who waits, 0 for nobody, -1 when it cannot be. */
  settleResult(seq: number, isAnswer: boolean): number {
    return (isAnswer ? this.#applied : this.#calls)?.settle(seq) ?? -1;
  }

  /** A verdict came. False when this write is not the next one to be judged. */
  settleWrite(seq: number): boolean {
    if (this.#writes?.at(0) !== seq) return false;
    this.#writes.shift();
    return true;
  }

  /**
   * Nobody waits under this token any more. Returns what tells the peer of it: the kind of message and the seq that it
   * names; undefined when there is nothing to tell.
   */
  leave(token: number, released: number): { readonly kind: number; readonly seq: number } | undefined {
    const seq = this.#calls?.leave(token) ?? 0;
    if (seq > 0) return { kind: Kind.CANCEL, seq };
    const appliedSeq = this.#applied?.leave(token) ?? 0;
    if (appliedSeq > 0) return { kind: Kind.STOP, seq: appliedSeq };
    this.#receipts?.leave(token, released);
    return undefined;
  }

  /** Calls without a result, given up ones included. */
  get callCount(): number {
    return (this.#calls?.length ?? 0) + (this.#applied?.length ?? 0);
  }

  /** Calls that nobody waits for any more and that the peer has not answered. */
  get abandonedCallCount(): number {
    return (this.#calls?.abandonedCount ?? 0) + (this.#applied?.abandonedCount ?? 0);
  }

  /** Who waits for the result of a written call. */
  callTokens(): number[] {
    return [...(this.#calls?.waiting() ?? NONE), ...(this.#applied?.waiting() ?? NONE)];
  }

  /** The highest ordered seq that the peer must have processed, because it answered. */
  get provenSeq(): number {
    return Math.max(this.#receipts?.provenSeq ?? 0, this.#calls?.provenSeq ?? 0);
  }

  /** A new epoch: takes the tokens of all who wait. */
  takeAll(): number[] {
    this.#writes = undefined;
    const applied = this.#applied?.takeAll() ?? NONE;
    const receipts = this.#receipts?.takeAll() ?? NONE;
    const calls = this.#calls?.takeAll() ?? NONE;
    return [...applied, ...receipts, ...calls];
  }
}
