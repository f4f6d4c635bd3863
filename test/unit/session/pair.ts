/**
 * Two real ends of a session and the line between them. What one end pumps is copied into the line and leaves it in
 * any pieces, as a prefix of what was written (that is TCP); a piece is overwritten once it has been read, so that whoever
 * kept a view of it instead of a copy is found out. Time moves only when a test says so.
 */
import { crc32 } from 'node:zlib';
import { sessionId } from '../../../src/ids.ts';
import type { Outcome } from '../../../src/errors.ts';
import { ResultStatus } from '../../../src/session/calls.ts';
import { ReceiptStatus } from '../../../src/session/direct.ts';
import type { Heartbeat } from '../../../src/session/liveness.ts';
import type { Leftover, OutletOutput } from '../../../src/session/outlet.ts';
import { type Parting, type PeerState, Session, type SessionLimits, Taken } from '../../../src/session/session.ts';
import { Kind } from '../../../src/wire/frame.ts';
import { Gather } from '../../../src/wire/gather.ts';
import { Splitter } from '../../../src/wire/splitter.ts';

/** The limits of an end unless a test says otherwise. */
export const worldLimits: SessionLimits = {
  messageBytes: 1_048_576,
  outboxMessages: 10_000,
  outboxBytes: 16_777_216,
  mailboxMessages: 1_024,
  mailboxBytes: 1_048_576,
};

const REFUSED_BYTE = 0xff;
const POISON = 0xee;
const SECRET = new Uint8Array(32);
const NO_BYTES = new Uint8Array(0);
const text = new TextDecoder('latin1');

/** What an end is made with. */
export interface EndOptions {
  readonly limits?: Partial<SessionLimits>;
  readonly heartbeat?: Heartbeat;
}

/** A message that was taken and not settled yet. */
export interface Mail {
  readonly epoch: number;
  readonly seq: number;
  readonly kind: number;
  readonly text: string;
  readonly bytes: number;
}

/** What an end tells of itself in HELLO or WELCOME. */
export type Told = Omit<PeerState, 'checksum'>;

/** The payload of a message: its text as bytes, one byte a character. */
export function payloadOf(message: string): Uint8Array {
  return new Uint8Array(Buffer.from(message, 'latin1'));
}

/** A text of exactly this many bytes that begins with a name. */
export function padded(name: string, bytes: number): string {
  return name.padEnd(bytes, '.');
}

/** One end: a session with a mailbox that is worked off when the test says so. */
export class End {
  session: Session;
  readonly limits: SessionLimits;
  readonly mailbox: Mail[] = [];
  /** Texts of all messages settled, of any epoch, in order. */
  readonly handled: string[] = [];
  /** Everything the sending half said, in order. */
  readonly outputs: OutletOutput[] = [];
  /** Fault or farewell of the current connection. */
  parting: Parting | undefined;
  goAwayCount = 0;
  /** Status and error of the receipt for a message, by its text. */
  answer: (mail: Mail) => { readonly status: number; readonly error?: Uint8Array } = () => ({
    status: ReceiptStatus.OK,
  });
  /** What a call comes to, by its text; undefined: later, with `answerCall`. By default its own text. */
  result: (mail: Mail) => { readonly status: number; readonly item?: Uint8Array } | undefined = (mail) => ({
    status: ResultStatus.OK,
    item: payloadOf(mail.text),
  });
  /** Texts of the calls that were started, of any epoch, in order. */
  readonly started: string[] = [];
  /** Called for each message before it is settled: a handler that sends. */
  onMail: (mail: Mail) => void = () => {};
  mailboxBytesSeenMax = 0;
  mailboxMessagesSeenMax = 0;
  splitter = new Splitter(crc32);
  #isIdle = true;

  constructor(options: EndOptions = {}) {
    this.limits = { ...worldLimits, ...options.limits };
    const inspect = (bytes: Uint8Array, start: number, end: number): number =>
      end > start && bytes[start] === REFUSED_BYTE ? -1 : 0;
    const heartbeat = options.heartbeat ?? { intervalMs: 5_000, timeoutMs: 15_000 };
    this.session = new Session({ limits: this.limits, heartbeat, inspect, inspectItem: inspect });
    this.session.adopt(sessionId('s-1'), SECRET, 1);
  }

  /** Sends an event as the handle does; false when there is no room. */
  send(message: string): boolean {
    const bytes = payloadOf(message);
    const { outlet } = this.session;
    if (outlet.isFull(bytes.length)) return false;
    outlet.accept(Kind.EVENT, bytes, 0, bytes.length, 0);
    return true;
  }

