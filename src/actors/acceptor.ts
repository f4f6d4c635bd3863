/**
 * The accepting end of one connection: joins socket and machine until a session is attached, then carries it. It reads
 * the HELLO, has it judged, asks the auth hook, and answers with WELCOME or REFUSED; nothing is replaced, ended or
 * started before all of that went well (DESIGN: Authenticate first, then resume).
 */
import { type EndCode, HomingError, isTerminal } from '../errors.ts';
import { acceptingMachine } from '../machines/accepting.ts';
import { type RunningMachine, type RunOptions, type StateWord, runMachine } from '../machines/runner.ts';
import { type Tombstone, type Verdict, judge } from '../session/registry.ts';
import type { Parting } from '../session/session.ts';
import { Codec } from '../wire/codec.ts';
import {
  Feature,
  type HelloReceived,
  PROTOCOL_VERSION,
  decodeHello,
  encodeRefused,
  encodeWelcome,
  helloVersions,
} from '../wire/control.ts';
import { FrameType, copyOf, frameOf } from '../wire/frame.ts';
import { defaultWireLimits } from '../wire/limits.ts';
import { scan } from '../wire/scan.ts';
import type { Splitter } from '../wire/splitter.ts';
import { termsOf } from './greeting.ts';
import type { Carrier, HostedSession, KnownIdentity } from './hosted-session.ts';
import type { Books } from './books.ts';
import { channels } from './channels.ts';
import { Link, type LinkOwner } from './link.ts';
import { describeError, isThenable } from './describe.ts';
import type { Settings } from './options.ts';
import type { Clock, Dial, Host, Line, LineEnds, LineEvents } from './ports.ts';
import type { Roster } from './roster.ts';
import type { RosterConnection, Ticket } from './roster-entry.ts';
import { addressOf } from './shown.ts';

/** The states of an accepted connection. */
export type AcceptingState = StateWord<typeof acceptingMachine>;

/** What the connection needs from the shard that holds the sessions. */
export interface AcceptorOwner {
  readonly host: Host;
  readonly settings: Settings;
  readonly books: Books;
  /** Where the connection is entered for inspectors, if there are any. */
  readonly roster: Roster | undefined;
  /** The connection went from one state of its machine to another; undefined: it began. */
  moved(from: AcceptingState | undefined, to: AcceptingState): void;
  find(id: string): { readonly living: HostedSession | undefined; readonly grave: Tombstone | undefined };
  /** The auth hook; undefined when the behavior has none. */
  readonly authenticate: ((credentials: unknown, ends: LineEnds) => KnownIdentity | Promise<KnownIdentity>) | undefined;
  /** Sessions may be resumed, none is made. */
  readonly isDraining: boolean;
  /** When to come back after a drain, in milliseconds. */
  returnMs(): number;
  /** Makes a session, or undefined when there is no room for one. */
  create(epoch: number, lingerMs: number, identity: KnownIdentity): HostedSession | undefined;
  /** Whether this address may still be told that a proof failed. */
  mayProve(address: string): boolean;
  proofFailed(address: string): void;
  /** The handshake is over, well or not. */
  settled(acceptor: Acceptor): void;
  closed(acceptor: Acceptor): void;
  failed(error: HomingError): void;
  /** Where this HELLO belongs: another shard, or undefined for this one. */
  placeFor(claimedId: string | undefined, door: Door): number | undefined;
  /** Hands the line over to another shard; undefined when that one cannot take it now. */
  relay(place: number, ends: LineEnds, door: Door): ((line: Line, first: Uint8Array) => LineEvents) | undefined;
}

/** Which listener a connection came through, as far as its shard must know. */
export interface Door {
  /** Tells listeners of one server apart; 0: none, a stream that was given to the server. */
  readonly number: number;
  /** Port at which this shard itself listens beside the public one; 0: none. */
  readonly directPort: number;
  /** Connections of this door could not choose their shard: new sessions are spread over all. */
  readonly spreads: boolean;
}

