/** The server: listeners, the shard behind them, and the behavior that each session runs. */
import type { Duplex } from 'node:stream';
import type { HostedSession, SessionInfo } from '../actors/hosted-session.ts';
import { nodeHost } from '../actors/host.ts';
import { Listeners, warn } from '../actors/listeners.ts';
import { type EndOptions, drainMsOf, settingsOf } from '../actors/options.ts';
import { describeError, isThenable } from '../actors/mailbox.ts';
import type { Dial, Host } from '../actors/ports.ts';
import { type Authenticate, Shard, type ShardCounts } from '../actors/shard.ts';
import { ConnectionView } from '../client/connection.ts';
import type { Contract, Credentials } from '../contract.ts';
import { type EndCode, HomingError } from '../errors.ts';
import { type Where, parseAddress } from '../transports/address.ts';
import { existingStream } from '../transports/stream.ts';
import { type Listening, type TcpListener, listenTcp } from '../transports/tcp.ts';
import type { Behavior } from './behavior.ts';
import { type Session, SessionHandle } from './session.ts';

export type { Where } from '../transports/address.ts';
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
export interface ServerOptions extends EndOptions {
  /** 0, or undefined: sessions run on the calling thread. */
  readonly shards?: 0 | undefined;
  /** Aborting it closes the server at once. */
  readonly signal?: AbortSignal | undefined;
}

/** A server. */
export interface Server<C extends Contract> extends AsyncDisposable {
  /**
   * Listens at a port (0 takes a free one), `host:port`, or a path; loopback unless a host is given. May be called again
   * for more addresses. Rejects with `AddressInUse`, `ListenFailed`, `BadAddress`, `InsecureHost` or `Closed`.
   */
  listen(where: Where): Promise<Listening>;
  /** Serves one client over any full-duplex stream. */
  accept(stream: Duplex): void;
  on<Name extends keyof ServerEvents>(event: Name, listener: (...args: ServerEvents[Name]) => unknown): () => void;
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

/** Makes a server for a behavior, or for a function that is its `start`. Throws `BadOption`. */
export function createServer<C extends Contract>(
  behavior: Behavior<C> | ((session: Session<C>) => unknown),
  options: ServerOptions = {},
): Server<C> {
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
  if (options.shards !== undefined && options.shards !== 0) {
    throw new HomingError('BadOption', `expected shards: 0, which this version runs, got ${String(options.shards)}`);
  }
  return new SessionServer(host, full, options);
}

/** The object behind `Server`. */
export class SessionServer {
  /** Where accepted lines go; a transport calls its `accept`. */
  readonly shard: Shard;
  readonly #behavior: Behavior<Contract>;
  readonly #host: Host;
  readonly #listeners = new Listeners<ServerEvents>((error) => this.#listenerFailed(error));
  readonly #views = new Map<string, ConnectionView>();
  /** Sessions whose `session` event is still to come: always before their `end`. */
  readonly #unannounced = new Set<string>();
  readonly #doors: TcpListener[] = [];
  readonly #closing = Promise.withResolvers<void>();
  readonly #signal: AbortSignal | undefined;
  readonly #abort = (): void => void this.close({ drainMs: 0 });
  #areDoorsShut = false;
  #isClosing = false;

