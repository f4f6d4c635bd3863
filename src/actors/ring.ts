/**
 * The last few events of each connection of a thread, packed: six bytes an event, in pieces for many connections at a time.
 * Words are kept once, as numbers.
 */

/** Events that are kept of one connection. */
export const RING_EVENTS = 8;

/** Connections that share a piece of memory. */
const PIECE_SLOTS = 128;

/** Times are kept as milliseconds modulo this: an event older than some seven weeks seems younger. */
const TIME_RANGE_MS = 2 ** 32;

/** Words that are told apart. */
const WORDS_MAX = 256;

/** One buffer with three views: what V8 keeps for each of them is shared by all its slots. */
interface Piece {
  readonly times: Uint32Array;
  /** Events so far, by slot. */
  readonly counts: Uint32Array;
  /** Event and state, as numbers of words; 0: one too many. */
  readonly words: Uint8Array;
}

/** An event as it was kept. */
export interface RingEvent {
  readonly atMs: number;
  readonly event: string;
  readonly state: string;
}

/** The rings of all connections of a thread, by slot. */
export class Rings {
  readonly #nowMs: () => number;
  readonly #pieces: Piece[] = [];
  readonly #words: string[] = ['…'];
  readonly #numbers = new Map<string, number>();

  /** The clock that events are timed by, in milliseconds. */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

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
    piece.times[place] = Math.floor(atMs) % TIME_RANGE_MS;
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
      yield { atMs: this.#timeOf(piece, place), event, state };
    }
  }

  /** When the newest event happened; undefined when there is none. */
  lastMs(slot: number): number | undefined {
    const piece = this.#pieces[Math.floor(slot / PIECE_SLOTS)];
    const at = slot % PIECE_SLOTS;
    const count = piece?.counts[at] ?? 0;
    if (piece === undefined || count === 0) return undefined;
    return this.#timeOf(piece, at * RING_EVENTS + ((count - 1) % RING_EVENTS));
  }

  #timeOf(piece: Piece, place: number): number {
    const nowMs = Math.floor(this.#nowMs());
    const agoMs = (nowMs - (piece.times[place] ?? 0)) % TIME_RANGE_MS;
    return nowMs - (agoMs < 0 ? agoMs + TIME_RANGE_MS : agoMs);
  }

  #grow(): void {
    const events = PIECE_SLOTS * RING_EVENTS;
    const [countsAt, wordsAt] = [events * 4, (events + PIECE_SLOTS) * 4];
    const memory = new ArrayBuffer(wordsAt + events * 2);
    this.#pieces.push({
      times: new Uint32Array(memory, 0, events),
      counts: new Uint32Array(memory, countsAt, PIECE_SLOTS),
      words: new Uint8Array(memory, wordsAt, events * 2),
    });
  }

  /** Machines have few words; those beyond are not told apart. */
  #numberOf(word: string): number {
    const known = this.#numbers.get(word);
    if (known !== undefined) return known;
    if (this.#words.length === WORDS_MAX) return 0;
    this.#numbers.set(word, this.#words.length);
    return this.#words.push(word) - 1;
  }
}
