/**
 * A shard: all sessions and accepted connections of one thread, the tombstones of those that ended, and the bounds on
 * all of them. It runs on the calling thread or in a worker alike; it knows no sockets, only lines.
 */
import { type EndCode, HomingError } from '../errors.ts';
import { type SessionId, sessionId } from '../ids.ts';
import { Deque } from '../session/deque.ts';
import { Pace } from '../session/pace.ts';
import { Graveyard } from '../session/registry.ts';
import type { Plain } from '../session/store.ts';
import { SECRET_BYTES } from '../wire/control.ts';
import { type AcceptingState, Acceptor, type AcceptorOwner, type Door, NO_DOOR } from './acceptor.ts';
import { Alarm } from './alarm.ts';
import { Books } from './books.ts';
import { HostedSession, type KnownIdentity, type SessionInfo } from './hosted-session.ts';
import { ALONE, type Surroundings } from './neighbors.ts';
import { Groups } from './groups.ts';
import { type Note, Notes } from './notes.ts';
import { FAILED_PROOFS_PER_SECOND, type Settings } from './options.ts';
import type { Dial, Host, Line, LineEnds, LineEvents } from './ports.ts';
import { Presence } from './presence.ts';
import { joinLine } from './relay.ts';
import type { Roster } from './roster.ts';
import { Count, type CountIndex, type ShardCounts, Tally, countsOf } from './tally.ts';

/** Bytes of chance in a session id; its text is twice as long. */
const SESSION_ID_RANDOM_BYTES = 16;

/** With a thousand shards a draw fails this often once in e^10. */
const ID_DRAWS_MAX = 10_000;

/** Addresses whose failed proofs are counted at a time. */
const ADDRESSES_MAX = 10_000;

/** How often lines that wait for a handshake look whether another shard has made room. */
const LOOK_MS = 20;

/** Where clients come back after a drain, spread over this many milliseconds. */
const RETURN_SPREAD_MS = 1_000;

/** What the holder of a shard is told. */
export interface ShardOwner {
  /** The session is visible from now on: run the behavior, then `session.actor.mailbox.open()`. */
  started(session: HostedSession): void;
  up(info: SessionInfo, resumed: boolean): void;
  down(info: SessionInfo, code: EndCode): void;
  gap(info: SessionInfo, counts: { unconfirmed: number; carried: number }): void;
  ended(info: SessionInfo, report: { code: EndCode; reason: string; unconfirmed: number; carried: number }): void;
  failed(error: HomingError, info: SessionInfo | undefined): void;
}

/** The auth hook of a behavior. */
export type Authenticate = (credentials: unknown, ends: LineEnds) => KnownIdentity | Promise<KnownIdentity>;

/** The sessions and accepted connections of one thread. */
export class Shard implements AcceptorOwner {
  readonly host: Host;
  readonly settings: Settings;
  readonly authenticate: Authenticate | undefined;
  /** What the sessions and connections of this shard hold. */
  readonly books: Books;
  /** Who can be addressed here, and what is sent to many. */
  readonly groups: Groups;
  /** Who is here, for those who may know. */
  readonly presence: Presence;
  readonly #notes: Notes;
  readonly #owner: ShardOwner;
  readonly #around: Surroundings;
  readonly #tally: Tally;
  readonly #sessions = new Map<SessionId, HostedSession>();
  readonly #unseen = new Set<HostedSession>();
  readonly #graves: Graveyard;
  readonly #acceptors = new Set<Acceptor>();
  /** Accepted lines that wait unread for their handshake. */
  readonly #waiting = new Deque<{ readonly dial: Dial; readonly door: Door; readonly untilMs: number }>();
  readonly #waitingAlarm: Alarm;
  readonly #pace = new Pace(FAILED_PROOFS_PER_SECOND, ADDRESSES_MAX);
  #drain: { readonly done: () => void; readonly timer: unknown } | undefined;
  /** Sessions that had a connection during the drain: they are drained when they end, not when it is lost. */
  readonly #met = new Set<HostedSession>();
  #isStopped = false;

