/**
 * The last few events of each connection of a thread, packed: ten bytes an event, in pieces for many connections at a time.
 * Words are kept once, as numbers.
 */

/** Events that are kept of one connection. */
export const RING_EVENTS = 8;

/** Connections that share a piece of memory. */
const PIECE_SLOTS = 256;

interface Piece {
  readonly timesMs: Float64Array;
  /** Event and state, as numbers of words; 0: none. */
  readonly words: Uint16Array;
  /** Events so far, by slot. */
  readonly counts: Uint32Array;
}

/** An event as it was kept. */
export interface RingEvent {
  readonly atMs: number;
  readonly event: string;
  readonly state: string;
}

/** The rings of all connections of a thread, by slot. */
export class Rings {
  readonly #pieces: Piece[] = [];
  readonly #words: string[] = [''];
  readonly #numbers = new Map<string, number>();

  /** A new connection has this slot. */
  clear(slot: number): void {
    const number = Math.floor(slot / PIECE_SLOTS);
    while (this.#pieces.length <= number) this.#grow();
    const counts = this.#pieces[number]?.counts;
    if (counts !== undefined) counts[slot % PIECE_SLOTS] = 0;
  }

  /** Keeps an event in place of the oldest. */
  add(slot: number, atMs: number, event: string, state: string): void {
    const piece = this.#pieces[Math.floor(slot / PIECE_SLOTS)];
    if (piece === undefined) return;
    const at = slot % PIECE_SLOTS;
    const count = piece.counts[at] ?? 0;
    piece.counts[at] = count + 1;
    const place = at * RING_EVENTS + (count % RING_EVENTS);
    piece.timesMs[place] = atMs;
    piece.words[place * 2] = this.#numberOf(event);
    piece.words[place * 2 + 1] = this.#numberOf(state);
  }

  /** What is kept, oldest first. */
  *of(slot: number): IterableIterator<RingEvent> {
    const piece = this.#pieces[Math.floor(slot / PIECE_SLOTS)];
    if (piece === undefined) return;
    const at = slot % PIECE_SLOTS;
    const count = piece.counts[at] ?? 0;
    for (let index = Math.max(0, count - RING_EVENTS); index < count; index += 1) {
      const place = at * RING_EVENTS + (index % RING_EVENTS);
      const event = this.#words[piece.words[place * 2] ?? 0] ?? '';
      const state = this.#words[piece.words[place * 2 + 1] ?? 0] ?? '';
      yield { atMs: piece.timesMs[place] ?? 0, event, state };
    }
  }

  /** When the newest event happened; undefined when there is none. */
  lastMs(slot: number): number | undefined {
    const piece = this.#pieces[Math.floor(slot / PIECE_SLOTS)];
    const at = slot % PIECE_SLOTS;
    const count = piece?.counts[at] ?? 0;
    return count === 0 ? undefined : piece?.timesMs[at * RING_EVENTS + ((count - 1) % RING_EVENTS)];
  }

  #grow(): void {
    this.#pieces.push({
      timesMs: new Float64Array(PIECE_SLOTS * RING_EVENTS),
      words: new Uint16Array(PIECE_SLOTS * RING_EVENTS * 2),
      counts: new Uint32Array(PIECE_SLOTS),
    });
  }

  /** Machines have few words; with more than fit, the rest is not told apart. */
  #numberOf(word: string): number {
    const known = this.#numbers.get(word);
    if (known !== undefined) return known;
    if (this.#words.length > 0xffff) return 0;
    this.#numbers.set(word, this.#words.length);
    return this.#words.push(word) - 1;
  }
}
