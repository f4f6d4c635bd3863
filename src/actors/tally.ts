/**
 * The counters of one shard, in memory that other threads may read at any time: the shard alone writes. A reader sees
 * each number whole, though not all of one moment.
 */

/** Where each counter lies. */
export const Count = {
  /** Rises while the shard's loop turns, and with each connection it takes or dials: the watchdog looks at it. */
  BEATS: 0,
  /** Accepted connections whose session is here, or may be. */
  CONNECTIONS: 1,
  HANDSHAKES: 2,
  /** Sessions, connected or not, dialled ones included. */
  SESSIONS: 3,
  /** Tombstones of ended sessions. */
  GRAVES: 4,
  FAILED_PROOFS: 5,
  /** Sockets and streams taken from the main thread since the shard began. */
  TAKEN: 6,
  /** Connections that this shard carries over to the home of their session. */
  RELAYS: 7,
  /** Bytes held for sessions and connections. */
  BYTES: 8,
  /** Sessions dropped or refused because there was no room. */
  SHED: 9,
  /** Sessions this shard was told to dial since it began. */
  DIALS: 10,
  // Since the shard began, of all its sessions.
  MESSAGES_IN: 11,
  /** Messages written for the first time. */
  MESSAGES_OUT: 12,
  /** Own messages that the other ends have acknowledged. */
  ACKED: 13,
  BYTES_IN: 14,
  BYTES_OUT: 15,
  /** Connections lost that were up. */
  CUTS: 16,
  /** Connections that took a session up again. */
  RESUMES: 17,
  /** Messages in the outboxes now, and their payload bytes. */
  OUTBOX_MESSAGES: 18,
  OUTBOX_BYTES: 19,
  // Connections in each state of their machine now.
  ACCEPTING_AUTHENTICATING: 20,
  ACCEPTING_UP: 21,
  DIALLING_IDLE: 22,
  DIALLING_CONNECTING: 23,
  DIALLING_AUTHENTICATING: 24,
  DIALLING_UP: 25,
  DIALLING_BACKOFF: 26,
  // Of a thread; all three stay 0 where nobody takes its pulse.
  /** The longest that its loop stood still in the last seconds. */
  LOOP_LAG_SECONDS: 27,
  HEAP_BYTES: 28,
  /** When it began, in seconds since 1970. */
  STARTED_SECONDS: 29,
  // How often a state was entered since the shard began.
  ACCEPTING_AUTHENTICATING_ENTRIES: 30,
  ACCEPTING_UP_ENTRIES: 31,
  ACCEPTING_CLOSED_ENTRIES: 32,
  DIALLING_IDLE_ENTRIES: 33,
  DIALLING_CONNECTING_ENTRIES: 34,
  DIALLING_AUTHENTICATING_ENTRIES: 35,
  DIALLING_UP_ENTRIES: 36,
  DIALLING_BACKOFF_ENTRIES: 37,
  DIALLING_CLOSED_ENTRIES: 38,
} as const;

const COUNTERS = 39;

type StateIndexes = Readonly<Record<'accepting' | 'dialling', Readonly<Record<string, CountIndex>>>>;

/** Which counter has the connections of a state; final states have none. */
export const stateCounts: StateIndexes = {
  accepting: { authenticating: Count.ACCEPTING_AUTHENTICATING, up: Count.ACCEPTING_UP },
  dialling: {
    idle: Count.DIALLING_IDLE,
    connecting: Count.DIALLING_CONNECTING,
    authenticating: Count.DIALLING_AUTHENTICATING,
    up: Count.DIALLING_UP,
    backoff: Count.DIALLING_BACKOFF,
  },
};

/** Which counter has how often a state was entered, final ones too. */
export const stateEntries: StateIndexes = {
  accepting: {
    authenticating: Count.ACCEPTING_AUTHENTICATING_ENTRIES,
    up: Count.ACCEPTING_UP_ENTRIES,
    closed: Count.ACCEPTING_CLOSED_ENTRIES,
  },
  dialling: {
    idle: Count.DIALLING_IDLE_ENTRIES,
    connecting: Count.DIALLING_CONNECTING_ENTRIES,
    authenticating: Count.DIALLING_AUTHENTICATING_ENTRIES,
    up: Count.DIALLING_UP_ENTRIES,
    backoff: Count.DIALLING_BACKOFF_ENTRIES,
    closed: Count.DIALLING_CLOSED_ENTRIES,
  },
};

/** Where a counter lies. */
export type CountIndex = (typeof Count)[keyof typeof Count];

/** The counters of one shard. */
export class Tally {
  /** What another thread needs to read them: `new Tally(memory)`. */
  readonly memory: ArrayBufferLike;
  readonly #cells: Float64Array;

  constructor(memory: ArrayBufferLike = new ArrayBuffer(COUNTERS * 8)) {
    this.memory = memory;
    this.#cells = new Float64Array(memory);
  }

  /** Counters that threads share. */
  static shared(): Tally {
    return new Tally(new SharedArrayBuffer(COUNTERS * 8));
  }

  read(index: CountIndex): number {
    return this.#cells[index] ?? 0;
  }

  add(index: CountIndex, by: number): void {
    this.#cells[index] = this.read(index) + by;
  }

  set(index: CountIndex, value: number): void {
    this.#cells[index] = value;
  }

  /** A connection went from one state to another; undefined: it began. */
  moved(machine: 'accepting' | 'dialling', from: string | undefined, to: string): void {
    const indexes = stateCounts[machine];
    const before = from === undefined ? undefined : indexes[from];
    const now = indexes[to];
    const entries = stateEntries[machine][to];
    if (before !== undefined) this.add(before, -1);
    if (now !== undefined) this.add(now, 1);
    if (entries !== undefined) this.add(entries, 1);
  }
}

/** How many of what a server holds, all shards together. */
export interface ShardCounts {
  readonly sessions: number;
  readonly connections: number;
  readonly handshakes: number;
  /** Tombstones of ended sessions. */
  readonly graves: number;
  readonly failedProofs: number;
  /** Connections that a shard carries over to the home of their session. */
  readonly relays: number;
  /** Bytes held for sessions and connections. */
  readonly bytes: number;
  /** Sessions dropped or refused because there was no room. */
  readonly shed: number;
}

/** The counts of one shard, or of several together. */
export function countsOf(tallies: Iterable<Tally>): ShardCounts {
  const sum = (index: CountIndex): number => {
    let total = 0;
    for (const tally of tallies) total += tally.read(index);
    return total;
  };
  return {
    sessions: sum(Count.SESSIONS),
    connections: sum(Count.CONNECTIONS),
    handshakes: sum(Count.HANDSHAKES),
    graves: sum(Count.GRAVES),
    failedProofs: sum(Count.FAILED_PROOFS),
    relays: sum(Count.RELAYS),
    bytes: sum(Count.BYTES),
    shed: sum(Count.SHED),
  };
}
