/** A simulated server process, through all its lives. Its program is the real server on a host of virtual time. */
import type { Dial } from '../actors/ports.ts';
import type { SessionServer } from '../server/server.ts';
import { Double } from './double.ts';
import type { Loop } from './loop.ts';
import { SimHost } from './sim-host.ts';
import type { PathServer, SimPath } from './sim-path.ts';
import type { Trace } from './trace.ts';

/** What all processes of a world share. */
export interface Surroundings {
  readonly seed: number;
  readonly loop: Loop;
  readonly trace: Trace;
}

/** A server process. */
export class ServerNode implements PathServer {
  readonly name: string;
  /** Paths that lead here. */
  readonly paths: SimPath[] = [];
  host: SimHost;
  server: SessionServer;
  /** False between a crash and a restart. */
  isUp = true;
  lifeCount = 1;
  readonly #around: Surroundings;
  readonly #make: (host: SimHost) => SessionServer;
  #double: { readonly feed: Double; readonly host: SimHost; readonly server: SessionServer } | undefined;

  /** `make` starts the program of the process, for each of its lives. */
  constructor(around: Surroundings, name: string, make: (host: SimHost) => SessionServer) {
    this.#around = around;
    this.name = name;
    this.#make = make;
    this.host = new SimHost(around.loop, name, around.seed);
    this.server = make(this.host);
  }

  /** Takes a new connection. */
  accept(dial: Dial): void {
    const double = this.#double;
    if (double === undefined) return this.server.shard.accept(dial);
    double.server.shard.accept(double.feed.dial);
    this.server.shard.accept((events) => dial(double.feed.join(events)));
  }

  /** Ends the process without a word of its own. Silent: nor does its machine say anything to the peers. */
  crash(isSilent = false): void {
    if (!this.isUp) return;
    this.isUp = false;
    this.host.kill();
    for (const path of this.paths) path.sever('server', isSilent);
    this.#tell('crashes');
  }

  /** Starts the process again; it remembers nothing. */
  restart(): void {
    if (this.isUp) return;
    this.isUp = true;
    this.lifeCount += 1;
    this.host = new SimHost(this.#around.loop, `${this.name}#${this.lifeCount}`, this.#around.seed);
    this.server = this.#make(this.host);
    this.#tell('starts');
  }

  /** Starts a double of this process, which must not have heard anything yet. `part()` makes it a copy. */
  double(): Double {
    const feed = new Double();
    const host = new SimHost(this.#around.loop, this.name, this.#around.seed);
    this.#double = { feed, host, server: this.#make(host) };
    return feed;
  }

  /** The process dies, and what comes back is its parted double, with the memory of that moment. */
  restoreDouble(): void {
    const double = this.#double;
    if (double === undefined) return;
    this.crash();
    this.host = double.host;
    this.server = double.server;
    this.#double = undefined;
    this.isUp = true;
    this.#tell('is restored');
  }

  #tell(what: string): void {
    this.#around.trace.tell(`${this.name} ${what}`, this.#around.loop.clock.now());
  }
}
