/**
 * A peer that speaks frames by hand: a client or a server that says what a good one never would, a socket that is stale,
 * a second holder of a session's secret.
 */
import { createHmac } from 'node:crypto';
import { type AddressInfo, type Server, type Socket, connect, createServer } from 'node:net';
import { crc32 } from 'node:zlib';
import type { EndCode } from '../../src/errors.ts';
import { sessionId } from '../../src/ids.ts';
import { Codec } from '../../src/wire/codec.ts';
import {
  ACK_FRAME_BYTES,
  type Claim,
  type Hello,
  type RefusedReceived,
  type WelcomeReceived,
  decodeClose,
  decodeHello,
  decodeRefused,
  decodeWelcome,
  encodeClose,
  encodeHello,
  encodeRefused,
  encodeWelcome,
  writeAck,
} from '../../src/wire/control.ts';
import { FrameType, HEADER_BYTES, Kind, copyOf, frameOf, writeHeader, writeU64 } from '../../src/wire/frame.ts';
import { defaultWireLimits } from '../../src/wire/limits.ts';
import { Splitter } from '../../src/wire/splitter.ts';

/** A frame as it came. */
export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly seq: number;
  readonly body: Uint8Array;
}

/** What a peer knows of the session it speaks for. */
export interface Known {
  readonly id: string;
  readonly secret: Uint8Array;
  readonly epoch: number;
}

const codec = new Codec(defaultWireLimits);

/** One value as CBOR bytes of its own. */
export function cborOf(value: unknown): Uint8Array {
  codec.encode(value);
  return codec.scratch.slice(codec.start, codec.end);
}