const NO_BYTES = new Uint8Array(0);

/** What may come before a session is attached, and first after that. */
const HELLO_ONLY = [FrameType.HELLO];
const CONFIRMING = [FrameType.ACK, FrameType.CLOSE];

/** How long a client whose shard is being started waits before it comes again, on average. */
const RESTART_MS = 150;

/** The door of lines that came through none. */
export const NO_DOOR: Door = { number: 0, directPort: 0, spreads: false };

/** One accepted connection. */
export class Acceptor implements Carrier, LinkOwner, RosterConnection, RunOptions<typeof acceptingMachine> {
  readonly machine = 'accepting';
  readonly link: Link;
  readonly #owner: AcceptorOwner;
  readonly #machine: RunningMachine<typeof acceptingMachine>;
  readonly #ticket: Ticket | undefined;
  #hello: HelloReceived | undefined;
  #helloBytes: Uint8Array = NO_BYTES;
  #session: HostedSession | undefined;
  #held: HostedSession | undefined;
  /** The secret that the HELLO was found to know. */
  #provenBy: Uint8Array | undefined;
  #isResumed = false;
  #isSettled = false;
  readonly #door: Door;

  constructor(owner: AcceptorOwner, dial: Dial, door: Door) {
    this.#owner = owner;
    this.#door = door;
    this.#ticket = owner.roster?.enter(this);
    owner.moved(undefined, 'authenticating');
    this.#publishState(undefined, 'authenticating', undefined);
    this.#machine = runMachine(acceptingMachine, this);
    this.link = new Link(owner.host, this, dial, HELLO_ONLY, owner.books);
  }

  /** The words of its state: `authenticating`, `up` or `closed`. */
  get words(): readonly string[] {
    return this.#machine.words();
  }

  get context(): object {
    return this.#machine.context();
  }

  get session(): HostedSession | undefined {
    return this.#session;
  }

  /** Says no before anything was read: there is no room. */
  refuse(code: EndCode, reason: string, retryAfterMs: number): void {
    this.#refuse(code, reason, retryAfterMs, undefined);
  }

  /** Lets the connection go with a code. */
  close(code: EndCode, reason: string, retryAfterMs: number): void {
    this.link.close(code, reason, retryAfterMs);
    this.#machine.send({ type: 'CLOSE', code });
  }