  /** Sends an event from inside a running turn. */
  sendInTurn(message: string): boolean {
    const isAccepted = this.send(message);
    if (isAccepted) this.session.allowInTurn();
    return isAccepted;
  }

  /** Delivers an event as the handle does: it stands in line when there is no room. */
  deliver(message: string, token: number): void {
    const bytes = payloadOf(message);
    const { outlet } = this.session;
    if (outlet.isFull(bytes.length)) outlet.enqueue(Kind.DELIVER, bytes, 0, bytes.length, token);
    else outlet.accept(Kind.DELIVER, bytes, 0, bytes.length, token);
  }

  /** Calls as the handle does: it stands in line when there is no room. */
  call(message: string, token: number): void {
    const bytes = payloadOf(message);
    const { outlet } = this.session;
    if (outlet.isFull(bytes.length)) outlet.enqueue(Kind.CALL, bytes, 0, bytes.length, token);
    else outlet.accept(Kind.CALL, bytes, 0, bytes.length, token);
  }

  /** Answers a call that was started. */
  answerCall(seq: number, status: number, item: Uint8Array = NO_BYTES): void {
    this.session.direct.sendResult(Kind.RESULT, seq, status, item, 0, item.length);
  }

  /** Settles up to `count` received messages, oldest first. */
  work(nowMs: number, count = Infinity): number {
    let settled = 0;
    while (settled < count) {
      const mail = this.mailbox.shift();
      if (mail === undefined) break;
      this.#isIdle = false;
      this.onMail(mail);
      this.#isIdle = true;
      this.handled.push(mail.text);
      if (mail.epoch === this.session.epoch) {
        const isCancelled = mail.kind === Kind.CALL && this.session.direct.takeCancel(mail.seq);
        this.session.processed(mail.bytes, nowMs);
        if (mail.kind === Kind.DELIVER) {
          const { status, error } = this.answer(mail);
          this.session.direct.sendReceipt(mail.seq, status, error);
        }
        if (isCancelled) this.answerCall(mail.seq, ResultStatus.CANCELLED);
        else if (mail.kind === Kind.CALL) this.#startCall(mail);
      } else this.session.settleOld(mail.bytes, nowMs);
      settled += 1;
    }
    this.takeOutputs();
    return settled;
  }

  /** Whether no handler runs or waits. */
  get isMailboxIdle(): boolean {
    return this.#isIdle && this.mailbox.length === 0;
  }

  /** Answers GOAWAY if it is time; whether both ends are through. */
  settleDrain(): boolean {
    return this.session.settleDrain(this.isMailboxIdle);
  }

  /** Whether this end owes nothing and waits for nothing. */
  get isIdle(): boolean {
    return this.session.isIdle(this.isMailboxIdle);
  }

  /** What this end would tell of itself now. */
  tell(): Told {
    const { session } = this;
    return {
      orderedReceived: session.orderedReceived,
      cursor: session.cursor,
      directReceived: session.directReceived,
      windowMessages: session.room.grantedMessages,
      windowBytes: session.room.grantedBytes,
      messageBytes: this.limits.messageBytes,
    };
  }

  /** Reads a piece of the line. False when the connection must part. */
  read(piece: Uint8Array, nowMs: number): boolean {
    const { session, splitter } = this;
    session.heard(nowMs);
    splitter.push(piece);
    while (splitter.next()) {
      const taken = session.receive(splitter.type, splitter, nowMs);
      if (taken === Taken.MESSAGE) this.#keep();
      else if (taken === Taken.GOAWAY) this.goAwayCount += 1;
      else if (taken !== Taken.NOTHING) {
        this.parting = session.parting;
        break;
      }
      this.#watchMailbox();
    }
    session.forgetFrame();
    piece.fill(POISON);
    this.takeOutputs();
    if (splitter.fault !== undefined) this.parting = { code: splitter.fault, reason: 'splitter', retryAfterMs: 0 };
    return this.parting === undefined;
  }

  /** Moves what the sending half said into `outputs`. */
  takeOutputs(): void {
    this.outputs.push(...this.session.outlet.outputs.splice(0));
  }

  /** Tokens whose receipt came, with its status. */
  get receipts(): (readonly [token: number, status: number])[] {
    this.takeOutputs();
    return this.outputs.flatMap((output) =>
      output.type === 'receipt' ? [[output.token, output.status] as const] : [],
    );
  }

  /** Tokens of calls whose result came (0: nobody waits for it), with its status and text. */
  get results(): (readonly [token: number, status: number, item: string])[] {
    this.takeOutputs();
    return this.outputs.flatMap((output) =>
      output.type === 'result' ? [[output.token, output.status, text.decode(bytesOf(output.item))] as const] : [],
    );
  }

