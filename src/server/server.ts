/** The server as its user has it: addresses and options in, events out; the sessions are in its shards. */
import type { Duplex } from 'node:stream';
import type { SessionInfo } from '../actors/hosted-session.ts';
import { nodeHost } from '../actors/host.ts';
import type { Logger } from '../actors/log.ts';
import type { ShardNews } from '../actors/news.ts';
import {
  type EndOptions,
  type PresenceOption,
  type RedialOptions,
  drainMsOf,
  redialOf,
  settingsOf,
  threadsOf,
} from '../actors/options.ts';
import type { Host } from '../actors/ports.ts';
import type { Shard } from '../actors/shard.ts';
import { ALL, type Selection, groupOptionsOf, selectionOf } from '../actors/selection.ts';
import { payloadForMany } from '../actors/sender.ts';
import { ALONE } from '../actors/neighbors.ts';
import { type ShardCounts, Tally } from '../actors/tally.ts';
import type { Group, GroupOptions, Presence, Sent } from '../client/surface.ts';
import { Codec } from '../wire/codec.ts';
import type { Contract, EventsOf, Selector, Store } from '../contract.ts';
import { HomingError } from '../errors.ts';
import {
  type AddressDefaults,
  type ListenWhere,
  type TlsOptions,
  type Where,
  parseAddress,
} from '../transports/address.ts';
import type { Listening } from '../transports/tcp.ts';
import type { Behavior } from './behavior.ts';
import { BehaviorShard } from './behavior-shard.ts';
import { InlineShards } from './inline.ts';
import { type Inspect, inspectionOf } from './inspection.ts';
import { requireNoShard } from './load.ts';
import { OffloadDesk } from './offload.ts';
import { rosterHere } from './roster-at.ts';
import type { Offload, Session } from './session.ts';
import type { DialOptions, Shards } from './shards.ts';
import { Teller } from './teller.ts';
import { ThreadShards } from './threads.ts';
import { watchHere } from './watch.ts';

export type { DialOptions } from './shards.ts';
export type { Direct, ListenWhere, TlsOptions, Where } from '../transports/address.ts';
export type { Listening } from '../transports/tcp.ts';

/** What happens to the sessions of a server, as plain facts. */
export type ServerEvents = {
  /** A session became visible: its `start` has run. */
  session: [info: SessionInfo];
  up: [info: SessionInfo, detail: { readonly resumed: boolean }];
  down: [info: SessionInfo, detail: { readonly code: string }];
  /** The client lost its memory: what this end had sent it and is not known to be processed, and what waited. */
  gap: [info: SessionInfo, counts: { readonly unconfirmed: number; readonly carried: number }];
  end: [info: SessionInfo, detail: { readonly code: string; readonly unconfirmed: number; readonly carried: number }];
  error: [error: HomingError, detail: { readonly session?: SessionInfo; readonly messageId?: string }];
};

/** Options of a server; times in milliseconds. */
export interface ServerOptions extends EndOptions, PresenceOption {
  /**
   * Worker threads that sessions live in; 0: sessions run on the calling thread. A behavior with a `module` gets one less
   * than there are processors, but one at least, if this is not given; another behavior runs on the calling thread only.
   */
  readonly shards?: number | undefined;
  /** A shard whose loop stands still for so long is ended, and another one started; 0: never. */
  readonly watchdogMs?: number | undefined;
  /** A shard that fails more than `max` times within `withinMs` is not started again. */
  readonly restarts?: { readonly max?: number | undefined; readonly withinMs?: number | undefined } | undefined;
  /** Threads for `session.offload`; started when they are needed. */
  readonly offloadThreads?: number | undefined;
  /** Heap of one shard in MiB; a shard that needs more is ended and another one started. */
  readonly shardHeapMb?: number | undefined;
  /** Backoff of dialled sessions. */
  readonly backoff?: Partial<RedialOptions> | undefined;
  /** TLS for every address that does not say otherwise. */
  readonly tls?: TlsOptions | undefined;
  /** Says out loud that hosts other than loopback are meant without TLS. */
  readonly insecure?: boolean | undefined;
  /** Lets viewers look at the connections: an inspector, or where to open one that ends with the server. */
  readonly inspect?: Inspect | undefined;
  /** Where the server writes its log, on the thread that made it: pino, or anything of its shape. Each shard gets a child. */
  readonly logger?: Logger | undefined;
  /** Aborting it closes the server at once. */
  readonly signal?: AbortSignal | undefined;
}

