/**
 * A simulated world: servers and clients, the real ones, each in a process of its own, and the paths between them. All
 * of it runs on one virtual clock from one seed; the same seed gives the same run, which `trace` proves.
 */
import { type ClientOptions, openClient } from '../client/client.ts';
import type { Behavior } from '../server/behavior.ts';
import { type ServerOptions, type SessionServer, openServer } from '../server/server.ts';
import type { Session } from '../server/session.ts';
import { type AnyContract, ClientNode, type SimClient } from './client-node.ts';
import type { Weather } from './flow.ts';
import { Loop } from './loop.ts';
import { ServerNode, type Surroundings } from './server-node.ts';
import type { SimHost } from './sim-host.ts';
import type { Toward } from './sim-line.ts';
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
  #touched: ClientNode | undefined;

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
    options: ServerOptions = {},
    prepare: (server: SessionServer, host: SimHost) => void = () => {},
  ): ServerNode {
    const node = new ServerNode(this, name, (host) => {
      const server = openServer<AnyContract>(host, behavior(host), options);
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
      make: (host, dial) => {
        const client = openClient<AnyContract>(host, () => {}, { dial, learn: undefined }, false, options);
        setup.prepare?.(client, host);
        return client;
      },
      watch: (whose, kind, toward, count) => this.#watch(whose, kind, toward, count),
    });
    this.clients.push(node);
    return node;
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

  #watch(client: ClientNode, kind: string, toward: Toward, count: number): void {
    this.#touched = client;
    this.trace.add(kind.length * 2 + (toward === 'server' ? 1 : 0), this.nowMs, count);
  }

  #look(): void {
    const client = this.#touched;
    if (client === undefined) return;
    this.#touched = undefined;
    this.onTouch?.(client);
  }
}
