/**
 * What a client knows of its session, and whether all that the server sends agrees with it: lanes without a gap, acks that never
 * go back, credit that is kept, nothing that only a client may send. It is looked at in every case, whatever that is about.
 */
import type { Ack, HelloFields, Welcome } from './bodies.ts';
import { readAck, readClose, readGoAway } from './bodies.ts';
import { Failed, Fields } from './bytes.ts';
import { FRAGMENT, type Got, PIECE_BYTES, directKinds, orderedKinds, types } from './frames.ts';
import { type Item, elementsOf, read } from './items.ts';

/** A whole message of the server. */
export interface Message {
  readonly lane: 'ordered' | 'direct';
  readonly kind: number;
  readonly seq: number;
  readonly payload: Buffer;
}

interface Assembly {
  seq: number;
  kind: number;
  total: number;
  pieces: Buffer[];
  filled: number;
}

const fromServer = {
  ordered: new Set<number>(
    (['EVENT', 'DELIVER', 'CALL', 'CHANGE', 'FORWARD'] as const).map((name) => orderedKinds[name]),
  ),
  direct: new Set<number>(Object.values(directKinds)),
};

/** One session as its client sees it. */
export class Conduct {
  readonly welcome: Welcome;
  readonly checksummed: boolean;
  id: string;
  secret: Buffer;
  epoch: number;
  dialNumber: number;
  /** Highest seqs that were sent. */
  orderedSent = 0;
  directSent = 0;
  /** Highest seqs that came whole. */
  orderedReceived = 0;
  directReceived = 0;
  /** The cursor that the next ACK or HELLO names by itself. */
  cursor = 0;
  windowMessages: number;
  windowBytes: number;
  readonly nonces = new Set<number>();
  #told: Ack;
  #granted: number;
  #edge: number;
  #bytesMax: number;
  #outstanding: { readonly seq: number; readonly bytes: number }[] = [];
  readonly #open: { ordered: Assembly | undefined; direct: Assembly | undefined } = {
    ordered: undefined,
    direct: undefined,
  };

  constructor(welcome: Welcome, hello: HelloFields) {
    this.welcome = welcome;
    this.checksummed = (welcome.features & 1) === 1;
    this.id = welcome.id;
    this.secret = welcome.secret;
    this.epoch = welcome.epoch;
    this.dialNumber = hello.dialNumber;
    this.windowMessages = hello.windowMessages;
    this.windowBytes = hello.windowBytes;
    this.#edge = hello.windowMessages;
    this.#bytesMax = hello.windowBytes;
    this.#granted = welcome.windowMessages;
    this.#told = ackOf(welcome);
  }

  /** The session goes on with another connection, by this HELLO and WELCOME. */
  resumed(welcome: Welcome, hello: HelloFields): void {
    this.#open.ordered = undefined;
    this.#open.direct = undefined;
    this.checkPositions(ackOf(welcome), 'WELCOME');
    this.orderedReceived = hello.orderedReceived;
    this.directReceived = hello.directReceived;
    this.orderedSent = welcome.orderedReceived;
    this.directSent = welcome.directReceived;
    this.cursor = hello.cursor;
    this.#edge = hello.cursor + hello.windowMessages;
    this.windowMessages = hello.windowMessages;
    this.windowBytes = hello.windowBytes;
    this.#outstanding = this.#outstanding.filter(({ seq }) => seq > hello.cursor && seq <= hello.orderedReceived);
  }

  /** This client sends an ACK. */
  tells({ cursor, windowMessages, windowBytes }: Ack): void {
    this.#edge = Math.max(this.#edge, cursor + windowMessages);
    this.#bytesMax = Math.max(this.#bytesMax, windowBytes);
    this.#outstanding = this.#outstanding.filter(({ seq }) => seq > cursor);
  }

  /** Looks at a frame of a connection that is up; a message comes back when it is whole. */
  check(got: Got): Message | undefined {
    switch (got.type) {
      case types.ACK:
        this.checkPositions(readAck(got.body), 'ACK');
        return undefined;
      case types.PING:
      case types.ASK:
        new Fields(got.body, `its ${got.name}`).u64();
        return undefined;
      case types.PONG: {
        const nonce = new Fields(got.body, 'its PONG').u64();
        if (!this.nonces.has(nonce)) throw new Failed(`it sent a PONG ${nonce} that nobody asked for`);
        return undefined;
      }
      case types.GOAWAY:
        readGoAway(got.body);
        return undefined;
      case types.CLOSE:
        readClose(got.body);
        return undefined;
      case types.ORDERED:
        return this.#message('ordered', got);
      case types.DIRECT:
        return this.#message('direct', got);
      default:
        throw new Failed(`it sent ${got.name} after the handshake`);
    }
  }

  /** Positions of the server: nothing that was not sent, nothing that goes back. */
  checkPositions(ack: Ack, where: string): void {
    const told = this.#told;
    const { orderedReceived, cursor, directReceived, windowMessages } = ack;
    if (orderedReceived > this.orderedSent || directReceived > this.directSent) {
      const sent = `${this.orderedSent} and ${this.directSent}`;
      throw new Failed(`its ${where} has received ${orderedReceived} and ${directReceived}, of ${sent} that were sent`);
    }
    if (orderedReceived < told.orderedReceived || cursor < told.cursor || directReceived < told.directReceived) {
      throw new Failed(`its ${where} goes back: cursor ${cursor} after ${told.cursor}`);
    }
    const granted = cursor + windowMessages;
    if (granted < this.#granted) throw new Failed(`its ${where} takes credit back: ${granted} after ${this.#granted}`);
    this.#granted = granted;
    this.#told = ack;
  }

  #message(lane: 'ordered' | 'direct', { flags, seq, body }: Got): Message | undefined {
    const kind = flags & 0x0f;
    if ((flags & 0x70) !== 0 || !fromServer[lane].has(kind)) throw new Failed(`it sent ${lane} flags ${flags}`);
    const received = lane === 'ordered' ? this.orderedReceived : this.directReceived;
    if (seq !== received + 1) throw new Failed(`it sent ${lane} seq ${seq}, expected was ${received + 1}`);
    const payload = (flags & FRAGMENT) === 0 ? this.#whole(lane, body) : this.#piece(lane, seq, kind, body);
    if (payload === undefined) return undefined;
    if (lane === 'direct') this.directReceived = seq;
    else this.#takeOrdered(seq, payload);
    checkPayload(lane, kind, payload);
    return { lane, kind, seq, payload };
  }

  #whole(lane: 'ordered' | 'direct', body: Buffer): Buffer {
    if (this.#open[lane] !== undefined) throw new Failed(`it sent a whole ${lane} message amid fragments`);
    if (body.length > PIECE_BYTES) throw new Failed(`it sent ${body.length} bytes in one frame`);
    return body;
  }

  #piece(lane: 'ordered' | 'direct', seq: number, kind: number, body: Buffer): Buffer | undefined {
    const fields = new Fields(body, `its fragment of ${lane} seq ${seq}`);
    const [total, offset] = [fields.u32(), fields.u32()];
    const piece = fields.rest();
    const open = this.#open[lane] ?? { seq, kind, total, pieces: [], filled: 0 };
    if (total <= PIECE_BYTES) fields.fail(`has a total of ${total}, which travels whole`);
    if (piece.length === 0 || offset !== open.filled || offset + piece.length > total) fields.fail('does not follow');
    if (open.kind !== kind || open.total !== total) fields.fail('has another kind or total than the one before');
    open.pieces.push(piece);
    open.filled += piece.length;
    this.#open[lane] = open.filled < total ? open : undefined;
    return open.filled < total ? undefined : Buffer.concat(open.pieces);
  }

  #takeOrdered(seq: number, payload: Buffer): void {
    this.orderedReceived = seq;
    this.cursor = seq;
    if (seq > this.#edge) throw new Failed(`it sent ordered seq ${seq}, credit was for ${this.#edge}`);
    this.#outstanding.push({ seq, bytes: payload.length });
    const bytes = this.#outstanding.reduce((sum, each) => sum + each.bytes, 0);
    if (this.#outstanding.length > 1 && bytes > this.#bytesMax) {
      throw new Failed(`it sent ${bytes} bytes of ordered payload, credit was for ${this.#bytesMax}`);
    }
  }
}