/** A server. */
export interface Server<C extends Contract> extends AsyncDisposable {
  /**
   * Listens at a port (0 takes a free one), `host:port`, or a path; loopback unless a host is given. May be called again
   * for more addresses. With two shards or more each of them listens at a port of its own beside it, on loopback by
   * itself, elsewhere at the ports of `direct`. Rejects with `AddressInUse`, `ListenFailed`, `BadAddress`, `InsecureHost`,
   * `BadOption`, `ShardCrashed` when no shard can be started, or `Closed`.
   */
  listen(where: ListenWhere): Promise<Listening>;
  /**
   * Serves one client over any full-duplex stream, also while the server drains: clients come back to finish. Throws
   * `Closed` when that is over.
   */
  accept(stream: Duplex): void;
  /**
   * Opens a session to another server from the shard with the fewest; the behavior runs for it, and it is dialled again
   * whenever its connection is lost. Resolves when it is up for the first time; a line that cannot be made is tried again
   * until the signal ends it. If its shard crashes, a new session is dialled. Rejects with the code that ended it.
   */
  dial(where: Where, options?: DialOptions): Promise<SessionInfo>;
  on<Name extends keyof ServerEvents>(event: Name, listener: (...args: ServerEvents[Name]) => unknown): () => void;
  /** Names the sessions of all shards that an event is for, dialled ones included; see `Session.to`. */
  to(selector: Selector<C>, options?: GroupOptions): Group<EventsOf<C['client']>>;
  /** All sessions. */
  toAll(options?: GroupOptions): Group<EventsOf<C['client']>>;
  /** Watches who is here; resolves when all are known. Rejects with `BadOption` without the option `presence`. */
  presence(): Promise<Presence<Store<C>>>;
  /** What the server holds now. */
  readonly counts: ShardCounts;
  /**
   * Drains: takes no new sessions, lets every client finish and tells it to come back later, at most for `drainMs`
   * (30 s); then ends what is left. Resolves when it is over; a second call ends everything now.
   */
  close(options?: { readonly drainMs?: number | undefined }): Promise<void>;
  /** Type of the contract; nothing at run time. */
  readonly contract?: C;
}

/**
 * Makes a server for a behavior, or for a function that is its `start`, or for the URL of a module whose default export is
 * a behavior. Shards are started by the first `listen`, `accept` or `dial`. Throws `BadOption`.
 */
export function createServer<C extends Contract>(
  behavior: Behavior<C> | URL | ((session: Session<C>) => unknown),
  options: ServerOptions = {},
): Server<C> {
  requireNoShard();
  if (behavior instanceof URL) return new SessionServer({ host: nodeHost(), module: behavior.href, options });
  return openServer<C>(nodeHost(), behavior, options);
}

/** Makes a server on any host: what `createServer` does, with time and chance as arguments. */
export function openServer<C extends Contract>(
  host: Host,
  behavior: Behavior<C> | ((session: Session<C>) => unknown),
  options: ServerOptions = {},
): SessionServer {
  const full = typeof behavior === 'function' ? { start: behavior } : behavior;
  if (typeof full?.start !== 'function') {
    throw new HomingError('BadOption', 'expected a behavior with a start function, or that function alone');
  }
  return new SessionServer({ host, behavior: full, module: full.module, options });
}

/** What a server is made of: a behavior for the calling thread, a module for shards, or both. */
interface ServerParts {
  readonly host: Host;
  readonly behavior?: Behavior<Contract>;
  readonly module: string | undefined;
  readonly options: ServerOptions;
}

/** The object behind `Server`. */
export class SessionServer {
  readonly #shards: Shards;
  readonly #inline: BehaviorShard | undefined;
  readonly #addresses: AddressDefaults;
  readonly #teller: Teller;
  readonly #signal: AbortSignal | undefined;
  readonly #abort = (): void => void this.close({ drainMs: 0 });
  readonly #codec: Codec;
  #isClosing = false;
  #isClosed = false;

