/**
 * Groups and presence as the main thread of a server with shards has them: it has no sessions of its own, and says and
 * hears the same notes as the shards among each other.
 */
import { GroupSender } from '../actors/group-sender.ts';
import { MAIN, type Note, Notes } from '../actors/notes.ts';
import type { Host } from '../actors/ports.ts';
import { Presence } from '../actors/presence.ts';

/** What the desk needs of the threads. */
export interface MainDeskOwner {
  /** Places whose shards are open. */
  places(): readonly number[];
  tell(place: number, notes: readonly Note[]): void;
}

/** The main thread's sends to groups, and its watches of presence. */
export class MainDesk {
  readonly sender: GroupSender;
  readonly presence: Presence;
  readonly #notes: Notes;

  constructor(host: Host, presenceKeys: readonly string[] | undefined, owner: MainDeskOwner) {
    const notes = new Notes(host, (place, gathered) => owner.tell(place, gathered));
    this.#notes = notes;
    const places = (): readonly number[] => owner.places();
    this.sender = new GroupSender(host.clock, {
      place: MAIN,
      places,
      post: (place, note) => notes.post(place, note),
      deliver: () => ({ accepted: 0, refused: 0, isClaimed: false }),
      drop: () => {},
    });
    this.presence = new Presence({ keys: presenceKeys, notes, places });
  }

  /** What was sent leaves now: before the order to drain, after which sessions may end. */
  flush(): void {
    this.#notes.flush();
  }

  /** A shard says something. */
  heard(from: number, notes: readonly Note[]): void {
    for (const note of notes) {
      if (note.type === 'sent') this.sender.sent(from, note);
      else if (note.type === 'claimed') this.sender.claimed(note);
      else this.presence.heard(from, note);
    }
  }

  /** A shard is open. */
  met(place: number): void {
    this.sender.met(place);
    this.presence.met(place);
  }

  /** A shard is gone. */
  lost(place: number): void {
    this.#notes.drop(place);
    this.sender.lost(place);
    this.presence.lost(place);
  }

  /** The server is over. */
  close(): void {
    this.sender.close();
    this.presence.close();
  }
}
