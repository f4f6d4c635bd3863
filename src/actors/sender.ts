/**
 * How ordered messages get into the outbox of one session: encoded, weighed against every bound there is, accepted or
 * refused with the reason. What was refused has changed nothing.
 */
import { HomingError } from '../errors.ts';
import type { Session, SessionLimits } from '../session/session.ts';
import type { Codec } from '../wire/codec.ts';
import { Kind, copyOf } from '../wire/frame.ts';
import { scan } from '../wire/scan.ts';
import type { Books } from './books.ts';
import type { Functions } from './functions.ts';

/** What a sender works with; all of one session. */
export interface SenderParts {
  readonly session: Session;
  readonly codec: Codec;
  readonly functions: Functions;
  readonly limits: SessionLimits;
  /** Of the shard, where the session lives in one. */
  readonly books: Books | undefined;
}

/** What a sender asks of its session's actor. */
export interface SenderOwner {
  /** Throws `Closed`. */
  requireOpen(): void;
  /** Whether the session may take a message from somebody else now. */
  isOpen(): boolean;
  /** Something was accepted; of calls, the first of many need not wait for the last. */
  accepted(isCall: boolean): void;
}

/** Puts the messages of one session into its outbox. */
export class Sender {
  readonly #parts: SenderParts;
  readonly #owner: SenderOwner;

  constructor(parts: SenderParts, owner: SenderOwner) {
    this.#parts = parts;
    this.#owner = owner;
  }

  /** Accepts `[event, ...args]`. False from half the bound; throws `OutboxFull` at it. */
  send(message: readonly unknown[]): boolean {
    this.#owner.requireOpen();
    const { session, codec, functions } = this.#parts;
    const { outlet } = session;
    const written = this.#write(message);
    if (written > 0) {
      const bytes = written - outlet.ordered.freeAt;
      this.#requireSize(message[0] as string, bytes);
      this.#requireRoom(message[0] as string, bytes);
      outlet.acceptWritten(Kind.EVENT, written, 0);
    } else {
      this.encode(message);
      this.#requireRoom(message[0] as string, codec.end - codec.start);
      outlet.accept(Kind.EVENT, codec.scratch, codec.start, codec.end, 0);
      functions.accepted(outlet.lastOrdinal, 0);
    }
    this.#owner.accepted(false);
    return !outlet.isHalfFull;
  }

  /** Accepts `[name, ...args]`, or lets it stand in line; `token` is who waits for its outcome. */
  enqueue(kind: number, message: readonly unknown[], token: number): void {
    const { session, codec, functions } = this.#parts;
    const { outlet } = session;
    const written = this.#write(message);
    const bytes = written - outlet.ordered.freeAt;
    if (written > 0 && !outlet.isFull(bytes) && this.#parts.books?.isSpent !== true) {
      this.#requireSize(message[0] as string, bytes);
      outlet.acceptWritten(kind, written, token);
      this.#owner.accepted(kind === Kind.CALL);
      return;
    }
    this.encode(message);
    if (this.#mustQueue(String(message[0]), codec.end - codec.start)) {
      outlet.enqueue(kind, codec.scratch, codec.start, codec.end, token);
    } else outlet.accept(kind, codec.scratch, codec.start, codec.end, token);
    functions.accepted(outlet.lastOrdinal, token);
    this.#owner.accepted(kind === Kind.CALL);
  }

  /** Accepts a write or a change of the store, encoded already; the bytes are copied. Returns its ordinal. */
  store(kind: number, key: string, payload: Uint8Array): number {
    this.#owner.requireOpen();
    const { outlet } = this.#parts.session;
    this.#requireSize(`store.${key}`, payload.length);
    this.#requireRoom(`store.${key}`, payload.length);
    outlet.accept(kind, payload, 0, payload.length, 0);
    this.#owner.accepted(false);
    return outlet.lastOrdinal;
  }

