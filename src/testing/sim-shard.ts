/**
 * One shard thread of a simulated server: the real shard and behavior on a host of their own. What `server/shard-entry`
 * is to a real thread.
 */
import { type Door, NO_DOOR } from '../actors/acceptor.ts';
import type { ShardNews } from '../actors/news.ts';
import { redialOf, settingsOf } from '../actors/options.ts';
import type { Dial, PipeMessage } from '../actors/ports.ts';
import { pipeDial } from '../actors/relay.ts';
import { Count, Tally } from '../actors/tally.ts';
import type { Contract } from '../contract.ts';
import { HomingError } from '../errors.ts';
import type { Behavior } from '../server/behavior.ts';
import { BehaviorShard } from '../server/behavior-shard.ts';
import type { ServerOptions } from '../server/server.ts';
import type { Arrival } from './arrival.ts';
import type { ShardsPlan } from './shards-plan.ts';
import { type ChannelEnd, type EndOwner, simPipe } from './sim-channel.ts';
import type { SimHost } from './sim-host.ts';
import { type Relayed, SimNeighbors, type SimWord } from './sim-neighbors.ts';

/** From the main thread to a shard. */
export type SimOrder =
  | { readonly type: 'line'; readonly arrival: Arrival }
  | { readonly type: 'listen'; readonly port: number }
  | { readonly type: 'places'; readonly places: readonly number[] }
  | {
      readonly type: 'neighbor';
      readonly place: number;
      readonly tally: Tally;
      readonly port: ChannelEnd<SimWord> | undefined;
    }
  | { readonly type: 'drain'; readonly drainMs: number };

/** From a shard to the main thread. */
export type SimReport =
  { readonly type: 'ready' } | { readonly type: 'drained' } | { readonly type: 'news'; readonly news: ShardNews };

/** What a shard thread is made with. */
export interface SimShardOptions {
  readonly place: number;
  readonly generation: number;
  readonly host: SimHost;
  readonly plan: ShardsPlan;
  readonly settings: ServerOptions;
  readonly places: readonly number[];
  /** The thread's end of the channel to the main thread. */
  readonly port: ChannelEnd<SimOrder>;
  readonly report: (report: SimReport) => void;
  /** The order to drain has come, and nothing of it is done yet. */
  readonly draining: (thread: SimShard) => void;
  readonly behavior: (host: SimHost) => Behavior<Contract>;
  readonly openPipe: () => readonly [ChannelEnd<PipeMessage>, ChannelEnd<PipeMessage>];
}

/** How often the loop of a shard shows that it turns. */
const BEAT_MS = 20;

/** The thread in one place. Its successor is another one. */
export class SimShard implements EndOwner {
  readonly place: number;
  readonly generation: number;
  readonly host: SimHost;
  readonly tally = new Tally();
  readonly ends = new Set<{ die(): void }>();
  /** Undefined until the behavior is loaded. */
  inner: BehaviorShard | undefined;
  /** Where it listens beside the public address; 0: nowhere. */
  directPort = 0;
  readonly #options: SimShardOptions;
  #neighbors: SimNeighbors | undefined;
  #beats = 0;

  constructor(options: SimShardOptions) {
    const { place, generation, host, plan, port } = options;
    this.#options = options;
    this.place = place;
    this.generation = generation;
    this.host = host;
    port.belong(this);
    host.clock.setTimeout(() => this.#load(), host.chance.number() * plan.startMs);
  }

  /** Rises while the loop turns. */
  get beats(): number {
    if (this.host.isAlive && !this.host.isStalled) this.#beats = Math.floor(this.host.clock.now() / BEAT_MS);
    return this.#beats;
  }

  /** Takes a line at its direct port. */
  accept(dial: Dial): void {
    this.inner?.shard.accept(dial, this.#door);
  }

  /** The thread is gone, and all its ends with it. */
  die(): void {
    this.host.kill();
    this.directPort = 0;
    for (const end of this.ends) end.die();
  }

  get #door(): Door {
    const spreads = this.#options.plan.door === 'spreads';
    return { ...NO_DOOR, number: 1, directPort: this.directPort, spreads };
  }

  #load(): void {
    const { place, host, settings, places, port, report, behavior, openPipe } = this.#options;
    const relayed = (line: Relayed): void => this.#takeRelayed(line);
    const neighbors = new SimNeighbors({
      place,
      places,
      owner: this,
      relayed,
      openPipe,
      heard: (from, notes) => this.inner?.shard.heard(from, notes),
      met: (other) => this.inner?.shard.met(other),
      lost: (other) => this.inner?.shard.lost(other),
    });
    this.#neighbors = neighbors;
    this.inner = new BehaviorShard({
      host,
      behavior: behavior(host),
      settings: settingsOf(settings),
      redial: redialOf(settings.backoff),
      around: { place, tally: this.tally, neighbors },
      offload: () => Promise.reject(new HomingError('BadOption', 'a simulated shard has no threads for tasks')),
      tell: (news) => report({ type: 'news', news: copied(news) }),
    });
    port.open({ received: (order) => this.#obey(order), closed: () => {} });
    report({ type: 'ready' });
  }

  #obey(order: SimOrder): void {
    const { host } = this.#options;
    switch (order.type) {
      case 'line':
        this.tally.add(Count.TAKEN, 1);
        return this.inner?.shard.accept(order.arrival.dial(host), this.#door);
      case 'listen':
        this.directPort = order.port;
        return;
      case 'places':
        if (this.#neighbors !== undefined) this.#neighbors.places = order.places;
        return;
      case 'neighbor':
        return this.#neighbors?.meet(order.place, order.tally, order.port);
      case 'drain':
        this.#options.draining(this);
        return this.inner?.drain(order.drainMs, () => this.#options.report({ type: 'drained' }));
    }
  }

  #takeRelayed({ pipe, ends }: Relayed): void {
    pipe.belong(this);
    const { host } = this;
    const dial = pipeDial(simPipe(pipe), ends, (task) => host.defer(task));
    this.inner?.shard.accept(dial, { ...this.#door, spreads: false });
  }
}

/** A copy, as it crosses threads; an error stays itself, because a copy keeps neither its class nor its code. */
function copied(news: ShardNews): ShardNews {
  return news.type === 'error' ? news : structuredClone(news);
}
