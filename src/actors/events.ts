/**
 * What an inspector and the threads that hold connections say to each other: questions in, facts out. Plain data that may
 * cross threads; times are milliseconds since 1970. Nothing is said while nobody asks.
 */

/** The machine that a connection runs. */
export type MachineName = 'accepting' | 'dialling';

/** A text, number or boolean of a store, as it is shown. */
export type ShownStore = Readonly<Record<string, string | number | boolean>>;

/** What is looked for; all that are given must hold. */
export interface RowFilter {
  /** A word of a state: `up`, `backoff`, and `detached` for sessions without a connection. */
  readonly state?: string | undefined;
  readonly machine?: MachineName | undefined;
  /** Values of the store. */
  readonly store?: ShownStore | undefined;
  /** A part of a session's id, of its identity or of an address. */
  readonly search?: string | undefined;
}

/** One connection, or a session that has none now. */
export interface ConnectionRow {
  /** `place/number`, or `s/` and the id of a session without a connection. */
  readonly id: string;
  readonly machine?: MachineName | undefined;
  /** The words of its state, joined by dots. */
  readonly state: string;
  readonly sinceMs?: number | undefined;
  readonly sessionId?: string | undefined;
  readonly identityId?: string | undefined;
  readonly address?: string | undefined;
  readonly epoch?: number | undefined;
  readonly rttMs?: number | undefined;
  readonly outboxMessages?: number | undefined;
  readonly outboxBytes?: number | undefined;
  readonly resumes?: number | undefined;
  readonly store?: ShownStore | undefined;
}

/** Something that a watched connection or session did. */
export type WatchEvent =
  /** Where a connection stands when it begins to be watched. */
  | {
      readonly type: 'actor';
      readonly atMs: number;
      readonly connection: string;
      readonly machine: MachineName;
      readonly state: string;
      readonly context: object;
    }
  /** An event that its machine took; `context` is missing where only the ring of last events knows of it. */
  | {
      readonly type: 'step';
      readonly atMs: number;
      readonly connection: string;
      readonly machine: MachineName;
      readonly event: string;
      readonly data?: object | undefined;
      readonly from?: string | undefined;
      readonly state: string;
      readonly context?: object | undefined;
    }
  | {
      readonly type: 'end';
      readonly atMs: number;
      readonly connection: string;
      readonly machine: MachineName;
      readonly code?: string | undefined;
    }
  | {
      readonly type: 'session';
      readonly atMs: number;
      readonly session: string;
      readonly what: 'begins' | 'up' | 'down' | 'gap' | 'ends';
      readonly resumed?: boolean;
      readonly code?: string;
      readonly epoch?: number;
      readonly unconfirmed?: number;
      readonly carried?: number;
    };

/** Everything about one session and its connection, now. */
export interface Detail {
  readonly session?: SessionDetail | undefined;
  readonly connection?: ConnectionDetail | undefined;
}

/** A session from inside. */
export interface SessionDetail {
  readonly id: string;
  readonly epoch: number;
  /** `attached`, `detached` or `ended`. */
  readonly state: string;
  readonly ordered: {
    readonly sent: number;
    readonly acked: number;
    readonly received: number;
    readonly processed: number;
  };
  readonly direct: { readonly sent: number; readonly acked: number; readonly received: number };
  readonly outboxMessages: number;
  readonly outboxBytes: number;
  readonly mailboxMessages: number;
  readonly mailboxBytes: number;
  readonly creditMessages: number;
  readonly creditBytes: number;
  readonly rttMs?: number | undefined;
  readonly lingerMs?: number | undefined;
  /** Of the peer, under way here; own ones without a result. */
  readonly calls: { readonly running: number; readonly waiting: number };
  readonly resumes: number;
  readonly identityId?: string | undefined;
  readonly store: ShownStore;
}

/** A connection from outside. */
export interface ConnectionDetail {
  readonly id: string;
  readonly machine: MachineName;
  readonly state: string;
  readonly address?: string | undefined;
  readonly sinceMs: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

/** From an inspector to a thread with connections. `id` is that of a row, or of a session. */
export type InspectOrder =
  | { readonly type: 'list'; readonly ask: number; readonly filter: RowFilter; readonly limit: number }
  /** Tells what it does from now on; first where it stands, after what the ring of last events knows. */
  | { readonly type: 'watch'; readonly id: string }
  | { readonly type: 'unwatch'; readonly id: string }
  | { readonly type: 'look'; readonly id: string }
  /** Breaks the line, as a network does. */
  | { readonly type: 'cut'; readonly id: string };

/** From a thread with connections to an inspector. */
export type InspectReport =
  | { readonly type: 'listed'; readonly ask: number; readonly total: number; readonly rows: readonly ConnectionRow[] }
  | { readonly type: 'watched'; readonly id: string; readonly events: readonly WatchEvent[] }
  | { readonly type: 'detail'; readonly id: string; readonly detail: Detail }
  /** Nothing with this id is here. */
  | { readonly type: 'unknown'; readonly id: string };

/** A thread with connections, as an inspector has it. */
export interface InspectSource {
  /** Names the thread among those of the inspector: the number of a shard, or the name of a client. */
  readonly place: string;
  readonly generation: number;
  /** Its counters; see `tally.ts`. */
  readonly memory: ArrayBufferLike;
  order(order: InspectOrder): void;
}

/** Where threads with connections are made known. */
export interface InspectHub {
  /** `told` is for what the source reports; what is returned takes it away again. */
  join(source: InspectSource): { readonly told: (report: InspectReport) => void; readonly leave: () => void };
}
