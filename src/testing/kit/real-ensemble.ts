/** Everybody in a run on real sockets: a server with the user's behavior, clients, each with its way, and what listens to all of them. */
import { HomingError } from '../../errors.ts';
import type { Behavior } from '../../server/behavior.ts';
import { type SessionServer, createServer } from '../../server/server.ts';
import type { AnyContract } from '../client-node.ts';
import { Draws } from '../draws.ts';
import type { Chronicle } from './chronicle.ts';
import { timed } from './end-options.ts';
import type { RealNetwork } from './network.ts';
import { RealClient } from './real-client.ts';
import { RealGallery } from './real-gallery.ts';
import type { RealHost, RealJudge } from './real-judge.ts';
import { RealThreads } from './real-threads.ts';
import type { RealTime } from './real-time.ts';
import type { AnyScenario, SimulatedServer, StepContext, View } from './scenario.ts';
import { Verdict } from './verdict.ts';
import { Work, isPromise } from './work.ts';

/** What a run is made of. */
export interface RealParts {
  readonly scenario: AnyScenario;
  readonly seed: number;
  readonly network: RealNetwork;
  readonly story: Chronicle;
  readonly judge: RealJudge;
  readonly time: RealTime;
}

/** Everybody. */
export class RealEnsemble {
  readonly work: Work;
  readonly gallery: RealGallery;
  readonly threads = new RealThreads();
  clients: readonly RealClient[] = [];
  /** Connections that living clients lost. */
  disconnects = 0;
  /** Times that something died at the server, and took sessions with it. */
  deathCount = 0;
  readonly #parts: RealParts;
  readonly #notes: unknown;
  readonly #ended = new Set<string>();
  #server: SessionServer | undefined;

  constructor(parts: RealParts) {
    this.#parts = parts;
    this.#notes = parts.scenario.notes?.();
    const { story, judge, time, scenario } = parts;
    this.work = new Work(({ host, what }) => story.note(host.name, `${what} ends`));
    this.gallery = new RealGallery({
      isWhole: (scenario.shards ?? 0) === 0,
      allows: (code) => judge.allows(code),
      now: () => time.nowMs,
      failed: (verdict) => judge.fail(verdict),
      started: (host, what) => story.note(host.name, `${what} begins`),
      begun: (host, what, message, promise) => this.work.track(host, what, message, promise),
    });
  }

