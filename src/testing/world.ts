/**
 * A simulated world: servers and clients, the real ones, each in a process of its own, and the paths between them. All
 * of it runs on one virtual clock from one seed; the same seed gives the same run, which `trace` proves.
 */
import { type ClientOptions, openClient } from '../client/client.ts';
import type { Contract } from '../contract.ts';
import type { Behavior } from '../server/behavior.ts';
import { type ServerOptions, openServer } from '../server/server.ts';
import type { Session } from '../server/session.ts';
import { type AnyContract, ClientNode, type SimClient } from './client-node.ts';
import type { Weather } from './flow.ts';
import { WireLinter } from './linter.ts';
import { Loop } from './loop.ts';
import { ServerNode, type SimServer, type Surroundings } from './server-node.ts';
import { type ShardsPlan, fairShards } from './shards-plan.ts';
import { type SimHost, simSecrets } from './sim-host.ts';
import type { Toward } from './sim-line.ts';
import { SimShards } from './sim-shards.ts';
import { Trace } from './trace.ts';

/** A line as it is on a good day. */
export const fairWeather: Weather = {
  latencyMs: 1,
  jitterMs: 0,
  chunkBytes: 0,
  bufferBytes: 262_144,
  bytesPerMs: Infinity,
};

/** A behavior, or its `start` alone, for simulated servers. */
export type AnyBehavior = Behavior<AnyContract> | ((session: Session<AnyContract>) => unknown);

/** What a simulated client is made with beside its options; `prepare` gets the handle of each of its lives. */
export interface ClientSetup {
  readonly weather?: Partial<Weather>;
  readonly prepare?: (client: SimClient, host: SimHost) => void;
}

/** Options of a simulated server; a number of shards is that many on a good day. */
export interface SimServerOptions extends Omit<ServerOptions, 'shards'> {
  readonly shards?: ShardsPlan | number | undefined;
}

/** Everything there is. */
export class World implements Surroundings {
  readonly seed: number;
  readonly loop = new Loop();
  readonly trace = new Trace();
  readonly servers: ServerNode[] = [];
  readonly clients: ClientNode[] = [];
  /** Called after each event that reached an end of this client's path. */
  onTouch: ((client: ClientNode) => void) | undefined;
  /** Whether chaos is over. */
  isHealed = false;
  #touched: ClientNode | 'all' | undefined;
  #linter: WireLinter | undefined;

  constructor(seed: number) {
    this.seed = seed;
    this.loop.onStep = () => this.#look();
  }

  get nowMs(): number {
    return this.loop.clock.now();
  }

  /** Starts a server; its behavior is made anew for each of its lives, and `prepare` is called with each. */
  addServer(
    name: string,
    behavior: (host: SimHost) => AnyBehavior,
    options: SimServerOptions = {},
    prepare: (server: SimServer, host: SimHost) => void = () => {},
  ): ServerNode {
    const { shards = 0, ...settings } = options;
    const plan = typeof shards === 'number' ? { ...fairShards, count: shards } : shards;
    const node: ServerNode = new ServerNode(this, name, (host) => {
      const server =
        plan.count === 0
          ? openServer<AnyContract>(host, behavior(host), settings)
          : this.#openShards(host, behavior, settings, plan, (thread, isSilent) => node.sever(thread, isSilent));
      prepare(server, host);
      return server;
    });
    this.servers.push(node);
    return node;
  }

  /** Starts a client that dials a server. */
  addClient(
    name: string,
    target: ServerNode,
    options: ClientOptions<AnyContract> = {},
    setup: ClientSetup = {},
  ): ClientNode {
    const node = new ClientNode(this, {
      name,
      target,
      weather: { ...fairWeather, ...setup.weather },
      make: (host, way) => {
        const client = openClient<AnyContract>(host, () => {}, way, false, options);
        setup.prepare?.(client, host);
        return client;
      },
      watch: (whose, kind, toward, count) => this.#watch(whose, kind, toward, count),
      linter: this.#linter,
    });
    this.clients.push(node);
    return node;
  }

  /** From now on every byte is looked at that an end of a new client's path writes; `told` is given what is not legal. */
  lint(told: (sentence: string) => void): void {
    this.#linter = new WireLinter(told, (secret, ...parts) => simSecrets.sign(secret, ...parts));
  }

  /** Lets this much virtual time pass. */
  run(forMs: number): Promise<void> {
    return this.loop.run(this.nowMs + forMs);
  }

  /** Lets time pass until something is so, at most for this long. Tells whether it came to be so. */
  until(isThere: () => boolean, withinMs: number): Promise<boolean> {
    return this.loop.until(isThere, this.nowMs + withinMs);
  }

  /** The end of all chaos: no fault waits or lasts, and who was down starts again. What is lost stays lost. */
  heal(): void {
    this.isHealed = true;
    for (const server of this.servers) server.restart();
    for (const client of this.clients) {
      client.path.heal();
      client.restart();
    }
  }

  #openShards(
    host: SimHost,
    behavior: (host: SimHost) => AnyBehavior,
    settings: ServerOptions,
    plan: ShardsPlan,
    sever: (thread: SimHost, isSilent: boolean) => void,
  ): SimShards {
    const { seed, loop } = this;
    const touched = (): void => {
      this.#touched = 'all';
      this.trace.add(1, this.nowMs, 0);
    };
    const full = (thread: SimHost): Behavior<Contract> => {
      const given = behavior(thread);
      return typeof given === 'function' ? { start: given } : given;
    };
    return new SimShards({ seed, loop, host, plan, settings, sever, touched, behavior: full });
  }

  #watch(client: ClientNode, kind: string, toward: Toward, count: number): void {
    this.#touched = client;
    this.trace.add(kind.length * 2 + (toward === 'server' ? 1 : 0), this.nowMs, count);
  }

  #look(): void {
    const touched = this.#touched;
    if (touched === undefined) return;
    this.#touched = undefined;
    if (touched !== 'all') this.onTouch?.(touched);
    else for (const client of this.clients) this.onTouch?.(client);
  }
}
