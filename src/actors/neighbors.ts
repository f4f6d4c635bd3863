/** What a shard knows of the other shards of its server: where sessions live, and the way there. */
import type { SessionId } from '../ids.ts';
import type { Door } from './acceptor.ts';
import type { Note } from './notes.ts';
import type { LineEnds, Pipe } from './ports.ts';
import type { Roster } from './roster.ts';
import type { CountIndex, Tally } from './tally.ts';

/** The other shards of a server, as one of them sees them. */
export interface Neighbors {
  /** The place where a session lives. */
  homeOf(id: SessionId): number;
  /** The place for a session that begins on a line which could not choose: each in turn. */
  next(): number;
  /** Tells a shard of a line that comes through the pipe which is returned; undefined while nobody is there. */
  open(place: number, ends: LineEnds, door: Door): Pipe | undefined;
  /** Sum of a counter over the others. */
  sumOf(index: CountIndex): number;
  /** The places of the others that can be told something now; the main thread, which always can, is not among them. */
  others(): readonly number[];
  /** Tells another shard, or the main thread; in order, lost when it is gone. */
  tell(place: number, notes: readonly Note[]): void;
}

/** A shard that is alone: everything lives here. */
export const ALONE: Neighbors = {
  homeOf: () => 0,
  next: () => 0,
  open: () => undefined,
  sumOf: () => 0,
  others: () => [],
  tell: () => {},
};

/** Where a shard stands among the shards of its server. */
export interface Surroundings {
  /** Its number, from 0. */
  readonly place: number;
  readonly tally: Tally;
  readonly neighbors: Neighbors;
  /** Where its connections are entered; undefined: nobody inspects them. */
  readonly roster?: Roster | undefined;
}
