/** What the steps of one case work on: the connection, the session, what was seen so far, and the time that is left. */
import { randomInt } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { endTable } from '../errors.ts';
import type { Ack, Ending, HelloFields, Welcome } from './bodies.ts';
import * as bodies from './bodies.ts';
import { Failed, Fields, Skipped, join, u32, u64 } from './bytes.ts';
import { Conduct, type Message, type Word, readDirect } from './conduct.ts';
import { FRAGMENT, PIECE_BYTES, type Wrong, directKinds, frame, nameOf, orderedKinds, types } from './frames.ts';
import { type Item, elementsOf, read, show, write } from './items.ts';
import { type Arrival, Line } from './line.ts';

/** Where the server is. */
export interface Where {
  readonly host: string;
  readonly port: number;
}

/** One case as it runs. */
export class Scene {
  /** By `performance`: the whole case is over then. */
  readonly deadlineMs: number;
  /** Numbers that later steps compare with. */
  readonly noted = new Map<string, number>();
  /** Whole messages of the server, in the order of their arrival, of the session at hand. */
  messages: Message[] = [];
  readonly #where: Where;
  readonly #lines: Line[] = [];
  #session: Conduct | undefined;
  #welcome: Welcome | undefined;
  #lastHello: { readonly fields: HelloFields; readonly body: Buffer } | undefined;
  /** An old session that a gap has replaced. */
  former: Conduct | undefined;
  #lastAck: Ack | undefined;
  readonly #atEnd: (() => void)[] = [];

  constructor(where: Where, withinMs: number) {
    this.#where = where;
    this.deadlineMs = performance.now() + withinMs;
  }

  get line(): Line {
    const line = this.#lines.at(-1);
    if (line === undefined) throw new Failed('the case has no connection yet');
    return line;
  }

