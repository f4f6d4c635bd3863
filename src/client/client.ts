/** The client: a handle on one session that dials. It lives on through any number of connections and epochs. */
import type { Duplex } from 'node:stream';
import { Dialler, type DiallerOwner } from '../actors/dialler.ts';
import type { EndReport } from '../actors/reports.ts';
import { type NodeHost, nodeHost } from '../actors/host.ts';
import { type EndOptions, type RedialOptions, drainMsOf, redialOf, settingsOf } from '../actors/options.ts';
import type { Clock } from '../actors/ports.ts';
import { describeError } from '../actors/describe.ts';
import { Log, type Logger } from '../actors/log.ts';
import type { ShardNews } from '../actors/news.ts';
import type { SessionFacts } from '../actors/channels.ts';
import { publishNews } from '../actors/told.ts';
import type { Turn } from '../actors/session-actor.ts';
import type { StoreView } from '../actors/shared-store.ts';
import type { Telemetry } from '../actors/telemetry.ts';
import type { PresenceItem } from '../actors/presence-feed.ts';
import { groupOptionsOf, selectionOf } from '../actors/selection.ts';
import { type Validate, Validation } from '../actors/validation.ts';
import { NO_WAIT, type Wait, Waits } from '../actors/waits.ts';
import type { Contract, Credentials, MethodsOf, Remote } from '../contract.ts';
import { type EndCode, HomingError } from '../errors.ts';
import { type TlsOptions, type Where, parseAddress } from '../transports/address.ts';
import { existingStream, streamFactory } from '../transports/stream-dial.ts';
import type { Inspect } from '../server/inspection.ts';
import { ConnectionView } from './connection.ts';
import { enterClient, leaveClient } from './inspected.ts';
import { type Way, routeTo } from './route-to.ts';
import { remoteOf } from './remote.ts';
import { PresenceView } from './presence.ts';
import type { End, Group, Limited, Presence, Sent } from './surface.ts';

/** Where a client gets its line from: an address, a stream used once, or a factory asked for each connection. */
export type ClientWhere = Where | Duplex | { createConnection(): Duplex | Promise<Duplex> };

/** Options of a client; times in milliseconds. */
export interface ClientOptions<C extends Contract = Contract, U = Remote<MethodsOf<C['server']>>> extends EndOptions {
  /** Shown to the server's authentication hook on every connection; a function is asked anew each time. */
  readonly credentials?: Credentials<C> | (() => Credentials<C> | Promise<Credentials<C>>) | undefined;
  /**
   * Runs on every connection before `up`: authenticate further, rebuild what the server keeps, choose what `up()` hands
   * out. When the connection is lost meanwhile, calls of this `remote` are taken back or cancelled, and what it returns is
   * not used. If it fails, that connection is given up, with an `error` event, and dialled again later. Other messages do
   * not wait for it.
   */
  readonly establish?:
    ((remote: Remote<MethodsOf<C['server']>>, info: { readonly resumed: boolean }) => U | Promise<U>) | undefined;
  /** Schemas of the arguments that events and methods of this end take; as in a behavior. */
  readonly validate?: Validate | undefined;
  /** False: `connect()` starts the first dial. */
  readonly autoConnect?: boolean | undefined;
  /** False: a lost connection stays lost until `connect()` or `reconnect()`. */
  readonly autoReconnect?: boolean | undefined;
  readonly backoff?: Partial<RedialOptions> | undefined;
  /** Speaks TLS at every address that does not say otherwise. */
  readonly tls?: TlsOptions | undefined;
  /** Says out loud that hosts other than loopback are meant without TLS. */
  readonly insecure?: boolean | undefined;
  /** Lets viewers look at the connection: an inspector, or where to open one that ends with the client. */
  readonly inspect?: Inspect | undefined;
  /** Where the client writes its log: pino, or anything of its shape. */
  readonly logger?: Logger | undefined;
  /** Follows the calls of the session, both ways, as `openTelemetry()` of `homing/otel` does. */
  readonly telemetry?: Telemetry | undefined;
  /** Aborting it closes the client at once. */
  readonly signal?: AbortSignal | undefined;
}

/** A session that this program dials. */
export interface Client<C extends Contract, U = Remote<MethodsOf<C['server']>>>
  extends End<C, C['client'], C['server']>, AsyncDisposable {
  /** Whether a lost connection is dialled again; may be set at any time. */
  autoReconnect: boolean;
  /**
   * Resolves when there is a live connection, at once if there is one, with the remote, or with what `establish` returned
   * for this connection. Rejects with `Closed`, `Deadline` or `Aborted`.
   */
  up(wait?: Wait): Promise<U>;
  /** Dials, if idle. */
  connect(): void;
  /** Gives the connection up, if there is one, and dials at once. */
  reconnect(): void;
  /** Gives the connection up and stays down; the session lives on. */
  disconnect(): void;
  /** The client keeps the process alive (as at first). */
  ref(): this;
  /** The client alone does not keep the process alive. */
  unref(): this;
  /**
   * Ends the session: sends what was accepted, finishes what runs, redials meanwhile, at most for `drainMs` (30 s).
   * Resolves when it is over; calling it again gives the same promise.
   */
  close(options?: { readonly drainMs?: number | undefined }): Promise<void>;
}

