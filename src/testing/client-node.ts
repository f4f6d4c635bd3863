/** A simulated client process, through all its lives, and its path to the server. Its program is the real client. */
import type { Line, LineEvents } from '../actors/ports.ts';
import { Route } from '../actors/route.ts';
import type { Client, SessionClient } from '../client/client.ts';
import type { Way } from '../client/route-to.ts';
import type { Contract } from '../contract.ts';
import { Double } from './double.ts';
import type { Weather } from './flow.ts';
import type { WireLinter } from './linter.ts';
import type { ServerNode, Surroundings } from './server-node.ts';
import { SimHost } from './sim-host.ts';
import type { Toward } from './sim-line.ts';
import { SimPath } from './sim-path.ts';

/** Methods of any name, with any arguments. */
export type AnyMethods = Record<string, (...args: unknown[]) => unknown>;

/** The contract of simulated ends: any event and any method, any arguments. */
export interface AnyContract extends Contract {
  readonly server: { readonly events: Record<string, unknown[]>; readonly methods: AnyMethods };
  readonly client: { readonly events: Record<string, unknown[]>; readonly methods: AnyMethods };
  readonly credentials: unknown;
  readonly identity: { readonly id: string };
}

/** The handle of a simulated client, and what is behind it. */
export type SimClient = Client<AnyContract> & SessionClient;

/** What a client process is made with. */
export interface ClientNodeOptions {
  readonly name: string;
  readonly target: ServerNode;
  readonly weather: Weather;
  /** Starts the program of the process, for each of its lives. */
  readonly make: (host: SimHost, way: Way) => SimClient;
  /** Told of everything that reaches an actor at one of the ends of the path. */
  readonly watch: (node: ClientNode, kind: string, toward: Toward, count: number) => void;
  readonly linter: WireLinter | undefined;
}

/** A client process. */
export class ClientNode {
  readonly name: string;
  readonly target: ServerNode;
  readonly path: SimPath;
  host: SimHost;
  client: SimClient;
  /** False between a crash and a restart. */
  isUp = true;
  lifeCount = 1;
  readonly #around: Surroundings;
  readonly #make: ClientNodeOptions['make'];
  #double: { readonly feed: Double; readonly host: SimHost; readonly client: SimClient } | undefined;

  constructor(around: Surroundings, options: ClientNodeOptions) {
    const { name, target, weather, make, watch, linter } = options;
    this.#around = around;
    this.#make = make;
    this.name = name;
    this.target = target;
    this.host = new SimHost(around.loop, name, around.seed);
    this.path = new SimPath({
      name,
      seed: around.seed,
      clock: around.loop.clock,
      weather,
      address: `198.51.100.${target.paths.length + 1}`,
      client: () => this.host,
      server: () => (target.isUp ? target : undefined),
      watch: (kind, toward, count) => watch(this, kind, toward, count),
      linter,
    });
    target.paths.push(this.path);
    this.client = make(this.host, this.#way());
  }

  /** The session of this client at its server, if it has one there. */
  get hosted() {
    return this.target.find(this.client.id);
  }

  /** Ends the process without a word of its own. Silent: nor does its machine say anything to the server. */
  crash(isSilent = false): void {
    if (!this.isUp) return;
    this.isUp = false;
    this.host.kill();
    this.path.sever('client', isSilent);
    this.#tell('crashes');
  }

  /** Starts the process again; it remembers nothing. */
  restart(): void {
    if (this.isUp) return;
    this.isUp = true;
    this.lifeCount += 1;
    this.host = new SimHost(this.#around.loop, `${this.name}#${this.lifeCount}`, this.#around.seed);
    this.client = this.#make(this.host, this.#way());
    this.#tell('starts');
  }

  /** Starts a double of this process, which must not have dialled yet. `part()` makes it a copy. */
  double(): Double {
    const feed = new Double();
    const host = new SimHost(this.#around.loop, this.name, this.#around.seed);
    const dial = (events: LineEvents): Line => (this.host === host ? this.path.dial(events) : feed.dial(events));
    const client = this.#make(host, { dial, learn: undefined });
    this.#double = { feed, host, client };
    return feed;
  }

  /** The process dies, and what comes back is its parted double, with the memory of that moment. */
  restoreDouble(): void {
    const double = this.#double;
    if (double === undefined) return;
    this.crash();
    this.host = double.host;
    this.client = double.client;
    this.#double = undefined;
    this.isUp = true;
    this.client.reconnect();
    this.#tell('is restored');
  }

  /** To a server with shards a client goes as `client/route-to` does. */
  #way(): Way {
    if (this.target.shards === undefined) return { dial: this.#dial, learn: undefined };
    const route = new Route(this.host.clock, this.#dial, (port) => this.path.dialAt(port));
    return { dial: route.dial, learn: (port) => route.learn(port) };
  }

  readonly #dial = (events: LineEvents): Line =>
    this.path.dial(this.#double === undefined ? events : this.#double.feed.join(events));

  #tell(what: string): void {
    this.#around.trace.tell(`${this.name} ${what}`, this.#around.loop.clock.now());
  }
}
