/**
 * Everybody in a run: the server with the user's behavior, the clients, and what listens to all of them. Errors of the user's
 * code, lost histories and broken rules are judged here, as they are told.
 */
import type { SessionInfo } from '../../actors/hosted-session.ts';
import { HomingError } from '../../errors.ts';
import type { Group } from '../../client/surface.ts';
import type { Remote } from '../../contract.ts';
import type { Behavior } from '../../server/behavior.ts';
import { SessionServer } from '../../server/server.ts';
import type { AnyContract, AnyMethods, SimClient } from '../client-node.ts';
import { digestOf } from '../digest.ts';
import { Draws } from '../draws.ts';
import { isLinted } from '../linter.ts';
import { WORK_MS, optionsOf, timed } from './end-options.ts';
import { Gallery } from './gallery.ts';
import type { KitPlan } from './plan.ts';
import type { ServerNode, SimServer } from '../server-node.ts';
import type { Sight } from '../sights.ts';
import { SimHost } from '../sim-host.ts';
import type { Watching } from '../watcher.ts';
import { type AnyBehavior, World } from '../world.ts';
import { Picture } from './picture.ts';
import { processes } from './processes.ts';
import type { Timing } from './rest.ts';
import type { AnyScenario, SimulatedServer, StepContext, View } from './scenario.ts';
import { Verdict, innermost, isWeather, wordsOf } from './verdict.ts';
import { Work, isPromise } from './work.ts';