  /** Starts the server, then the clients. */
  async start(): Promise<void> {
    const { scenario, network, judge } = this.#parts;
    const { shards = 0, clients = 2, server: options = {} } = scenario;
    const behavior = this.#behavior(shards);
    // Each end of a thread counts for itself: it is started again at once.
    const restarts = { max: 1_000, withinMs: 1 };
    const made = createServer<AnyContract>(behavior, { ...timed(options), restarts, shards });
    const server = made as unknown as SessionServer;
    this.#server = server;
    const host = judge.host('server');
    server.on('end', ({ id }) => void this.#ended.add(id));
    server.on('down', (_info, { code }) => judge.expectNoViolation('server', code));
    server.on('error', (error, { messageId }) => {
      if (error.code === 'ShardCrashed') this.deathCount += 1;
      judge.judge('handler', error, host, messageId ?? error.messageId);
    });
    const { port } = await server.listen({ port: 0, direct: false });
    const owner = {
      scenario,
      network,
      targetPort: Number(port),
      host: (name: string) => judge.host(name),
      born: (client: RealClient) => this.#prepare(client),
      died: (dead: RealHost) => this.gallery.died(dead),
    };
    this.clients = Array.from({ length: clients }, (_each, number) => new RealClient(owner, number));
    await Promise.all(this.clients.map((client) => client.start()));
  }

  /** The server; there is one once `start` has resolved. */
  get server(): SessionServer {
    if (this.#server === undefined) throw new HomingError('InvariantBroken', 'expected a run that has started');
    return this.#server;
  }

  /** Clients whose session nobody has ended. */
  get wanting(): readonly RealClient[] {
    return this.clients.filter(({ life }) => life !== undefined && life.client.connection.state !== 'closed');
  }

  /** What the user's invariants look at. */
  get view(): View<AnyContract, unknown> {
    const { time } = this.#parts;
    return {
      clients: this.clients.flatMap(({ life }) => (life === undefined ? [] : [life.client])),
      server: this.#serverView,
      notes: this.#notes,
      now: () => time.nowMs,
    };
  }

  /** What a step of a client, or its set-up, works with; the key names its chance. */
  contextOf(number: number, life: NonNullable<RealClient['life']>, key: string): StepContext<AnyContract, unknown> {
    const { seed, time } = this.#parts;
    const draws = new Draws(seed, `chance of ${key}`);
    const { client, host } = life;
    return {
      client,
      number,
      notes: this.#notes,
      server: this.#serverView,
      now: () => time.nowMs,
      sleep: (ms) =>
        new Promise((resolve) => {
          time.later(ms, () => {
            if (host.isAlive) resolve();
          });
        }),
      random: () => draws.number(),
    };
  }

  /** Ends whatever is left. */
  async end(): Promise<void> {
    this.work.clear();
    this.gallery.leave();
    await Promise.all(this.clients.map((client) => client.end()));
    await this.#server?.close({ drainMs: 0 });
    this.threads[Symbol.dispose]();
  }

  get #serverView(): SimulatedServer<AnyContract> {
    return this.#server as unknown as SimulatedServer<AnyContract>;
  }

  #behavior(shards: number): Behavior<AnyContract> {
    const { behavior } = this.#parts.scenario;
    const given = typeof behavior === 'function' ? behavior(this.#notes) : behavior;
    const full: Behavior<AnyContract> = typeof given === 'function' ? { start: given } : given;
    if (shards > 0) {
      requireModule(full);
      return full;
    }
    const host = this.#parts.judge.host('server');
    return {
      ...full,
      ...(full.authenticate === undefined ? {} : { authenticate: full.authenticate.bind(full) }),
      ...(full.authorize === undefined ? {} : { authorize: full.authorize.bind(full) }),
      start: (session) => {
        this.gallery.watch(session, 'server', host, full.validate !== undefined);
        const begun = full.start(session);
        if (isPromise(begun)) this.work.track(host, 'start of a session', undefined, begun);
        return begun;
      },
    };
  }

  #prepare({ number, life }: RealClient): void {
    if (life === undefined) return;
    const { judge, story, scenario } = this.#parts;
    const { client, host } = life;
    const { connection } = client;
    let deaths = this.deathCount;
    const { clientOptions } = scenario;
    const own = typeof clientOptions === 'function' ? clientOptions(number) : clientOptions;
    this.gallery.watch(client, 'client', host, own?.validate !== undefined);
    connection.on('up', ({ resumed }) => {
      deaths = this.deathCount;
      story.note(host.name, resumed ? 'is up: the session is resumed' : 'is up: a new session');
    });
    connection.on('down', ({ code }) => {
      if (host.isAlive) this.disconnects += 1;
      story.note(host.name, `is down: ${code}`);
    });
    connection.on('gap', ({ reason }) => {
      story.note(host.name, `gap: ${reason}`);
      if (!host.isAlive || deaths !== this.deathCount || this.#ended.has(client.id)) return;
      judge.fail(
        new Verdict('kept', `history was lost (${reason}), and the server lives and did not end it`, {
          who: host.name,
        }),
      );
    });
    connection.on('reconnect', ({ cause }) => {
      if (cause instanceof HomingError) judge.expectNoViolation(host.name, cause.code);
    });
    connection.on('closed', ({ code }) => judge.expectNoViolation(host.name, code));
    connection.on('error', (error) => judge.judge('handler', error, host, error.messageId));
    scenario.client?.(client, this.contextOf(number, life, host.name));
  }
}

/** Checks that threads can load a behavior. Throws `BadOption`. */
export function requireModule({ module }: Behavior<AnyContract>): void {
  if (module !== undefined) return;
  const sentence =
    'expected a behavior with a module (module: import.meta.url, in the file whose default export it is)';
  throw new HomingError('BadOption', `${sentence} for shards in threads, got one without: add it, or leave shards out`);
}
