/** What a user writes: the code for each session of a server. */
import type { Contract, Credentials, Identity, Selector, Store } from '../contract.ts';
import type { Certificate } from '../transports/ends.ts';
import type { Telemetry } from '../actors/telemetry.ts';
import type { Validate } from '../actors/validation.ts';
import type { Session } from './session.ts';

export type { Certificate } from '../transports/ends.ts';

/** Who is at the other end of a connection. */
export interface Peer {
  readonly address: string;
  readonly port: number | undefined;
  /** The peer's TLS certificate, if it was asked for and verified. */
  readonly certificate: Certificate | undefined;
}

/** Something a client asks for that `authorize` allows or not. */
export type Action<C extends Contract> =
  | { readonly type: 'address'; readonly selector: Selector<C> }
  | { readonly type: 'write'; readonly key: string; readonly value: unknown }
  | { readonly type: 'presence' };

/** The code for each session. */
export interface Behavior<C extends Contract> {
  /** `import.meta.url` of the module whose default export this is; needed to run it in worker threads. */
  readonly module?: string | undefined;
  /** Keys of the store that only the server writes, in any session. */
  readonly serverKeys?: readonly (keyof Store<C> & string)[] | undefined;
  /** Heavy work by name, for `session.offload`; runs in threads of its own, which load `module` too. */
  readonly tasks?: Readonly<Record<string, (input: never) => unknown>> | undefined;
  /**
   * Schemas (Standard Schema: zod, valibot, …) of the arguments that events and methods of this end take: a list, so a
   * tuple. What does not fit is refused before a handler sees it, and the sender learns which field; what a schema makes of
   * the arguments is what the handler gets.
   */
  readonly validate?: Validate | undefined;
  /**
   * Follows the calls of all sessions, both ways, as `openTelemetry()` of `homing/otel` does. A shard in a thread has the one
   * that the module makes there.
   */
  readonly telemetry?: Telemetry | undefined;
  /**
   * Runs on every connection, resumed or not, before anything else happens; on a resume the `id` must be equal and the
   * rest replaces the old. Throw to refuse: the message is told to the client as the reason, so keep secrets out of it.
   * An error with `retry: true` asks the client to come back later.
   */
  authenticate?(credentials: Credentials<C>, peer: Peer): Identity<C> | Promise<Identity<C>>;
  /**
   * Whether this session may write a key of its store (without this hook: any but `serverKeys`), address others with
   * `client.to`, or see who is present (without it: no). What throws counts as no.
   */
  authorize?(session: Session<C>, action: Action<C>): boolean | Promise<boolean>;
  /**
   * Runs once per session, when it becomes visible. No message is released before it has returned; when it is async,
   * before it has settled or has attached its first handler. If it fails, the session ends.
   */
  start(session: Session<C>): unknown;
}

/** Types a behavior; returns it as it is. */
export function defineBehavior<C extends Contract>(behavior: Behavior<C>): Behavior<C> {
  return behavior;
}
