/** The typed public surface that both ends of a session share. Types only; the classes behind it are untyped inside. */
import type { Turn } from '../actors/session-actor.ts';
import type { Wait } from '../actors/waits.ts';
import type {
  ArgsOf,
  CallArgs,
  CallResult,
  Contract,
  EventsOf,
  Exposed,
  HandlerArgs,
  MethodsOf,
  Remote,
  Selector,
  Store,
} from '../contract.ts';
import type { ConnectionState } from '../actors/dialler.ts';
import type { EndReport, LossReport } from '../actors/reports.ts';
import type { HomingError } from '../errors.ts';

/** What can be waited for, also under a deadline or signal through `with`. */
export interface Limited<Theirs> {
  /**
   * Sends an event and resolves when the peer has processed it. Waits for room when the outbox is full.
   * Rejects with `NoHandler`, `HandlerFailed` (cause: the first error of the handlers), `OutcomeUnknown`, `Deadline`,
   * `Aborted` (the last two with `outcome`), `MessageTooLarge`, `NotEncodable` or `Closed`.
   */
  deliver<Name extends keyof EventsOf<Theirs> & string>(
    event: Name,
    ...args: ArgsOf<EventsOf<Theirs>, Name>
  ): Promise<void>;
  /**
   * Calls a method of the peer and resolves with what it returned. It runs once, whatever the line does. It starts once
   * every event sent before has been handled; a slow one holds up nobody. The deadline, 30 s unless said otherwise, counts
   * time with a connection (`clock: 'wall'`: all time); at it, or when the signal is aborted, the call is taken back if it
   * was not written (`outcome: 'never-sent'`), else cancelled (`'unknown'`). Rejects with `HandlerFailed` (cause: name,
   * message and code of the peer's error), `NoMethod`, `TooManyCalls`, `Deadline`, `Aborted`, `OutcomeUnknown` when the
   * session ended first, `MessageTooLarge`, `NotEncodable`, `OutboxFull` or `Closed`.
   */
  call<Name extends keyof MethodsOf<Theirs> & string>(
    method: Name,
    ...args: CallArgs<MethodsOf<Theirs>, Name>
  ): Promise<CallResult<MethodsOf<Theirs>, Name>>;
  /** The peer's methods as functions: `remote.history(10)` is `call('history', 10)`. */
  readonly remote: Remote<MethodsOf<Theirs>>;
  /** Resolves when the peer has processed all that was sent so far. Rejects with `OutcomeUnknown` when that was lost. */
  flush(): Promise<void>;
  /** Resolves when `send` would return true again. */
  writable(): Promise<void>;
}

/** One end of a session. */
export interface End<C extends Contract, Mine, Theirs> extends Limited<Theirs> {
  /** Public name of the session; '' until it has one. Never a credential. */
  readonly id: string;
  /** Rises when history was lost. 0 until the session has an id. */
  readonly epoch: number;
  readonly connection: Connection;
  /**
   * The map that both ends share. The server's end decides: it orders all changes; a client's write shows at once and is
   * pending until the server has accepted or refused it (an `error` event, and the old value is back).
   */
  readonly store: SharedStore<Store<C>>;
  /** The turn of the handler being started; read before its first await. Throws `NoTurn` elsewhere. */
  readonly turn: Turn;
  /** Handles an event of the peer: one message after another, each to its end. Returns what removes the handler. */
  on<Name extends keyof EventsOf<Mine> & string>(
    event: Name,
    handler: (...args: HandlerArgs<ArgsOf<EventsOf<Mine>, Name>>) => unknown,
    options?: { readonly signal?: AbortSignal | undefined },
  ): () => void;
  /** Handles the next such event only. */
  once<Name extends keyof EventsOf<Mine> & string>(
    event: Name,
    handler: (...args: HandlerArgs<ArgsOf<EventsOf<Mine>, Name>>) => unknown,
  ): () => void;
  /**
   * Sends an event: accepted when this returns. The values are encoded at once and not kept. False from half of the
   * outbox bound; throws `OutboxFull` at the bound, `NotEncodable` or `MessageTooLarge` with the path, or `Closed`.
   */
  send<Name extends keyof EventsOf<Theirs> & string>(event: Name, ...args: ArgsOf<EventsOf<Theirs>, Name>): boolean;
  /**
   * Lets the peer call these methods: the functions of an object, and those of its class and the classes that this extends.
   * Calls of several may run at a time.
   */
  expose(methods: Exposed<MethodsOf<Mine>>): void;
  /**
   * Names the sessions that an event is for: the id of one, or values that stores have, all of them; the sender included
   * when it matches. At a client the server's `authorize` must allow it.
   */
  to(selector: Selector<C>, options?: GroupOptions): Group<EventsOf<C['client']>>;
  /**
   * Watches who is here; resolves when all are known. The server shows what `presence: { keys }` names, to clients only if
   * its `authorize` allows it. Rejects with `Forbidden`, `BadOption` when presence is off, or what a call rejects with.
   */
  presence(): Promise<Presence<Store<C>>>;
  /** The same waits under a deadline (ms) or a signal. */
  with(wait: Wait): Limited<Theirs>;
  /** Type of the contract; nothing at run time. */
  readonly contract?: C;
}

