/** The counters of a source as numbers with names, read from the memory that it shares. */
import type { InspectSource, MachineName } from '../actors/events.ts';
import { Count, type CountIndex, Tally, stateCounts, stateEntries } from '../actors/tally.ts';

/** Totals since the source began. */
export const totals = {
  messagesIn: Count.MESSAGES_IN,
  messagesOut: Count.MESSAGES_OUT,
  acked: Count.ACKED,
  bytesIn: Count.BYTES_IN,
  bytesOut: Count.BYTES_OUT,
  cuts: Count.CUTS,
  resumes: Count.RESUMES,
  failedProofs: Count.FAILED_PROOFS,
  shed: Count.SHED,
} as const;

/** What is there now. */
export const gauges = {
  sessions: Count.SESSIONS,
  connections: Count.CONNECTIONS,
  handshakes: Count.HANDSHAKES,
  relays: Count.RELAYS,
  graves: Count.GRAVES,
  heldBytes: Count.BYTES,
  outboxMessages: Count.OUTBOX_MESSAGES,
  outboxBytes: Count.OUTBOX_BYTES,
} as const;

/** How the thread itself is; all 0 for a source that has no thread of its own. */
export const vitals = {
  loopLagSeconds: Count.LOOP_LAG_SECONDS,
  heapBytes: Count.HEAP_BYTES,
  startedSeconds: Count.STARTED_SECONDS,
} as const;

/** The name of one of them. */
export type VitalName = keyof typeof vitals;

/** The name of a total or a gauge. */
export type CounterName = keyof typeof totals | keyof typeof gauges;

/** One source at a moment. */
export type FleetShard = Readonly<Record<CounterName | VitalName, number>> & {
  readonly place: string;
  readonly generation: number;
  readonly states: StateNumbers;
  /** How often each state was entered since the source began. */
  readonly entries: StateNumbers;
};

type StateNumbers = Readonly<Record<MachineName, Readonly<Record<string, number>>>>;

const indexes = Object.entries({ ...totals, ...gauges, ...vitals }) as [CounterName | VitalName, CountIndex][];

/** Reads one source. */
export class Counters {
  readonly place: string;
  readonly generation: number;
  readonly #tally: Tally;

  constructor({ place, generation, memory }: InspectSource) {
    this.place = place;
    this.generation = generation;
    this.#tally = new Tally(memory);
  }

  /** All numbers now. */
  read(): FleetShard {
    const counts = Object.fromEntries(indexes.map(([name, index]) => [name, this.#tally.read(index)]));
    return {
      place: this.place,
      generation: this.generation,
      states: this.#numbersOf(stateCounts),
      entries: this.#numbersOf(stateEntries),
      ...(counts as Record<CounterName | VitalName, number>),
    };
  }

  /** One number now. */
  readOne(name: CounterName): number {
    const index: CountIndex = { ...totals, ...gauges }[name];
    return this.#tally.read(index);
  }

  #numbersOf(where: typeof stateCounts): StateNumbers {
    const read = (machine: MachineName): Record<string, number> =>
      Object.fromEntries(Object.entries(where[machine]).map(([state, index]) => [state, this.#tally.read(index)]));
    return { accepting: read('accepting'), dialling: read('dialling') };
  }
}