/** Everybody, and their world. */
export class Ensemble {
  readonly world: World;
  readonly server: ServerNode;
  readonly work = new Work(({ host, what, messageId }) => this.#note(host.name, `${what} ends`, messageId));
  readonly gallery: Gallery;
  /** Handlers and methods that have begun. */
  startedCount = 0;
  readonly timing: Timing;
  /** What the user's invariants look at. */
  readonly view: View<AnyContract, unknown>;
  /** The process of the test itself, which no fault reaches. */
  readonly test: SimHost;
  readonly picture: Picture | undefined;
  readonly #scenario: AnyScenario;
  readonly #seed: number;
  readonly #notes: unknown;
  readonly #serverView: SimulatedServer<AnyContract>;
  /** The newest life of each client, as it is watched. */
  readonly #watching: Watching[] = [];
  readonly #isAltered: boolean;
  readonly #isTricked: boolean;
  readonly #isChecked: boolean;

  constructor(scenario: AnyScenario, plan: KitPlan, isDrawn: boolean) {
    this.#scenario = scenario;
    this.#seed = plan.seed;
    this.#isAltered = plan.faults.some(({ type }) => type === 'flip');
    this.#isTricked = plan.faults.some(({ type }) => type === 'acks');
    this.#isChecked = scenario.server?.checksum !== false;
    const world = new World(plan.seed);
    this.world = world;
    world.loop.held();
    if (isLinted(plan.seed)) world.lint((sentence) => world.loop.fail(new Verdict('wire', sentence)));
    world.loop.enter = (host, work) => processes.run(host as SimHost, work);
    this.test = new SimHost(world.loop, 'the test', plan.seed);
    this.#notes = scenario.notes?.();
    const { clients = 2, shards = 0, server = {} } = scenario;
    const options = { ...timed(server), shards };
    const all = Array.from({ length: clients }, (_each, number) => this.#optionsOf(number));
    this.gallery = new Gallery({
      world,
      faults: plan.faults,
      allows: (code) => this.#mayAlter(code),
      server: options,
      clients: all,
      told: (sight, host) => this.#told(sight, host),
      begun: (host, what, message, promise) => this.work.track(host, what, message, promise),
    });
    this.server = world.addServer(
      'server',
      (host) => this.#behavior(host),
      options,
      (each, host) => this.#hearServer(each, host),
    );
    world.onTouch = (node) => this.gallery.look(node);
    this.#serverView = this.#viewServer();
    this.view = this.#look();
    for (const [number, each] of all.entries()) {
      const prepare = (client: SimClient, host: SimHost): void => this.#prepare(number, client, host);
      world.addClient(`c${number}`, this.server, each, { weather: plan.weather, prepare });
    }
    this.timing = {
      timeoutMs: Math.max(...[options, ...all].map(({ heartbeat }) => heartbeat.timeoutMs)),
      handshakeMs: Math.max(...[options, ...all].map(({ handshakeMs }) => handshakeMs)),
      backoffMaxMs: Math.max(...all.map(({ backoff }) => backoff.maxMs)),
      workMs: scenario.workMs ?? WORK_MS,
      hasShards: shards > 0,
    };
    this.picture = isDrawn ? new Picture(world) : undefined;
  }

  /** What a step of a client, or its set-up, works with; the key names its chance. */
  contextOf(number: number, client: SimClient, host: SimHost, key: string): StepContext<AnyContract, unknown> {
    const draws = new Draws(this.#seed, `chance of ${key}`);
    return {
      client,
      number,
      notes: this.#notes,
      server: this.#serverView,
      now: () => this.world.nowMs,
      sleep: (ms) => host.sleep(ms),
      random: () => draws.number(),
    };
  }

  /** An error that the user's code came to: weather, allowed, or the end of the run. */
  judge(oracle: 'handler' | 'step', error: unknown, host: SimHost, messageId: string | undefined): void {
    if (!host.isAlive || isWeather(error)) return;
    const inner = innermost(error);
    if (this.#scenario.allowErrors?.(inner) === true) return;
    this.world.loop.fail(new Verdict(oracle, wordsOf(inner), { who: host.name, messageId, cause: inner }));
  }

  /** Nothing goes on in this world any more. */
  kill(): void {
    this.picture?.stop();
    this.work.clear();
    this.gallery.leave();
    for (const { host } of this.world.clients) host.kill();
    this.server.shards?.die();
    this.server.host.kill();
    this.test.kill();
  }

  // ---- the server

  #behavior(host: SimHost): AnyBehavior {
    const { behavior } = this.#scenario;
    const given = processes.run(host, () => (typeof behavior === 'function' ? behavior(this.#notes) : behavior));
    const full: Behavior<AnyContract> = typeof given === 'function' ? { start: given } : given;
    const { serverKeys, validate, tasks = {} } = full;
    return {
      serverKeys,
      validate,
      ...(full.authenticate === undefined ? {} : { authenticate: full.authenticate.bind(full) }),
      ...(full.authorize === undefined ? {} : { authorize: full.authorize.bind(full) }),
      start: (session) => {
        this.gallery.session(session, host, validate !== undefined);
        const offload = async (name: string, input: unknown): Promise<unknown> => offloaded(tasks, name, input);
        Object.defineProperty(session, 'offload', { value: offload });
        const begun = full.start(session);
        if (isPromise(begun)) this.work.track(host, 'start of a session', undefined, begun);
        return begun;
      },
    };
  }

  #hearServer(server: SimServer, host: SimHost): void {
    server.on('end', ({ id }: SessionInfo, { code, unconfirmed, carried }) =>
      this.gallery.news(host, { type: 'closed', session: id, code, unconfirmed, carried }),
    );
    server.on('down', ({ id }, { code }) => this.gallery.news(host, { type: 'down', session: id, code }));
    server.on('error', (error, { messageId }) => this.judge('handler', error, host, messageId ?? error.messageId));
  }

  #viewServer(): SimulatedServer<AnyContract> {
    const node = (): SimServer => this.server.server;
    const whole = (): SessionServer => {
      const server = node();
      if (server instanceof SessionServer) return server;
      throw new HomingError('BadOption', 'a simulated server with shards has no to() and toAll(); sessions have to()');
    };
    return {
      get counts() {
        return node().counts;
      },
      on: (event, listener) => node().on(event, listener),
      to: (selector, options) => this.#spreading(whole().to(selector, options)),
      toAll: (options) => this.#spreading(whole().toAll(options)),
    };
  }

  // ---- the clients

  #prepare(number: number, client: SimClient, host: SimHost): void {
    const { connection } = client;
    this.#watching[number] = this.gallery.client(client, host, this.#validates(number));
    connection.on('up', ({ resumed }) =>
      this.picture?.note(host.name, resumed ? 'is up: the session is resumed' : 'is up: a new session'),
    );
    connection.on('down', ({ code }) => this.picture?.note(host.name, `is down: ${code}`));
    connection.on('gap', ({ reason, unconfirmed, carried }) =>
      this.picture?.note(host.name, `gap: ${reason}, ${unconfirmed} unconfirmed, ${carried} carried over`),
    );
    connection.on('closed', ({ code }) => this.picture?.note(host.name, `is closed: ${code}`));
    connection.on('error', (error) => this.judge('handler', error, host, error.messageId));
    processes.run(host, () => this.#scenario.client?.(client, this.contextOf(number, client, host, host.name)));
  }

  // ---- below

  #told(sight: Sight, host: SimHost): void {
    if (sight.type !== 'started') return;
    const { what, name, message } = sight;
    this.startedCount += 1;
    this.#note(host.name, `${what === 'event' ? 'handler of' : 'method'} '${name}' begins`, message);
  }

  #note(name: string, what: string, messageId: string | undefined): void {
    this.picture?.note(name, messageId === undefined ? what : `${what} (${messageId})`);
  }

  #spreading<Events>(group: Group<Events>): Group<Events> {
    return {
      send: (name, ...args) => {
        const { host } = this.server;
        this.gallery.tell(host, { type: 'spread', session: '', name, digest: digestOf(args) });
        return group.send(name, ...args);
      },
    };
  }

  #optionsOf(number: number) {
    const own = optionsOf(this.#scenario, number);
    const { establish } = own;
    const watched =
      establish === undefined
        ? {}
        : {
            establish: (remote: Remote<AnyMethods>, info: { readonly resumed: boolean }) =>
              establish(this.#spreadingRemote(number, remote), info),
          };
    return { ...own, ...watched };
  }

  /** Calls of `establish` go past the handle. */
  #spreadingRemote(number: number, remote: Remote<AnyMethods>): Remote<AnyMethods> {
    return new Proxy(remote, {
      get: (target, name) => {
        const method: unknown = Reflect.get(target, name);
        if (typeof method !== 'function') return method;
        return (...args: unknown[]): unknown => {
          const digest = digestOf(args);
          this.#watching[number]?.tell({ type: 'spread', session: '', name: String(name), digest });
          return Reflect.apply(method, target, args);
        };
      },
    });
  }

  #validates(number: number): boolean {
    const { clientOptions } = this.#scenario;
    const own = typeof clientOptions === 'function' ? clientOptions(number) : clientOptions;
    return own?.validate !== undefined;
  }