/** Opens a session. The first dial begins in the next tick. Throws `BadAddress`, `InsecureHost` or `BadOption`. */
export function createClient<C extends Contract, U = Remote<MethodsOf<C['server']>>>(
  where: ClientWhere,
  options: ClientOptions<C, U> = {},
): Client<C, U> {
  const host = nodeHost(true);
  const way = wayTo(host.clock, where, options);
  return openClient<C, U>(host, (alive) => host.ref(alive), way, isDuplex(where), options);
}

/** Opens a session on any host: what `createClient` does, with time, chance and lines as arguments. */
export function openClient<C extends Contract, U = Remote<MethodsOf<C['server']>>>(
  host: Pick<NodeHost, 'clock' | 'chance' | 'secrets' | 'checksum' | 'defer' | 'soon'>,
  refTimers: (alive: boolean) => void,
  way: Way,
  isOnce: boolean,
  options: ClientOptions<C, U>,
): Client<C, U> & SessionClient {
  const client = new SessionClient(host, refTimers, way, isOnce, options as unknown as ClientOptions);
  return client as unknown as Client<C, U> & SessionClient;
}

type AnyWaits = Limited<unknown>;

/** The object behind `Client`. */
export class SessionClient {
  readonly connection: ConnectionView;
  /** What dials, and holds the session. */
  readonly dialler: Dialler;
  readonly #refTimers: (alive: boolean) => void;
  readonly #upWaits: Waits;
  readonly #signal: AbortSignal | undefined;
  readonly #abort = (): void => this.dialler.close(0);
  readonly #leaveInspector: () => void;
  readonly #log: Log | undefined;
  /** The session has been up. */
  #hasBegun = false;
  #autoConnects: boolean;
  #remote: object | undefined;
  readonly #establish: ClientOptions['establish'];
  /** The run of `establish` for this connection. */
  #run: AbortController | undefined;
  /** What `up()` hands out; set while there is a live connection that is established. */
  #established: { readonly value: unknown } | undefined;
  readonly #closing = Promise.withResolvers<void>();
  #isClosed = false;
  #isLeaving = false;
  /** Watches of presence, which end before the session does. */
  readonly #views = new Set<PresenceView>();

