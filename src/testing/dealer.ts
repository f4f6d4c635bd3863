/** Who deals arrived lines to the shards of a simulated server: to which, and who waits while there is none. */
import type { Arrival } from './arrival.ts';
import type { Draws } from './draws.ts';
import type { SimMember } from './sim-member.ts';

/** Deals lines. */
export class Dealer {
  readonly #open: () => readonly SimMember[];
  readonly #draws: Draws | undefined;
  readonly #waiting: Arrival[] = [];
  /** Places whose first thread has not served yet; nobody is let in before. */
  readonly #unsettled: Set<number>;
  #isShut = false;

  /** With `draws` any shard may get a line, without them the one with the fewest. */
  constructor(places: readonly number[], open: () => readonly SimMember[], draws: Draws | undefined) {
    this.#unsettled = new Set(places);
    this.#open = open;
    this.#draws = draws;
  }

  /** Deals a line now or later, or drops it. */
  deal(arrival: Arrival): void {
    const member = this.#unsettled.size === 0 ? this.#choose(this.#open()) : undefined;
    if (member !== undefined) member.deal(arrival);
    else if (this.#isShut) arrival.drop();
    else this.#waiting.push(arrival);
  }

  /** This place serves, or never will: who waits may have somewhere to go. */
  settle(place: number): void {
    this.#unsettled.delete(place);
    for (const arrival of this.#waiting.splice(0)) this.deal(arrival);
  }

  /** Nobody waits any more. */
  shut(): void {
    this.#isShut = true;
    for (const arrival of this.#waiting.splice(0)) arrival.drop();
  }

  #choose(open: readonly SimMember[]): SimMember | undefined {
    if (this.#draws !== undefined) return open[this.#draws.below(open.length)];
    return open.toSorted((one, other) => one.load - other.load)[0];
  }
}
