/** What one end does in all of its sessions: it sends as fast as it may, and holds each number that arrives against the one before. */
import type { Message } from '../peers/contestant.ts';
import { messageOf, textFor } from '../peers/message.ts';

/** Messages between two looks at the clock. */
const BURST = 256;
const TEXT = textFor(90);

/** An end of a session, as far as the row needs one. */
export interface Peer {
  on(event: 'sample', handler: (value: Message) => void): unknown;
  send(event: 'sample', value: Message): boolean;
  writable(): Promise<void>;
  flush(): Promise<void>;
}

/** The stream of one end. Rests until `stream` is called. */
export class Traffic {
  sent = 0;
  received = 0;
  /** Numbers that were skipped. */
  lost = 0;
  /** Numbers that came again, or late. */
  doubled = 0;
  readonly #peers: Peer[] = [];
  readonly #next = new Map<Peer, number>();
  #pouring: readonly Promise<void>[] = [];
  #isResting = true;

  get isResting(): boolean {
    return this.#isResting;
  }

  /** Messages in both directions. */
  get messages(): number {
    return this.sent + this.received;
  }

  /** Takes one more session; it sends from the next `stream` on. */
  join(peer: Peer): void {
    this.#peers.push(peer);
    this.#next.set(peer, 0);
    let expected = 0;
    peer.on('sample', ({ id }) => {
      this.received += 1;
      if (id > expected) this.lost += id - expected;
      if (id < expected) this.doubled += 1;
      else expected = id + 1;
    });
  }

  /** Sends in every session, until `rest`. */
  stream(): void {
    this.#isResting = false;
    this.#pouring = this.#peers.map((peer) => this.#pour(peer));
  }

  /** Stops; resolves when the peers have processed all that was sent. */
  async rest(): Promise<void> {
    this.#isResting = true;
    await Promise.all(this.#pouring);
    await Promise.all(this.#peers.map((peer) => peer.flush()));
  }

  async #pour(peer: Peer): Promise<void> {
    let id = this.#next.get(peer) ?? 0;
    while (!this.#isResting) {
      let hasRoom = true;
      for (let index = 0; index < BURST && hasRoom; index += 1) {
        hasRoom = peer.send('sample', messageOf(id, 'ann.lindqvist', TEXT));
        id += 1;
        this.sent += 1;
      }
      if (!hasRoom) await peer.writable();
    }
    this.#next.set(peer, id);
  }
}
