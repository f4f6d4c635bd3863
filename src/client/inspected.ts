/** Clients as an inspector sees them: those of a process that share an inspector look like one thread with many connections. */
import { Books } from '../actors/books.ts';
import { Roster } from '../actors/roster.ts';
import { Count, Tally } from '../actors/tally.ts';
import { type Inspect, type Inspection, inspectionOf } from '../server/inspection.ts';
import type { HomingError } from '../errors.ts';

/** What all clients are called that share an inspector. */
const PLACE = 'clients';

/** The clients that share an inspector. */
export class InspectedClients {
  readonly roster: Roster;
  readonly books: Books;
  readonly #tally = new Tally();
  readonly #inspection: Inspection;
  readonly #leave: () => void;
  #count = 0;

  constructor(inspection: Inspection) {
    this.#inspection = inspection;
    // Clients have no common bound on bytes: each has its own limits.
    this.books = new Books(this.#tally, Infinity);
    const nowMs = (): number => Date.now();
    this.roster = new Roster({ place: PLACE, nowMs, sessions: () => [], find: () => undefined });
    const { memory } = this.#tally;
    const order = this.roster.obey.bind(this.roster);
    const { told, leave } = inspection.join({ place: PLACE, generation: 1, memory, order });
    this.#leave = leave;
    this.roster.open(told);
  }

  /** One more client. */
  enter(): this {
    this.#count += 1;
    this.#tally.add(Count.SESSIONS, 1);
    return this;
  }

  /** A client has ended. True: it was the last one, and nothing is told any more. */
  leave(): boolean {
    this.#count -= 1;
    this.#tally.add(Count.SESSIONS, -1);
    if (this.#count > 0) return false;
    this.#leave();
    void this.#inspection.close();
    return true;
  }
}

const groups = new WeakMap<Inspect, InspectedClients>();

/** Enters a client with those that were given the same inspector; undefined when it was given none. */
export function enterClient(
  inspect: Inspect | undefined,
  failed: (error: HomingError) => void,
): InspectedClients | undefined {
  if (inspect === undefined) return undefined;
  const known = groups.get(inspect);
  if (known !== undefined) return known.enter();
  const inspection = inspectionOf(inspect, failed);
  if (inspection === undefined) return undefined;
  const group = new InspectedClients(inspection);
  groups.set(inspect, group);
  return group.enter();
}

/** Takes a client away again. */
export function leaveClient(inspect: Inspect | undefined, group: InspectedClients | undefined): void {
  if (inspect !== undefined && group?.leave() === true) groups.delete(inspect);
}