  get session(): Conduct {
    if (this.#session === undefined) throw new Failed('the case has no session yet');
    return this.#session;
  }

  set session(session: Conduct) {
    this.#session = session;
  }

  /** The WELCOME that came last. */
  get welcome(): Welcome {
    if (this.#welcome === undefined) throw new Failed('the case has no WELCOME yet');
    return this.#welcome;
  }

  /** What the ACK that came last said; of the WELCOME before there was one. */
  get told(): Ack {
    return this.#lastAck ?? this.welcome;
  }

  get checksummed(): boolean {
    return this.#session?.checksummed ?? true;
  }

  /** Opens another connection, which becomes the one at hand. */
  async dial(): Promise<void> {
    const { host, port } = this.#where;
    this.#lines.push(await Line.open(host, port, Math.max(1, this.deadlineMs - performance.now())));
  }

  /** Cuts the connection at hand; what had come on it stays known. */
  cut(): void {
    for (const { message } of this.line.cut()) if (message !== undefined) this.messages.push(message);
  }

  /** Forgets the connection at hand: the one before it is at hand again. */
  leave(): void {
    this.#lines.pop()?.cut();
  }

  /** Runs something on the connection before this one. */
  async onFormer(work: () => Promise<void>): Promise<void> {
    const latest = this.#lines.pop();
    await work();
    if (latest !== undefined) this.#lines.push(latest);
  }

  /** Something to be done when the case is over. */
  atEnd(work: () => void): void {
    this.#atEnd.push(work);
  }

  /** Lets go of everything. */
  end(): void {
    for (const work of this.#atEnd) work();
    for (const line of this.#lines) line.cut();
  }

  // ---- what is sent

  write(...parts: readonly Uint8Array[]): Promise<void> {
    return this.line.write(join(...parts));
  }

  /** A control frame. */
  control(type: number, body: Uint8Array, wrong?: Wrong): Buffer {
    return frame(type, body, this.checksummed, wrong);
  }

  /** A HELLO for a new session, or with `mode` for the one at hand; what is given stands in place of what is right. */
  hello(given: Partial<HelloFields> = {}): Buffer {
    const session = (given.mode ?? 0) === 0 ? undefined : this.#session;
    const claim = session === undefined ? {} : claimOf(session);
    const fields = { ...bodies.plainHello, ...claim, ...given };
    if (session !== undefined) session.dialNumber = Math.max(session.dialNumber, fields.dialNumber);
    const body = bodies.hello(fields);
    this.#lastHello = { fields, body };
    this.line.onWelcome(({ body: answer }) => this.#welcomed(bodies.readWelcome(answer), fields));
    return frame(types.HELLO, body, true);
  }

  /** An ordered message with the next seq, in fragments where it has to be. */
  ordered(kind: keyof typeof orderedKinds, payload: Uint8Array, wrong: Wrong = {}): Buffer {
    const { session } = this;
    const seq = wrong.seq ?? session.orderedSent + 1;
    if (Number(seq) < 2 ** 40) session.orderedSent = Math.max(session.orderedSent, Number(seq));
    return this.#message(types.ORDERED, orderedKinds[kind], payload, { ...wrong, seq });
  }

  /** A direct message with the next seq. */
  direct(kind: keyof typeof directKinds, payload: Uint8Array, wrong: Wrong = {}): Buffer {
    const { session } = this;
    const seq = wrong.seq ?? session.directSent + 1;
    if (Number(seq) < 2 ** 40) session.directSent = Math.max(session.directSent, Number(seq));
    return this.#message(types.DIRECT, directKinds[kind], payload, { ...wrong, seq });
  }

  /** `[name, ...args]` as a message. */
  say(kind: keyof typeof orderedKinds, name: string, ...args: readonly Item[]): Buffer {
    return this.ordered(kind, write([name, ...args]));
  }

  /** One fragment of an ordered event; nothing is counted as sent until `orderedSent` is set. */
  fragment(total: number, offset: number, piece: Uint8Array, wrong: Wrong = {}): Buffer {
    const { flags = orderedKinds.EVENT, seq = this.session.orderedSent + 1 } = wrong;
    return this.control(types.ORDERED, join(u32(total), u32(offset), piece), { flags: flags | FRAGMENT, seq });
  }

  #message(type: number, kind: number, payload: Uint8Array, wrong: Wrong): Buffer {
    if (payload.length <= PIECE_BYTES) return this.control(type, payload, { flags: kind, ...wrong });
    const frames: Buffer[] = [];
    for (let at = 0; at < payload.length; at += PIECE_BYTES) {
      const body = join(u32(payload.length), u32(at), payload.subarray(at, at + PIECE_BYTES));
      frames.push(this.control(type, body, { flags: kind | FRAGMENT, ...wrong }));
    }
    return join(...frames);
  }

  /** An ACK of all that came; what is given stands in place of it. */
  ack(given: Partial<Ack> = {}): Buffer {
    const { orderedReceived, cursor, directReceived, windowMessages, windowBytes } = this.session;
    const said = { orderedReceived, cursor, directReceived, windowMessages, windowBytes, ...given };
    this.session.tells(said);
    return this.control(types.ACK, bodies.ack(said));
  }

  // ---- what comes

  /** The next frame that `test` is content with; others are passed over, but an ending fails. */
  async until(what: string, test: (arrival: Arrival) => boolean, withinMs = Infinity): Promise<Arrival> {
    const deadlineMs = Math.min(this.deadlineMs, performance.now() + withinMs);
    const begunMs = performance.now();
    for (;;) {
      const arrival = await this.#next(deadlineMs);
      if (arrival === 'late') {
        throw new Failed(`expected ${what}, and it did not come within ${Math.round(deadlineMs - begunMs)} ms`);
      }
      if (arrival === undefined) throw new Failed(`expected ${what}, the connection was ended without CLOSE`);
      if (test(arrival)) return arrival;
      if (isEnding(arrival)) throw new Failed(`expected ${what}, got ${arrival.name} ${described(endingOf(arrival))}`);
    }
  }

  async #next(deadlineMs: number): Promise<Arrival | 'late' | undefined> {
    const arrival = await this.line.next(deadlineMs);
    if (arrival === undefined || arrival === 'late') return arrival;
    if (arrival.message !== undefined) this.messages.push(arrival.message);
    if (arrival.type === types.ACK) this.#lastAck = bodies.readAck(arrival.body);
    return arrival;
  }

  /** Waits for WELCOME, whose session is the one at hand from then on. */
  async welcomed(): Promise<Welcome> {
    await this.until('WELCOME', ({ type }) => type === types.WELCOME);
    return this.welcome;
  }

  #welcomed(welcome: Welcome, fields: HelloFields): Conduct {
    this.#welcome = welcome;
    this.#lastAck = undefined;
    if (welcome.mode === 0) {
      this.former = this.#session;
      this.#session = new Conduct(welcome, fields);
      this.messages = [];
      return this.#session;
    }
    if (welcome.mode !== 1 || fields.mode !== 1) throw new Failed(`it sent WELCOME with mode ${welcome.mode}`);
    this.requireMac(welcome.mac, welcome.unsigned, this.session.secret);
    this.session.resumed(welcome, fields);
    return this.session;
  }

  /** A mac of the server over the HELLO sent last and its own answer. */
  requireMac(mac: Buffer | undefined, unsigned: Buffer, secret: Buffer): void {
    const wanted = bodies.sign(secret, this.#lastHello?.body ?? Buffer.alloc(0), unsigned);
    if (mac?.equals(wanted) !== true) throw new Failed('its answer does not prove that it knows the secret');
  }

  /** Waits for REFUSED or CLOSE and for the end of the connection behind it. */
  async ending(name: 'REFUSED' | 'CLOSE', what: string): Promise<Ending> {
    const arrival = await this.until(`${name} ${what}`, ({ type }) => nameOf(type) === name);
    await this.over();
    return endingOf(arrival);
  }

  /** Waits until the server has ended the connection; frames on the way are passed over. */
  async over(): Promise<void> {
    for (;;) {
      const arrival = await this.#next(this.deadlineMs);
      if (arrival === undefined) return;
      if (arrival === 'late') throw new Failed('expected the end of the connection, and it did not come');
    }
  }

  /** Sends a PING and waits for its PONG, with everything before it. */
  async alive(withinMs?: number): Promise<void> {
    const nonce = randomInt(1, 2 ** 40);
    this.session.nonces.add(nonce);
    await this.write(this.control(types.PING, u64(nonce)));
    await this.until(
      'PONG',
      ({ type, body }) => type === types.PONG && Number(body.readBigUInt64BE()) === nonce,
      withinMs,
    );
  }

  /** Waits for an ACK that says so much, unless the last one does. */
  async acked(wanted: Partial<Ack>): Promise<void> {
    const says = (told: Ack): boolean =>
      told.orderedReceived >= (wanted.orderedReceived ?? 0) &&
      told.cursor >= (wanted.cursor ?? 0) &&
      told.directReceived >= (wanted.directReceived ?? 0);
    if (says(this.told)) return;
    const what = `ACK with ${Object.entries(wanted)
      .map(([name, value]) => `${name} ${value}`)
      .join(', ')}`;
    await this.until(what, ({ type, body }) => type === types.ACK && says(bodies.readAck(body)));
  }

  /** Waits for a direct message about this number. */
  async word(kind: keyof typeof directKinds, number: number): Promise<Word> {
    const test = (each: Message): boolean =>
      each.lane === 'direct' &&
      each.kind === directKinds[kind] &&
      readDirect(each.kind, each.payload).number === number;
    const message = await this.message(`${kind} for ${number}`, test);
    return readDirect(message.kind, message.payload);
  }

  /** Waits for the next whole message that `test` is content with; those that have come and nobody asked for count. */
  async message(what: string, test: (message: Message) => boolean): Promise<Message> {
    let found = this.messages.find(test);
    if (found === undefined) {
      await this.until(what, ({ message }) => message !== undefined && test(message));
      found = this.messages.find(test);
    }
    if (found === undefined) throw new Failed(`expected ${what}`);
    this.messages.splice(this.messages.indexOf(found), 1);
    return found;
  }

  /** Waits for an ordered message of a kind. Returns its value. */
  async heard(kind: keyof typeof orderedKinds, name: string): Promise<readonly Item[]> {
    const message = await this.message(
      `${kind} "${name}"`,
      ({ lane, kind: of, payload }) => lane === 'ordered' && of === orderedKinds[kind] && itemsOf(payload)[0] === name,
    );
    return itemsOf(message.payload);
  }

  /** Asks a method of the target and returns the status and value of its result. */
  async call(name: string, ...args: readonly Item[]): Promise<Word> {
    await this.write(this.say('CALL', name, ...args));
    return this.word('RESULT', this.session.orderedSent);
  }

  /** This server does not turn checksums on, so nothing about them can be tried. */
  requireChecksums(): void {
    if (!this.session.checksummed) throw new Skipped('the server does not turn checksums on');
  }
}

function claimOf(session: Conduct): Partial<HelloFields> {
  const { id, epoch, secret, orderedReceived, cursor, directReceived, dialNumber } = session;
  const positions = { orderedReceived, cursor, directReceived };
  return { id, epoch, secret, ...positions, dialNumber: dialNumber + 1 };
}

function isEnding({ type }: Arrival): boolean {
  return type === types.CLOSE || type === types.REFUSED;
}

function endingOf({ type, body }: Arrival): Ending {
  return type === types.CLOSE ? bodies.readClose(body) : bodies.readRefused(body);
}

function itemsOf(payload: Buffer): readonly Item[] {
  return elementsOf(read(payload, 'the payload that it sent'));
}

/** An ending as one says it. */
export function described({ code, reason }: Ending): string {
  const name = Object.entries(endTable).find(([, { wire }]) => wire === code)?.[0] ?? String(code);
  return reason === '' ? name : `${name} (${reason})`;
}

/** Fails unless two values are the same. */
export function same(what: string, got: unknown, wanted: unknown): void {
  if (!isDeepStrictEqual(got, wanted)) {
    throw new Failed(`expected ${what} to be ${show(wanted as Item)}, got ${show(got as Item)}`);
  }
}

/** Fails with a sentence unless something holds. */
export function must(holds: boolean, sentence: string): void {
  if (!holds) throw new Failed(sentence);
}

/** Reads the number of a PONG, PING or ASK. */
export const numberOf = (body: Buffer): number => new Fields(body, 'a number').u64();