function ackOf({ orderedReceived, cursor, directReceived, windowMessages, windowBytes }: Welcome): Ack {
  return { orderedReceived, cursor, directReceived, windowMessages, windowBytes };
}

function checkPayload(lane: 'ordered' | 'direct', kind: number, payload: Buffer): void {
  if (lane === 'ordered') {
    const item = read(payload, 'the payload that it sent');
    if (!isNamed(item)) throw new Failed('it sent a payload that is no array with a text first');
    return;
  }
  if (kind === directKinds.NOTICE) errorOf(payload);
  else readDirect(kind, payload);
}

function isNamed(item: Item): boolean {
  return typeof elementsOf(item)[0] === 'string';
}

/** What a direct message says: the number it names, its status where it has one, and its value where it has one. */
export interface Word {
  readonly number: number;
  readonly status: number;
  readonly changes: number;
  readonly hasValue: boolean;
  readonly value: Item;
}

/** Reads a direct message of any kind but NOTICE. */
export function readDirect(kind: number, payload: Buffer): Word {
  const fields = new Fields(payload, `its direct message of kind ${kind}`);
  const number = fields.u64();
  const { RECEIPT, RESULT, ANSWER, VERDICT, RELEASE, APPLY } = directKinds;
  const hasStatus = kind === RECEIPT || kind === RESULT || kind === ANSWER || kind === VERDICT;
  const status = hasStatus ? fields.u8() : 0;
  const changes = kind === VERDICT ? fields.u64() : kind === RELEASE ? fields.u32() : 0;
  const isCall = kind === RESULT || kind === ANSWER;
  if (status > (isCall ? 4 : kind === VERDICT ? 1 : 2)) fields.fail(`has status ${status}`);
  const mustHave = kind === APPLY || status === 1 || (isCall && status === 0);
  const rest = fields.rest();
  if (rest.length > 0 !== mustHave) fields.fail(`with status ${status} has ${rest.length} bytes of value`);
  if (!mustHave) return { number, status, changes, hasValue: false, value: undefined };
  const value = status === 1 ? errorOf(rest) : read(rest, 'the value that it sent');
  return { number, status, changes, hasValue: true, value };
}

/** An error as `[name, message, code]`, without a stack. */
export function errorOf(bytes: Buffer): readonly Item[] {
  const item = read(bytes, 'the error that it sent');
  const parts = elementsOf(item);
  const [name, message, code] = parts;
  if (parts.length !== 3 || typeof name !== 'string' || typeof message !== 'string') {
    throw new Failed('it sent an error that is not [name, message, code]');
  }
  if (code !== undefined && typeof code !== 'string') throw new Failed('it sent an error whose code is no text');
  if (/\n\s+at /.test(message)) throw new Failed('it sent an error with a stack trace');
  return parts;
}