  /** Seqs of calls that the peer gave up when they had been started. */
  get cancelled(): number[] {
    this.takeOutputs();
    return this.outputs.flatMap((output) => (output.type === 'cancelled' ? [output.seq] : []));
  }

  /** Tokens that were rejected, with what is known of them. */
  get rejections(): (readonly [token: number, outcome: Outcome])[] {
    this.takeOutputs();
    return this.outputs.flatMap((output) =>
      output.type === 'rejected' ? [[output.token, output.outcome] as const] : [],
    );
  }

  /** Tokens of flushes that were answered. */
  get flushed(): number[] {
    this.takeOutputs();
    return this.outputs.flatMap((output) => (output.type === 'flushed' ? [output.token] : []));
  }

  #startCall(mail: Mail): void {
    this.started.push(mail.text);
    const result = this.result(mail);
    if (result !== undefined) this.answerCall(mail.seq, result.status, result.item);
  }

  #keep(): void {
    const { kind, seq, bytes, start, end, owned } = this.session.message;
    const view = bytes.subarray(start, end);
    const size = end - start;
    // An owned message is read only when it is settled would be: a wrong `owned` meets the poison.
    const mail = { epoch: this.session.epoch, seq, kind, bytes: size };
    const lazy = owned ? view : view.slice();
    this.mailbox.push({
      ...mail,
      get text() {
        return text.decode(lazy);
      },
    });
  }

  #watchMailbox(): void {
    const { room, mailboxBytes } = this.session;
    this.mailboxBytesSeenMax = Math.max(this.mailboxBytesSeenMax, mailboxBytes);
    this.mailboxMessagesSeenMax = Math.max(this.mailboxMessagesSeenMax, room.messages + room.oldMessages);
  }
}

/** One direction of the line: bytes written and not yet read. */
export class Wire {
  #pieces: Uint8Array[] = [];
  #taken = 0;
  bytes = 0;

  /** Takes a copy of the parts. */
  write(parts: readonly Uint8Array[]): void {
    for (const part of parts) {
      this.#pieces.push(part.slice());
      this.bytes += part.length;
    }
  }

