/**
 * A simulated server process with shards: the real supervisor and real shards, each thread on a host of its own, and
 * between them channels that are late. What `server/threads` is to real threads.
 */
import { Listeners } from '../actors/listeners.ts';
import type { ShardNews } from '../actors/news.ts';
import type { HostedSession, SessionInfo } from '../actors/hosted-session.ts';
import { drainMsOf } from '../actors/options.ts';
import { type ShardThread, Supervisor, type SupervisorOwner } from '../actors/supervisor.ts';
import { type ShardCounts, countsOf } from '../actors/tally.ts';
import type { Contract } from '../contract.ts';
import type { HomingError } from '../errors.ts';
import type { Behavior } from '../server/behavior.ts';
import type { ServerEvents, ServerOptions } from '../server/server.ts';
import { PromiseBroken } from './course.ts';
import { Dealer } from './dealer.ts';
import { Draws } from './draws.ts';
import { Listing } from './listing.ts';
import type { Loop } from './loop.ts';
import { tellNews } from '../server/news-events.ts';
import type { ShardsPlan } from './shards-plan.ts';
import type { EndOwner } from './sim-channel.ts';
import { SimChannels } from './sim-channels.ts';
import { SimHost } from './sim-host.ts';
import { SimMember } from './sim-member.ts';
import { type SimOrder, type SimReport, SimShard } from './sim-shard.ts';
import { stir, stirringClock } from './stirred.ts';

/** What a server process with shards is made with. */
export interface SimShardsOptions {
  readonly seed: number;
  readonly loop: Loop;
  /** The main thread. */
  readonly host: SimHost;
  readonly plan: ShardsPlan;
  readonly settings: ServerOptions;
  readonly behavior: (host: SimHost) => Behavior<Contract>;
  /** Takes all lines from a thread that is gone. */
  readonly sever: (host: SimHost, isSilent: boolean) => void;
  /** A message between two threads has arrived. */
  readonly touched: () => void;
}

/** A shard that says nothing of its drain is ended this long after the time to drain. */
const DRAIN_GRACE_MS = 500;

/** A server process with shards. */
export class SimShards implements SupervisorOwner, EndOwner {
  readonly host: SimHost;
  readonly ends = new Set<{ die(): void }>();
  readonly plan: ShardsPlan;
  /** Places whose shards sessions may live in. */
  places: readonly number[];
  /** Told of news in the moment in which a shard tells them; `on` hears of them later, or never. */
  onNews: ((news: ShardNews) => void) | undefined;
  /** Told when a shard begins to drain: from then on nobody who is connected to it is left behind. */
  onDrain: ((thread: SimShard) => void) | undefined;
  /** Threads that ended by themselves or were ended because they hung. */
  lossCount = 0;
  readonly channels: SimChannels;
  readonly dealer: Dealer;
  readonly #options: SimShardsOptions;
  readonly #draws: Draws;
  readonly #listeners: Listeners<ServerEvents>;
  readonly #supervisor: Supervisor;
  readonly #members = new Map<number, SimMember>();
  readonly #closing = Promise.withResolvers<void>();
  #drainMs = -1;
  #isShut = false;