  #publishState(from: AcceptingState | undefined, to: AcceptingState, cause: string | undefined): void {
    const channel = channels['homing:connection:state'];
    if (!channel.hasSubscribers) return;
    const address = addressOf(this.link);
    channel.publish({ machine: 'accepting', from, to, cause, sessionId: this.#session?.id, address });
  }

  // ---- what its machine asks and tells

  get input(): { readonly handshakeMs: number } {
    return { handshakeMs: this.#owner.settings.handshakeMs };
  }

  get clock(): Clock {
    return this.#owner.host.clock;
  }

  get seen(): Ticket | undefined {
    return this.#ticket;
  }

  onEffect(): void {
    this.#hangUp();
  }

  onState(state: AcceptingState, previous: AcceptingState): void {
    this.#owner.moved(previous, state);
    this.#publishState(previous, state, this.#machine.context().cause);
  }

  // ---- what its link tells

  opened(): void {
    // Who listens wants to hear the address at the end too, when the line does not know it any more.
    if (channels['homing:connection:state'].hasSubscribers) void this.link.ends;
  }

  confirmed(): void {
    this.#session?.confirm(this.#isResumed);
  }

  advanced(): void {}

  goingAway(): void {}

  lost(): void {
    this.#machine.send({ type: 'SOCKET_LOST', code: 'line-lost' });
  }

  parted(parting: Parting, by: 'peer' | 'here'): void {
    const session = this.#session;
    const { code, reason } = parting;
    if (by === 'peer' && isTerminal(code) && session?.isCarriedBy(this) === true) session.end(code, reason);
    this.#machine.send(by === 'peer' ? { type: 'SOCKET_LOST', code } : { type: 'CLOSE', code });
  }

  // ---- HELLO

  greeted(frame: Splitter): void {
    if (this.#hello !== undefined) return this.#violated('unexpected-frame', 'a second HELLO');
    const { bytes, start, end } = frame;
    const versions = helloVersions(bytes, start, end);
    if (versions === undefined) return this.#violated('bad-frame', 'this is no HELLO of Homing');
    if (versions.min > PROTOCOL_VERSION || versions.max < PROTOCOL_VERSION) {
      const reason = `expected version ${PROTOCOL_VERSION}, got ${versions.min} to ${versions.max}`;
      return this.#refuse('version-unsupported', reason, 0, undefined);
    }
    const hello = decodeHello(bytes, start, end);
    if (hello === undefined) return this.#violated('bad-frame', 'a malformed HELLO');
    this.#hello = hello;
    this.#helloBytes = copyOf(bytes, start, end);
    const place = this.#owner.placeFor(hello.claim?.id, this.#door);
    if (place === undefined) this.#judgeFirst(hello);
    else this.#relay(place);
  }

  /** The session lives in another shard: all bytes go there, this HELLO first, and nobody can tell. */
  #relay(place: number): void {
    const go = this.#owner.relay(place, this.link.ends, this.#door);
    if (go === undefined) {
      const reason = 'the shard of this session is being started again';
      return this.#refuse('shard-restarting', reason, this.#restartMs(), undefined);
    }
    const hello = frameOf(FrameType.HELLO, this.#helloBytes, this.#owner.host.checksum);
    this.link.surrender((line, rest) => {
      const first = new Uint8Array(hello.length + rest.length);
      first.set(hello);
      first.set(rest, hello.length);
      return go(line, first);
    });
    this.#machine.send({ type: 'RELAYED' });
  }

  /** About as long as a thread takes to start, and not for all at once. */
  #restartMs(): number {
    return Math.floor((0.5 + this.#owner.host.chance.number()) * RESTART_MS);
  }

  #judgeFirst(hello: HelloReceived): void {
    const { living, verdict } = this.#judge(hello);
    if (verdict.type === 'refuse' && verdict.code === 'proof-failed') return this.#refuseProof(verdict.reason);
    if (verdict.type === 'refuse') return this.#refuse(verdict.code, verdict.reason, 0, verdict.grave);
    this.#held = living;
    living?.hold();
    this.#authenticate(hello);
  }

  /** Beyond a pace a bad proof is not even called bad. Good ones are never held up: many share an address. */
  #refuseProof(reason: string): void {
    const address = this.link.ends.remoteAddress;
    const mayKnow = this.#owner.mayProve(address);
    this.#owner.proofFailed(address);
    if (mayKnow) this.#refuse('proof-failed', reason, 0, undefined);
    else this.#refuse('overloaded', 'too many failed proofs from this address', 1_000, undefined);
  }

  #judge(hello: HelloReceived): { living: HostedSession | undefined; verdict: Verdict } {
    const id = hello.claim?.id;
    const { living, grave } = id === undefined ? { living: undefined, grave: undefined } : this.#owner.find(id);
    const verdict = judge(hello, living, grave, this.#owner.host.secrets, this.#provenBy);
    if (verdict.type !== 'refuse') this.#provenBy = (living ?? grave)?.secret;
    return { living, verdict };
  }

  #authenticate(hello: HelloReceived): void {
    const { authenticate } = this.#owner;
    const { credentials } = hello;
    const verdict = scan(credentials, 0, credentials.length, defaultWireLimits);
    if (verdict < 0) return this.#violated('payload-refused', 'the credentials');
    if (authenticate === undefined) return this.#welcome(hello, this.#held?.identity);
    let identity: KnownIdentity | Promise<KnownIdentity>;
    try {
      const shown = new Codec(defaultWireLimits).decode(credentials, 0, credentials.length, verdict);
      identity = authenticate(shown, this.link.ends);
    } catch (error) {
      return this.#refuseIdentity(error);
    }
    if (!isThenable(identity)) return this.#admit(hello, identity);
    Promise.resolve(identity).then(
      (known) => this.#admit(hello, known),
      (error: unknown) => this.#refuseIdentity(error),
    );
  }

  #refuseIdentity(error: unknown): void {
    const wantsRetry = typeof error === 'object' && error !== null && 'retry' in error && error.retry === true;
    this.#refuse(wantsRetry ? 'try-later' : 'refused', describeError(error).message, 0, undefined);
  }