/** How a group send is made. */
export interface GroupOptions {
  /** If nobody matches, keep the message for so many milliseconds for the first who does. */
  readonly holdMs?: number | undefined;
  /** The id of a session that is left out. */
  readonly except?: string | undefined;
}

/** What became of a group send. */
export interface Sent {
  /** Sessions whose outbox has it, detached ones included; their own guarantees hold from here. */
  readonly accepted: number;
  /** Sessions that match and have no room for it. */
  readonly refused: number;
  /** 1 when nobody matched and it is held. When nobody comes, an `error` event with `HeldExpired` says so. */
  readonly held: number;
}

/** Those whom a selector names. */
export interface Group<Events> {
  /**
   * Sends an event to each of them once, encoded once; who they are is decided in each shard when it gets there, in the order
   * of this sender. Functions and streams cannot go to a group. Rejects with `BadOption` for a selector that names nobody,
   * `Forbidden`, `NotEncodable`, `MessageTooLarge`, `OutboxFull`, `Closed`.
   */
  send<Name extends keyof Events & string>(event: Name, ...args: ArgsOf<Events, Name>): Promise<Sent>;
}

/** Who is here: the visible sessions of all shards, as long as they live, connected or not. */
export interface Presence<Shape> extends Disposable {
  /** By session id: the values that are shown of its store. Kept up to date. */
  readonly members: ReadonlyMap<string, Partial<Shape>>;
  on(event: 'came' | 'changed' | 'went', listener: (id: string, values: Partial<Shape>) => unknown): () => void;
  close(): void;
}

/** A shared store; values are copied on the way in and out. */
export interface SharedStore<Shape> {
  get<Key extends keyof Shape & string>(key: Key): Shape[Key] | undefined;
  /**
   * Sets a key; in order with events and calls. Undefined deletes it. Throws `NotEncodable` (functions and streams cannot
   * be stored), `StoreFull`, `OutboxFull`, `MessageTooLarge`, `BadOption` for a key that is no text of 1 to 256 characters,
   * or `Closed`.
   */
  set<Key extends keyof Shape & string>(key: Key, value: Shape[Key]): void;
  delete(key: keyof Shape & string): void;
  entries(): IterableIterator<[string, unknown]>;
  /** Hears of each change of what this end shows: undefined for a key that is gone. Returns what removes the listener. */
  on(event: 'change', listener: (key: string, value: unknown, by: 'here' | 'peer') => unknown): () => void;
}

/** What a lost history left undone. `resend` and `discard` are valid while the listener runs. */
export interface GapReport extends LossReport {
  /** What the peer had sent and this end had not received cannot be known. */
  readonly incoming: 'unknown';
  /** Sends the unconfirmed events again, before those carried over. They may have been processed already. */
  resend(): void;
  /** Drops the events that were accepted and never written; without it they follow in order. */
  discard(): void;
}

/** The life of the connection under a session. */
export interface Connection {
  readonly state: ConnectionState;
  /** Last measured round trip in milliseconds; undefined before the first. */
  readonly rttMs: number | undefined;
  on(event: 'change', listener: (state: ConnectionState, previous: ConnectionState) => void): () => void;
  on(event: 'up', listener: (info: { readonly resumed: boolean }) => void): () => void;
  on(event: 'down', listener: (info: { readonly code: string }) => void): () => void;
  on(event: 'reconnect', listener: (info: ReconnectInfo) => void): () => void;
  on(event: 'gap', listener: (report: GapReport) => void): () => void;
  on(event: 'refused' | 'closed', listener: (info: EndReport) => void): () => void;
  on(event: 'error', listener: (error: HomingError) => void): () => void;
}

/** The redial that was just planned. */
export interface ReconnectInfo {
  readonly attempt: number;
  readonly delayMs: number;
  /** What ended or prevented the connection before. */
  readonly cause: Error | undefined;
}
