/**
 * When an ack leaves: with anything else that is written, or at a bound of messages, bytes or time, or at once when
 * somebody waits for it. Holds what the peer was told last.
 */
import { Deque } from './deque.ts';

/** Bounds after which an ack no longer waits for company (DESIGN: Ack). */
export const ackBounds = { delayMs: 50, messages: 32, bytes: 65_536 } as const;

/** Asks kept of one peer; of more, the furthest stands for the others. */
const ASKS_MAX = 32;

/** The five numbers of an ACK frame. */
export interface Positions {
  orderedReceived: number;
  cursor: number;
  directReceived: number;
  windowMessages: number;
  windowBytes: number;
}

/** The ack schedule of one connection. */
export class Acks {
  readonly #told: Positions = { orderedReceived: 0, cursor: 0, directReceived: 0, windowMessages: 0, windowBytes: 0 };
  readonly #messagesMax: number;
  readonly #bytesMax: number;
  /** Rising cursors that the peer waits for. */
  #asked: Deque<number> | undefined;
  #furthestAsk = 0;
  #messages = 0;
  #bytes = 0;
  #dueAt = Infinity;
  /** An ack has to leave with this pump. */
  urgent = false;

  /** The windows are those of this end: half of a small one used is a reason to tell, or the peer would stand still. */
  constructor(windowMessages: number, windowBytes: number) {
    this.#messagesMax = Math.min(ackBounds.messages, windowMessages / 2);
    this.#bytesMax = Math.min(ackBounds.bytes, windowBytes / 2);
  }

  /** A connection begins with these positions known to the peer. */
  start(told: Positions): void {
    this.#asked = undefined;
    this.#furthestAsk = 0;
    this.tell(told);
  }

  /** Something was received: the peer learns of it in time, also when its handler is slow. */
  note(nowMs: number): void {
    if (this.#dueAt === Infinity && !this.urgent) this.#dueAt = nowMs + ackBounds.delayMs;
  }

  /** Something of this size took effect: its sender waits to let go of it. */
  owe(bytes: number, nowMs: number): void {
    this.#messages += 1;
    this.#bytes += bytes;
    if (this.#messages >= this.#messagesMax || this.#bytes >= this.#bytesMax) this.urgent = true;
    else this.note(nowMs);
  }

  /** The peer waits for the cursor, which is now at `reached`, to come to `cursor`. */
  want(cursor: number, reached: number): void {
    if (cursor <= reached) this.urgent = true;
    else if (cursor > this.#furthestAsk) {
      this.#furthestAsk = cursor;
      this.#asked ??= new Deque();
      if (this.#asked.length < ASKS_MAX) this.#asked.push(cursor);
    }
  }

  /** The cursor moved. */
  reached(cursor: number): void {
    if (this.#furthestAsk === 0) return;
    const asked = this.#asked;
    for (let first = asked?.at(0); first !== undefined && first <= cursor; first = asked?.at(0)) {
      asked?.shift();
      this.urgent = true;
    }
    if (cursor < this.#furthestAsk) return;
    this.#furthestAsk = 0;
    this.urgent = true;
  }

  /** Whether the peer does not know these positions yet. */
  isNews(now: Positions): boolean {
    const told = this.#told;
    return (
      now.cursor !== told.cursor ||
      now.orderedReceived !== told.orderedReceived ||
      now.directReceived !== told.directReceived ||
      now.windowMessages !== told.windowMessages ||
      now.windowBytes !== told.windowBytes
    );
  }

  /** These positions leave now, or are known already: nothing is owed. */
  tell(now: Positions): void {
    const told = this.#told;
    told.orderedReceived = now.orderedReceived;
    told.cursor = now.cursor;
    told.directReceived = now.directReceived;
    told.windowMessages = now.windowMessages;
    told.windowBytes = now.windowBytes;
    this.#messages = 0;
    this.#bytes = 0;
    this.#dueAt = Infinity;
    this.urgent = false;
  }

  /** When an ack that waits for company leaves alone. */
  get deadlineMs(): number {
    return this.#dueAt;
  }

  /** Looks at the clock. */
  look(nowMs: number): void {
    if (nowMs < this.#dueAt) return;
    this.#dueAt = Infinity;
    this.urgent = true;
  }
}