  constructor(
    host: Host,
    settings: Settings,
    authenticate: Authenticate | undefined,
    owner: ShardOwner,
    around: Surroundings = { place: 0, tally: new Tally(), neighbors: ALONE },
  ) {
    this.host = host;
    this.settings = settings;
    this.authenticate = authenticate;
    this.#owner = owner;
    this.#around = around;
    this.#tally = around.tally;
    this.books = new Books(around.tally, settings.limits.shardBytes);
    this.#waitingAlarm = new Alarm(host.clock, () => this.#beginWaiting());
    this.#graves = new Graveyard(settings.limits.sessions);
    const { neighbors, place } = around;
    const notes = new Notes(host, (to, gathered) => neighbors.tell(to, gathered));
    this.#notes = notes;
    const places = (): readonly number[] => neighbors.others();
    this.groups = new Groups({ clock: host.clock, place, notes, places });
    this.presence = new Presence({ keys: settings.presenceKeys, notes, places });
  }

  /** Another thread says something. */
  heard(from: number, notes: readonly Note[]): void {
    for (const note of notes) {
      this.groups.heard(from, note);
      this.presence.heard(from, note);
    }
  }

  /** Another shard can be reached now. */
  met(place: number): void {
    this.groups.met(place);
    this.presence.met(place);
  }

  /** Another shard is gone. */
  lost(place: number): void {
    this.#notes.drop(place);
    this.groups.lost(place);
    this.presence.lost(place);
  }

