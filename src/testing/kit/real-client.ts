/** A client of a run on real sockets, through all its lives. A life that dies falls silent: nobody hears it any more. */
import { type Client, type SessionClient, createClient } from '../../client/client.ts';
import type { AnyContract } from '../client-node.ts';
import type { Fault } from '../plan.ts';
import { optionsOf } from './end-options.ts';
import type { RealNetwork, RealWay } from './network.ts';
import type { RealHost } from './real-judge.ts';
import type { AnyScenario } from './scenario.ts';

/** What a client needs of its run. */
export interface RealClientOwner {
  readonly scenario: AnyScenario;
  readonly network: RealNetwork;
  readonly targetPort: number;
  /** A new process of this client. */
  host(name: string): RealHost;
  /** A new life, before it hears anything. */
  born(client: RealClient): void;
  /** A life is over. */
  died(host: RealHost): void;
}

/** The handle, and what is behind it. */
export type AnyClient = Client<AnyContract> & SessionClient;

/** One client. */
export class RealClient {
  readonly number: number;
  readonly #owner: RealClientOwner;
  readonly #stop = new AbortController();
  readonly #ways: RealWay[] = [];
  #life: { readonly client: AnyClient; readonly host: RealHost; readonly way: RealWay } | undefined;
  #lifeCount = 0;

  constructor(owner: RealClientOwner, number: number) {
    this.#owner = owner;
    this.number = number;
  }

  /** What lives now; undefined between a crash and the next start. */
  get life() {
    return this.#life;
  }

  /** Starts the process; it remembers nothing. */
  async start(): Promise<void> {
    const { network, targetPort, scenario } = this.#owner;
    const way = await network.way(targetPort);
    this.#ways.push(way);
    this.#lifeCount += 1;
    const host = this.#owner.host(this.#lifeCount === 1 ? `c${this.number}` : `c${this.number}#${this.#lifeCount}`);
    const options = { ...optionsOf(scenario, this.number), signal: this.#stop.signal };
    const client = createClient<AnyContract>(way.port, options) as AnyClient;
    this.#life = { client, host, way };
    this.#owner.born(this);
  }

  /** The process is gone, and nothing of it is heard any more. */
  crash(): void {
    const life = this.#life;
    if (life === undefined) return;
    this.#life = undefined;
    this.#owner.died(life.host);
    life.host.isAlive = false;
    void life.way[Symbol.asyncDispose]();
    life.client.disconnect();
  }

  /** Lets a fault of its line come true; false when there is no such thing here. */
  befall(fault: Fault): boolean {
    const life = this.#life;
    if (life === undefined) return false;
    const { client, way } = life;
    if (fault.type === 'reconnect') client.reconnect();
    else if (fault.type === 'disconnect') client.disconnect();
    else return way.befall(fault);
    return true;
  }

  /** Faults end, and who is down starts again. */
  async heal(): Promise<void> {
    if (this.#life === undefined) await this.start();
    await this.#life?.way.heal();
    if (this.#life?.client.connection.state === 'idle') this.#life.client.connect();
  }

  /** Ends whatever is left of it. */
  async end(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#ways.map((way) => way[Symbol.asyncDispose]()));
  }
}
