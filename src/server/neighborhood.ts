/** The other shards as one shard thread sees them: their counters, and a port to each through which lines are handed over. */
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import type { Door } from '../actors/acceptor.ts';
import { homeOf } from '../actors/placement.ts';
import type { LineEnds, Pipe } from '../actors/ports.ts';
import type { Neighbors } from '../actors/neighbors.ts';
import { MAIN, type Note } from '../actors/notes.ts';
import { type CountIndex, Tally } from '../actors/tally.ts';
import type { SessionId } from '../ids.ts';
import { portPipe } from '../transports/port.ts';
import type { NeighborWord, Relayed } from './orders.ts';

interface Neighbor {
  readonly port: MessagePort;
  readonly tally: Tally;
}

/** What a shard does with what its neighbors bring. */
export interface NeighborhoodOwner {
  /** A line is handed over. */
  relayed(relayed: Relayed): void;
  /** Another shard says something. */
  heard(place: number, notes: readonly Note[]): void;
  met(place: number): void;
  lost(place: number): void;
  /** Notes for the main thread. */
  report(notes: readonly Note[]): void;
}

/** The other shards, as far as they are there. */
export class Neighborhood implements Neighbors {
  readonly #place: number;
  readonly #owner: NeighborhoodOwner;
  readonly #neighbors = new Map<number, Neighbor>();
  #places: readonly number[];
  #turn: number;

  constructor(place: number, places: readonly number[], owner: NeighborhoodOwner) {
    this.#place = place;
    this.#places = places;
    this.#owner = owner;
    this.#turn = place;
  }

  /** The places whose shards sessions may live in; sessions of others have a new home. */
  set places(places: readonly number[]) {
    this.#places = places;
  }

  /** Another shard can be reached through this port, or (without one) not any more. */
  meet(place: number, memory: ArrayBufferLike, port: MessagePort | undefined): void {
    this.#lose(place, this.#neighbors.get(place)?.port);
    if (port === undefined) return;
    this.#neighbors.set(place, { port, tally: new Tally(memory) });
    port.on('message', (word: NeighborWord) => {
      if ('notes' in word) this.#owner.heard(place, word.notes);
      else this.#owner.relayed(word);
    });
    port.on('close', () => this.#lose(place, port));
    this.#owner.met(place);
  }

  homeOf(id: SessionId): number {
    return homeOf(id, this.#places);
  }

  next(): number {
    this.#turn = (this.#turn + 1) % this.#places.length;
    const place = this.#places[this.#turn] ?? this.#place;
    // Where nobody is now, nobody is sent who could stay here.
    return this.#neighbors.has(place) ? place : this.#place;
  }

  open(place: number, ends: LineEnds, door: Door): Pipe | undefined {
    const neighbor = this.#neighbors.get(place);
    if (neighbor === undefined) return undefined;
    const { port1, port2 } = new MessageChannel();
    const relayed: Relayed = { port: port2, ends, door: door.number };
    neighbor.port.postMessage(relayed, [port2]);
    return portPipe(port1);
  }

  others(): readonly number[] {
    return [...this.#neighbors.keys()];
  }

  tell(place: number, notes: readonly Note[]): void {
    if (place === MAIN) this.#owner.report(notes);
    else this.#neighbors.get(place)?.port.postMessage({ notes } satisfies NeighborWord);
  }

  /** A neighbor is gone, once. */
  #lose(place: number, port: MessagePort | undefined): void {
    if (port === undefined || this.#neighbors.get(place)?.port !== port) return;
    this.#neighbors.delete(place);
    port.close();
    this.#owner.lost(place);
  }

  sumOf(index: CountIndex): number {
    let sum = 0;
    for (const { tally } of this.#neighbors.values()) sum += tally.read(index);
    return sum;
  }
}