  get counts(): ShardCounts {
    return countsOf([this.#tally]);
  }

  /** Its number among the shards of its server. */
  get place(): number {
    return this.#around.place;
  }

  /** Work is done: a loop that is busy with very many connections does not hang. */
  beat(): void {
    this.#tally.add(Count.BEATS, 1);
  }

  /** A dialled session began (1) or ended (-1): it counts as a session of this shard. */
  countDialled(by: 1 | -1): void {
    this.#tally.add(Count.SESSIONS, by);
  }

  /** From the begin of a drain on: sessions may be resumed, none is made. */
  get isDraining(): boolean {
    return this.#drain !== undefined || this.#isStopped;
  }

  /** All sessions, seen or not. */
  get held(): Iterable<HostedSession> {
    return this.#sessions.values();
  }

  /** The sessions that are visible. */
  *sessions(): IterableIterator<HostedSession> {
    for (const session of this.#sessions.values()) if (session.isSeen) yield session;
  }

  /**
   * Takes an accepted line. Beyond the bound on handshakes, which all shards share, it waits unread for its turn; beyond
   * that on connections, or when it has waited for as long as a handshake may take, it is told to come back later.
   */
  accept(dial: Dial, door: Door = NO_DOOR): void {
    this.beat();
    this.#tally.add(Count.CONNECTIONS, 1);
    if (this.#isStopped) this.#begin(dial, door).refuse('going-away', 'the server is shut down', this.returnMs());
    else if (this.#total(Count.CONNECTIONS) > this.settings.limits.connections)
      this.#begin(dial, door).refuse('overloaded', 'too many connections', this.returnMs());
    else if (this.#waiting.length > 0 || !this.#mayBegin) this.#wait(dial, door);
    else this.#begin(dial, door);
  }

  /** Plain facts of a session. */
  infoOf(session: HostedSession): SessionInfo {
    const { id, epoch, identity } = session;
    return { id, shard: this.#around.place, epoch, identityId: identity?.id, dialled: false };
  }

  /**
   * Drains: every connection is told to finish and to come back later; resolves through `done` when all are quiet, or
   * after `drainMs`. Then, and at once with 0, what is left is ended.
   */
  drain(drainMs: number, done: () => void): void {
    if (this.#drain !== undefined) this.host.clock.clearTimeout(this.#drain.timer);
    const timer = drainMs > 0 ? this.host.clock.setTimeout(() => this.stop(), drainMs) : undefined;
    this.#drain = { done, timer };
    this.presence.close();
    for (const session of this.#sessions.values()) {
      session.actor.session.startDrain(this.returnMs(), 'the server is shutting down');
      session.actor.wake();
      if (session.isAttached) this.#met.add(session);
      else if (!this.#isFinished(session)) session.actor.watchIdle();
    }
    if (drainMs === 0) this.stop();
    else this.#checkDrained();
  }

  /** Ends everything now. */
  stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.presence.close();
    this.groups.sender.close();
    for (const session of this.#sessions.values())
      session.end('going-away', 'the server was shut down', this.returnMs());
    this.#waitingAlarm.stop();
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift())
      this.#begin(next.dial, next.door);
    for (const acceptor of this.#acceptors) acceptor.close('going-away', 'the server was shut down', this.returnMs());
    if (this.#drain?.timer !== undefined) this.host.clock.clearTimeout(this.#drain.timer);
    this.#drain?.done();
  }

  // ---- what an acceptor asks

  get roster(): Roster | undefined {
    return this.#around.roster;
  }

  moved(from: AcceptingState | undefined, to: AcceptingState): void {
    this.#tally.moved('accepting', from, to);
  }

  find(id: string): { living: HostedSession | undefined; grave: ReturnType<Graveyard['find']> } {
    const key = sessionId(id);
    return { living: this.#sessions.get(key), grave: this.#graves.find(key, this.host.clock.now()) };
  }

  create(epoch: number, lingerMs: number, identity: KnownIdentity): HostedSession | undefined {
    if (this.isDraining || !this.#makeRoom()) return undefined;
    const id = this.#drawId();
    const secret = this.host.chance.bytes(SECRET_BYTES);
    const session = new HostedSession(
      this.host,
      this.settings,
      this,
      { id, secret, epoch, lingerMs },
      identity,
      this.books,
    );
    this.#sessions.set(id, session);
    this.#tally.add(Count.SESSIONS, 1);
    this.#unseen.add(session);
    return session;
  }

  placeFor(claimedId: string | undefined, door: Door): number | undefined {
    const { neighbors, place } = this.#around;
    const home =
      claimedId === undefined ? (door.spreads ? neighbors.next() : place) : neighbors.homeOf(sessionId(claimedId));
    return home === place ? undefined : home;
  }

  relay(place: number, ends: LineEnds, door: Door): ((line: Line, first: Uint8Array) => LineEvents) | undefined {
    const pipe = this.#around.neighbors.open(place, ends, door);
    if (pipe === undefined) return undefined;
    return (line, first) => {
      this.#tally.add(Count.RELAYS, 1);
      return joinLine(line, pipe, first, () => this.#tally.add(Count.RELAYS, -1), this.books);
    };
  }

  mayProve(address: string): boolean {
    return this.#pace.allows(address, this.host.clock.now());
  }

  proofFailed(address: string): void {
    this.#tally.add(Count.FAILED_PROOFS, 1);
    this.#pace.spend(address, this.host.clock.now());
  }

  settled(): void {
    this.#tally.add(Count.HANDSHAKES, -1);
    // Not here and now: whoever settles is in the middle of its own business.
    if (this.#waiting.length > 0) this.#waitingAlarm.set(this.host.clock.now());
  }

  closed(acceptor: Acceptor): void {
    if (this.#acceptors.delete(acceptor)) this.#tally.add(Count.CONNECTIONS, -1);
  }

  // ---- what a session tells

  seen(session: HostedSession): void {
    this.#unseen.delete(session);
    this.groups.join(session);
    this.presence.came(presentOf(session));
    this.#owner.started(session);
  }

  up(session: HostedSession, resumed: boolean): void {
    if (resumed) this.#tally.add(Count.RESUMES, 1);
    if (this.#drain !== undefined) this.#met.add(session);
    this.#owner.up(this.infoOf(session), resumed);
  }

  down(session: HostedSession, code: EndCode): void {
    this.#tally.add(Count.CUTS, 1);
    this.#owner.down(this.infoOf(session), code);
    this.#checkDrained();
  }

  ended(session: HostedSession, code: EndCode, reason: string, counts: { unconfirmed: number; carried: number }): void {
    if (this.#sessions.delete(session.id)) this.#tally.add(Count.SESSIONS, -1);
    this.#unseen.delete(session);
    this.#met.delete(session);
    this.#bury(session, code, reason);
    this.groups.leave(session);
    this.presence.went(session.id);
    if (session.isSeen) {
      const info = this.infoOf(session);
      if (code === 'history-lost') this.#owner.gap(info, counts);
      this.#owner.ended(info, { code, reason, ...counts });
    }
    this.#checkDrained();
  }

  quiet(session: HostedSession): void {
    if (this.#drain === undefined) return;
    session.end('going-away', 'the server has finished with this session', this.returnMs());
  }

  /** A handler has ended whose client is away. */
  idle(session: HostedSession): void {
    if (!session.isAttached) this.#checkDrained();
  }

  shown(session: HostedSession, key: string, now: Plain | undefined, before: Plain | undefined): void {
    this.groups.shown(session, key, now, before);
    this.presence.shown(presentOf(session), key);
  }

  failed(session: HostedSession | HomingError, error?: HomingError): void {
    if (session instanceof HomingError) this.#owner.failed(session, undefined);
    else if (error !== undefined) this.#owner.failed(error, this.infoOf(session));
  }

  // ---- below

  #begin(dial: Dial, door: Door): Acceptor {
    this.#tally.add(Count.HANDSHAKES, 1);
    const acceptor = new Acceptor(this, dial, door);
    this.#acceptors.add(acceptor);
    return acceptor;
  }

  get #mayBegin(): boolean {
    return this.#total(Count.HANDSHAKES) < this.settings.limits.handshakes;
  }

  #wait(dial: Dial, door: Door): void {
    this.#waiting.push({ dial, door, untilMs: this.host.clock.now() + this.settings.handshakeMs });
    if (this.#waiting.length === 1) this.#waitingAlarm.set(this.host.clock.now() + LOOK_MS);
  }

  /** Those whose turn it is begin; those who waited too long are told so. Other shards make room without a word. */
  #beginWaiting(): void {
    const nowMs = this.host.clock.now();
    for (let first = this.#waiting.at(0); first !== undefined; first = this.#waiting.at(0)) {
      if (this.#mayBegin) this.#begin(first.dial, first.door);
      else if (nowMs < first.untilMs) break;
      else this.#begin(first.dial, first.door).refuse('overloaded', 'too many handshakes', this.returnMs());
      this.#waiting.shift();
    }
    if (this.#waiting.length > 0) this.#waitingAlarm.set(nowMs + LOOK_MS);
  }

  #total(index: CountIndex): number {
    return this.#tally.read(index) + this.#around.neighbors.sumOf(index);
  }

  /** An id whose home is here: any thread finds a session by its id alone. */
  #drawId(): SessionId {
    const { neighbors, place } = this.#around;
    for (let i = 0; i < ID_DRAWS_MAX; i++) {
      const id = sessionId(hex(this.host.chance.bytes(SESSION_ID_RANDOM_BYTES)));
      if (neighbors.homeOf(id) === place) return id;
    }
    throw new HomingError(
      'InvariantBroken',
      `expected an id whose home is shard ${place}, drew ${ID_DRAWS_MAX} others`,
    );
  }

  #bury(session: HostedSession, code: EndCode, reason: string): void {
    const nowMs = this.host.clock.now();
    this.#graves.sweep(nowMs);
    const { id, secret, epoch, lingerMs } = session;
    const finalCursor = session.actor.session.cursor;
    const grave = { id, secret, epoch, code, reason, finalCursor, diesAtMs: nowMs + lingerMs };
    this.#graves.bury(grave);
    this.#tally.set(Count.GRAVES, this.#graves.size);
    session.onSettledLast = () => void (grave.finalCursor += 1);
  }

  /** Sessions that nobody has seen make room first, those without a connection only; seen ones never. */
  #makeRoom(): boolean {
    for (const session of this.#unseen) {
      if (this.hasRoom) return true;
      if (session.isAttached) continue;
      session.end('memory-freed', 'the room was needed');
      this.#tally.add(Count.SHED, 1);
    }
    if (this.hasRoom) return true;
    this.#tally.add(Count.SHED, 1);
    return false;
  }

  /** Whether one more session keeps within the bounds, which all shards share, and within the bytes of this one. */
  get hasRoom(): boolean {
    return !this.books.isPressed && this.#total(Count.SESSIONS) < this.settings.limits.sessions;
  }

  #checkDrained(): void {
    if (this.#drain === undefined || this.#isStopped) return;
    for (const session of this.#sessions.values()) if (!this.#isFinished(session)) return;
    this.stop();
  }

  /**
   * Whether the drain need not wait for this session: nobody ever saw it, or its client was away when the drain began
   * and it owes nothing. A client whose connection is lost in the drain is waited for: what it wrote last may not be
   * acknowledged, and only its answer to GOAWAY says that it is.
   */
  #isFinished(session: HostedSession): boolean {
    if (session.isAttached) return false;
    return !session.isSeen || (!this.#met.has(session) && session.actor.session.isIdle(session.actor.isIdle));
  }

  /** When to come back: not all at once. */
  returnMs(): number {
    return Math.floor(this.host.chance.number() * RETURN_SPREAD_MS);
  }
}

function presentOf({ id, actor }: HostedSession): { id: string; plainOf(key: string): Plain | undefined } {
  return { id, plainOf: (key) => actor.store.plainOf(key) };
}

function hex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0');
  return text;
}
