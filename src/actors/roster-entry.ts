/** A connection in the roster of its thread, and what it shows of itself and of its session. */
import type { Seen } from '../machines/runner.ts';
import type { MachineName } from './events.ts';
import type { Link } from './link.ts';
import type { SessionActor } from './session-actor.ts';

/** A connection as it shows itself. */
export interface RosterConnection {
  readonly machine: MachineName;
  /** The words of its state, and what its machine remembers. */
  readonly words: readonly string[];
  readonly context: object;
  readonly link: Link | undefined;
  /** The session that it carries, or whose it is. */
  readonly session: RosterSession | undefined;
}

/** A session as it shows itself. */
export interface RosterSession {
  readonly id: string;
  readonly epoch: number;
  readonly actor: SessionActor;
  readonly identity: { readonly id: string } | undefined;
  readonly lingerMs?: number | undefined;
  readonly isAttached: boolean;
  readonly isEnded: boolean;
  /** Connections after the first. */
  readonly resumes: number;
}

/** The place of a connection in its roster: to be shown each event of its machine. */
export interface Ticket extends Seen {
  /** The connection is over. */
  leave(code: string | undefined): void;
}

/** What a roster hears of its entries. */
export interface Registrar {
  stepped(
    entry: Entry,
    event: { readonly type: string },
    from: string | undefined,
    state: string,
    context: object,
  ): void;
  left(entry: Entry, code: string | undefined): void;
}

/** A connection that is entered; there are very many. */
export class Entry implements Ticket {
  readonly number: number;
  readonly slot: number;
  readonly connection: RosterConnection;
  readonly #registrar: Registrar;
  #state: string | undefined;

  constructor(registrar: Registrar, number: number, slot: number, connection: RosterConnection) {
    this.#registrar = registrar;
    this.number = number;
    this.slot = slot;
    this.connection = connection;
  }

  step(event: { readonly type: string }, words: readonly string[], context: object): void {
    const from = this.#state;
    const state = words.length === 1 ? (words[0] ?? '') : words.join('.');
    this.#state = state;
    this.#registrar.stepped(this, event, from, state, context);
  }

  leave(code: string | undefined): void {
    this.#registrar.left(this, code);
  }
}
