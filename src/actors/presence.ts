/**
 * Who is here, as one thread knows it: its own visible sessions always, those of the other shards as long as somebody here
 * watches. A shard answers a watch with all it has and tells of each change after that, over a channel that keeps order, so
 * nothing is missed between the two.
 */
import { HomingError } from '../errors.ts';
import type { Note, Notes, RosterEntry } from './notes.ts';
import { PresenceFeed, type Shown } from './presence-feed.ts';

/** What presence needs of its thread. */
export interface PresenceOptions {
  /** Keys of the store that are shown; undefined: presence is off. */
  readonly keys: readonly string[] | undefined;
  readonly notes: Notes;
  /** The other shards that can be reached now; not the main thread. */
  readonly places: () => readonly number[];
}

/** A session of this thread, as far as it is shown. */
export interface Present {
  readonly id: string;
  plainOf(key: string): string | number | boolean | undefined;
}

/** The presence of one thread. */
export class Presence {
  readonly #options: PresenceOptions;
  readonly #own = new Map<string, Shown>();
  /** What other shards told, while somebody watches here; undefined: the first listing is still to come. */
  readonly #rosters = new Map<number, Map<string, Shown> | undefined>();
  /** Feeds, and whether they have been listed to. */
  readonly #feeds = new Map<PresenceFeed, { isListed: boolean }>();
  /** Places that watch this one. */
  readonly #watchers = new Set<number>();
  #isClosed = false;

  constructor(options: PresenceOptions) {
    this.#options = options;
  }

  /** What is kept because somebody watches: feeds here, other places that are watched, and those that watch this one. */
  get watching(): { readonly feeds: number; readonly places: number; readonly watchers: number } {
    return { feeds: this.#feeds.size, places: this.#rosters.size, watchers: this.#watchers.size };
  }

  /** Watches from now on; ends at once when the server is leaving. Throws `BadOption` when presence is off. */
  watch(): PresenceFeed {
    this.requireOn();
    const feed: PresenceFeed = new PresenceFeed(() => this.#left(feed));
    if (this.#isClosed) feed.close();
    if (this.#isClosed) return feed;
    this.#feeds.set(feed, { isListed: false });
    if (this.#feeds.size === 1) for (const place of this.#options.places()) this.#ask(place);
    this.#listWhenKnown();
    return feed;
  }

  /** Throws `BadOption` when presence is off. */
  requireOn(): void {
    if (this.#options.keys !== undefined) return;
    throw new HomingError('BadOption', 'expected the server to be made with presence: { keys }');
  }

  /** A session of this thread became visible. */
  came(session: Present): void {
    const { keys } = this.#options;
    if (keys === undefined) return;
    const values = shownOf(session, keys);
    this.#own.set(session.id, values);
    this.#tell([[session.id, values]], (feed) => feed.came(session.id, values));
  }

  /** A session of this thread is over. */
  went(id: string): void {
    if (this.#own.delete(id)) this.#tell([[id]], (feed) => feed.went(id));
  }

  /** The store of a session of this thread shows something else for a key. */
  shown(session: Present, key: string): void {
    const { keys } = this.#options;
    if (keys?.includes(key) !== true || !this.#own.has(session.id)) return;
    const values = shownOf(session, keys);
    this.#own.set(session.id, values);
    this.#tell([[session.id, values]], (feed) => feed.set(session.id, values));
  }

  /** Another thread says something about presence. */
  heard(from: number, note: Note): void {
    if (note.type === 'watch') {
      this.#watchers.add(from);
      this.#options.notes.post(from, { type: 'roster', isFirst: true, entries: [...this.#own] });
    } else if (note.type === 'unwatch') this.#watchers.delete(from);
    else if (note.type === 'roster') this.#takeRoster(from, note.isFirst, note.entries);
  }

  /** Another shard can be reached now. */
  met(place: number): void {
    if (this.#feeds.size > 0) this.#ask(place);
  }

  /** A thread is gone, and its sessions with it. */
  lost(place: number): void {
    this.#watchers.delete(place);
    const roster = this.#rosters.get(place);
    this.#rosters.delete(place);
    for (const id of roster?.keys() ?? []) this.#toFeeds((feed) => feed.went(id));
    this.#listWhenKnown();
  }

  /** Nobody is told any more: the server is leaving. */
  close(): void {
    this.#isClosed = true;
    for (const feed of this.#feeds.keys()) feed.close();
  }

  // ---- below

  #ask(place: number): void {
    this.#rosters.set(place, undefined);
    this.#options.notes.post(place, { type: 'watch' });
  }

  #takeRoster(from: number, isFirst: boolean, entries: readonly RosterEntry[]): void {
    if (!this.#rosters.has(from)) return;
    const before = this.#rosters.get(from);
    const roster = isFirst ? new Map<string, Shown>() : before;
    if (roster === undefined) return;
    this.#rosters.set(from, roster);
    for (const [id, values] of entries) {
      const isKnown = before?.has(id) === true;
      if (values === undefined) roster.delete(id);
      else roster.set(id, values);
      this.#toFeeds((feed) => tellFeed(feed, id, values, isKnown));
    }
    if (!isFirst) return;
    // The answer to a watch before this one may have come first.
    for (const id of before?.keys() ?? []) if (!roster.has(id)) this.#toFeeds((feed) => feed.went(id));
    this.#listWhenKnown();
  }

  /** To the feeds here, and to the places that watch. */
  #tell(entries: readonly RosterEntry[], told: (feed: PresenceFeed) => void): void {
    this.#toFeeds(told);
    for (const place of this.#watchers) this.#options.notes.post(place, { type: 'roster', isFirst: false, entries });
  }

  #toFeeds(told: (feed: PresenceFeed) => void): void {
    for (const [feed, { isListed }] of this.#feeds) if (isListed) told(feed);
  }

  /** Once every shard has told who is there, the feeds that wait get the whole list of this moment. */
  #listWhenKnown(): void {
    for (const roster of this.#rosters.values()) if (roster === undefined) return;
    for (const [feed, state] of this.#feeds) {
      if (state.isListed) continue;
      state.isListed = true;
      feed.list(this.#everybody());
    }
  }

  *#everybody(): IterableIterator<readonly [string, Shown]> {
    yield* this.#own;
    for (const roster of this.#rosters.values()) if (roster !== undefined) yield* roster;
  }

  #left(feed: PresenceFeed): void {
    this.#feeds.delete(feed);
    if (this.#feeds.size > 0) return;
    for (const place of this.#rosters.keys()) this.#options.notes.post(place, { type: 'unwatch' });
    this.#rosters.clear();
  }
}

function tellFeed(feed: PresenceFeed, id: string, values: Shown | undefined, isKnown: boolean): void {
  if (values === undefined) feed.went(id);
  else if (isKnown) feed.set(id, values);
  else feed.came(id, values);
}

function shownOf(session: Present, keys: readonly string[]): Shown {
  const values: Record<string, string | number | boolean> = {};
  for (const key of keys) {
    const value = session.plainOf(key);
    if (value !== undefined) values[key] = value;
  }
  return values;
}
