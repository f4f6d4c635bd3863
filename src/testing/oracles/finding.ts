/** What an oracle finds: which invariant is broken, and where. */
import type { Sight } from '../sights.ts';
import type { Book } from './book.ts';

/** The invariants that oracles judge by; docs/testing.md has a table of them. */
export type Invariant = 'I1' | 'I2' | 'I4' | 'I5' | 'I6' | 'I7' | 'I8' | 'I9' | 'I11';

/** A broken invariant. */
export interface Finding {
  readonly invariant: Invariant;
  readonly sentence: string;
  /** Whose sight it was that broke it. */
  readonly who: string;
  readonly atMs: number;
  /** The session, as far as it is about one. */
  readonly session?: string | undefined;
  /** The message, `session/epoch/seq`, or a position in the stream of a session. */
  readonly position?: string | undefined;
}

/** One of the judges. It gets each sight after the book has entered it. */
export interface Oracle {
  readonly invariant: Invariant;
  /** The sights that it looks at; without it, all. */
  readonly types?: readonly Sight['type'][];
  /** Looks at a sight; gives what it breaks. */
  take(sight: Sight, book: Book): Finding | undefined;
  /** The run is over. */
  end?(book: Book): Finding | undefined;
}

/** A finding about a sight. */
export function findingAt(
  invariant: Invariant,
  sight: Pick<Sight, 'who' | 'atMs'> & { readonly session?: string; readonly message?: string },
  sentence: string,
  where: { readonly session?: string | undefined; readonly position?: string | undefined } = {},
): Finding {
  const { who, atMs, session, message } = sight;
  return { invariant, sentence, who, atMs, session, position: message, ...where };
}
