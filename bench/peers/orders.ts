/** What the two programs of a contestant are told, and what they answer: one answer for each order, in its turn. */
import type { CallOrder } from './calling.ts';
import type { Address, ConnectOptions } from './contestant.ts';
import type { Count } from './tally.ts';

/** What either end of a contestant does when it is told. */
export type EndOrder =
  /** Sends for a time over all its links in turn, as fast as they take it; answers `Poured`. */
  | { readonly type: 'pour'; readonly milliseconds: number; readonly bytes: number }
  /** Waits until so many messages have come in all, or none for a while; answers `Settled`. */
  | { readonly type: 'settle'; readonly expected: number }
  /** Answers `Usage` of the process that holds the connections. */
  | { readonly type: 'usage' };

/** What the client is told besides. */
export type ClientOrder =
  | EndOrder
  /** Opens so many links, some at a time; answers how long that took: `Connected`. */
  | { readonly type: 'connect'; readonly address: Address; readonly links: number; readonly options: ConnectOptions }
  /** Calls over its first link; answers `Called`. */
  | ({ readonly type: 'call' } & CallOrder)
  /** Ends all its links; answers 'closed'. */
  | { readonly type: 'close' };

/** What the server is told besides: it says `Opened` once by itself. */
export type ServerOrder = EndOrder;

/** A server listens. */
export interface Opened {
  readonly address: Address;
}

/** Links are up. */
export interface Connected {
  readonly milliseconds: number;
}

/** A sender has handed all over. */
export interface Poured {
  readonly startedAtMs: number;
  /** Messages in all, since its links were opened. */
  readonly sent: number;
  /** Messages of this order. */
  readonly poured: number;
}

/** A receiver has got what came. */
export interface Settled extends Count {
  /** By the clock of the machine; the last message that it looked at the clock for, which the last of a stream is. */
  readonly lastAtMs: number;
}