  /**
   * Accepts a copy of a message that was encoded for many: false when the session has ended, has no room, or its peer
   * would not take it. The bytes are copied.
   */
  forward(kind: number, payload: Uint8Array): boolean {
    if (!this.#owner.isOpen()) return false;
    const { session, codec, books } = this.#parts;
    const { outlet } = session;
    const { length } = payload;
    if (length > outlet.messageBytesMax || outlet.isFull(length) || books?.isSpent === true) return false;
    if (session.isShallow && scan(payload, 0, length, codec.limits) < 0) return false;
    outlet.accept(kind, payload, 0, length, 0);
    this.#owner.accepted(false);
    return true;
  }

  /** The payload of an event that goes to many: without functions and streams. The bytes are a copy. */
  encodeForMany(message: readonly unknown[]): Uint8Array {
    return payloadForMany(this.#parts.codec, message);
  }

  /** Encodes `[name, ...args]`. It has to be said then what became of the functions in it. */
  encode(message: readonly unknown[]): void {
    if (typeof message[0] !== 'string') {
      throw new HomingError('BadOption', `expected the name of an event as text, got ${typeof message[0]}`);
    }
    const { codec, functions } = this.#parts;
    functions.encode(codec, message, undefined);
    this.#requireSize(message[0], codec.end - codec.start);
  }

  // ---- below

  /**
   * Writes a short plain message, which passes no functions, right into the page where it will wait: where it ends there; 0
   * when it has to be encoded. Nothing is accepted yet.
   */
  #write(message: readonly unknown[]): number {
    const { session, codec, functions } = this.#parts;
    const { ordered } = session.outlet;
    const { page, freeAt } = ordered;
    if (page === undefined || functions.isEncoding || typeof message[0] !== 'string') return 0;
    const end = codec.writeShort(message, page, freeAt, page.length);
    // A getter may have run anything, and the page be another one by now.
    return end > 0 && page === ordered.page && freeAt === ordered.freeAt ? end : 0;
  }

  #requireSize(what: string, bytes: number): void {
    const bytesMax = this.#parts.session.outlet.messageBytesMax;
    if (bytes <= bytesMax) return;
    const sentence = `${what}: expected at most ${bytesMax} bytes, which the peer takes, got ${bytes}`;
    throw this.#refused(new HomingError('MessageTooLarge', sentence));
  }

  #requireRoom(what: string, bytes: number): void {
    if (this.#parts.session.outlet.isFull(bytes)) throw this.#refused(this.#outboxFull(what));
    if (this.#parts.books?.isSpent === true) throw this.#refused(this.#shardFull(what));
  }

  /** Whether a message has to stand in line. Throws when there is no room even there. */
  #mustQueue(what: string, bytes: number): boolean {
    const { outlet } = this.#parts.session;
    if (this.#parts.books?.isSpent === true) throw this.#refused(this.#shardFull(what));
    if (!outlet.isFull(bytes)) return false;
    if (outlet.isLineFull(bytes)) throw this.#refused(this.#outboxFull(what));
    return true;
  }

  /** What was encoded last is not accepted: functions in it were not passed. */
  #refused(error: HomingError): HomingError {
    this.#parts.functions.refused();
    return error;
  }

  #shardFull(what: string): HomingError {
    const bytesMax = this.#parts.books?.bytesMax ?? 0;
    return new HomingError('OutboxFull', `${what}: expected this shard to hold less than ${bytesMax} bytes`);
  }

  #outboxFull(what: string): HomingError {
    const { outboxMessages, outboxBytes } = this.#parts.limits;
    const { messages, bytes } = this.#parts.session.outlet.ordered;
    const most = `${outboxMessages} messages and ${outboxBytes} bytes in the outbox`;
    return new HomingError('OutboxFull', `${what}: expected at most ${most}, which holds ${messages} and ${bytes}`);
  }
}

/** The payload of an event `[name, ...args]` that goes to many. Throws `NotEncodable` for functions and streams. */
export function payloadForMany(codec: Codec, message: readonly unknown[]): Uint8Array {
  if (typeof message[0] !== 'string') {
    throw new HomingError('BadOption', `expected the name of an event as text, got ${typeof message[0]}`);
  }
  codec.encode(message);
  return copyOf(codec.scratch, codec.start, codec.end);
}
