/** The other shards as one simulated shard sees them; what `server/neighborhood` is to a real one. */
import type { Door } from '../actors/acceptor.ts';
import type { Neighbors } from '../actors/neighbors.ts';
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

interface Neighbor {
  readonly port: ChannelEnd<Relayed>;
  readonly tally: Tally;
}

/** What the neighbors of a shard are made with. */
export interface SimNeighborsOptions {
  readonly place: number;
  readonly places: readonly number[];
  readonly owner: EndOwner;
  readonly relayed: (relayed: Relayed) => void;
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
  meet(place: number, tally: Tally, port: ChannelEnd<Relayed> | undefined): void {
    this.#neighbors.get(place)?.port.close();
    this.#neighbors.delete(place);
    if (port === undefined) return;
    this.#neighbors.set(place, { port, tally });
    port.belong(this.#options.owner);
    port.open({
      received: (relayed) => this.#options.relayed(relayed),
      closed: () => {
        if (this.#neighbors.get(place)?.port === port) this.#neighbors.delete(place);
      },
    });
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
