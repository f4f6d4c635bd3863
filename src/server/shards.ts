/** What the handle of a server needs from its shards, whether they run on the calling thread or in threads of their own. */
import type { Duplex } from 'node:stream';
import type { SessionInfo } from '../actors/hosted-session.ts';
import type { HeldFailed, Sent } from '../actors/group-sender.ts';
import type { GroupMessage } from '../actors/notes.ts';
import type { PresenceFeed } from '../actors/presence-feed.ts';
import type { ShardCounts } from '../actors/tally.ts';
import type { Address } from '../transports/address.ts';
import type { Listening } from '../transports/tcp.ts';

/** Options of `server.dial`. */
export interface DialOptions {
  /** Shown to the other server on every connection; a copy goes to the shard, so a function only without shards. */
  readonly credentials?: unknown;
  /** Aborting it ends the session at once, whether it is up yet or not. */
  readonly signal?: AbortSignal | undefined;
}

/** The shards of one server. */
export interface Shards {
  readonly counts: ShardCounts;
  /** Listens at an address. Rejects with `AddressInUse`, `ListenFailed` or `ShardCrashed`. */
  listen(address: Address): Promise<Listening>;
  accept(stream: Duplex): void;
  /** Resolves when the session is up for the first time. */
  dial(address: Address, options: DialOptions): Promise<SessionInfo>;
  /** Sends to those who are meant in all shards. Throws `OutboxFull`. */
  send(message: GroupMessage, holdMs: number | undefined, failed: HeldFailed): Sent | Promise<Sent>;
  /** Watches who is here. Throws `BadOption` when presence is off. */
  watch(): PresenceFeed;
  /** Ends everything well, at most for `drainMs`; 0 at once, also when called again. Resolves when nothing is left. */
  drain(drainMs: number): Promise<void>;
}
