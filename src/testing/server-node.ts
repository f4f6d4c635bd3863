/** A simulated server process, through all its lives. Its program is the real server on a host of virtual time. */
import type { HostedSession } from '../actors/hosted-session.ts';
import type { Dial } from '../actors/ports.ts';
import { HomingError } from '../errors.ts';
import { SessionServer } from '../server/server.ts';
import type { Arrival, PathServer } from './arrival.ts';
import { Double } from './double.ts';
import type { Loop } from './loop.ts';
import { SimHost } from './sim-host.ts';
import type { SimPath } from './sim-path.ts';
import { SimShards } from './sim-shards.ts';
import type { Trace } from './trace.ts';

/** What all processes of a world share. */
export interface Surroundings {
  readonly seed: number;
  readonly loop: Loop;
  readonly trace: Trace;
}

/** The handle of a server, as its user has it. */
export type SimServer = Pick<SessionServer, 'counts' | 'close' | 'on'>;

/** The program of a server: on one thread, or with shards. */
export type ServerProgram = SessionServer | SimShards;

/** A server process. */
export class ServerNode implements PathServer {
  readonly name: string;
  /** Paths that lead here. */
  readonly paths: SimPath[] = [];
  /** The process, or its main thread. */
  host: SimHost;
  server: SimServer;
  /** False between a crash and a restart. */
  isUp = true;
  lifeCount = 1;
  readonly #around: Surroundings;
  readonly #make: (host: SimHost) => ServerProgram;
  #program: ServerProgram;
  #double: { readonly feed: Double; readonly host: SimHost; readonly server: SessionServer } | undefined;

  /** `make` starts the program of the process, for each of its lives. */
  constructor(around: Surroundings, name: string, make: (host: SimHost) => ServerProgram) {
    this.#around = around;
    this.name = name;
    this.#make = make;
    this.host = new SimHost(around.loop, name, around.seed);
    this.#program = make(this.host);
    this.server = this.#program;
  }

  /** The shards of a server that has them. */
  get shards(): SimShards | undefined {
    return this.#program instanceof SimShards ? this.#program : undefined;
  }

  /** A session that lives here. */
  find(id: string): HostedSession | undefined {
    const program = this.#program;
    return program instanceof SimShards ? program.find(id)?.session : program.shard.find(id).living;
  }

  /** The thread in which a session lives: one of a shard, or the only one. */
  hostOf(id: string): SimHost {
    return this.shards?.find(id)?.thread.host ?? this.host;
  }

  /** All threads that are there. */
  get hosts(): readonly SimHost[] {
    return [this.host, ...(this.shards?.threads.map(({ host }) => host) ?? [])];
  }

  /** Takes a new connection. */
  accept(dial: Dial): void {
    const double = this.#double;
    const { shard } = inlineOf(this.#program);
    if (double === undefined) return shard.accept(dial);
    double.server.shard.accept(double.feed.dial);
    shard.accept((events) => dial(double.feed.join(events)));
  }

  /** Takes a new connection for one of the shards. */
  get deal(): ((arrival: Arrival) => void) | undefined {
    const { shards } = this;
    return shards === undefined ? undefined : (arrival) => shards.dealer.deal(arrival);
  }

  /** Who listens at a direct port. */
  at(port: number): PathServer | undefined {
    const thread = this.shards?.threads.find(({ directPort }) => directPort === port);
    return thread === undefined ? undefined : { host: thread.host, accept: (dial) => thread.accept(dial) };
  }

  /** Ends the process without a word of its own. Silent: nor does its machine say anything to the peers. */
  crash(isSilent = false): void {
    if (!this.isUp) return;
    this.isUp = false;
    this.shards?.die();
    this.host.kill();
    for (const path of this.paths) path.sever('server', isSilent);
    this.#tell('crashes');
  }

  /** One thread is gone: its lines with it. */
  readonly sever = (thread: SimHost, isSilent: boolean): void => {
    for (const path of this.paths) path.sever('server', isSilent, thread);
    this.#tell(`${thread.name} is gone`);
  };

  /** Starts the process again; it remembers nothing. */
  restart(): void {
    if (this.isUp) return;
    this.isUp = true;
    this.lifeCount += 1;
    this.host = new SimHost(this.#around.loop, `${this.name}#${this.lifeCount}`, this.#around.seed);
    this.#program = this.#make(this.host);
    this.server = this.#program;
    this.#tell('starts');
  }

  /** Starts a double of this process, which must not have heard anything yet. `part()` makes it a copy. */
  double(): Double {
    const feed = new Double();
    const host = new SimHost(this.#around.loop, this.name, this.#around.seed);
    this.#double = { feed, host, server: inlineOf(this.#make(host)) };
    return feed;
  }

  /** The process dies, and what comes back is its parted double, with the memory of that moment. */
  restoreDouble(): void {
    const double = this.#double;
    if (double === undefined) return;
    this.crash();
    this.host = double.host;
    this.#program = double.server;
    this.server = double.server;
    this.#double = undefined;
    this.isUp = true;
    this.#tell('is restored');
  }

  #tell(what: string): void {
    this.#around.trace.tell(`${this.name} ${what}`, this.#around.loop.clock.now());
  }
}

function inlineOf(program: ServerProgram): SessionServer {
  if (program instanceof SessionServer) return program;
  throw new HomingError('InvariantBroken', 'expected a server without shards');
}