  constructor({ host, behavior, module, options }: ServerParts) {
    const { signal, tls, insecure, inspect, logger, ...plain } = options;
    this.#addresses = { tls, insecure };
    const settings = settingsOf(options);
    this.#codec = new Codec(settings.session.wire);
    const redial = redialOf(options.backoff);
    const threads = threadsOf(options, module !== undefined);
    const teller = new Teller(logger, () => host.clock.now());
    this.#teller = teller;
    const tell = (news: ShardNews): void => teller.news(news);
    const inspection = inspectionOf(inspect, (error) => this.#failed(error));
    if (threads.shards === 0 && behavior !== undefined) {
      const { offloadThreads } = threads;
      const desk =
        module === undefined ? undefined : new OffloadDesk({ module, threads: offloadThreads, clock: host.clock });
      const offload: Offload = (task, input, wait) => (desk === undefined ? noModule() : desk.run(task, input, wait));
      const tally = new Tally();
      const { roster, leave } = rosterHere(inspection, tally, () => this.shard);
      const around = { place: 0, tally, neighbors: ALONE, roster };
      this.#inline = new BehaviorShard({ host, behavior, settings, redial, around, offload, tell });
      this.#shards = new InlineShards(host.clock, this.#inline, async () => {
        leave();
        await Promise.all([desk?.close(), inspection?.close()]);
      });
    } else if (module !== undefined) {
      const waitingMax = settings.limits.handshakes;
      this.#shards = new ThreadShards({ host, module, ...threads, waitingMax, plain, inspection, teller });
    } else {
      const sentence = 'expected a behavior that names its module (module: import.meta.url) for shards in threads';
      throw new HomingError('BadOption', `${sentence}; without one it runs with shards: 0`);
    }
    this.#signal = signal;
    if (signal?.aborted === true) this.#abort();
    else signal?.addEventListener('abort', this.#abort, { once: true });
  }

  /** Where accepted lines go when there are no threads. */
  get shard(): Shard {
    if (this.#inline === undefined) throw new HomingError('InvariantBroken', 'expected a shard on the calling thread');
    return this.#inline.shard;
  }

  get counts(): ShardCounts {
    return this.#shards.counts;
  }

  async listen(where: ListenWhere): Promise<Listening> {
    this.#requireOpen();
    return this.#shards.listen(parseAddress(where, this.#addresses));
  }

  accept(stream: Duplex): void {
    if (this.#isClosed) this.#requireOpen();
    this.#shards.accept(stream);
  }

  async dial(where: Where, options: DialOptions = {}): Promise<SessionInfo> {
    this.#requireOpen();
    return this.#shards.dial(parseAddress(where, this.#addresses), options);
  }

  on<Name extends keyof ServerEvents>(event: Name, listener: (...args: ServerEvents[Name]) => unknown): () => void {
    return this.#teller.listeners.on(event, listener);
  }

  to(selector: unknown, options?: unknown): Group<Record<string, unknown[]>> {
    return { send: (event, ...args) => this.#send(() => selectionOf(selector), options, [event, ...args]) };
  }

  toAll(options?: unknown): Group<Record<string, unknown[]>> {
    return { send: (event, ...args) => this.#send(() => ALL, options, [event, ...args]) };
  }

  presence(): Promise<Presence<never>> {
    const view = watchHere(
      () => this.#shards.watch(),
      (error) => this.#failed(error),
    );
    return view as Promise<unknown> as Promise<Presence<never>>;
  }

  close(options: { readonly drainMs?: number | undefined } = {}): Promise<void> {
    const drainMs = drainMsOf(options.drainMs);
    const isSecond = this.#isClosing;
    this.#isClosing = true;
    this.#signal?.removeEventListener('abort', this.#abort);
    const drained = this.#shards.drain(isSecond ? 0 : drainMs);
    void drained.then(() => {
      if (!this.#isClosed) this.#teller.close();
      this.#isClosed = true;
    });
    return drained;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  // ---- below

  async #send(select: () => Selection, options: unknown, message: readonly unknown[]): Promise<Sent> {
    this.#requireOpen();
    const selection = select();
    const { except, holdMs } = groupOptionsOf(options);
    const payload = payloadForMany(this.#codec, message);
    const failed = (error: HomingError): void => this.#failed(error);
    return this.#shards.send({ selection, except, payload, from: undefined }, holdMs, failed);
  }

  #failed(error: HomingError): void {
    this.#teller.news({ type: 'error', error, info: undefined });
  }

  #requireOpen(): void {
    if (this.#isClosing) throw new HomingError('Closed', 'the server is closed');
  }
}

function noModule(): Promise<never> {
  const sentence =
    'expected a behavior that names its module (module: import.meta.url), which the thread of a task loads';
  return Promise.reject(new HomingError('BadOption', sentence));
}
