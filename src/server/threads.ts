/**
 * Shards in threads of their own. The main thread listens and deals each socket, unread, to the shard with the fewest;
 * what happens on it from then on happens there. Beside that it only introduces shards to each other, keeps the list of
 * sessions for those who ask, and lets the supervisor replace what died.
 */
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { MessageChannel } from 'node:worker_threads';
import type { SessionInfo } from '../actors/hosted-session.ts';
import type { HeldFailed, Sent } from '../actors/group-sender.ts';
import { plainError, wholeError } from '../actors/news.ts';
import type { GroupMessage } from '../actors/notes.ts';
import { settingsOf } from '../actors/options.ts';
import { type ShardPool, openShardPool } from '../actors/pool.ts';
import type { Host } from '../actors/ports.ts';
import type { PresenceFeed } from '../actors/presence-feed.ts';
import { type RestartBudget, type ShardThread, Supervisor, type SupervisorOwner } from '../actors/supervisor.ts';
import { Count, type ShardCounts, countsOf } from '../actors/tally.ts';
import { HomingError } from '../errors.ts';
import type { Address } from '../transports/address.ts';
import type { Listening } from '../transports/tcp.ts';
import { checkCloneable, tlsTerms } from '../transports/tls.ts';
import { Dials, copiedCredentials } from './dials.ts';
import { Doors, type DoorsOwner } from './doors.ts';
import { entryUrl } from './entry-url.ts';
import type { Inspection } from './inspection.ts';
import { MainDesk } from './main-desk.ts';
import { Member } from './member.ts';
import { OffloadDesk } from './offload.ts';
import type { PlainServerOptions, Report } from './orders.ts';
import type { DialOptions, Shards } from './shards.ts';
import type { Teller } from './teller.ts';
import { relayStream } from './stream-relay.ts';

/** A shard that says nothing of its drain is ended this long after the time to drain. */
const DRAIN_GRACE_MS = 500;

/**
 * Node ends a thread that is out of memory within 16 MiB past its bound. With a larger young generation one collection
 * can need more than that, and V8 then ends the whole process (seen with Node 24.21).
 */
const YOUNG_GENERATION_MB = 16;

/** Who is told what becomes of threads and of their sessions. */
export type ThreadsTeller = Pick<Teller, 'news' | 'shardStarted' | 'shardLost'>;

/** What threads are made with. */
export interface ThreadOptions {
  readonly host: Host;
  readonly module: string;
  readonly shards: number;
  readonly watchdogMs: number;
  readonly restarts: RestartBudget;
  readonly offloadThreads: number;
  /** Heap of one shard in MiB; undefined: what Node gives a thread. */
  readonly shardHeapMb: number | undefined;
  /** Accepted sockets that may wait while no shard is open. */
  readonly waitingMax: number;
  readonly plain: PlainServerOptions;
  readonly inspection: Inspection | undefined;
  readonly teller: ThreadsTeller;
}

/** Something that waits for an open shard, or for its end. */
interface Waiting {
  readonly go: (member: Member) => void;
  readonly drop: () => void;
}

/** The shards of a server, each in its thread. */
export class ThreadShards implements Shards, SupervisorOwner, DoorsOwner {
  readonly #options: ThreadOptions;
  readonly #pool: ShardPool;
  readonly #supervisor: Supervisor;
  readonly #desk: OffloadDesk;
  readonly #main: MainDesk;
  readonly #members = new Map<number, Member>();
  readonly #doors: Doors;
  readonly #dials = new Dials(() => this.open());
  readonly #tasks = new Map<Member, Map<number, AbortController>>();
  readonly #waiting: Waiting[] = [];
  readonly #unsettled: Set<number>;
  readonly #settled = Promise.withResolvers<void>();
  readonly #closing = Promise.withResolvers<void>();
  #places: readonly number[];
  #fault: HomingError | undefined;
  #drainMs = -1;
  #lastPlace = -1;
  #isStarted = false;
  /** Nothing is accepted any more, from the moment all shards have finished. */
  #shut: Promise<void> | undefined;
  #isFinishing = false;

