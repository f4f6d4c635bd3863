/** How the shards of a simulated server are made, as data; times in milliseconds. */

/** A server with shards. */
export interface ShardsPlan {
  readonly count: number;
  /**
   * How clients come in: at the public address alone; at a path where a line cannot choose, so that new sessions are
   * spread; or with a direct port beside it for each shard, the same for all its threads or a fresh one for each.
   */
  readonly door: 'public' | 'spreads' | 'fixedPorts' | 'freshPorts';
  /** Which open shard an accepted line is dealt to. */
  readonly landing: 'least' | 'any';
  /** Longest time of a message between two threads. */
  readonly channelMs: number;
  /** Longest time a thread takes to load its behavior, and to be gone after its end. */
  readonly startMs: number;
  readonly goneMs: number;
  readonly watchdogMs: number;
  readonly restarts: { readonly max: number; readonly withinMs: number };
}

/** Shards as they are on a good day. */
export const fairShards: ShardsPlan = {
  count: 2,
  door: 'public',
  landing: 'any',
  channelMs: 0.5,
  startMs: 20,
  goneMs: 5,
  watchdogMs: 2_000,
  restarts: { max: 1_000, withinMs: 60_000 },
};
