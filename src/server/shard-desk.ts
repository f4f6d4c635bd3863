/**
 * What the sessions of one shard do beyond themselves: send to groups, watch presence, hand work off; and what the behavior
 * lets their clients do.
 */
import { describeError } from '../actors/describe.ts';
import type { Services } from '../actors/mailbox.ts';
import type { Shard } from '../actors/shard.ts';
import { groupOptionsOf, selectionOf } from '../actors/selection.ts';
import { payloadForMany } from '../actors/sender.ts';
import type { Presence, Sent } from '../client/surface.ts';
import type { Contract } from '../contract.ts';
import { HomingError } from '../errors.ts';
import { Codec } from '../wire/codec.ts';
import { forwardable } from '../wire/forward.ts';
import type { WireLimits } from '../wire/limits.ts';
import type { Behavior } from './behavior.ts';
import { type ServicesOptions, servicesFor } from './services.ts';
import type { Held, Offload, Session, SessionDesk } from './session.ts';
import { watchHere } from './watch.ts';

/** What a desk is made with. */
export interface ShardDeskOptions {
  readonly shard: Shard;
  readonly behavior: Behavior<Contract>;
  readonly wire: WireLimits;
  readonly offload: Offload;
  /** Something went wrong that no promise carries, for a session or for none. */
  readonly failed: (error: HomingError, from: Held | undefined) => void;
}

/** One for all sessions of a shard. */
export class ShardDesk implements SessionDesk {
  readonly offload: Offload;
  readonly #options: ShardDeskOptions;
  readonly #codec: Codec;
  readonly #serverKeys: ReadonlySet<string> | undefined;

  constructor(options: ShardDeskOptions) {
    const { behavior, offload, wire } = options;
    this.#options = options;
    this.offload = offload;
    this.#codec = new Codec(forwardable(wire));
    this.#serverKeys = behavior.serverKeys === undefined ? undefined : new Set(behavior.serverKeys);
  }

  /** From now on what the peer of a session asks for is judged by the behavior. */
  govern(held: Held, session: Session<Contract>): void {
    const { behavior } = this.#options;
    const { actor } = held;
    const { store } = actor;
    if (this.#serverKeys !== undefined) store.serverKeys = this.#serverKeys;
    const authorize = behavior.authorize?.bind(behavior, session);
    if (authorize !== undefined) store.mayWrite = (key, value) => authorize({ type: 'write', key, value });
    let services: Services | undefined;
    actor.mailbox.services = (args) => {
      services ??= this.#servicesOf(held, session.id, authorize);
      return services(args);
    };
  }

  /** Made when the peer asks for the first time: most never do. */
  #servicesOf(held: Held, id: string, authorize: ServicesOptions['authorize']): Services {
    const { shard, wire, failed } = this.#options;
    return servicesFor({
      id,
      wire,
      authorize,
      send: (message, holdMs, failed) => shard.groups.sender.send(message, holdMs, failed),
      requirePresence: () => shard.presence.requireOn(),
      watch: () => shard.presence.watch(),
      hookFailed: (cause) => {
        const sentence = `authorize() failed for session ${held.id}: ${describeError(cause).message}`;
        failed(new HomingError('HandlerFailed', sentence, { cause }), held);
      },
      heldFailed: (error) => held.actor.notify(error),
    });
  }

  async send(from: Held, selector: unknown, options: unknown, message: readonly unknown[]): Promise<Sent> {
    const selection = selectionOf(selector);
    const { except, holdMs } = groupOptionsOf(options);
    const group = { selection, except, payload: payloadForMany(this.#codec, message), from: from.id };
    return this.#options.shard.groups.sender.send(group, holdMs, (error) => this.#options.failed(error, from));
  }

  async presence({ actor }: Held): Promise<Presence<Record<string, unknown>>> {
    const { shard, failed } = this.#options;
    const view = await watchHere(
      () => shard.presence.watch(),
      (error) => failed(error, undefined),
    );
    const { ending } = actor;
    if (ending.aborted) view.close();
    else ending.addEventListener('abort', () => view.close(), { once: true });
    return view;
  }
}