  constructor(options: ThreadOptions) {
    const { host, shards, module, offloadThreads, shardHeapMb, watchdogMs, restarts } = options;
    this.#options = options;
    this.#places = Array.from({ length: shards }, (_, place) => place);
    this.#unsettled = new Set(this.#places);
    const resourceLimits = {
      maxYoungGenerationSizeMb: YOUNG_GENERATION_MB,
      ...(shardHeapMb === undefined ? {} : { maxOldGenerationSizeMb: shardHeapMb }),
    };
    // One more than there are places would be a fault of the supervisor: it waits for each thread to be gone.
    this.#pool = openShardPool({ entry: entryUrl('shard-entry'), threads: shards, resourceLimits });
    this.#desk = new OffloadDesk({ module, threads: offloadThreads, clock: host.clock });
    this.#doors = new Doors(this);
    this.#main = new MainDesk(host, settingsOf(options.plain).presenceKeys, {
      places: () => this.open().map(({ place }) => place),
      tell: (place, notes) => this.#members.get(place)?.order({ type: 'notes', notes }),
    });
    this.#supervisor = new Supervisor(host.clock, { places: shards, watchdogMs, restarts }, this);
  }

  get counts(): ShardCounts {
    return countsOf([...this.#members.values()].map(({ tally }) => tally));
  }

  async listen(address: Address): Promise<Listening> {
    if (address.tls !== undefined) {
      checkCloneable(address.tls);
      tlsTerms(address.tls);
    }
    await this.#begin();
    return address.type === 'path' ? this.#doors.listenAtPath(address) : this.#doors.listenAtPort(address);
  }

  accept(stream: Duplex): void {
    this.#start();
    this.#toSome({ go: (member) => relayStream(stream, member), drop: () => void stream.destroy() });
  }

  async dial(address: Address, { credentials, signal }: DialOptions): Promise<SessionInfo> {
    const copy = copiedCredentials(credentials);
    if (address.tls !== undefined) checkCloneable(address.tls);
    await this.#begin();
    return this.#dials.start(address, copy, signal);
  }

  send(message: GroupMessage, holdMs: number | undefined, failed: HeldFailed): Sent | Promise<Sent> {
    return this.#main.sender.send(message, holdMs, failed);
  }

  watch(): PresenceFeed {
    return this.#main.presence.watch();
  }

  drain(drainMs: number): Promise<void> {
    const isFirst = this.#drainMs < 0;
    this.#drainMs = drainMs;
    if (!this.#isStarted) this.#closing.resolve();
    this.#main.flush();
    this.#supervisor.drain(drainMs + DRAIN_GRACE_MS);
    if (!isFirst) for (const member of this.#members.values()) member.order({ type: 'drain', drainMs });
    this.#checkDrained();
    return this.#closing.promise;
  }

  // ---- what the doors ask

  get shards(): number {
    return this.#options.shards;
  }

  get isClosing(): boolean {
    return this.#drainMs >= 0;
  }

  open(): Member[] {
    return [...this.#members.values()].filter(({ isOpen }) => isOpen);
  }

  /** Of several with the same load each in its turn. */
  leastLoaded(): Member | undefined {
    const { shards } = this.#options;
    let best: Member | undefined;
    let least = Infinity;
    for (let i = 1; i <= shards; i++) {
      const member = this.#members.get((this.#lastPlace + i) % shards);
      if (member === undefined || !member.isOpen || member.load >= least) continue;
      best = member;
      least = member.load;
    }
    if (best !== undefined) this.#lastPlace = best.place;
    return best;
  }

  deal(socket: Socket, door: number): void {
    // It may have died while it waited; one without a descriptor cannot be moved.
    const go = (member: Member): void => {
      if (socket.destroyed) return;
      try {
        member.hand({ type: 'socket', socket, door }, [socket]);
      } catch {
        // The peer was faster: its socket broke after it was accepted.
        socket.destroy();
      }
    };
    this.#toSome({ go, drop: () => void socket.destroy() });
  }

  failed(error: HomingError): void {
    this.#options.teller.news({ type: 'error', error, info: undefined });
  }

  // ---- what the supervisor asks and tells

  spawn(place: number, generation: number): ShardThread {
    const { module, plain, inspection } = this.#options;
    const member: Member = new Member(place, generation, (report) => this.#heard(member, report));
    this.#members.set(place, member);
    const port = member.portOfThread;
    const { memory } = member.tally;
    const inspectPort = inspection === undefined ? undefined : member.inspect(inspection);
    const start = { place, generation, module, options: plain, memory, places: this.#places, port, inspectPort };
    return this.#pool.start(start, inspectPort === undefined ? [port] : [port, inspectPort]);
  }

  opened(place: number): void {
    const member = this.#members.get(place);
    if (member === undefined) return;
    member.order({ type: 'places', places: this.#places });
    this.#doors.openAll(member);
    for (const other of this.open()) introduce(member, other);
    member.isOpen = true;
    this.#options.teller.shardStarted(place, member.generation);
    this.#main.met(place);
    this.#settle(place);
    for (const one of this.#waiting.splice(0)) this.#toSome(one);
    this.#doors.tend();
    this.#dials.placeWaiting();
  }

  shut(place: number): void {
    const member = this.#members.get(place);
    if (member !== undefined) member.isOpen = false;
  }

  /** It is still dealt sockets: clients come back to finish, and it tells those that begin to come back later. */
  drainPlace(place: number): void {
    const member = this.#members.get(place);
    if (member === undefined) return;
    member.isOpen = true;
    member.order({ type: 'drain', drainMs: this.#drainMs });
  }

  lost(place: number, error: HomingError | undefined): void {
    const member = this.#members.get(place);
    if (member === undefined) return;
    const news = member.bury((report) => this.#heard(member, report));
    this.#members.delete(place);
    this.#main.lost(place);
    for (const one of news) this.#options.teller.news(one);
    this.#options.teller.shardLost(place, member.generation, error);
    if (error !== undefined) {
      this.#fault = error;
      this.failed(error);
    }
    const { memory } = member.tally;
    for (const other of this.open()) other.order({ type: 'neighbor', place, memory, port: undefined });
    for (const stop of this.#tasks.get(member)?.values() ?? []) stop.abort();
    this.#tasks.delete(member);
    this.#doors.lost(member);
    this.#doors.tend();
    if (!this.isClosing) this.#dials.lost(member);
    this.#checkDrained();
  }

  left(place: number): void {
    this.#places = this.#places.filter((other) => other !== place);
    for (const member of this.open()) member.order({ type: 'places', places: this.#places });
    this.#settle(place);
    for (const one of this.#waiting.splice(0)) this.#toSome(one);
    if (this.#places.length > 0) return;
    this.#dials.dropAll(this.#noShards());
  }

  stopped(): void {
    this.#finishIfGone();
  }

  beatsOf(place: number): number {
    return this.#members.get(place)?.tally.read(Count.BEATS) ?? 0;
  }

  // ---- what a shard reports

  #heard(member: Member, report: Report): void {
    const { place, generation } = member;
    switch (report.type) {
      case 'ready':
        return this.#supervisor.ready(place, generation);
      case 'unfit':
        this.#fault = wholeError(report.error) as HomingError;
        return this.#supervisor.unfit(place, generation);
      case 'news':
        for (const news of report.news) this.#options.teller.news(member.take(news));
        return;
      case 'listening':
        return this.#doors.answered(member, report.door, report.what, answerOf(report.at));
      case 'dialled':
        return this.#dials.settled(report.key, report.info);
      case 'notDialled':
        return this.#dials.settled(report.key, wholeError(report.error) as HomingError);
      case 'dialOver':
        return this.#dials.ended(report.key);
      case 'task':
        return void this.#work(member, report);
      case 'notes':
        return this.#main.heard(place, report.notes);
      case 'taskGivenUp':
        this.#tasks.get(member)?.get(report.token)?.abort();
        return;
      case 'drained':
        member.isDrained = true;
        return this.#checkDrained();
    }
  }

  // ---- beginning and end

  #start(): void {
    if (this.#isStarted) return;
    this.#isStarted = true;
    this.#supervisor.start();
  }

  /** Resolves when every place has a shard, or has been given up, and one at least is there. */
  async #begin(): Promise<void> {
    this.#start();
    await this.#settled.promise;
    if (this.isClosing) throw new HomingError('Closed', 'the server is closed');
    if (this.#places.length === 0) throw this.#noShards();
  }

  #settle(place: number): void {
    if (this.#unsettled.delete(place) && this.#unsettled.size === 0) this.#settled.resolve();
  }

  #noShards(): HomingError {
    const cause = this.#fault;
    const sentence = `no shard is left to serve: ${cause?.message ?? 'all were given up'}`;
    return new HomingError('ShardCrashed', sentence, { cause, retry: false });
  }

  /** The threads end together: each may carry lines of sessions that another one still finishes. */
  #checkDrained(): void {
    if (!this.isClosing || this.#shut !== undefined || this.open().some(({ isDrained }) => !isDrained)) return;
    this.#shut = this.#doors.close();
    this.#dropWaiting();
    for (const { place, generation } of this.#members.values()) this.#supervisor.drained(place, generation);
    this.#finishIfGone();
  }

  #finishIfGone(): void {
    if (this.#shut === undefined || this.#isFinishing || this.#members.size > 0) return;
    this.#isFinishing = true;
    void this.#finish(this.#shut);
  }

  async #finish(shut: Promise<void>): Promise<void> {
    this.#main.close();
    this.#dials.dropAll(new HomingError('Closed', 'the server is closed'));
    await Promise.all([shut, this.#pool.close(), this.#desk.close(), this.#options.inspection?.close()]);
    this.#settled.resolve();
    this.#closing.resolve();
  }

  #dropWaiting(): void {
    for (const { drop } of this.#waiting.splice(0)) drop();
  }

  /** To the shard with the fewest lines, or to the next one that opens; at the start all wait until every place is settled. */
  #toSome(one: Waiting): void {
    const member = this.#unsettled.size > 0 ? undefined : this.leastLoaded();
    if (member !== undefined) one.go(member);
    else if (this.#shut !== undefined || this.#places.length === 0) one.drop();
    else if (this.#waiting.length < this.#options.waitingMax) this.#waiting.push(one);
    else one.drop();
  }

  // ---- heavy work

  async #work(member: Member, { token, task, input, timeoutMs }: Extract<Report, { type: 'task' }>): Promise<void> {
    const stop = new AbortController();
    const tasks = this.#tasks.get(member) ?? new Map<number, AbortController>();
    this.#tasks.set(member, tasks.set(token, stop));
    try {
      const value = await this.#desk.run(task, input, { timeoutMs, signal: stop.signal });
      member.order({ type: 'taskDone', token, value });
    } catch (error) {
      member.order({ type: 'taskFailed', token, error: plainError(error) });
    }
    tasks.delete(token);
  }
}

function introduce(one: Member, other: Member): void {
  const { port1, port2 } = new MessageChannel();
  one.order({ type: 'neighbor', place: other.place, memory: other.tally.memory, port: port1 }, [port1]);
  other.order({ type: 'neighbor', place: one.place, memory: one.tally.memory, port: port2 }, [port2]);
}

function answerOf(at: Extract<Report, { type: 'listening' }>['at']) {
  return at !== undefined && 'message' in at ? (wholeError(at) as HomingError) : at;
}
