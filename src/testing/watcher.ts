/** Who watches a handle, and what is watched of it. */
import type { BareSight, Sight } from './sights.ts';

type Listen = (event: string, listener: (...args: never[]) => void) => unknown;

/** What is watched of a client's or a session's handle. */
export interface Watched {
  readonly id: string;
  readonly epoch: number;
  readonly turn: { readonly messageId: string };
  readonly connection: { readonly on: Listen };
}

/** Who looks, and with what clock. */
export interface Watcher {
  readonly who: string;
  readonly life: number;
  /** Takes a sight at once: before this returns, it is known whatever happens next. */
  tell(sight: Sight): void;
  /** Milliseconds on the clock of the whole run. */
  now(): number;
  /** A promise of the user's code that has begun here; the job is called by this name. */
  readonly begun?: (what: string, message: string, promise: PromiseLike<unknown>) => void;
  /** The life, `who#life`, that holds the session now, where somebody can tell. */
  readonly homeOf?: (id: string) => string | undefined;
  /** Messages that stand in line before the outbox, where somebody can tell. */
  readonly inLine?: () => number;
  /** Arguments may reach handlers otherwise than they were sent: schemas stand between. */
  readonly isValidated?: boolean;
}

/** A watched handle, for those who tell more of it. */
export interface Watching {
  /** Tells a sight of this end. */
  tell(sight: BareSight): void;
}