  /** The hook has answered: who it is must be said, and a session stays with its owner. */
  #admit(hello: HelloReceived, identity: KnownIdentity): void {
    if (this.link.isOver) return;
    if (typeof identity?.id !== 'string') {
      this.#owner.failed(
        new HomingError('BadOption', 'expected authenticate() to return an identity with an id, a string'),
      );
      return this.#refuse('refused', 'the server could not tell who this is', 0, undefined);
    }
    this.#welcome(hello, identity);
  }

  // ---- WELCOME

  /** Judges once more, because time has passed in the hook: this is the moment of attach. */
  #welcome(hello: HelloReceived, identity: KnownIdentity): void {
    const { living, verdict } = this.#judge(hello);
    if (verdict.type === 'refuse') return this.#refuse(verdict.code, verdict.reason, 0, verdict.grave);
    if (living !== undefined && living.identity?.id !== identity?.id) {
      return this.#refuse(
        'identity-changed',
        'the credentials belong to another identity than the session',
        0,
        undefined,
      );
    }
    if (verdict.type === 'resume' && living !== undefined) this.#resume(hello, living, identity);
    else if (verdict.type === 'create') this.#create(hello, living, verdict, identity);
  }

  #resume(hello: HelloReceived, session: HostedSession, identity: KnownIdentity): void {
    this.#isResumed = true;
    this.#attach(hello, session, identity, positionsOf(hello), hello.windowMessages, hello.windowBytes);
    const { orderedReceived, cursor, directReceived } = session.actor.session;
    const positions = { type: 'resumed' as const, orderedReceived, cursor, directReceived };
    this.#sendWelcome(hello, session, positions, session.secret);
    this.#carry(hello, session);
  }

  #create(
    hello: HelloReceived,
    old: HostedSession | undefined,
    verdict: Extract<Verdict, { type: 'create' }>,
    identity: KnownIdentity,
  ): void {
    const lingerMs = Math.min(hello.lingerMs, this.#owner.settings.lingerMs);
    if (this.#owner.isDraining)
      return this.#refuse('going-away', 'the server is shutting down', this.#owner.returnMs(), undefined);
    const session = this.#owner.create(verdict.epoch, lingerMs, identity);
    if (session === undefined) return this.#refuse('overloaded', 'no room for another session', 1_000, undefined);
    this.#release();
    old?.end('history-lost', 'the other end lost its memory of the session');
    const isNew = hello.claim === undefined;
    const none = { orderedReceived: 0, cursor: 0, directReceived: 0 };
    this.#attach(hello, session, identity, none, isNew ? hello.windowMessages : 0, isNew ? hello.windowBytes : 0);
    const { id, secret, epoch } = session;
    const finalCursor = verdict.grave?.finalCursor;
    const fresh = { type: 'new' as const, id, secret, epoch, finalCursor, loss: verdict.loss };
    this.#sendWelcome(hello, session, fresh, verdict.grave?.secret);
    this.#carry(hello, session);
  }

  #attach(
    hello: HelloReceived,
    session: HostedSession,
    identity: KnownIdentity,
    positions: { readonly orderedReceived: number; readonly cursor: number; readonly directReceived: number },
    windowMessages: number,
    windowBytes: number,
  ): void {
    const { orderedReceived, cursor, directReceived } = positions;
    const checksum = this.#isChecksummed(hello) ? this.#owner.host.checksum : undefined;
    const { messageBytes } = hello;
    const peer = { orderedReceived, cursor, directReceived, windowMessages, windowBytes, messageBytes, checksum };
    this.#session = session;
    session.attach(this, hello, identity, peer);
    this.#release();
  }

  #sendWelcome(
    hello: HelloReceived,
    session: HostedSession,
    answer: Parameters<typeof encodeWelcome>[0]['session'],
    secret: Uint8Array | undefined,
  ): void {
    const { settings, host } = this.#owner;
    const features = this.#isChecksummed(hello) ? Feature.CHECKSUM : 0;
    const terms = termsOf(settings, features, session.lingerMs, session.actor.session.room);
    const welcome = { version: PROTOCOL_VERSION, ...terms, directPort: this.#directPort(hello), session: answer };
    const sign = (unsigned: Uint8Array): Uint8Array =>
      host.secrets.sign(secret ?? session.secret, this.#helloBytes, unsigned);
    this.link.writeControl(FrameType.WELCOME, encodeWelcome(welcome, sign));
  }

  /** Named only where the client reaches this very socket's address: no proxy and no NAT lies between (DESIGN 5). */
  #directPort(hello: HelloReceived): number {
    const { seenAddress, seenPort } = hello;
    if (this.#door.directPort === 0 || seenPort === 0) return 0;
    const { localAddress, localPort } = this.link.ends;
    if (seenPort !== localPort || plain(seenAddress) !== plain(localAddress)) return 0;
    return this.#door.directPort;
  }

  #carry(hello: HelloReceived, session: HostedSession): void {
    this.link.carry(session.actor, this.#isChecksummed(hello), CONFIRMING);
    this.#hello = undefined;
    this.#helloBytes = NO_BYTES;
    this.#settle();
    this.#machine.send({ type: 'WELCOMED' });
    session.actor.afterInput();
    session.actor.wake();
  }

  #isChecksummed(hello: HelloReceived): boolean {
    return (hello.features & Feature.CHECKSUM) !== 0 && this.#owner.settings.checksum !== false;
  }

  // ---- ends

  #violated(code: EndCode, reason: string): void {
    this.close(code, reason, 0);
  }

  #refuse(code: EndCode, reason: string, retryAfterMs: number, grave: Tombstone | undefined): void {
    if (this.link.isOver) return;
    const channel = channels['homing:handshake:refused'];
    if (channel.hasSubscribers) channel.publish({ machine: 'accepting', code, reason, address: addressOf(this.link) });
    const { secrets } = this.#owner.host;
    const refused = { code, reason, retryAfterMs, finalCursor: grave?.finalCursor };
    const secret = grave?.secret ?? NO_BYTES;
    const body = encodeRefused(refused, (unsigned) => secrets.sign(secret, this.#helloBytes, unsigned));
    this.link.writeControl(FrameType.REFUSED, body);
    this.link.leave();
    this.#machine.send({ type: 'HELLO_REFUSED', code });
  }

  /** The machine has reached `closed`, whatever led there; told exactly once. */
  #hangUp(): void {
    const code = (this.#machine.context().cause ?? 'line-lost') as EndCode;
    if (code === 'handshake-timeout') this.link.close(code, 'the handshake took too long');
    else this.link.destroy();
    this.#release();
    this.#settle();
    this.#ticket?.leave(code);
    this.#session?.detach(this, code);
    this.#owner.closed(this);
  }

  #release(): void {
    this.#held?.release();
    this.#held = undefined;
  }

  #settle(): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    this.#owner.settled(this);
  }
}

/** An IPv4 address that is written as an IPv6 one is the same address. */
function plain(address: string): string {
  return address.toLowerCase().replace(/^::ffff:(?=\d+\.)/u, '');
}

function positionsOf(hello: HelloReceived) {
  const { orderedReceived = 0, cursor = 0, directReceived = 0 } = hello.claim ?? {};
  return { orderedReceived, cursor, directReceived };
}
