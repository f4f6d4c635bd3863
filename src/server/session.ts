/** The server's handle on one session: what a behavior's `start` gets. */
import type { KnownIdentity } from '../actors/hosted-session.ts';
import type { SessionActor, Turn } from '../actors/session-actor.ts';
import type { StoreView } from '../actors/shared-store.ts';
import { NO_WAIT, type Wait } from '../actors/waits.ts';
import type { ConnectionView } from '../client/connection.ts';
import { remoteOf } from '../client/remote.ts';
import type { End, Group, Limited, Presence, Sent } from '../client/surface.ts';
import type { Contract, Identity } from '../contract.ts';

/** The server's end of a session. */
export interface Session<C extends Contract> extends End<C, C['server'], C['client']> {
  /** What the authentication hook returned for the newest connection; never crosses the wire. */
  readonly identity: Identity<C>;
  /** Whether this session was there before this process: false as long as it is kept in memory only. */
  readonly restored: boolean;
  /**
   * Runs `tasks[task]` of the behavior with `input` in a thread for heavy work, so that this shard's sessions are not held
   * up; input and result are copied. The name is this program's own, never a peer's. Rejects with `TaskFailed`,
   * `NotEncodable`, `BadOption` for a task that is not there, `Deadline` and `Aborted` (which end the work), or `Closed`.
   */
  offload<Result>(task: string, input: unknown, wait?: Wait): Promise<Result>;
  /**
   * Ends the session for good, without sending what waits; the client is told `ended` now, or when it returns within the
   * linger time. Resolves when it is over.
   */
  close(reason?: string): Promise<void>;
}

/** A session that a shard holds, accepted or dialled. */
export interface Held {
  readonly id: string;
  readonly epoch: number;
  readonly identity: KnownIdentity;
  readonly actor: SessionActor;
  /** Its peer decides about the store. */
  readonly isDialled: boolean;
  /** Ends it for good. */
  end(code: 'ended', reason: string): void;
}

/** Runs a task of the behavior elsewhere. */
export type Offload = (task: string, input: unknown, wait: Wait) => Promise<unknown>;

/** What sessions of one shard do beyond themselves. */
export interface SessionDesk {
  readonly offload: Offload;
  /** Sends `[event, ...args]` to a group in the name of a session. */
  send(from: Held, selector: unknown, options: unknown, message: readonly unknown[]): Promise<Sent>;
  /** Watches who is here until the session ends. */
  presence(of: Held): Promise<Presence<Record<string, unknown>>>;
}

/** The object behind `Session`. */
export class SessionHandle {
  readonly connection: ConnectionView;
  readonly restored = false;
  readonly #held: Held;
  readonly #desk: SessionDesk;
  #remote: object | undefined;

  constructor(held: Held, connection: ConnectionView, desk: SessionDesk) {
    this.#held = held;
    this.#desk = desk;
    this.connection = connection;
  }

  get id(): string {
    return this.#held.id;
  }

  get epoch(): number {
    return this.#held.epoch;
  }

  get identity(): KnownIdentity {
    return this.#held.identity;
  }

  get turn(): Turn {
    return this.#actor.turn;
  }

  get store(): StoreView {
    return this.#actor.store;
  }

  on(event: string, handler: (...args: unknown[]) => unknown, options?: { signal?: AbortSignal }): () => void {
    return this.#actor.handlers.on(event, handler, options?.signal);
  }

  once(event: string, handler: (...args: unknown[]) => unknown): () => void {
    return this.#actor.handlers.once(event, handler);
  }

  send(...message: readonly unknown[]): boolean {
    return this.#actor.send(message);
  }

  deliver(...message: readonly unknown[]): Promise<void> {
    return this.#actor.deliver(message, {});
  }

  call(...message: readonly unknown[]): Promise<unknown> {
    return this.#actor.call(message, NO_WAIT);
  }

  get remote(): object {
    this.#remote ??= remoteOf((method, args) => this.#actor.call([method, ...args], {}));
    return this.#remote;
  }

  to(selector: unknown, options?: unknown): Group<Record<string, unknown[]>> {
    return { send: (event, ...args) => this.#desk.send(this.#held, selector, options, [event, ...args]) };
  }

  presence(): Promise<Presence<Record<string, unknown>>> {
    return this.#desk.presence(this.#held);
  }

  expose(methods: object): void {
    this.#actor.callee.expose(methods);
  }

  flush(): Promise<void> {
    return this.#actor.flush({});
  }

  writable(): Promise<void> {
    return this.#actor.writable({});
  }

  with(wait: Wait): Limited<unknown> {
    const actor = this.#actor;
    return {
      deliver: (...message: readonly unknown[]) => actor.deliver(message, wait),
      call: (method: string, ...args: readonly unknown[]) => actor.call([method, ...args], wait),
      remote: remoteOf((method, args) => actor.call([method, ...args], wait)),
      flush: () => actor.flush(wait),
      writable: () => actor.writable(wait),
    } as unknown as Limited<unknown>;
  }

  offload(task: string, input: unknown, wait: Wait = {}): Promise<unknown> {
    return this.#desk.offload(task, input, wait);
  }

  close(reason = ''): Promise<void> {
    this.#held.end('ended', reason);
    return Promise.resolve();
  }

  get #actor(): SessionActor {
    return this.#held.actor;
  }
}
