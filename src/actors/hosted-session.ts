/**
 * A session at the accepting end: its actor, its life (attached, detached, ended), its linger clock, and which
 * connection carries it. It is unseen, though resumable, until the first frame after its first WELCOME.
 */
import type { EndCode, HomingError } from '../errors.ts';
import type { SessionId } from '../ids.ts';
import { stepper } from '../machines/runner.ts';
import { type SessionEvent, sessionMachine } from '../machines/session-life.ts';
import type { Living } from '../session/registry.ts';
import type { PeerState } from '../session/session.ts';
import type { Plain } from '../session/store.ts';
import { Alarm } from './alarm.ts';
import type { Books } from './books.ts';
import type { Link } from './link.ts';
import type { Settings } from './options.ts';
import type { Host } from './ports.ts';
import { SessionActor, type SessionOwner } from './session-actor.ts';

/** What is known of a session outside of its thread: plain facts. */
export interface SessionInfo {
  readonly id: string;
  readonly shard: number;
  readonly epoch: number;
  readonly identityId: string | undefined;
  readonly dialled: boolean;
}

/** What the shard is told of its sessions. */
export interface HostedOwner {
  /** The first frame came: the behavior may start. */
  seen(session: HostedSession): void;
  up(session: HostedSession, resumed: boolean): void;
  down(session: HostedSession, code: EndCode): void;
  /** The session is over, with what it left undone. */
  ended(session: HostedSession, code: EndCode, reason: string, counts: { unconfirmed: number; carried: number }): void;
  failed(session: HostedSession, error: HomingError): void;
  /** Both ends have drained this connection. */
  quiet(session: HostedSession): void;
  /** A plain value of the store has changed. */
  shown(session: HostedSession, key: string, now: Plain | undefined, before: Plain | undefined): void;
  /** This end has nothing to do and nothing to wait for; told only to who asked with `watchIdle`. */
  idle(session: HostedSession): void;
}

/** The connection that carries a session. */
export interface Carrier {
  readonly link: Link;
  /** Says goodbye with a code and lets the connection go. */
  close(code: EndCode, reason: string, retryAfterMs: number): void;
}

/** Who the auth hook says the client is; undefined without a hook. */
export type KnownIdentity = { readonly id: string } | undefined;

const life = stepper(sessionMachine);

/** A session that a server holds. */
export class HostedSession implements Living, SessionOwner {
  readonly id: SessionId;
  readonly secret: Uint8Array;
  readonly epoch: number;
  readonly actor: SessionActor;
  /** Granted to the client, in milliseconds. */
  readonly lingerMs: number;
  attachedDial = 0;
  identity: KnownIdentity;
  isSeen = false;
  /** Connections after the first. */
  resumes = 0;
  /** Its peer follows what this end decides. */
  readonly isDialled = false;
  /** The life of the session, as words of its machine. */
  state = life.initial;
  /** The cursor at the end; rises once more if a handler that runs then settles well. */
  onSettledLast: (() => void) | undefined;
  readonly #host: Host;
  readonly #owner: HostedOwner;
  /** Made for the first time without a connection. */
  #alarm: Alarm | undefined;
  #carrier: Carrier | undefined;
  #isUp = false;
  #isFinished = false;
  #lingerEndsAtMs = 0;
  #lingerLeftMs = 0;
  #holdCount = 0;

  constructor(
    host: Host,
    settings: Settings,
    owner: HostedOwner,
    granted: { readonly id: SessionId; readonly secret: Uint8Array; readonly epoch: number; readonly lingerMs: number },
    identity: KnownIdentity,
    books?: Books,
  ) {
    this.#host = host;
    this.#owner = owner;
    this.id = granted.id;
    this.secret = granted.secret;
    this.epoch = granted.epoch;
    this.lingerMs = granted.lingerMs;
    this.identity = identity;
    this.actor = new SessionActor(host, settings.session, this, { decides: true, books });
    this.actor.session.adopt(granted.id, granted.secret, granted.epoch);
  }

  /** Whether a connection carries it now. */
  get isAttached(): boolean {
    return this.state === 'attached';
  }

  get isEnded(): boolean {
    return this.state === 'ended';
  }

