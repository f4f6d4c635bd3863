/**
 * What the hub of an inspector and its viewers say to each other over `/live`, one JSON text a frame. A connection's id is
 * `place/number`, a session has its own; times `atMs` are Unix milliseconds of the hub's process. Fields that are not
 * known are missing.
 */

import type { ConnectionDetail, ConnectionRow, SessionDetail, WatchEvent } from '../actors/events.ts';

export type { ConnectionDetail, ConnectionRow, SessionDetail, WatchEvent } from '../actors/events.ts';

/** Counts of one thread: totals since it began (messages, bytes, acked, cuts, resumes, entries), the others as they are now. */
export interface FleetShard {
  readonly place: string;
  readonly generation: number;
  /** Connections by machine and state. */
  readonly states: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** How often each state was entered since the thread began, by machine and state. */
  readonly entries: Readonly<Record<string, Readonly<Record<string, number>>>>;
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

/** A machine's config as JSON: functions stand as names. */
export type MachineConfig = Readonly<Record<string, unknown>>;

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
  | { readonly type: 'fleet'; readonly atMs: number; readonly shards: readonly FleetShard[] }
  | { readonly type: 'rows'; readonly ask: number; readonly total: number; readonly rows: readonly ConnectionRow[] }
  | {
      readonly type: 'watched';
      readonly id: string;
      readonly events: readonly WatchEvent[];
      /** These are all events that the hub keeps: the answer to one who asks again, or asks after others. */
      readonly isWhole?: boolean;
    }
  | {
      readonly type: 'detail';
      readonly id: string;
      /** The thread that tells it: one that holds the session before one that dialled it, where both are in the process. */
      readonly place: string;
      readonly atMs: number;
      readonly session?: SessionDetail | undefined;
      readonly connection?: ConnectionDetail | undefined;
    }
  | { readonly type: 'gone'; readonly id: string; readonly why: string }
  | { readonly type: 'missed'; readonly count: number }
  | { readonly type: 'failed'; readonly ask?: number | undefined; readonly message: string };

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
  /** Once more for what is watched already: the hub tells all it keeps of it again. */
  | { readonly type: 'watch'; readonly id: string }
  | { readonly type: 'unwatch'; readonly id: string }
  | { readonly type: 'cut'; readonly id: string };
