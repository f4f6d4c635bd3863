/**
 * When an ack leaves: with anything else that is written, or at a bound of messages, bytes or time, or at once when
 * somebody waits for it. Holds what the peer was told last.
 */

/** Bounds after which an ack no longer waits for company (DESIGN: Ack). */
export const ackBounds = { delayMs: 50, messages: 32, bytes: 65_536 } as const;

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
  #messages = 0;
  #bytes = 0;
  #dueAt = Infinity;
  #wantedCursor = 0;
  /** An ack has to leave with this pump. */
  urgent = false;

  /** A connection begins with these positions known to the peer. */
  start(told: Positions): void {
    Object.assign(this.#told, told);
    this.#messages = 0;
    this.#bytes = 0;
    this.#dueAt = Infinity;
    this.#wantedCursor = 0;
    this.urgent = false;
  }

  /** Something was received: the peer learns of it in time, also when its handler is slow. */
  note(nowMs: number): void {
    if (this.#dueAt === Infinity) this.#dueAt = nowMs + ackBounds.delayMs;
  }

  /** Something of this size took effect: its sender waits to let go of it. */
  owe(bytes: number, nowMs: number): void {
    this.#messages += 1;
    this.#bytes += bytes;
    if (this.#messages >= ackBounds.messages || this.#bytes >= ackBounds.bytes) this.urgent = true;
    else if (this.#dueAt === Infinity) this.#dueAt = nowMs + ackBounds.delayMs;
  }

  /** The peer waits for the cursor to reach this seq. */
  want(cursor: number, reached: number): void {
    if (cursor > this.#wantedCursor) this.#wantedCursor = cursor;
    this.reached(reached);
  }

  /** The cursor moved. */
  reached(cursor: number): void {
    if (this.#wantedCursor !== 0 && cursor >= this.#wantedCursor) {
      this.#wantedCursor = 0;
      this.urgent = true;
    }
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

  /** These positions leave now. */
  tell(now: Positions): void {
    Object.assign(this.#told, now);
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
    if (nowMs >= this.#dueAt) this.urgent = true;
  }
}
