/**
 * The bytes that a shard holds for its sessions and connections, as we count them ourselves: a worker thread is no
 * boundary for memory. Each session and connection has an account; near the bound the shard sheds what nobody has seen
 * and refuses what is new, at the bound it accepts no message. What was accepted is never dropped for room.
 */
import type { Session } from '../session/session.ts';
import { Count, type CountIndex, type Tally } from './tally.ts';

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

  /** One more of what is counted since the beginning. */
  count(index: CountIndex): void {
    this.#tally.add(index, 1);
  }

  /** Bytes of a connection, in or out. */
  passed(index: typeof Count.BYTES_IN | typeof Count.BYTES_OUT, bytes: number): void {
    this.#tally.add(index, bytes);
  }

  /** A dialling connection went from one state to another; undefined: it began. */
  moved(machine: 'accepting' | 'dialling', from: string | undefined, to: string): void {
    this.#tally.moved(machine, from, to);
  }

  /** What a session has moved since its traffic was taken last. */
  traffic({ outlet, orderedReceived, directReceived }: Session, last: Traffic, isOver: boolean): void {
    const tally = this.#tally;
    const { ordered, direct } = outlet;
    const received = orderedReceived + directReceived;
    const sent = ordered.sent + direct.sent;
    const acked = ordered.released + direct.released;
    const messages = isOver ? 0 : ordered.messages + direct.messages;
    const bytes = isOver ? 0 : ordered.bytes + direct.bytes;
    if (received !== last.received) tally.add(Count.MESSAGES_IN, gain(received, last.received));
    if (sent !== last.sent) tally.add(Count.MESSAGES_OUT, gain(sent, last.sent));
    if (acked !== last.acked) tally.add(Count.ACKED, gain(acked, last.acked));
    if (messages !== last.messages) tally.add(Count.OUTBOX_MESSAGES, messages - last.messages);
    if (bytes !== last.bytes) tally.add(Count.OUTBOX_BYTES, bytes - last.bytes);
    last.received = received;
    last.sent = sent;
    last.acked = acked;
    last.messages = messages;
    last.bytes = bytes;
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

/** How far a session is: messages since its epoch began, and what its outbox holds now. */
export class Traffic {
  received = 0;
  sent = 0;
  acked = 0;
  messages = 0;
  bytes = 0;
}

/** A new epoch counts from the beginning. */
function gain(now: number, before: number): number {
  return now >= before ? now - before : now;
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
