/**
 * Who waits until the peer has processed everything up to an ordinal. Ordinals rise with every message that was
 * accepted or stands in line, so that a flush over a full outbox waits for the right ones, across epochs as well.
 */
import { Deque } from './deque.ts';

interface Waiter {
  readonly ordinal: number;
  readonly token: number;
}

/** The flushes of one session, oldest first. */
export class Flushes {
  /** Made for the first one. */
  #waiters: Deque<Waiter> | undefined;
  #askedOrdinal = 0;

  get length(): number {
    return this.#waiters?.length ?? 0;
  }

  /** Waits for everything up to this ordinal, which is not below that of an earlier flush. */
  add(ordinal: number, token: number): void {
    (this.#waiters ??= new Deque()).push({ ordinal, token });
  }

  /** Nobody waits under this token any more; false when nobody did. */
  leave(token: number): boolean {
    const before = this.length;
    this.#keep((waiter) => waiter.token !== token);
    return this.length < before;
  }

  /** Takes the token of the oldest flush all of whose messages are older than `oldestOrdinal`; 0 when there is none. */
  takeSettled(oldestOrdinal: number): number {
    const waiter = this.#waiters?.at(0);
    if (waiter === undefined || waiter.ordinal >= oldestOrdinal) return 0;
    this.#waiters?.shift();
    return waiter.token;
  }

  /** Takes the tokens of all flushes that wait for this ordinal. */
  takeFrom(ordinal: number): number[] {
    const taken: number[] = [];
    this.#keep((waiter) => {
      if (waiter.ordinal < ordinal) return true;
      taken.push(waiter.token);
      return false;
    });
    return taken;
  }

  /** A connection begins: the peer has not been asked for anything on it. */
  attach(): void {
    this.#askedOrdinal = 0;
  }

  /** The newest ordinal up to `lastNumbered` that a flush waits for and the peer was not asked for; 0 when none is. */
  takeAsked(lastNumbered: number): number {
    let low = 0;
    let high = this.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#waiters?.at(middle)?.ordinal ?? 0) <= lastNumbered) low = middle + 1;
      else high = middle;
    }
    const ordinal = this.#waiters?.at(low - 1)?.ordinal ?? 0;
    if (ordinal <= this.#askedOrdinal) return 0;
    this.#askedOrdinal = ordinal;
    return ordinal;
  }

  #keep(stays: (waiter: Waiter) => boolean): void {
    const waiters = this.#waiters;
    if (waiters === undefined) return;
    for (let left = waiters.length; left > 0; left -= 1) {
      const waiter = waiters.shift();
      if (waiter !== undefined && stays(waiter)) waiters.push(waiter);
    }
  }
}
