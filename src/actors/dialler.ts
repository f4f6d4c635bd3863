/**
 * The dialling end of a session: joins socket, machine and session for a client. Read it as a recipe: what the machine
 * commands is carried out in `#effect`, what happens on the link is told to the machine, the session never hears of
 * sockets. It lives as long as the session: from one dial to the next.
 */
import { type EndCode, HomingError, endTable, isTerminal, isViolation } from '../errors.ts';
import { type DiallingEffect, diallingMachine } from '../machines/dialling.ts';
import { type RunningMachine, runMachine } from '../machines/runner.ts';
import { type Backoff, freshBackoff, nextDelay, resetBackoff } from '../session/backoff.ts';
import type { Leftover } from '../session/outlet.ts';
import type { Parting } from '../session/session.ts';
import type { Plain } from '../session/store.ts';
import {
  Feature,
  type NewSession,
  PROTOCOL_VERSION,
  type ResumedSession,
  type WelcomeReceived,
  decodeClose,
  decodeRefused,
  decodeWelcome,
} from '../wire/control.ts';
import { FrameType } from '../wire/frame.ts';
import type { Splitter } from '../wire/splitter.ts';
import { Alarm } from './alarm.ts';
import { Greeting } from './greeting.ts';
import type { Books } from './books.ts';
import { channels } from './channels.ts';
import { Link, type LinkOwner } from './link.ts';
import { describeError, isThenable } from './describe.ts';
import type { RedialOptions, Settings } from './options.ts';
import type { Dial, Host } from './ports.ts';
import { Count } from './tally.ts';
import type { EndReport, LossChoice, LossReport } from './reports.ts';
import type { Roster } from './roster.ts';
import type { RosterConnection, RosterSession, Ticket } from './roster-entry.ts';
import { SessionActor } from './session-actor.ts';
import { addressOf } from './shown.ts';

/** The states of a client's connection. */
export type ConnectionState = 'idle' | 'connecting' | 'authenticating' | 'up' | 'backoff' | 'closed';

/** What the holder of a dialler is told, in the order in which it happens. */
export interface DiallerOwner {
  changed(state: ConnectionState, previous: ConnectionState): void;
  up(resumed: boolean): void;
  down(code: EndCode): void;
  redialling(attempt: number, delayMs: number, cause: Error | undefined): void;
  /** History was lost. Nothing of the new epoch has left; the answer says what does. */
  lost(report: LossReport): LossChoice;
  refused(report: EndReport): void;
  closed(report: EndReport): void;
  failed(error: HomingError): void;
  /** A plain value of the store that this end shows has changed. */
  shown?(key: string, now: Plain | undefined, before: Plain | undefined): void;
}

/** What a dialler is made with. */
export interface DiallerOptions {
  readonly settings: Settings;
  readonly redial: RedialOptions;
  readonly dial: Dial;
  /** Told the port that a WELCOME names beside the public one, 0 for none; undefined: the client cannot use one. */
  readonly learn?: ((directPort: number) => void) | undefined;
  /** Asked anew for each connection. */
  readonly credentials: () => unknown;
  readonly autoReconnect: boolean;
  /** The line can be made only once: its end is the end of the session. */
  readonly isOnce: boolean;
  /** Of the shard, where the session lives in one. */
  readonly books?: Books | undefined;
  /** Where the connection is entered for inspectors, if there are any. */
  readonly roster?: Roster | undefined;
}

/** Frames that may answer a HELLO. */
const ANSWERS = [FrameType.WELCOME, FrameType.REFUSED, FrameType.CLOSE] as const;

/** A session that dials. */
export class Dialler implements RosterConnection, RosterSession {
  readonly machine = 'dialling';
  /** Nobody authenticates to the one who dials. */
  readonly identity = undefined;
  readonly actor: SessionActor;
  /** Connections that resumed the session. */
  resumes = 0;
  readonly #host: Host;
  readonly #options: DiallerOptions;
  readonly #owner: DiallerOwner;
  readonly #machine: RunningMachine<typeof diallingMachine>;
  readonly #ticket: Ticket | undefined;
  readonly #greeting: Greeting;
  #backoff: Backoff;
  /** What to go on with when the connection turns out to break a rule: such a one proves nothing. */
  #backoffAtDial: Backoff;
  #link: Link | undefined;
  /** The server's positions cannot be true: the next HELLO gives the session up and asks for a new one. */
  #wantsRenewal = false;
  #isResumed = false;
  #retryAfterMs = 0;
  #cause: Error | undefined;
  #drain: { readonly timer: unknown; readonly endsAtMs: number } | undefined;
  #isReferenced = true;
  /** What the server granted; 0 before it has. */
  #lingerMs = 0;
  /** Rings when the server has surely forgotten the session, if its connection was lost as it was here. */
  readonly #lingering: Alarm;
  /** It drains with its peer: both ends say when they are quiet. */
  #isLeaving = false;
  /** Set once the session is over for good. */
  #report: EndReport | undefined;
  #isClosed = false;