  #look(): View<AnyContract, unknown> {
    const { world } = this;
    return {
      get clients() {
        return world.clients.map(({ client }) => client);
      },
      server: this.#serverView,
      notes: this.#notes,
      now: () => world.nowMs,
    };
  }

  /** Two honest ends never find fault with each other's frames, unless somebody altered them on the way. */
  #mayAlter(code: string): boolean {
    if (this.#isTricked && code === 'ack-beyond-sent') return true;
    return this.#isAltered && (!this.#isChecked || foundBeforeChecksum.has(code));
  }
}

/** What altered bytes come to while there is a checksum: it is looked at once the length of a frame is plausible. */
const foundBeforeChecksum = new Set([
  'bad-checksum',
  'bad-frame',
  'unknown-frame',
  'unexpected-frame',
  'frame-too-large',
]);

/** A task runs in the process itself: its result is copied as it would be, and heavy work takes no virtual time. */
function offloaded(tasks: NonNullable<Behavior<AnyContract>['tasks']>, name: string, input: unknown): unknown {
  const task = tasks[name];
  if (task === undefined) throw new HomingError('BadOption', `expected a task of the behavior, got ${name}`);
  const result: unknown = task(structuredClone(input) as never);
  return isPromise(result) ? result.then((value) => structuredClone(value)) : structuredClone(result);
}