  /** The first `count` bytes, in one piece. */
  take(count: number): Uint8Array {
    const taken = new Uint8Array(Math.min(count, this.bytes));
    for (let filled = 0; filled < taken.length;) {
      const [piece = taken] = this.#pieces;
      const end = Math.min(piece.length, this.#taken + taken.length - filled);
      taken.set(piece.subarray(this.#taken, end), filled);
      filled += end - this.#taken;
      this.#taken = end;
      if (end < piece.length) continue;
      this.#pieces.shift();
      this.#taken = 0;
    }
    this.bytes -= taken.length;
    return taken;
  }

  /** The line is cut: what was not read never will be. */
  clear(): void {
    this.#pieces = [];
    this.#taken = 0;
    this.bytes = 0;
  }
}

/** What a pair is made with. */
export interface PairOptions {
  readonly client?: EndOptions;
  readonly server?: EndOptions;
  readonly checksum?: boolean;
}

/** A client's end, a server's end, and a line that can be cut and joined again. */
export class Pair {
  readonly client: End;
  server: End;
  readonly toServer = new Wire();
  readonly toClient = new Wire();
  nowMs = 1_000;
  isUp = false;
  readonly #options: PairOptions;
  readonly #gather = new Gather();

  constructor(options: PairOptions = {}) {
    this.#options = options;
    this.client = new End(options.client);
    this.server = new End(options.server);
  }

  /** Joins the ends; `hello` is what the client told when it dialled. Throws when the positions cannot be true. */
  connect(hello: Told = this.client.tell()): void {
    this.cut();
    const { client, server } = this;
    if (!server.session.outlet.fits(hello.orderedReceived, hello.cursor, hello.directReceived))
      throw new Error(`the client's positions cannot be true: ${JSON.stringify(hello)}`);
    this.#attach(server, hello, false);
    const welcome = server.tell();
    if (!client.session.outlet.fits(welcome.orderedReceived, welcome.cursor, welcome.directReceived))
      throw new Error(`the server's positions cannot be true: ${JSON.stringify(welcome)}`);
    this.#attach(client, welcome, true);
    this.isUp = true;
  }

  /** The server has lost its memory: a new one answers, and a new epoch begins. `listen` is the gap listener. */
  renew(finalCursor: number, listen: (leftover: Leftover) => void = () => {}): Leftover {
    this.cut();
    const { client } = this;
    const hello = client.tell();
    this.server = new End(this.#options.server);
    const epoch = client.session.epoch + 1;
    this.server.session.adopt(sessionId(`s-${epoch}`), SECRET, epoch);
    // The client may hold messages of the old epoch: what it has room for now comes with its first ack.
    const positions = { orderedReceived: 0, cursor: 0, directReceived: 0, windowMessages: 0, windowBytes: 0 };
    this.#attach(this.server, { ...hello, ...positions }, false);
    const welcome = this.server.tell();
    const leftover = client.session.startEpoch(finalCursor);
    client.session.adopt(sessionId(`s-${epoch}`), SECRET, epoch);
    listen(leftover);
    client.session.outlet.afterGap();
    client.takeOutputs();
    this.#attach(client, welcome, true);
    this.isUp = true;
    return leftover;
  }

  /** Cuts the line: what is in it is lost, both ends notice. */
  cut(): void {
    this.toServer.clear();
    this.toClient.clear();
    this.client.session.detach();
    this.server.session.detach();
    this.isUp = false;
  }

  /** Lets an end write; returns how many bytes it wrote. */
  pump(end: End, bytesMax = 262_144): number {
    end.session.pump(this.#gather, bytesMax, this.nowMs);
    const { bytes } = this.#gather;
    const parts = this.#gather.take();
    if (this.isUp) this.#wireFrom(end).write(parts);
    return bytes;
  }

  /** Brings up to `count` bytes to an end, in pieces of `pieceBytes`; returns how many it read. */
  carry(end: End, count = Infinity, pieceBytes = Infinity): number {
    const wire = end === this.client ? this.toClient : this.toServer;
    let carried = 0;
    while (carried < count && wire.bytes > 0 && this.isUp) {
      const piece = wire.take(Math.min(pieceBytes, count - carried));
      carried += piece.length;
      if (!end.read(piece, this.nowMs)) this.cut();
    }
    return carried;
  }

  /** Time passes and both ends look at the clock; false when one of them finds the other silent. */
  advance(ms: number): boolean {
    this.nowMs += ms;
    const verdicts = [this.client, this.server].map((end) => end.session.tick(this.nowMs));
    return !verdicts.includes('silent');
  }

  /** Pumps, carries and works until nothing moves within 100 ms; time passes as acks need it. */
  settle(options: { readonly works?: boolean; readonly pieceBytes?: number } = {}): void {
    const { works = true, pieceBytes = Infinity } = options;
    for (let round = 0; round < 20_000; round += 1) {
      let moved = 0;
      for (const end of [this.client, this.server]) {
        moved += this.pump(end);
        moved += this.carry(end === this.client ? this.server : this.client, Infinity, pieceBytes);
        if (works) moved += end.work(this.nowMs);
        end.takeOutputs();
      }
      if (moved > 0) continue;
      const deadlineMs = Math.min(this.client.session.deadlineMs, this.server.session.deadlineMs);
      if (deadlineMs > this.nowMs + 100) return;
      this.advance(Math.max(0, deadlineMs - this.nowMs));
    }
    throw new Error('expected the ends to come to rest');
  }

  /** The types of the frames that an end writes now. */
  framesOf(end: End, bytesMax = 262_144): number[] {
    end.session.pump(this.#gather, bytesMax, this.nowMs);
    const parts = this.#gather.take();
    const splitter = new Splitter(crc32);
    splitter.checksummed = this.#options.checksum ?? false;
    const types: number[] = [];
    splitter.push(Buffer.concat(parts));
    while (splitter.next()) types.push(splitter.type);
    if (this.isUp) this.#wireFrom(end).write(parts);
    return types;
  }

  #wireFrom(end: End): Wire {
    return end === this.client ? this.toServer : this.toClient;
  }

  #attach(end: End, told: Told, ackAtOnce: boolean): void {
    const isChecked = this.#options.checksum ?? false;
    end.parting = undefined;
    end.splitter = new Splitter(crc32);
    end.splitter.checksummed = isChecked;
    end.session.attach({ ...told, checksum: isChecked ? crc32 : undefined }, ackAtOnce, this.nowMs);
    end.takeOutputs();
  }
}

/** A pair that is up and at rest. */
export function joined(options: PairOptions = {}): Pair {
  const pair = new Pair(options);
  pair.connect();
  pair.settle();
  return pair;
}

/** Sessions of these tests read nothing at once. */
function bytesOf(item: Uint8Array | object | undefined): Uint8Array | undefined {
  if (item === undefined || item instanceof Uint8Array) return item;
  throw new Error('expected the bytes of an item');
}
