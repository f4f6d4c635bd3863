/** The other shards as one simulated shard sees them; what `server/neighborhood` is to a real one. */
import type { Door } from '../actors/acceptor.ts';
import type { Neighbors } from '../actors/neighbors.ts';
import type { Note } from '../actors/notes.ts';
import { homeOf } from '../actors/placement.ts';
import type { LineEnds, Pipe, PipeMessage } from '../actors/ports.ts';
import type { CountIndex, Tally } from '../actors/tally.ts';
import type { SessionId } from '../ids.ts';
import { type ChannelEnd, type EndOwner, simPipe } from './sim-channel.ts';

/** A line that is handed over. */
export interface Relayed {
  readonly pipe: ChannelEnd<PipeMessage>;
  readonly ends: LineEnds;
}

/** From one shard to another. */
export type SimWord = Relayed | { readonly notes: readonly Note[] };

interface Neighbor {
  readonly port: ChannelEnd<SimWord>;
  readonly tally: Tally;
}

/** What the neighbors of a shard are made with. */
export interface SimNeighborsOptions {
  readonly place: number;
  readonly places: readonly number[];
  readonly owner: EndOwner;
  readonly relayed: (relayed: Relayed) => void;
  /** Another shard says something, has come, or is gone. */
  readonly heard: (place: number, notes: readonly Note[]) => void;
  readonly met: (place: number) => void;
  readonly lost: (place: number) => void;
  /** Makes a pipe. */
  readonly openPipe: () => readonly [ChannelEnd<PipeMessage>, ChannelEnd<PipeMessage>];
}

/** The other shards, as far as they are there. */
export class SimNeighbors implements Neighbors {
  /** The places whose shards sessions may live in. */
  places: readonly number[];
  readonly #options: SimNeighborsOptions;
  readonly #neighbors = new Map<number, Neighbor>();
  #turn: number;

  constructor(options: SimNeighborsOptions) {
    this.#options = options;
    this.places = options.places;
    this.#turn = options.place;
  }

  /** Another shard can be reached through this port, or (without one) not any more. */
  meet(place: number, tally: Tally, port: ChannelEnd<SimWord> | undefined): void {
    this.#lose(place, this.#neighbors.get(place)?.port);
    if (port === undefined) return;
    this.#neighbors.set(place, { port, tally });
    port.belong(this.#options.owner);
    port.open({
      received: (word) => {
        if ('notes' in word) this.#options.heard(place, word.notes);
        else this.#options.relayed(word);
      },
      closed: () => this.#lose(place, port),
    });
    this.#options.met(place);
  }

  others(): readonly number[] {
    return [...this.#neighbors.keys()];
  }

  /** To another shard; the main thread of a simulated server sends to no groups and watches nobody. */
  tell(place: number, notes: readonly Note[]): void {
    this.#neighbors.get(place)?.port.post({ notes: structuredClone(notes) }, () => {});
  }

  #lose(place: number, port: ChannelEnd<SimWord> | undefined): void {
    if (port === undefined || this.#neighbors.get(place)?.port !== port) return;
    this.#neighbors.delete(place);
    port.close();
    this.#options.lost(place);
  }

  homeOf(id: SessionId): number {
    return homeOf(id, this.places);
  }

  next(): number {
    this.#turn = (this.#turn + 1) % this.places.length;
    const place = this.places[this.#turn] ?? this.#options.place;
    return this.#neighbors.has(place) ? place : this.#options.place;
  }

  open(place: number, ends: LineEnds, _door: Door): Pipe | undefined {
    const neighbor = this.#neighbors.get(place);
    if (neighbor === undefined) return undefined;
    const [near, far] = this.#options.openPipe();
    near.belong(this.#options.owner);
    neighbor.port.post({ pipe: far, ends: structuredClone(ends) }, () => far.die());
    return simPipe(near);
  }

  sumOf(index: CountIndex): number {
    let sum = 0;
    for (const { tally } of this.#neighbors.values()) sum += tally.read(index);
    return sum;
  }
}