  constructor(options: SimShardsOptions) {
    const { seed, host, plan, loop, touched } = options;
    this.#options = options;
    this.host = host;
    this.plan = plan;
    this.#draws = new Draws(seed, `${host.name}/threads`);
    const { clock } = loop;
    this.channels = new SimChannels({ clock, draws: this.#draws, delayMs: plan.channelMs, touched });
    this.#listeners = new Listeners((error) => loop.fail(error));
    this.places = Array.from({ length: plan.count }, (_each, place) => place);
    const anywhere = plan.landing === 'any' ? this.#draws : undefined;
    this.dealer = new Dealer(this.places, () => this.#open(), anywhere);
    const { watchdogMs, restarts } = plan;
    this.#supervisor = new Supervisor(
      stirringClock(loop, host.clock),
      { places: plan.count, watchdogMs, restarts },
      this,
    );
    stir(this.#options.loop);
    this.#supervisor.start();
  }

  // ---- as its user has it

  get counts(): ShardCounts {
    return countsOf([...this.#members.values()].map(({ thread }) => thread.tally));
  }

  on<Name extends keyof ServerEvents>(event: Name, listener: (...args: ServerEvents[Name]) => unknown): () => void {
    return this.#listeners.on(event, listener);
  }

  close(options: { readonly drainMs?: number | undefined } = {}): Promise<void> {
    const isFirst = !this.#isClosing;
    const drainMs = isFirst ? drainMsOf(options.drainMs) : 0;
    this.#drainMs = drainMs;
    stir(this.#options.loop);
    this.#supervisor.drain(drainMs + DRAIN_GRACE_MS);
    if (!isFirst) for (const { port } of this.#members.values()) port.post({ type: 'drain', drainMs });
    this.#checkDrained();
    return this.#closing.promise;
  }

  // ---- as its world has it

  /** The threads that are there, dead ones that nobody has noticed included. */
  get threads(): readonly SimShard[] {
    return [...this.#members.values()].map(({ thread }) => thread);
  }

  /** Sessions of which the main thread knows. */
  get listed(): readonly SessionInfo[] {
    return [...this.#members.values()].flatMap(({ listing }) => listing.infos);
  }

  /** Whether every place that is not given up serves. */
  get isServing(): boolean {
    return this.places.every((place) => this.#members.get(place)?.isOpen === true);
  }

  /** The thread that holds a session, and the session. */
  find(id: string): { readonly thread: SimShard; readonly session: HostedSession } | undefined {
    if (id === '') return undefined;
    for (const { thread } of this.#members.values()) {
      const session = thread.host.isAlive ? thread.inner?.shard.find(id).living : undefined;
      if (session !== undefined) return { thread, session };
    }
    return undefined;
  }

  /** The thread in this place ends by itself, as with an uncaught error. */
  crash(place: number, isSilent: boolean): void {
    const member = this.#members.get(place);
    if (member !== undefined) this.#end(member, new Error('the thread ended'), isSilent);
  }

  /** The whole process is gone. */
  die(): void {
    for (const { thread } of this.#members.values()) thread.die();
    for (const end of this.ends) end.die();
    this.dealer.shut();
    this.host.kill();
  }

  // ---- what the supervisor asks and tells

  spawn(place: number, generation: number): ShardThread {
    const { seed, loop, settings, behavior } = this.#options;
    if (this.#members.has(place)) loop.fail(new PromiseBroken(`place ${place} has two threads`));
    const [port, portOfThread] = this.channels.open<SimOrder>();
    const [reports, inbox] = this.channels.open<SimReport>();
    const exited = Promise.withResolvers<Error | undefined>();
    const host = new SimHost(loop, `${this.host.name}/${place}.${generation}`, seed);
    const { plan } = this;
    const thread: SimShard = new SimShard({
      place,
      generation,
      host,
      plan,
      settings,
      behavior,
      places: this.places,
      port: portOfThread,
      report: (report) => {
        if (report.type === 'news') this.onNews?.(report.news);
        reports.post(report);
      },
      draining: (each) => this.onDrain?.(each),
      openPipe: () => this.channels.openPipe(),
    });
    reports.belong(thread);
    const member = new SimMember(thread, port, new Listing((error) => loop.fail(error)));
    this.#members.set(place, member);
    port.belong(this);
    inbox.belong(this);
    inbox.open({
      received: (report) => this.#heard(member, report),
      closed: () => this.#gone(() => exited.resolve(member.fault)),
    });
    return { exited: exited.promise, kill: () => this.#end(member, undefined, false) };
  }

  opened(place: number): void {
    const member = this.#members.get(place);
    if (member === undefined) return;
    member.begin(this.places, this.plan);
    for (const other of this.#open()) member.meet(other, this.channels);
    member.isOpen = true;
    this.dealer.settle(place);
  }

  shut(place: number): void {
    const member = this.#members.get(place);
    if (member !== undefined) member.isOpen = false;
  }

  drainPlace(place: number): void {
    const member = this.#members.get(place);
    if (member === undefined) return;
    member.isOpen = true;
    member.port.post({ type: 'drain', drainMs: this.#drainMs });
  }

  lost(place: number, error: HomingError | undefined): void {
    const member = this.#members.get(place);
    if (member === undefined) return;
    this.#members.delete(place);
    member.port.close();
    for (const news of member.listing.bury()) tellNews(this.#listeners, news);
    if (error !== undefined) {
      this.lossCount += 1;
      tellNews(this.#listeners, { type: 'error', error, info: undefined });
    }
    const { tally } = member.thread;
    for (const other of this.#open()) other.port.post({ type: 'neighbor', place, tally, port: undefined });
    this.#checkDrained();
  }

  left(place: number): void {
    this.places = this.places.filter((other) => other !== place);
    for (const { port } of this.#open()) port.post({ type: 'places', places: this.places });
    this.dealer.settle(place);
    if (this.places.length === 0) this.dealer.shut();
  }

  stopped(): void {
    this.#checkDrained();
  }

  beatsOf(place: number): number {
    return this.#members.get(place)?.thread.beats ?? 0;
  }

  // ---- below

  get #isClosing(): boolean {
    return this.#drainMs >= 0;
  }

  #open(): SimMember[] {
    return [...this.#members.values()].filter(({ isOpen }) => isOpen);
  }

  #heard(member: SimMember, report: SimReport): void {
    const { place, generation } = member.thread;
    stir(this.#options.loop);
    switch (report.type) {
      case 'ready':
        return this.#supervisor.ready(place, generation);
      case 'drained':
        member.isDrained = true;
        return this.#checkDrained();
      case 'news':
        member.listing.take(report.news);
        return tellNews(this.#listeners, report.news);
    }
  }

  /** The thread is gone now; the main thread hears of it later. */
  #end(member: SimMember, error: Error | undefined, isSilent: boolean): void {
    const { thread } = member;
    if (!thread.host.isAlive) return;
    member.fault = error;
    thread.die();
    this.#options.sever(thread.host, isSilent);
  }

  /** All that a dead thread had said has arrived. */
  #gone(exited: () => void): void {
    const { clock } = this.#options.loop;
    clock.at(clock.now() + this.#draws.number() * this.plan.goneMs, () =>
      this.host.bring(() => {
        stir(this.#options.loop);
        exited();
      }),
    );
  }

  #checkDrained(): void {
    if (!this.#isClosing || this.#open().some(({ isDrained }) => !isDrained)) return;
    if (!this.#isShut) {
      this.#isShut = true;
      this.dealer.shut();
      for (const { place, generation } of this.threads) this.#supervisor.drained(place, generation);
    }
    if (this.#members.size === 0) this.#closing.resolve();
  }
}