/** HMAC-SHA-256, as both ends compute their proofs. */
export function proofOf(secret: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array {
  const hmac = createHmac('sha256', secret);
  for (const part of parts) hmac.update(part);
  return new Uint8Array(hmac.digest());
}

/** The words with which this peer begins unless a test says otherwise. */
export const usualTerms = {
  features: 0,
  heartbeatIntervalMs: 5_000,
  heartbeatTimeoutMs: 15_000,
  lingerMs: 60_000,
  messageBytes: 1_048_576,
  windowMessages: 1_024,
  windowBytes: 1_048_576,
  depth: 32,
} as const;

/** The body of a HELLO. */
export function helloBody(words: Partial<Hello> = {}, secret: Uint8Array = new Uint8Array(32)): Uint8Array {
  const hello = {
    ...usualTerms,
    versionMin: 1,
    versionMax: 1,
    dialNumber: 1,
    seenAddress: '',
    seenPort: 0,
    claim: undefined,
    credentials: cborOf(undefined),
    ...words,
  };
  return encodeHello(hello, (unsigned) => proofOf(secret, unsigned));
}

/** A connection of frames. */
export class Peer {
  readonly socket: Socket;
  /** Every frame that came, in order. */
  readonly frames: Frame[] = [];
  /** What its acks grant. */
  windowBytes: number = usualTerms.windowBytes;
  /** Resolves when the socket is closed. */
  readonly closed: Promise<void>;
  readonly #splitter = new Splitter(crc32);
  #wake: (() => void) | undefined;
  #isClosed = false;
  #readCount = 0;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on('error', () => {});
    socket.on('data', (chunk) => this.#received(chunk));
    this.closed = new Promise((resolve) => {
      socket.on('close', () => {
        this.#isClosed = true;
        this.#wake?.();
        resolve();
      });
    });
  }

  /** Dials a port of loopback. */
  static dial(port: number): Promise<Peer> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1' }, () => resolve(new Peer(socket)));
      socket.once('error', reject);
    });
  }

  /** The next frame; undefined when the socket closed instead. */
  async next(): Promise<Frame | undefined> {
    for (;;) {
      const frame = this.frames[this.#readCount];
      if (frame !== undefined) {
        this.#readCount += 1;
        return frame;
      }
      if (this.#isClosed) return undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** The next frame of this type, others are passed over; undefined when the socket closed instead. */
  async nextOf(type: number): Promise<Frame | undefined> {
    for (;;) {
      const frame = await this.next();
      if (frame === undefined || frame.type === type) return frame;
    }
  }

  /** The code and reason of the CLOSE or REFUSED that comes next; undefined when the socket closed without one. */
  async farewell(): Promise<{ readonly code: string; readonly reason: string } | undefined> {
    for (;;) {
      const frame = await this.next();
      if (frame === undefined) return undefined;
      const { body } = frame;
      if (frame.type === FrameType.CLOSE) return decodeClose(body, 0, body.length);
      if (frame.type === FrameType.REFUSED) return decodeRefused(body, 0, body.length);
    }
  }

  /** Writes bytes as they are. */
  write(bytes: Uint8Array): void {
    this.socket.write(bytes);
  }

  /** Writes a control frame; handshake frames carry a checksum, the others do with `checksummed`. */
  control(type: FrameType, body: Uint8Array, checksummed = false): void {
    const isHandshake = type === FrameType.HELLO || type === FrameType.WELCOME || type === FrameType.REFUSED;
    this.write(frameOf(type, body, isHandshake || checksummed ? crc32 : undefined));
  }

  /** Sends an event with this seq. */
  event(seq: number, message: readonly unknown[], kind: number = Kind.EVENT): void {
    this.payload(FrameType.ORDERED, kind, seq, cborOf(message));
  }

  /** Sends a message of either lane with any payload. */
  payload(type: FrameType, flags: number, seq: number, bytes: Uint8Array): void {
    const frame = new Uint8Array(HEADER_BYTES + bytes.length);
    writeHeader(frame, 0, type, flags, seq, bytes.length);
    frame.set(bytes, HEADER_BYTES);
    this.write(frame);
  }

  /** Sends a receipt with this direct seq. */
  receipt(seq: number, ofSeq: number, status: number, error: Uint8Array = new Uint8Array(0)): void {
    const bytes = new Uint8Array(9 + error.length);
    writeU64(bytes, 0, ofSeq);
    bytes[8] = status;
    bytes.set(error, 9);
    this.payload(FrameType.DIRECT, Kind.RECEIPT, seq, bytes);
  }

  /** Sends an ack. */
  ack(orderedReceived: number, cursor = orderedReceived, directReceived = 0): void {
    const frame = new Uint8Array(ACK_FRAME_BYTES);
    writeAck(frame, 0, orderedReceived, cursor, directReceived, usualTerms.windowMessages, this.windowBytes);
    this.write(frame);
  }

  /** Says goodbye with a code. */
  close(code: Parameters<typeof encodeClose>[0]['code'], reason = '', retryAfterMs = 0): void {
    this.control(FrameType.CLOSE, encodeClose({ code, reason, retryAfterMs }));
  }

  // ---- as a client

  /** Sends a HELLO; returns its body, over which WELCOME is proven. */
  hello(words: Partial<Hello> = {}, secret: Uint8Array = new Uint8Array(32)): Uint8Array {
    const body = helloBody(words, secret);
    this.control(FrameType.HELLO, body);
    return body;
  }

  /** Sends a HELLO that claims a session. */
  resume(known: Known, words: Partial<Hello> & Partial<Pick<Claim, 'mode'>> = {}, positions = [0, 0, 0]): Uint8Array {
    const { mode = 'resume', ...rest } = words;
    const [orderedReceived = 0, cursor = 0, directReceived = 0] = positions;
    const { id, epoch, secret } = known;
    const claim = { mode, id: sessionId(id), epoch, orderedReceived, cursor, directReceived };
    return this.hello({ claim, ...rest }, secret);
  }

  /** What answers a HELLO. */
  async answer(): Promise<
    | { readonly type: 'welcome'; readonly welcome: WelcomeReceived }
    | { readonly type: 'refused'; readonly refused: RefusedReceived }
    | undefined
  > {
    const frame = await this.next();
    if (frame === undefined) return undefined;
    const { body } = frame;
    if (frame.type === FrameType.WELCOME) {
      const welcome = decodeWelcome(body, 0, body.length);
      return welcome && { type: 'welcome', welcome };
    }
    const refused = frame.type === FrameType.REFUSED ? decodeRefused(body, 0, body.length) : undefined;
    return refused && { type: 'refused', refused };
  }

  /** Opens a new session, confirmed by an ack; what is known of it afterwards. */
  async open(words: Partial<Hello> = {}): Promise<Known> {
    this.hello(words);
    this.windowBytes = words.windowBytes ?? this.windowBytes;
    const answer = await this.answer();
    if (answer?.type !== 'welcome' || answer.welcome.session.type !== 'new') throw new Error('expected a new session');
    this.ack(0);
    const { id, secret, epoch } = answer.welcome.session;
    return { id, secret, epoch };
  }

  // ---- as a server

  /** The HELLO that comes next, and its whole body. */
  async greeting() {
    const frame = await this.nextOf(FrameType.HELLO);
    if (frame === undefined) throw new Error('expected a HELLO');
    const hello = decodeHello(frame.body, 0, frame.body.length);
    if (hello === undefined) throw new Error('expected a HELLO that can be read');
    return { hello, body: frame.body };
  }

  /** Welcomes a client to a new session; after a claim perhaps with the proven cursor of the old one. */
  welcomeNew(known: Known, lost: { readonly loss?: EndCode; readonly finalCursor?: number } = {}): void {
    const { id, secret, epoch } = known;
    const { loss, finalCursor } = lost;
    const session = { type: 'new' as const, id: sessionId(id), secret, epoch, finalCursor, loss };
    const words = { ...usualTerms, version: 1, directPort: 0, session };
    this.control(
      FrameType.WELCOME,
      encodeWelcome(words, () => new Uint8Array(32)),
    );
  }

  /** Welcomes a client back; `secret` may be a wrong one. */
  welcomeBack(secret: Uint8Array, helloBody: Uint8Array, positions = [0, 0, 0]): void {
    const [orderedReceived = 0, cursor = 0, directReceived = 0] = positions;
    const session = { type: 'resumed' as const, orderedReceived, cursor, directReceived };
    const words = { ...usualTerms, version: 1, directPort: 0, session };
    const body = encodeWelcome(words, (unsigned) => proofOf(secret, helloBody, unsigned));
    this.control(FrameType.WELCOME, body);
  }

  /** Refuses a client without any proof. */
  refuse(code: EndCode, reason: string, retryAfterMs = 0): void {
    const body = encodeRefused({ code, reason, retryAfterMs, finalCursor: undefined }, () => new Uint8Array(32));
    this.control(FrameType.REFUSED, body);
  }

  #received(chunk: Uint8Array): void {
    const splitter = this.#splitter;
    splitter.push(chunk);
    while (splitter.next()) {
      const { type, flags, seq, bytes, start, end } = splitter;
      this.frames.push({ type, flags, seq, body: copyOf(bytes, start, end) });
      if (type === FrameType.WELCOME || type === FrameType.HELLO) splitter.checksummed = false;
    }
    if (splitter.fault !== undefined) this.socket.destroy(new Error(`the peer under test wrote ${splitter.fault}`));
    this.#wake?.();
  }
}

/** A listener whose connections are peers: a server made by hand. */
export class PeerServer implements AsyncDisposable {
  port = 0;
  readonly #server: Server;
  readonly #peers: Peer[] = [];
  #wake: (() => void) | undefined;
  #takenCount = 0;

  private constructor() {
    this.#server = createServer((socket) => {
      this.#peers.push(new Peer(socket));
      this.#wake?.();
    });
  }

  /** Listens at a free port. */
  static async open(): Promise<PeerServer> {
    const server = new PeerServer();
    await new Promise<void>((resolve) => {
      server.#server.listen(0, '127.0.0.1', resolve);
    });
    server.port = (server.#server.address() as AddressInfo).port;
    return server;
  }

  /** The next connection. */
  async next(): Promise<Peer> {
    for (;;) {
      const peer = this.#peers[this.#takenCount];
      if (peer !== undefined) {
        this.#takenCount += 1;
        return peer;
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const peer of this.#peers) peer.socket.destroy();
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
  }
}