  constructor(
    host: Pick<NodeHost, 'clock' | 'chance' | 'secrets' | 'checksum' | 'defer' | 'soon'>,
    refTimers: (alive: boolean) => void,
    way: Way,
    isOnce: boolean,
    options: ClientOptions,
  ) {
    const { credentials, establish, autoConnect = true, autoReconnect = true, signal } = options;
    this.#refTimers = refTimers;
    this.#signal = signal;
    this.#establish = establish;
    this.#autoConnects = autoConnect && signal?.aborted !== true;
    this.#upWaits = new Waits(host.clock);
    const ask = typeof credentials === 'function' ? (credentials as () => unknown) : () => credentials;
    const checkedSettings = settingsOf(options);
    const validation = options.validate === undefined ? undefined : new Validation(options.validate);
    const { telemetry } = options;
    const settings = { ...checkedSettings, session: { ...checkedSettings.session, validation, telemetry } };
    const redial = redialOf(options.backoff);
    const { inspect, logger } = options;
    this.#log = logger === undefined ? undefined : new Log(logger, () => host.clock.now());
    const inspected = enterClient(inspect, (error) => this.#fail(error));
    this.#leaveInspector = () => leaveClient(inspect, inspected);
    const { roster, books } = inspected ?? {};
    this.dialler = new Dialler(
      host,
      { settings, redial, ...way, credentials: ask, autoReconnect, isOnce, roster, books },
      this.#told(),
    );
    this.connection = new ConnectionView({
      state: () => this.dialler.state,
      rttMs: () => this.dialler.actor.session.liveness.rttMs,
    });
    host.defer(() => {
      this.dialler.actor.mailbox.open();
      if (this.#autoConnects) this.dialler.connect();
    });
    if (signal?.aborted === true) host.defer(this.#abort);
    else signal?.addEventListener('abort', this.#abort, { once: true });
  }

  get id(): string {
    return this.dialler.actor.session.id ?? '';
  }

  get epoch(): number {
    return this.dialler.actor.session.epoch;
  }

  get turn(): Turn {
    return this.dialler.actor.turn;
  }

  get autoReconnect(): boolean {
    return this.dialler.autoReconnect;
  }

  set autoReconnect(on: boolean) {
    this.dialler.autoReconnect = on;
  }

  get store(): StoreView {
    return this.dialler.actor.store;
  }

  on(event: string, handler: (...args: unknown[]) => unknown, options?: { signal?: AbortSignal }): () => void {
    return this.dialler.actor.handlers.on(event, handler, options?.signal);
  }

  once(event: string, handler: (...args: unknown[]) => unknown): () => void {
    return this.dialler.actor.handlers.once(event, handler);
  }

  send(...message: readonly unknown[]): boolean {
    return this.dialler.actor.send(message);
  }

  deliver(...message: readonly unknown[]): Promise<void> {
    return this.dialler.actor.deliver(message, {});
  }

  call(...message: readonly unknown[]): Promise<unknown> {
    return this.dialler.actor.call(message, NO_WAIT);
  }

  get remote(): object {
    this.#remote ??= remoteOf((method, args) => this.dialler.actor.call([method, ...args], {}));
    return this.#remote;
  }

  to(selector: unknown, options?: unknown): Group<Record<string, unknown[]>> {
    return { send: (event, ...args) => this.#address(selector, options, [event, ...args]) };
  }

  presence(): Promise<Presence<Record<string, unknown>>> {
    const { actor } = this.dialler;
    const source = {
      open: () => actor.serve(['presence'], {}) as Promise<AsyncIterable<PresenceItem>>,
      failed: (error: unknown) => {
        if (error instanceof HomingError && !this.#isClosed) this.#fail(error);
      },
      listenerFailed: (cause: unknown) => {
        const sentence = `a listener of presence threw: ${describeError(cause).message}`;
        this.#fail(new HomingError('HandlerFailed', sentence, { cause }));
      },
      mayReopen: (error: unknown) => !this.#isLeaving && isOfEpoch(error),
      closed: (view: PresenceView) => void this.#views.delete(view),
    };
    return PresenceView.open(source, (view) => this.#views.add(view));
  }

  expose(methods: object): void {
    this.dialler.actor.callee.expose(methods);
  }

  flush(): Promise<void> {
    return this.dialler.actor.flush({});
  }

  writable(): Promise<void> {
    return this.dialler.actor.writable({});
  }

  with(wait: Wait): AnyWaits {
    const { actor } = this.dialler;
    return {
      deliver: (...message: readonly unknown[]) => actor.deliver(message, wait),
      call: (method: string, ...args: readonly unknown[]) => actor.call([method, ...args], wait),
      remote: remoteOf((method, args) => actor.call([method, ...args], wait)),
      flush: () => actor.flush(wait),
      writable: () => actor.writable(wait),
    } as unknown as AnyWaits;
  }

  up(wait: Wait = {}): Promise<unknown> {
    if (this.#isClosed) return Promise.reject(new HomingError('Closed', 'the client has ended'));
    // In an object, because a promise would take what it hands out for one more promise, if it looks like one.
    if (this.#established !== undefined) return Promise.resolve(this.#established.value);
    return this.#upWaits.start(
      'up',
      wait,
      () => {},
      () => undefined,
    );
  }

  connect(): void {
    this.#requireOpen();
    this.dialler.connect();
  }

  reconnect(): void {
    this.#requireOpen();
    this.dialler.reconnect();
  }

  disconnect(): void {
    this.#autoConnects = false;
    this.dialler.disconnect();
  }

  ref(): this {
    this.#refTimers(true);
    this.dialler.ref(true);
    return this;
  }

  unref(): this {
    this.#refTimers(false);
    this.dialler.ref(false);
    return this;
  }

  close(options: { readonly drainMs?: number | undefined } = {}): Promise<void> {
    this.#isLeaving = true;
    for (const view of this.#views) view.close();
    this.dialler.close(drainMsOf(options.drainMs));
    return this.#closing.promise;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #address(selector: unknown, options: unknown, message: readonly unknown[]): Promise<Sent> {
    selectionOf(selector);
    groupOptionsOf(options);
    const payload = this.dialler.actor.sender.encodeForMany(message);
    const counts = await this.dialler.actor.serve(['address', selector, options ?? {}, payload], {});
    const [accepted = 0, refused = 0, held = 0] = counts as number[];
    return { accepted, refused, held };
  }

  // ---- what the dialler tells

  #told(): DiallerOwner {
    return {
      changed: (state, previous) => this.connection.emit('change', state, previous),
      up: (resumed) => {
        this.#tellUp(resumed);
        this.#cameUp(resumed);
      },
      down: (code) => {
        this.#tell({ type: 'down', info: this.#facts, code });
        this.#wentDown(code);
      },
      redialling: (attempt, delayMs, cause) => this.connection.emit('reconnect', { attempt, delayMs, cause }),
      lost: (report) => {
        const { oldId, unconfirmed, carried } = report;
        this.#tell({ type: 'gap', info: this.#facts, oldId, unconfirmed, carried });
        return this.connection.reportGap(report);
      },
      refused: (report) => {
        this.#log?.refused(this.#facts, report.code, report.reason);
        this.connection.emit('refused', report);
      },
      closed: (report) => {
        const { code, unconfirmed, carried } = report;
        if (this.#hasBegun) this.#tell({ type: 'end', info: this.#facts, code, unconfirmed, carried });
        this.#log?.close();
        this.#ended(report);
      },
      failed: (error) => this.#fail(error),
    };
  }

  #tellUp(resumed: boolean): void {
    const info = this.#facts;
    if (!this.#hasBegun) this.#tell({ type: 'session', info });
    this.#hasBegun = true;
    this.#tell({ type: 'up', info, resumed });
  }

  get #facts(): SessionFacts {
    return { id: this.id, epoch: this.epoch, shard: undefined, identityId: undefined, dialled: true };
  }

  #tell(news: ShardNews<SessionFacts>): void {
    publishNews('homing', news);
    this.#log?.news(news);
  }

  #fail(error: HomingError): void {
    this.#tell({ type: 'error', error, info: this.#hasBegun ? this.#facts : undefined });
    this.connection.emit('error', error);
  }

  #cameUp(resumed: boolean): void {
    const establish = this.#establish;
    if (establish === undefined) return this.#ready(this.remote, resumed);
    const run = new AbortController();
    this.#run = run;
    const { actor } = this.dialler;
    const remote = remoteOf((method, args) => actor.call([method, ...args], { signal: run.signal }, this.#run === run));
    const begun = new Promise((resolve) => resolve(establish(remote, { resumed })));
    begun.then(
      (value) => {
        if (this.#run !== run) return;
        // It is over: whoever keeps its remote, or hands it out, makes ordinary calls from now on.
        this.#run = undefined;
        this.#ready(value, resumed);
      },
      (error: unknown) => {
        if (this.#run === run) this.#establishFailed(error);
      },
    );
  }

  #ready(value: unknown, resumed: boolean): void {
    this.#established = { value };
    this.#upWaits.resolveAll(value);
    this.connection.emit('up', { resumed });
  }

  #establishFailed(cause: unknown): void {
    const sentence = `establish() failed: ${describeError(cause).message}`;
    const error = new HomingError('EstablishFailed', sentence, { cause });
    this.#fail(error);
    this.dialler.abandon(error);
  }

  #wentDown(code: EndCode): void {
    const wasReady = this.#established !== undefined;
    this.#leaveConnection();
    if (wasReady) this.connection.emit('down', { code });
  }

  /** What was handed out for a connection is not handed out any more, and what is under way for it ends. */
  #leaveConnection(): void {
    const run = this.#run;
    this.#run = undefined;
    this.#established = undefined;
    run?.abort(new HomingError('line-lost', 'the connection of this establish() is gone'));
  }

  #ended(report: EndReport): void {
    this.#isClosed = true;
    this.#leaveConnection();
    this.#signal?.removeEventListener('abort', this.#abort);
    this.#upWaits.rejectAll(() => new HomingError('Closed', `the client has ended (${report.code})`));
    this.connection.emit('closed', report);
    this.#leaveInspector();
    this.#closing.resolve();
  }

  #requireOpen(): void {
    if (this.#isClosed) throw new HomingError('Closed', 'the client has ended');
  }
}

/** Whether an error only says that a session is over: the next one can be asked again. None: the server ended it. */
function isOfEpoch(error: unknown): boolean {
  if (error === undefined) return true;
  return error instanceof HomingError && (error.code === 'SessionLost' || error.code === 'OutcomeUnknown');
}

function isDuplex(where: ClientWhere): where is Duplex {
  return typeof where === 'object' && where !== null && 'pipe' in where && 'write' in where;
}

function wayTo(clock: Clock, where: ClientWhere, options: Pick<ClientOptions, 'tls' | 'insecure'>): Way {
  const isFactory = typeof where === 'object' && where !== null && 'createConnection' in where;
  if ((isFactory || isDuplex(where)) && options.tls !== undefined) {
    throw new HomingError('BadOption', 'expected no tls beside a stream: what makes the stream puts TLS on it');
  }
  if (isDuplex(where)) return { dial: existingStream(where), learn: undefined };
  if (isFactory) {
    if (typeof where.createConnection !== 'function')
      throw new HomingError('BadAddress', 'expected createConnection to be a function');
    return { dial: streamFactory(() => where.createConnection()), learn: undefined };
  }
  return routeTo(clock, parseAddress(where, options));
}
