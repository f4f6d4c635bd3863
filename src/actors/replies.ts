/** Results of calls on their way back: encoded, or turned into an error when they cannot cross. */
import { HomingError } from '../errors.ts';
import { RESULT_BYTES, ResultStatus } from '../session/calls.ts';
import type { Session } from '../session/session.ts';
import { Codec } from '../wire/codec.ts';
import { Kind, copyOf } from '../wire/frame.ts';
import { defaultWireLimits } from '../wire/limits.ts';
import { describeError } from './describe.ts';
import type { Functions } from './functions.ts';

const NO_BYTES = new Uint8Array(0);

// Not the session's own, which may take messages only that are smaller than an error.
const errorCodec = new Codec(defaultWireLimits);

/** What the peer may learn of an error: its name, its sentence and its code; never a stack. */
export function encodeError(error: unknown): Uint8Array {
  const { name, message, code } = describeError(error);
  errorCodec.encode([name, message, code], 'error');
  return copyOf(errorCodec.scratch, errorCodec.start, errorCodec.end);
}

/** Who is told of a result that cannot cross: a fault of this end's code. */
export interface RepliesOwner {
  handlerFailed(error: unknown, messageId: string): void;
}

/** Sends what calls came to. */
export class Replies {
  readonly #session: Session;
  readonly #codec: Codec;
  readonly #functions: Functions;
  readonly #owner: RepliesOwner;
  #isClosed = false;

  constructor(session: Session, codec: Codec, functions: Functions, owner: RepliesOwner) {
    this.#session = session;
    this.#codec = codec;
    this.#functions = functions;
    this.#owner = owner;
  }

  /** The session has ended: nobody gets a result any more. */
  close(): void {
    this.#isClosed = true;
  }

  /** Sends a result of kind RESULT or ANSWER; one of an older epoch has nobody to go to. */
  send(kind: number, seq: number, epoch: number, status: number, value: unknown): void {
    const session = this.#session;
    if (this.#isClosed || epoch !== session.epoch) return;
    if (status === ResultStatus.OK) return this.#sendValue(kind, seq, value);
    const item = status === ResultStatus.FAILED ? encodeError(value) : NO_BYTES;
    session.direct.sendResult(kind, seq, status, item, 0, item.length);
  }

  #sendValue(kind: number, seq: number, value: unknown): void {
    const session = this.#session;
    const codec = this.#codec;
    if (this.#writeValue(kind, seq, value)) return;
    try {
      this.#functions.encode(codec, value, 'result');
      const bytesMax = session.outlet.messageBytesMax - RESULT_BYTES;
      const bytes = codec.end - codec.start;
      if (bytes > bytesMax) {
        throw new HomingError('MessageTooLarge', `expected a result of at most ${bytesMax} bytes, got ${bytes}`);
      }
    } catch (error) {
      this.#functions.refused();
      this.#owner.handlerFailed(
        error,
        `${session.id ?? 'new'}/${session.epoch}/${kind === Kind.RESULT ? '' : 'direct '}${seq}`,
      );
      this.send(kind, seq, session.epoch, ResultStatus.FAILED, error);
      return;
    }
    this.#functions.acceptedDirect();
    session.direct.sendResult(kind, seq, ResultStatus.OK, codec.scratch, codec.start, codec.end);
  }

  /** Writes a short plain value right into the page where it will wait. False: it has to be encoded. */
  #writeValue(kind: number, seq: number, value: unknown): boolean {
    const { outlet, direct } = this.#session;
    const { page, freeAt } = outlet.direct;
    if (page === undefined || this.#functions.isEncoding) return false;
    const end = this.#codec.writeShort(value, page, freeAt + RESULT_BYTES, page.length);
    if (end < 0 || end - freeAt > outlet.messageBytesMax) return false;
    // A getter may have run anything, and the page be another one by now.
    if (page !== outlet.direct.page || freeAt !== outlet.direct.freeAt) return false;
    direct.sendWrittenResult(kind, seq, end);
    return true;
  }
}
