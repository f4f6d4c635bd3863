/**
 * Everybody in a run: the server with the user's behavior, the clients, and what listens to all of them. Errors of the user's
 * code, lost histories and broken rules are judged here, as they are told.
 */
import type { SessionInfo } from '../../actors/hosted-session.ts';
import { type EndCode, HomingError, endTable, isViolation } from '../../errors.ts';
import type { EndOptions } from '../../actors/options.ts';
import type { ClientOptions } from '../../client/client.ts';
import type { Behavior } from '../../server/behavior.ts';
import { SessionServer } from '../../server/server.ts';
import { rehearsalTimers } from '../cast.ts';
import type { AnyContract, SimClient } from '../client-node.ts';
import { Draws } from '../draws.ts';
import { isLinted } from '../linter.ts';
import type { KitPlan } from './plan.ts';
import type { ServerNode, SimServer } from '../server-node.ts';
import { SimHost } from '../sim-host.ts';
import { type AnyBehavior, World } from '../world.ts';
import { Picture } from './picture.ts';
import { processes } from './processes.ts';
import type { Timing } from './rest.ts';
import type { AnyScenario, SimulatedServer, StepContext, View } from './scenario.ts';
import { Verdict, innermost, isWeather, wordsOf } from './verdict.ts';
import { type Job, Work, isPromise } from './work.ts';

/** Everybody, and their world. */
export class Ensemble {
  readonly world: World;
  readonly server: ServerNode;
  readonly work = new Work((what, job) => this.#worked(what, job));
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
  /** Sessions that a server said it ended, by id. */
  readonly #ended = new Set<string>();
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
    this.server = world.addServer(
      'server',
      (host) => this.#behavior(host),
      options,
      (each, host) => this.#hearServer(each, host),
    );
    this.#serverView = this.#viewServer();
    this.view = this.#look();
    const all = Array.from({ length: clients }, (_each, number) => optionsOf(scenario, number));
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
        this.work.wrap(session, host);
        const offload = async (name: string, input: unknown): Promise<unknown> => offloaded(tasks, name, input);
        Object.defineProperty(session, 'offload', { value: offload });
        const begun = full.start(session);
        if (isPromise(begun)) this.work.track(host, 'start of a session', undefined, begun);
        return begun;
      },
    };
  }

  #hearServer(server: SimServer, host: SimHost): void {
    server.on('end', ({ id }: SessionInfo) => void this.#ended.add(id));
    server.on('down', (_info, { code }) => this.#expectNoViolation('server', code));
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
      to: (selector, options) => whole().to(selector, options),
      toAll: (options) => whole().toAll(options),
    };
  }

  // ---- the clients

  #prepare(number: number, client: SimClient, host: SimHost): void {
    const { world } = this;
    const { connection } = client;
    let home: SimHost | undefined;
    this.work.wrap(client, host);
    connection.on('up', ({ resumed }) => {
      // A shard may have died since it said so.
      const { shards, host: main } = this.server;
      home = shards === undefined ? main : shards.find(client.id)?.thread.host;
      this.picture?.note(host.name, resumed ? 'is up: the session is resumed' : 'is up: a new session');
    });
    connection.on('down', ({ code }) => this.picture?.note(host.name, `is down: ${code}`));
    connection.on('gap', ({ reason, unconfirmed, carried }) => {
      this.picture?.note(host.name, `gap: ${reason}, ${unconfirmed} unconfirmed, ${carried} carried over`);
      if (home?.isAlive !== true || this.#ended.has(client.id)) return;
      const sentence = `history was lost (${reason}), and ${home.name}, which holds the session, lives and did not end it`;
      world.loop.fail(new Verdict('gap', sentence, { who: host.name }));
    });
    connection.on('reconnect', ({ cause }) => {
      if (cause instanceof HomingError) this.#expectNoViolation(host.name, cause.code);
    });
    connection.on('closed', ({ code }) => {
      this.picture?.note(host.name, `is closed: ${code}`);
      this.#expectNoViolation(host.name, code);
    });
    connection.on('error', (error) => this.judge('handler', error, host, error.messageId));
    processes.run(host, () => this.#scenario.client?.(client, this.contextOf(number, client, host, host.name)));
  }

  // ---- below

  #worked(what: 'begins' | 'ends', { host, what: name, messageId }: Job): void {
    const { world } = this;
    world.trace.add(what.length, world.nowMs, this.work.startedCount);
    const about = messageId === undefined ? '' : ` (${messageId})`;
    this.picture?.note(host.name, `${name} ${what}${about}`);
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
  #expectNoViolation(who: string, code: string): void {
    if (!Object.hasOwn(endTable, code) || !isViolation(code as EndCode)) return;
    if (this.#isTricked && code === 'ack-beyond-sent') return;
    if (this.#isAltered && (!this.#isChecked || foundBeforeChecksum.has(code))) return;
    this.world.loop.fail(new Verdict('violation', `a connection ended with ${code}`, { who }));
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

/** How long the user's code may take in all, in milliseconds. */
export const WORK_MS = 60_000;

/** How both ends are made: short times, so that little is waited for, and a checksum, so that altered bytes are found. */
const ends = {
  heartbeat: rehearsalTimers.heartbeat,
  handshakeMs: rehearsalTimers.handshakeMs,
  checksum: true,
  lingerMs: 120_000,
};

/** Options of a client of a scenario, with the times of the kit where it does not say otherwise. */
export function optionsOf({ clientOptions }: AnyScenario, number: number) {
  const own: ClientOptions<AnyContract> =
    (typeof clientOptions === 'function' ? clientOptions(number) : clientOptions) ?? {};
  return { ...timed(own), backoff: { ...rehearsalTimers.backoff, ...own.backoff } };
}

/** The user's options in front of those of the kit. */
export function timed<Options extends EndOptions>(own: Options) {
  const { intervalMs, timeoutMs } = own.heartbeat ?? {};
  return {
    ...ends,
    ...own,
    handshakeMs: own.handshakeMs ?? ends.handshakeMs,
    heartbeat: {
      intervalMs: intervalMs ?? ends.heartbeat.intervalMs,
      timeoutMs: timeoutMs ?? ends.heartbeat.timeoutMs,
    },
  };
}

/** A task runs in the process itself: its result is copied as it would be, and heavy work takes no virtual time. */
function offloaded(tasks: NonNullable<Behavior<AnyContract>['tasks']>, name: string, input: unknown): unknown {
  const task = tasks[name];
  if (task === undefined) throw new HomingError('BadOption', `expected a task of the behavior, got ${name}`);
  const result: unknown = task(structuredClone(input) as never);
  return isPromise(result) ? result.then((value) => structuredClone(value)) : structuredClone(result);
}
