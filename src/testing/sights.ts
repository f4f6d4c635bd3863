/**
 * Sights: what is seen of a run from outside, one JSON-able object each, in the order in which it happened. Simulated
 * runs and real processes tell the same ones, and the oracles in `oracles/` judge by nothing else.
 */

/** What became of a message that somebody waits for: see `guarantees.md`. */
export type Outcome =
  /** It was handled, or the call returned. */
  | 'ok'
  /** Its handler or method threw, or its arguments were not valid. */
  | 'failed'
  /** It left nothing behind: refused, or taken back before it was written. */
  | 'never-sent'
  /** Given up at a deadline or by a signal, after it may have been written. */
  | 'given-up'
  /** History was lost, or the session ended. */
  | 'unknown'
  /** Answered by the runtime of the peer: nobody there takes it. */
  | 'unheard';

/** How a message was handed to the runtime. */
export type How = 'send' | 'deliver' | 'call';

/** What every sight says: who saw it, and when. */
interface Seen {
  /** `c0`, `server`, or `server/1` for a shard. */
  readonly who: string;
  /** Which life of that process or thread it is, from 1. */
  readonly life: number;
  /** Milliseconds on one clock of the whole run. */
  readonly atMs: number;
}

/** What a handle sees; `session` is empty at a client, whose session may change. */
interface OfHandle {
  readonly session: string;
}

/** One thing that was seen. */
export type Sight = Seen &
  (
    | { readonly type: 'begins' }
    /** The process or thread is gone; whoever waits there is never told. */
    | { readonly type: 'ends' }
    /** A server's handle of a session is there. */
    | ({ readonly type: 'opens'; readonly epoch: number } & OfHandle)
    /** Told before the message is handed over; `n` counts the messages of this handle from 1. */
    | ({
        readonly type: 'sent';
        readonly n: number;
        readonly how: How;
        readonly name: string;
        readonly digest: string | undefined;
        /** The deadline of a call, and whether it counts all time. */
        readonly timeoutMs?: number | undefined;
        readonly isWall?: boolean | undefined;
      } & OfHandle)
    | ({ readonly type: 'answered'; readonly n: number; readonly outcome: Outcome } & OfHandle)
    /** A flush over the first `n` messages is over. */
    | ({ readonly type: 'flushed'; readonly n: number; readonly outcome: Outcome } & OfHandle)
    /** A message whose receivers nobody can tell from outside: to a group, or made by the runtime for its user. */
    | ({ readonly type: 'spread'; readonly name: string; readonly digest: string | undefined } & OfHandle)
    /** The first handler of an event was attached, or the last one is gone. */
    | ({ readonly type: 'listens'; readonly name: string; readonly isOn: boolean } & OfHandle)
    /** A handler (the one with this number) or a method begins; `message` is `session/epoch/seq`. */
    | ({
        readonly type: 'started';
        readonly message: string;
        readonly what: 'event' | 'method';
        readonly name: string;
        readonly worker: number;
        readonly digest: string | undefined;
      } & OfHandle)
    | ({
        readonly type: 'ended';
        readonly message: string;
        readonly worker: number;
        readonly isWell: boolean;
      } & OfHandle)
    /** A connection is there. `home` is the life that holds the session, `who#life`, where that is known. */
    | ({
        readonly type: 'up';
        readonly id: string;
        readonly epoch: number;
        readonly home?: string | undefined;
      } & OfHandle)
    | ({ readonly type: 'down'; readonly code: string } & OfHandle)
    /** A try to connect failed, or a lost connection is dialled again. */
    | ({ readonly type: 'redials'; readonly code: string } & OfHandle)
    | ({
        readonly type: 'gap';
        readonly reason: string;
        readonly oldId: string;
        readonly id: string;
        readonly epoch: number;
        readonly unconfirmed: number;
        readonly carried: number;
        /** How many stand in line before the outbox, where that is known. */
        readonly inLine?: number | undefined;
      } & OfHandle)
    /** What a listener of the gap asked for. */
    | ({ readonly type: 'chose'; readonly choice: 'resend' | 'discard' } & OfHandle)
    | ({
        readonly type: 'closed';
        readonly code: string;
        readonly unconfirmed: number;
        readonly carried: number;
      } & OfHandle)
    /** The peer is known to have processed everything up to this seq. */
    | ({ readonly type: 'released'; readonly seq: number } & OfHandle)
    /** What is tracked, and its limit; 0 once everything has ended. */
    | { readonly type: 'counts'; readonly counts: readonly (readonly [what: string, count: number, limit: number])[] }
    | { readonly type: 'uncaught'; readonly words: string }
    /** Faults are over; everything has to come to rest within this time. */
    | { readonly type: 'healed'; readonly withinMs: number }
    | { readonly type: 'rest' }
    /** A fault, and whom it may touch: a client, or everybody. */
    | { readonly type: 'fault'; readonly kind: string; readonly touches: string | undefined }
    /** A connection's machine went from one state to another. */
    | { readonly type: 'edge'; readonly machine: 'dialling' | 'accepting'; readonly from: string; readonly to: string }
  );

/** A kind of sight, without who saw it and when. */
export type SightOf<Type extends Sight['type']> = Extract<Sight, { readonly type: Type }>;

/** A sight before it is known who saw it, and when. */
export type BareSight = Sight extends infer Each ? (Each extends Sight ? Omit<Each, keyof Seen> : never) : never;

/** Completes a sight, in place: there are very many of them. */
export function sightBy({ who, life }: Pick<Seen, 'who' | 'life'>, atMs: number, bare: BareSight): Sight {
  const sight = bare as { who?: string; life?: number; atMs?: number };
  sight.who = who;
  sight.life = life;
  sight.atMs = atMs;
  return bare as Sight;
}
