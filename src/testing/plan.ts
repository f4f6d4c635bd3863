/**
 * A run of a simulated world as data: how the world is made, what its users say, and what befalls it, each at its time or its frame.
 * Everything is JSON; the kinds stand in the order from mild to severe, so that a failing plan shrinks to the mildest.
 */
import type { AckTrick } from './ack-tricks.ts';
import type { FlowEnd, Weather } from './flow.ts';
import type { ShardsPlan } from './shards-plan.ts';
import type { Door } from './sim-path.ts';
import type { Toward } from './sim-line.ts';
import type { Saying } from './speaker.ts';
import type { PlanTrigger } from './triggers.ts';

/** A shard, as seen from a client. */
export type WhichShard = 'home' | 'landing';

/** What befalls the path of one client, or its process. */
export type FaultAction =
  | { readonly type: 'weather'; readonly toward: Toward; readonly change: Partial<Weather> }
  | { readonly type: 'stall'; readonly toward: Toward; readonly forMs: number }
  | { readonly type: 'cut'; readonly toward: Toward; readonly afterBytes: number; readonly by: FlowEnd }
  /** A cut every so often. */
  | { readonly type: 'flap'; readonly everyMs: number; readonly times: number }
  | { readonly type: 'flip'; readonly toward: Toward; readonly afterBytes: number }
  | { readonly type: 'orphan'; readonly toward: Toward; readonly forMs: number }
  | { readonly type: 'replay'; readonly back: number; readonly stayMs: number }
  /** The reader reads nothing more on the present lines, and their buffers are full, until the heal. */
  | { readonly type: 'clog'; readonly toward: Toward }
  /** A middlebox has its way with all later ACKs on the present lines. */
  | { readonly type: 'acks'; readonly toward: Toward; readonly how: AckTrick }
  | { readonly type: 'swallow'; readonly toward: Toward | 'both' }
  | { readonly type: 'door'; readonly door: Door; readonly forMs: number }
  | { readonly type: 'freeze'; readonly side: Toward; readonly forMs: number }
  | { readonly type: 'reconnect' }
  | { readonly type: 'disconnect'; readonly forMs: number }
  /** Nobody, or the wrong one, is behind the direct ports; only for a server with shards, as are the next two. */
  | { readonly type: 'directDoor'; readonly door: Door; readonly forMs: number }
  /** The shard stands still that this client's session lives in, or the one that its newest line landed on. */
  | { readonly type: 'shardPause'; readonly which: WhichShard; readonly forMs: number }
  | { readonly type: 'shardCrash'; readonly which: WhichShard; readonly isSilent: boolean }
  | { readonly type: 'crash'; readonly side: Toward; readonly isSilent: boolean; readonly forMs: number };

/** When a fault comes: at a time, or on a frame. On one that is never written it does not come at all. */
export type When =
  { readonly atMs: number; readonly on?: undefined } | { readonly on: PlanTrigger; readonly atMs?: undefined };

/** A fault at its time or place, on the path of the client with this number. */
export type Fault = When & { readonly client: number } & FaultAction;

/** What a user does at its time; `by` is the end that does it. */
export type Act = { readonly atMs: number; readonly client: number; readonly by: Toward } & (
  { readonly type: 'say'; readonly count: number; readonly saying: Saying } | { readonly type: 'flush' }
);

/** Somebody says goodbye: the server, or the client with this number. */
export interface Closing {
  readonly atMs: number;
  readonly who: number | 'server';
  readonly drainMs: number;
}

/** How the ends of a world are made; times in milliseconds. */
export interface PlanOptions {
  readonly checksum: boolean;
  readonly lingerMs: number;
  readonly mailboxMessages: number;
  readonly mailboxBytes: number;
  readonly outboxMessages: number;
  readonly outboxBytes: number;
  /** How long the auth hook thinks, at most; without it there is no hook. */
  readonly authMs?: number | undefined;
  /** What the client does with messages of a lost epoch. */
  readonly resends: boolean;
  readonly discards: boolean;
  /** Without it, the server has one thread. */
  readonly shards?: ShardsPlan | undefined;
}

/** A whole run. */
export interface Plan {
  readonly seed: number;
  readonly clients: number;
  readonly weather: Partial<Weather>;
  readonly options: PlanOptions;
  /** Faults come and acts are done until then. */
  readonly chaosMs: number;
  readonly faults: readonly Fault[];
  readonly acts: readonly Act[];
  readonly closings?: readonly Closing[] | undefined;
}