  constructor(host: Host, behavior: Behavior<Contract>, options: ServerOptions) {
    this.#host = host;
    this.#behavior = behavior;
    const authenticate = behavior.authenticate === undefined ? undefined : this.#authenticate;
    this.shard = new Shard(host, settingsOf(options), authenticate, this.#told(), 0);
    this.#signal = options.signal;
    if (this.#signal?.aborted === true) this.#abort();
    else this.#signal?.addEventListener('abort', this.#abort, { once: true });
  }

  get counts(): ShardCounts {
    return this.shard.counts;
  }

  async listen(where: Where): Promise<Listening> {
    this.#requireOpen();
    const door = await listenTcp(parseAddress(where), (dial) => this.#take(dial));
    if (this.#isClosing) {
      await door.close();
      this.#requireOpen();
    }
    this.#doors.push(door);
    return door.address;
  }

  accept(stream: Duplex): void {
    this.#requireOpen();
    this.#take(existingStream(stream));
  }

  on<Name extends keyof ServerEvents>(event: Name, listener: (...args: ServerEvents[Name]) => unknown): () => void {
    return this.#listeners.on(event, listener);
  }

  close(options: { readonly drainMs?: number | undefined } = {}): Promise<void> {
    const drainMs = drainMsOf(options.drainMs);
    const isSecond = this.#isClosing;
    this.#isClosing = true;
    this.#signal?.removeEventListener('abort', this.#abort);
    this.shard.drain(isSecond ? 0 : drainMs, () => this.#shutDoors());
    return this.#closing.promise;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  // ---- below

  /** Only now: a client whose connection is lost in the drain comes back to finish. */
  #shutDoors(): void {
    if (this.#areDoorsShut) return;
    this.#areDoorsShut = true;
    void Promise.all(this.#doors.map((door) => door.close())).then(() => this.#closing.resolve());
  }

  #take(dial: Dial): void {
    this.shard.accept(dial);
  }

  readonly #authenticate: Authenticate = (credentials, ends) => {
    const { remoteAddress, remotePort, certificate } = ends;
    const peer = { address: remoteAddress, port: remotePort === 0 ? undefined : remotePort, certificate };
    return this.#behavior.authenticate?.(credentials as Credentials<Contract>, peer);
  };

  #told(): ConstructorParameters<typeof Shard>[3] {
    return {
      started: (session) => this.#started(session),
      up: (info, resumed) => {
        this.#listeners.emit('up', info, { resumed });
        this.#view(info, (view) => {
          view.emit('change', 'up', 'authenticating');
          view.emit('up', { resumed });
        });
      },
      down: (info, code) => {
        this.#listeners.emit('down', info, { code });
        this.#view(info, (view) => {
          view.emit('change', 'closed', 'up');
          view.emit('down', { code });
        });
      },
      gap: (info, counts) => this.#listeners.emit('gap', info, counts),
      ended: (info, report) => this.#ended(info, report),
      failed: (error, info) => this.#failed(error, info),
    };
  }

  #started(hosted: HostedSession): void {
    const view = new ConnectionView({
      state: () => (hosted.isAttached ? 'up' : 'closed'),
      rttMs: () => hosted.actor.session.liveness.rttMs,
    });
    this.#views.set(hosted.id, view);
    this.#unannounced.add(hosted.id);
    const handle = new SessionHandle(hosted, view);
    let started: unknown;
    try {
      started = this.#behavior.start(handle as unknown as Session<Contract>);
    } catch (error) {
      this.#startFailed(hosted, error);
      return;
    }
    this.#announce(this.shard.infoOf(hosted));
    if (isThenable(started)) this.#openLater(hosted, Promise.resolve(started));
    else hosted.actor.mailbox.open();
  }

  #announce(info: SessionInfo): void {
    if (this.#unannounced.delete(info.id)) this.#listeners.emit('session', info);
  }

  /** An async start opens the mailbox when it settles, or in the tick after its first handler. */
  #openLater(hosted: HostedSession, started: Promise<unknown>): void {
    const { handlers, mailbox } = hosted.actor;
    const open = (): void => {
      handlers.attached = undefined;
      mailbox.open();
      hosted.actor.wake();
    };
    const openSoon = (): void => {
      handlers.attached = undefined;
      this.#host.defer(open);
    };
    if (handlers.count > 0) openSoon();
    else handlers.attached = openSoon;
    started.then(open, (error: unknown) => this.#startFailed(hosted, error));
  }

  #startFailed(hosted: HostedSession, error: unknown): void {
    const sentence = `start() failed for session ${hosted.id}: ${describeError(error).message}`;
    this.#failed(new HomingError('HandlerFailed', sentence, { cause: error }), this.shard.infoOf(hosted));
    hosted.end('ended', 'the behavior failed to start');
  }

  #ended(info: SessionInfo, report: { code: EndCode; reason: string; unconfirmed: number; carried: number }): void {
    const { code, unconfirmed, carried } = report;
    this.#announce(info);
    this.#listeners.emit('end', info, { code, unconfirmed, carried });
    this.#view(info, (view) => view.emit('closed', report));
    this.#views.delete(info.id);
  }

  #failed(error: HomingError, session: SessionInfo | undefined): void {
    if (!this.#listeners.has('error')) {
      warn(error);
      return;
    }
    const { messageId } = error;
    const detail = { ...(session === undefined ? {} : { session }), ...(messageId === undefined ? {} : { messageId }) };
    this.#listeners.emit('error', error, detail);
  }

  #view(info: SessionInfo, tell: (view: ConnectionView) => void): void {
    const view = this.#views.get(info.id);
    if (view !== undefined) tell(view);
  }

  #listenerFailed(error: unknown): void {
    const sentence = `a listener of server events threw: ${describeError(error).message}`;
    warn(new HomingError('HandlerFailed', sentence, { cause: error }));
  }

  #requireOpen(): void {
    if (this.#isClosing) throw new HomingError('Closed', 'the server is closed');
  }
}