  /** Whether this connection carries it. */
  isCarriedBy(carrier: Carrier): boolean {
    return this.#carrier === carrier;
  }

  fits(orderedReceived: number, cursor: number, directReceived: number): boolean {
    return this.actor.session.outlet.fits(orderedReceived, cursor, directReceived);
  }

  /** A HELLO with a good proof is being judged: the linger clock stops. Pair with `release`. */
  hold(): void {
    this.#holdCount += 1;
    if (this.#holdCount === 1) this.#step('HOLD');
  }

  /** The HELLO was judged: without a new connection the clock goes on with what was left. */
  release(): void {
    this.#holdCount -= 1;
    if (this.#holdCount === 0) this.#step('RELEASE');
  }

  /** A connection takes the session, the newest wins at once: the one before is told `replaced`. */
  attach(
    carrier: Carrier,
    hello: { readonly dialNumber: number; readonly depth: number },
    identity: KnownIdentity,
    peer: PeerState,
  ): void {
    const previous = this.#carrier;
    this.#carrier = carrier;
    previous?.close('replaced', 'a newer connection of this session took over', 0);
    this.#tellDown('replaced');
    this.attachedDial = hello.dialNumber;
    this.identity = identity;
    this.actor.attach(peer, hello.depth, false);
    this.#step('ATTACH');
  }

  /** The first frame after WELCOME: the session becomes visible. */
  confirm(resumed: boolean): void {
    if (!this.isSeen) {
      this.isSeen = true;
      this.#owner.seen(this);
    }
    if (this.isEnded) return;
    this.#isUp = true;
    if (resumed) this.resumes += 1;
    this.#owner.up(this, resumed);
  }

  /** The connection is gone; ignored if it is not the one that carries the session. */
  detach(carrier: Carrier, code: EndCode): void {
    if (this.#carrier !== carrier) return;
    this.#carrier = undefined;
    this.#step('DETACH');
    if (this.#holdCount > 0) this.#step('HOLD');
    this.#tellDown(code);
  }

  /** Ends the session for good; the peer learns the code now or when it comes back. */
  end(code: EndCode, reason: string, retryAfterMs = 0): void {
    if (this.isEnded) return;
    const carrier = this.#carrier;
    this.#carrier = undefined;
    carrier?.close(code, reason, retryAfterMs);
    this.#finish(code, reason);
  }

  // ---- what its actor tells

  failed(error: HomingError): void {
    this.#owner.failed(this, error);
  }

  idle(): void {
    this.#owner.idle(this);
  }

  quiet(): void {
    this.#owner.quiet(this);
  }

  shown(key: string, now: Plain | undefined, before: Plain | undefined): void {
    this.#owner.shown(this, key, now, before);
  }

  // ---- below

  #step(event: SessionEvent['type']): void {
    const step = life.step(this.state, event);
    this.state = step.state;
    for (const effect of step.effects) this.#effect(effect);
  }

  #effect(effect: (typeof life.start.effects)[number]): void {
    switch (effect) {
      case 'startLinger':
        this.#countDown(this.lingerMs);
        return;
      case 'stopLinger':
        this.#lingerLeftMs = Math.max(0, this.#lingerEndsAtMs - this.#host.clock.now());
        this.#alarm?.stop();
        return;
      case 'continueLinger':
        this.#countDown(this.#lingerLeftMs);
        return;
      case 'bury':
        this.#finish('expired', `no connection came back within ${this.lingerMs} ms`);
        return;
    }
  }

  #countDown(leftMs: number): void {
    this.#lingerEndsAtMs = this.#host.clock.now() + leftMs;
    this.#alarm ??= new Alarm(this.#host.clock, () => this.#step('LINGER_OVER'));
    this.#alarm.set(this.#lingerEndsAtMs);
  }

  #finish(code: EndCode, reason: string): void {
    if (this.#isFinished) return;
    this.#isFinished = true;
    if (!this.isEnded) this.#step('END');
    this.#alarm?.stop();
    this.#tellDown(code);
    const counts = this.actor.end(code, reason, 0, () => this.onSettledLast?.());
    this.#owner.ended(this, code, reason, counts);
  }

  #tellDown(code: EndCode): void {
    if (!this.#isUp) return;
    this.#isUp = false;
    this.#owner.down(this, code);
  }
}
