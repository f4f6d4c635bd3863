/**
 * What the hub of an inspector and its viewers say to each other over `/live`, one JSON text a frame. A connection's id is
 * `place/number`, a session has its own; times `atMs` are Unix milliseconds of the hub's process. Fields that are not
 * known are missing.
 */

/** A machine's config as JSON: functions stand as names. */
export type MachineConfig = Readonly<Record<string, unknown>>;

/** Counts of one shard: totals since it began (messages, bytes, acked, cuts, resumes), the others as they are now. */
export interface ShardCounts {
  readonly place: string;
  readonly generation: number;
  /** Connections by machine and state. */
  readonly states: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly sessions: number;
  readonly connections: number;
  readonly handshakes: number;
  readonly messagesIn: number;
  readonly messagesOut: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly acked: number;
  readonly cuts: number;
  readonly resumes: number;
  readonly outboxMessages: number;
  readonly outboxBytes: number;
}

/** One connection, or a session without one (`state: 'detached'`, `id: 's/<session id>'`). */
export interface Row {
  readonly id: string;
  readonly machine?: string;
  readonly state: string;
  readonly sinceMs?: number;
  readonly sessionId?: string;
  readonly identityId?: string;
  readonly address?: string;
  readonly epoch?: number;
  readonly rttMs?: number;
  readonly outboxMessages?: number;
  readonly outboxBytes?: number;
  readonly resumes?: number;
  readonly store?: Readonly<Record<string, unknown>>;
}

/** The seconds behind us, oldest first: rates, or for `outbox*` and `connections` what was there. */
export type SeriesName =
  | 'messagesIn'
  | 'messagesOut'
  | 'acked'
  | 'cuts'
  | 'resumes'
  | 'outboxMessages'
  | 'outboxBytes'
  | 'bytesIn'
  | 'bytesOut'
  | 'connections';

/** What a watched connection or session does. */
export type WatchEvent =
  /** Where a connection stands now; a new connection of a watched session begins so. */
  | {
      readonly type: 'actor';
      readonly atMs: number;
      readonly connection: string;
      readonly machine: string;
      readonly state: string;
      readonly context?: unknown;
    }
  /** A transition; those of a timer have the event `after <delay>`. */
  | {
      readonly type: 'step';
      readonly atMs: number;
      readonly connection: string;
      readonly machine: string;
      readonly event: string;
      readonly data?: unknown;
      readonly from: string;
      readonly state: string;
      readonly context?: unknown;
    }
  | {
      readonly type: 'end';
      readonly atMs: number;
      readonly connection: string;
      readonly machine: string;
      readonly code?: string;
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

/** What a session knows of itself, while it is watched. */
export interface SessionDetail {
  readonly id: string;
  readonly epoch?: number;
  readonly state: string;
  readonly ordered?: {
    readonly sent: number;
    readonly acked: number;
    readonly received: number;
    readonly processed: number;
  };
  readonly direct?: { readonly sent: number; readonly acked: number; readonly received: number };
  readonly outboxMessages?: number;
  readonly outboxBytes?: number;
  readonly mailboxMessages?: number;
  readonly mailboxBytes?: number;
  readonly creditMessages?: number;
  readonly creditBytes?: number;
  readonly rttMs?: number;
  readonly lingerMs?: number;
  readonly calls?: { readonly running: number; readonly waiting: number };
  readonly resumes?: number;
  readonly identityId?: string;
  readonly store?: Readonly<Record<string, unknown>>;
}

/** The connection that a watched session has now, or that is watched itself. */
export interface ConnectionDetail {
  readonly id: string;
  readonly state: string;
  readonly address?: string;
  readonly sinceMs?: number;
  readonly bytesIn?: number;
  readonly bytesOut?: number;
}

/** From the hub. */
export type HubFrame =
  | {
      readonly type: 'hello';
      readonly node: string;
      readonly version: string;
      readonly mayCut: boolean;
      readonly machines: Readonly<Record<string, MachineConfig>>;
      readonly everyMs: number;
    }
  | {
      readonly type: 'history';
      readonly everyMs: number;
      readonly endMs: number;
      readonly series: Readonly<Partial<Record<SeriesName, readonly number[]>>>;
    }
  | { readonly type: 'fleet'; readonly atMs: number; readonly shards: readonly ShardCounts[] }
  | { readonly type: 'rows'; readonly ask: number; readonly total: number; readonly rows: readonly Row[] }
  | { readonly type: 'watched'; readonly id: string; readonly events: readonly WatchEvent[] }
  | {
      readonly type: 'detail';
      readonly id: string;
      readonly atMs: number;
      readonly session?: SessionDetail;
      readonly connection?: ConnectionDetail;
    }
  | { readonly type: 'gone'; readonly id: string; readonly why: string }
  | { readonly type: 'missed'; readonly count: number }
  | { readonly type: 'failed'; readonly ask?: number; readonly message: string };

/** Which rows are asked for; all that is given must match. */
export interface RowQuery {
  readonly shard?: string;
  readonly machine?: string;
  /** A state's words joined by dots; an outer state stands for all inside it. */
  readonly state?: string;
  readonly filter?: Readonly<Record<string, string>>;
  /** A part of a session id, an identity id or an address. */
  readonly search?: string;
}

/** From a viewer. */
export type ViewerFrame =
  | ({ readonly type: 'list'; readonly ask: number; readonly limit: number } & RowQuery)
  | { readonly type: 'watch'; readonly id: string }
  | { readonly type: 'unwatch'; readonly id: string }
  | { readonly type: 'cut'; readonly id: string };
