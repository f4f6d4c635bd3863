/** What shards, and the main thread, say to each other beside handing lines over; gathered, so that one tick crosses at once. */
import type { Delivered } from './group-sender.ts';
import type { Host } from './ports.ts';
import type { Selection } from './selection.ts';
import type { Slot } from './held-slots.ts';
import type { Plain } from '../session/store.ts';

/** The main thread among the places of shards. */
export const MAIN = -1;

/** An event for a group. */
export interface GroupMessage {
  readonly selection: Selection;
  /** The id of a session that is left out. */
  readonly except: string | undefined;
  /** `[name, ...arguments]`; encoded once, nobody changes it. */
  readonly payload: Uint8Array;
  /** The session it comes from; undefined: from the server itself. */
  readonly from: string | undefined;
}

/** Who is here with which shown values; without values: not here any more. */
export type RosterEntry = readonly [id: string, values?: Readonly<Record<string, Plain>>];

/** Something one thread tells another. */
export type Note =
  /** To those who are meant; answered with `sent`. With a slot, a shard claims it, or keeps a copy where nobody is meant. */
  | { readonly type: 'send'; readonly number: number; readonly message: GroupMessage; readonly slot?: Slot | undefined }
  | ({ readonly type: 'sent'; readonly number: number } & Delivered)
  /** A shard that was not there when it was sent gets its copy of a held message. */
  | { readonly type: 'hold'; readonly message: GroupMessage; readonly slot: Slot }
  /** Somebody matched, and has it, unless the outbox was full. */
  | { readonly type: 'claimed'; readonly index: number; readonly ticket: number; readonly isRefused: boolean }
  /** A held message is gone: its copy is of no use. */
  | { readonly type: 'drop'; readonly index: number; readonly ticket: number }
  | { readonly type: 'watch' }
  | { readonly type: 'unwatch' }
  /** Answers `watch` with all who are here (`isFirst`), then tells of each change. */
  | { readonly type: 'roster'; readonly isFirst: boolean; readonly entries: readonly RosterEntry[] };

/** The notes of one thread on their way to the others. */
export class Notes {
  readonly #host: Pick<Host, 'defer'>;
  readonly #tell: (place: number, notes: readonly Note[]) => void;
  #waiting = new Map<number, Note[]>();

  constructor(host: Pick<Host, 'defer'>, tell: (place: number, notes: readonly Note[]) => void) {
    this.#host = host;
    this.#tell = tell;
  }

  /** Tells a place, with the rest of this tick. */
  post(place: number, note: Note): void {
    if (this.#waiting.size === 0) this.#host.defer(() => this.flush());
    const waiting = this.#waiting.get(place);
    if (waiting === undefined) this.#waiting.set(place, [note]);
    else waiting.push(note);
  }

  /** A place is gone: what waits for it is nothing to its successor. */
  drop(place: number): void {
    this.#waiting.delete(place);
  }

  /** Sends what waits now. */
  flush(): void {
    const waiting = this.#waiting;
    this.#waiting = new Map();
    for (const [place, notes] of waiting) this.#tell(place, notes);
  }
}