  constructor(host: Host, options: DiallerOptions, owner: DiallerOwner) {
    this.#host = host;
    this.#options = options;
    this.#owner = owner;
    this.#backoff = freshBackoff(options.redial);
    this.#backoffAtDial = this.#backoff;
    this.#lingering = new Alarm(host.clock, () => this.actor.lingerOver());
    this.#greeting = new Greeting(host, options.settings, options.learn !== undefined);
    const told = {
      failed: (error: HomingError) => owner.failed(error),
      idle: () => this.#finish('closed', ''),
      quiet: () => this.#quiet(),
      shown: (key: string, now: Plain | undefined, before: Plain | undefined) => owner.shown?.(key, now, before),
    };
    this.actor = new SessionActor(host, options.settings.session, told, { books: options.books });
    const { autoReconnect, settings, redial, isOnce } = options;
    this.#ticket = options.roster?.enter(this);
    this.#machine = runMachine(diallingMachine, {
      input: { autoReconnect: autoReconnect && !isOnce, handshakeMs: settings.handshakeMs, stableMs: redial.stableMs },
      clock: host.clock,
      onEffect: (effect) => this.#effect(effect),
      onState: (state, previous) => this.#changed(state, previous),
      seen: this.#ticket,
    });
    options.books?.moved('dialling', undefined, 'idle');
    this.#publishState(undefined, 'idle');
  }

  // ---- what an inspector sees

  get words(): readonly string[] {
    return this.#machine.words();
  }

  get context(): object {
    return this.#machine.context();
  }

  get link(): Link | undefined {
    return this.#link;
  }

  get session(): RosterSession | undefined {
    return this.actor.session.id === undefined ? undefined : this;
  }

  get id(): string {
    return this.actor.session.id ?? '';
  }

  get epoch(): number {
    return this.actor.session.epoch;
  }

  get isAttached(): boolean {
    return this.state === 'up';
  }

  get isEnded(): boolean {
    return this.#isClosed;
  }

  // ---- commands

  get state(): ConnectionState {
    return this.#machine.state();
  }

  get autoReconnect(): boolean {
    return this.#machine.context().autoReconnect;
  }

  set autoReconnect(on: boolean) {
    this.#machine.send({ type: 'AUTO_RECONNECT', on: on && !this.#options.isOnce });
  }

  connect(): void {
    if (this.state === 'idle') this.#backoff = resetBackoff(this.#backoff);
    this.#machine.send({ type: 'CONNECT' });
  }

  reconnect(): void {
    this.#backoff = resetBackoff(this.#backoff);
    this.#goodbye();
    this.#machine.send({ type: 'RECONNECT' });
  }

  /** Gives a live connection up for a reason of the user's, and dials again as after one that failed. */
  abandon(cause: Error): void {
    if (this.state !== 'up') return;
    this.#goodbye();
    this.#cause = cause;
    this.#backoff = this.#backoffAtDial;
    this.#machine.send({ type: 'SOCKET_LOST', code: 'disconnected' });
  }

  disconnect(): void {
    this.#goodbye();
    this.#machine.send({ type: 'DISCONNECT' });
  }

  /** Ends the session once it owes nothing, or after `drainMs`; of several calls the earliest end counts. */
  close(drainMs: number): void {
    if (this.#isClosed) return;
    this.actor.refuseNew();
    const mayFinish = this.actor.session.id !== undefined && this.state !== 'idle';
    if (!mayFinish || drainMs === 0) return this.#finish('closed', '');
    this.#finishBy(drainMs);
    this.actor.watchIdle();
  }

  /**
   * As a server drains: lets both ends finish, so that nothing which the other one sends is left either, and ends the
   * session then, or after `drainMs`. One that is down and owes nothing ends at once.
   */
  drain(drainMs: number): void {
    const { actor } = this;
    const isDown = this.state !== 'up' && actor.session.isIdle(actor.isIdle);
    if (drainMs === 0 || isDown) return this.close(drainMs);
    this.#isLeaving = true;
    actor.session.startDrain(0, 'this end is shutting down');
    actor.wake();
    this.#finishBy(drainMs);
  }

  /** Whether the line alone keeps the process alive. */
  ref(alive: boolean): void {
    this.#isReferenced = alive;
    this.#link?.ref(alive);
  }

  /** Of several limits the earliest counts. */
  #finishBy(drainMs: number): void {
    const { clock } = this.#host;
    const endsAtMs = clock.now() + drainMs;
    if (this.#drain !== undefined && this.#drain.endsAtMs <= endsAtMs) return;
    this.#stopDrain();
    const timer = clock.setTimeout(() => this.#finish('closed', 'the time to drain was over'), drainMs);
    this.#drain = { timer, endsAtMs };
  }

  #quiet(): void {
    if (this.#isLeaving) this.#finish('closed', '');
  }

  // ---- what the machine commands

  #effect(effect: DiallingEffect): void {
    switch (effect.type) {
      case 'dial':
        return this.#dial();
      case 'greet':
        return this.#greet();
      case 'hangUp':
        return this.#hangUp();
      case 'planRedial':
        return this.#planRedial();
      case 'proven':
        this.#backoff = resetBackoff(this.#backoff);
        return;
    }
  }

  #dial(): void {
    this.#cause = undefined;
    this.#greeting.forget();
    const link: Link = new Link(
      this.#host,
      this.#linkOwner(() => link),
      this.#options.dial,
      ANSWERS,
      this.#options.books,
    );
    this.#link = link;
    this.#backoffAtDial = this.#backoff;
    if (!this.#isReferenced) link.ref(false);
  }

  #linkOwner(link: () => Link): LinkOwner {
    return {
      opened: () => this.#machine.send({ type: 'SOCKET_OPEN' }),
      greeted: (frame) => this.#answered(link(), frame),
      confirmed: () => {},
      advanced: () => this.#machine.send({ type: 'SESSION_ADVANCED' }),
      goingAway: () => {},
      parted: (parting, by) => this.#parted(parting, by),
      lost: (error) => this.#lost(error),
    };
  }

  #greet(): void {
    const link = this.#link;
    if (link === undefined) return;
    let credentials: unknown;
    try {
      credentials = this.#options.credentials();
    } catch (error) {
      return this.#credentialsFailed(error);
    }
    if (!isThenable(credentials)) return this.#sendHello(link, credentials);
    Promise.resolve(credentials).then(
      (value) => this.#sendHello(link, value),
      (error: unknown) => {
        if (!link.isOver) this.#credentialsFailed(error);
      },
    );
  }

  #sendHello(link: Link, credentials: unknown): void {
    if (link.isOver) return;
    try {
      this.#greeting.prepare(this.actor.session, link.ends, credentials, this.#wantsRenewal ? 'renew' : 'resume');
    } catch (error) {
      return this.#credentialsFailed(error);
    }
    link.writeControl(FrameType.HELLO, this.#greeting.hello);
  }

  #credentialsFailed(error: unknown): void {
    const sentence = `the credentials could not be had: ${describeError(error).message}`;
    const failure = error instanceof HomingError ? error : new HomingError('NotEncodable', sentence, { cause: error });
    this.#cause = failure;
    this.#owner.failed(failure);
    this.#machine.send({ type: 'SOCKET_LOST', code: 'line-lost' });
  }

  #hangUp(): void {
    this.#link?.destroy();
    this.#link = undefined;
  }

  #planRedial(): void {
    const { delayMs, next } = nextDelay(this.#backoff, this.#host.chance.number(), this.#retryAfterMs);
    this.#backoff = next;
    this.#retryAfterMs = 0;
    this.#machine.send({ type: 'REDIAL_PLANNED', delayMs });
    this.#owner.redialling(next.attemptCount, delayMs, this.#cause ?? this.#plainCause());
  }

  /** What ended the connection, where no error tells more: a deadline of the machine, a line that closed in silence. */
  #plainCause(): Error {
    const code = (this.#machine.context().cause ?? 'line-lost') as EndCode;
    return new HomingError(code, endTable[code].meaning);
  }

  #changed(state: ConnectionState, previous: ConnectionState): void {
    this.#options.books?.moved('dialling', previous, state);
    this.#publishState(previous, state);
    this.#owner.changed(state, previous);
    if (state === 'up' && this.#isResumed) this.#countResume();
    if (state === 'up') this.#owner.up(this.#isResumed);
    else if (previous === 'up') this.#wentDown(this.#machine.context().cause as EndCode);
    if (state === 'closed') this.#ticket?.leave(this.#report?.code);
    if (state === 'closed' && this.#report !== undefined) this.#owner.closed(this.#report);
    if (state === 'idle' && this.#options.isOnce) this.#finish('stream-ended', '');
    else if (state === 'idle' && this.#drain !== undefined) this.#finish('closed', '');
  }

  #publishState(from: ConnectionState | undefined, to: ConnectionState): void {
    const channel = channels['homing:connection:state'];
    if (!channel.hasSubscribers) return;
    // The machine remembers why a connection ended until the next one does.
    const isEnd = hasConnection(from) && to !== 'authenticating' && to !== 'up';
    const cause = isEnd ? this.#machine.context().cause : undefined;
    const address = addressOf(this.#link);
    channel.publish({ machine: 'dialling', from, to, cause, sessionId: this.actor.session.id, address });
  }

  #countResume(): void {
    this.resumes += 1;
    this.#options.books?.count(Count.RESUMES);
  }

  #wentDown(code: EndCode): void {
    this.#options.books?.count(Count.CUTS);
    if (!this.#isClosed) this.#lingering.set(this.#host.clock.now() + this.#lingerMs);
    this.#owner.down(code);
  }

  // ---- what the link tells

  #answered(link: Link, frame: Splitter): void {
    const { type, bytes, start, end } = frame;
    if (type === FrameType.WELCOME) return this.#welcomed(link, decodeWelcome(bytes, start, end));
    if (type === FrameType.REFUSED) return this.#refused(link, decodeRefused(bytes, start, end));
    const parting = decodeClose(bytes, start, end);
    if (parting === undefined) return this.#violated(link, 'bad-frame', 'a malformed CLOSE');
    link.destroy();
    this.#parted(parting, 'peer');
  }

  #welcomed(link: Link, welcome: WelcomeReceived | undefined): void {
    if (welcome === undefined) return this.#violated(link, 'bad-frame', 'a malformed WELCOME');
    if (this.#greeting.hello.length === 0)
      return this.#violated(link, 'unexpected-frame', 'a WELCOME before HELLO was out');
    if (welcome.version !== PROTOCOL_VERSION) {
      return this.#violated(link, 'bad-frame', `expected version ${PROTOCOL_VERSION}, got ${welcome.version}`);
    }
    if (welcome.mac !== undefined && !this.#greeting.isProven(this.actor.session.secret, welcome)) {
      return this.#violated(link, 'welcome-unproven', 'the answer does not prove knowledge of the session');
    }
    this.#options.learn?.(welcome.directPort);
    if (welcome.session.type === 'resumed') this.#resume(link, welcome, welcome.session);
    else this.#begin(link, welcome, welcome.session);
  }

  #resume(link: Link, welcome: WelcomeReceived, positions: ResumedSession): void {
    const { session } = this.actor;
    const { orderedReceived, cursor, directReceived } = positions;
    if (session.id === undefined || this.#wantsRenewal) {
      return this.#violated(link, 'bad-frame', 'a session was resumed that was not asked for');
    }
    if (!session.outlet.fits(orderedReceived, cursor, directReceived)) {
      this.#wantsRenewal = true;
      return this.#violated(link, 'history-lost', 'the positions of the server cannot be true');
    }
    const { outlet } = session;
    const hasMoved = outlet.isNews(orderedReceived, cursor, directReceived);
    this.#isResumed = true;
    this.#attach(link, welcome, positions);
    // What the connection before carried counts, though it was cut before its ack came back.
    if (hasMoved) this.#machine.send({ type: 'SESSION_ADVANCED' });
  }

  #begin(link: Link, welcome: WelcomeReceived, fresh: NewSession): void {
    const { session } = this.actor;
    if (fresh.epoch <= session.epoch) {
      return this.#violated(link, 'bad-frame', `expected an epoch above ${session.epoch}, got ${fresh.epoch}`);
    }
    const oldId = session.id;
    const leftover = oldId === undefined ? undefined : this.actor.startEpoch(fresh.finalCursor ?? 0);
    session.adopt(fresh.id, fresh.secret, fresh.epoch);
    this.#wantsRenewal = false;
    if (oldId !== undefined && leftover !== undefined) this.#reportLoss(oldId, fresh, leftover);
    if (link.isOver) return;
    this.#isResumed = false;
    this.#attach(link, welcome, { orderedReceived: 0, cursor: 0, directReceived: 0 });
  }

  #reportLoss(oldId: string, fresh: NewSession, leftover: Leftover): void {
    const { unconfirmed, carried } = leftover;
    const reason = fresh.loss ?? 'history-lost';
    const store = this.actor.store.lose();
    const choice = this.#owner.lost({ reason, oldId, epoch: fresh.epoch, unconfirmed, carried, store });
    const { outlet } = this.actor.session;
    if (choice.discard) outlet.discardCarried();
    if (choice.resend) this.actor.resend(leftover);
    outlet.afterGap();
    this.actor.afterInput();
  }

  #attach(
    link: Link,
    welcome: WelcomeReceived,
    positions: { readonly orderedReceived: number; readonly cursor: number; readonly directReceived: number },
  ): void {
    const { orderedReceived, cursor, directReceived } = positions;
    const { windowMessages, windowBytes, messageBytes, depth } = welcome;
    const isChecksummed = (welcome.features & Feature.CHECKSUM) !== 0;
    const checksum = isChecksummed ? this.#host.checksum : undefined;
    const window = { windowMessages, windowBytes, messageBytes };
    this.#lingerMs = welcome.lingerMs;
    this.#lingering.stop();
    this.actor.attach({ orderedReceived, cursor, directReceived, ...window, checksum }, depth, true);
    link.carry(this.actor, isChecksummed);
    this.#cause = undefined;
    this.#machine.send({ type: 'WELCOMED' });
    this.actor.afterInput();
  }

  #refused(link: Link, refused: ReturnType<typeof decodeRefused>): void {
    if (refused === undefined) return this.#violated(link, 'bad-frame', 'a malformed REFUSED');
    const { code, reason, retryAfterMs } = refused;
    const channel = channels['homing:handshake:refused'];
    if (channel.hasSubscribers) channel.publish({ machine: 'dialling', code, reason, address: addressOf(link) });
    const isProvenFinal = refused.mac !== undefined && this.#greeting.isProven(this.actor.session.secret, refused);
    const { outlet } = this.actor.session;
    if (!isTerminal(code)) {
      this.#retryAfterMs = retryAfterMs;
      this.#cause = new HomingError(code, `the server refused the connection: ${reason}`);
      this.#owner.refused({ code, reason, ...outlet.counts });
      this.#machine.send({ type: 'REFUSED', code });
      return;
    }
    this.#conclude(code, reason, isProvenFinal ? (refused.finalCursor ?? 0) : 0, true);
  }

  #parted(parting: Parting, by: 'peer' | 'here'): void {
    const { code, reason } = parting;
    if (by === 'peer' && isTerminal(code)) return this.#conclude(code, reason, 0, false);
    this.#retryAfterMs = by === 'peer' ? parting.retryAfterMs : 0;
    this.#cause = new HomingError(code, reason === '' ? code : reason);
    if (isViolation(code)) this.#backoff = this.#backoffAtDial;
    this.#machine.send({ type: 'SOCKET_LOST', code });
  }

  #lost(error: Error | undefined): void {
    const code = this.state === 'connecting' ? 'dial-failed' : 'line-lost';
    this.#cause = error;
    this.#machine.send({ type: 'SOCKET_LOST', code });
  }

  // ---- ends

  #violated(link: Link, code: EndCode, reason: string): void {
    link.close(code, reason);
    this.#parted({ code, reason, retryAfterMs: 0 }, 'here');
  }

  /** Lets go of a live link with a word, so that the server knows at once. */
  #goodbye(): void {
    if (this.state === 'up') this.#link?.close('disconnected', '');
  }

  #finish(code: EndCode, reason: string): void {
    if (this.#isClosed) return;
    if (this.state === 'up') this.#link?.close(code, reason);
    this.#conclude(code, reason, 0, false);
  }

  /** The end, once: whoever acts on it from a listener finds it done. `closed` is told when the machine is there. */
  #conclude(code: EndCode, reason: string, finalCursor: number, isRefusal: boolean): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#lingering.stop();
    this.#stopDrain();
    const report = { code, reason, ...this.actor.end(code, reason, finalCursor) };
    this.#report = report;
    if (isRefusal) this.#owner.refused(report);
    this.#machine.send(code === 'closed' ? { type: 'CLOSE' } : { type: 'TERMINATED', code });
  }

  #stopDrain(): void {
    if (this.#drain !== undefined) this.#host.clock.clearTimeout(this.#drain.timer);
    this.#drain = undefined;
  }
}

/** Whether there is a connection in this state, or one on its way. */
function hasConnection(state: ConnectionState | undefined): boolean {
  return state === 'connecting' || state === 'authenticating' || state === 'up';
}
