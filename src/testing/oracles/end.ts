/** One end of a session as the book knows it, and how lives and messages are named. */
import type { Sight } from '../sights.ts';
import type { Item, Stream } from './stream.ts';

/** One end: a life of a client, or a server's handle of one session. */
export interface End {
  readonly who: string;
  readonly life: string;
  readonly isServer: boolean;
  /** Its session now; undefined until a client has one. */
  session: string | undefined;
  /** Where what it sends belongs. */
  out: Stream;
  /** Its messages by their number. */
  readonly sent: Map<number, Item>;
  /** Since when, counted in sights, somebody listens to an event; 0: before anything could be handled. */
  readonly listens: Map<string, number>;
  /** When it was seen first, and whether nothing can have been handled since. */
  readonly firstMs: number;
  isFresh: boolean;
  /** The session of each epoch of a client. */
  readonly sessions: Map<number, string>;
  /** It sent what cannot be counted from outside. */
  isLoose: boolean;
  /** The code it was ended with. */
  closed: string | undefined;
  /** Messages of a gap that `resend` would send again, and those it would let go on. */
  gap: { readonly unconfirmed: readonly Item[]; readonly carried: readonly Item[] } | undefined;
  /** The epoch of the message that started last here, and its stream. */
  epoch: number;
  hearing: Stream | undefined;
  /** Time with a connection: what was counted, and since when more of it counts. */
  upMs: number;
  upSinceMs: number | undefined;
}

/** A message as a started or ended sight names it. */
export interface Place {
  readonly epoch: number;
  readonly seq: number;
}

/** The session, epoch and seq of a message id. */
export function placeOf(message: string): Place {
  const [epoch = 0, seq = 0] = message.split('/').slice(1).map(Number);
  return { epoch, seq };
}

/** An end that was just seen for the first time; `out` is where what it sends belongs. */
export function newEnd(
  sight: Pick<Sight, 'who' | 'life' | 'atMs'> & { readonly session: string },
  isServer: boolean,
  out: Stream,
): End {
  return {
    who: sight.who,
    life: lifeOf(sight),
    isServer,
    session: isServer ? sight.session : undefined,
    out,
    sent: new Map(),
    listens: new Map(),
    firstMs: sight.atMs,
    isFresh: true,
    sessions: new Map(),
    isLoose: false,
    closed: undefined,
    gap: undefined,
    epoch: 0,
    hearing: undefined,
    upMs: 0,
    upSinceMs: undefined,
  };
}

/** A life by its name: `c0#2`. */
export function lifeOf({ who, life }: Pick<Sight, 'who' | 'life'>): string {
  return `${who}#${life}`;
}
