/**
 * What direct messages say: how each is written for the peer, and read from it. They take effect when they are received,
 * past the mailbox, so reading one ends in an output for the driver; what contradicts the session costs the connection.
 */
import type { EndCode } from '../errors.ts';
import { Kind, copyOf, readU32, readU64, writeU32, writeU64 } from '../wire/frame.ts';
import { RESULT_BYTES, type ReadItem, ResultStatus, TARGET_BYTES } from './calls.ts';
import type { Outlet } from './outlet.ts';

/** Status byte of a receipt. */
export const ReceiptStatus = { OK: 0, FAILED: 1, NO_HANDLER: 2 } as const;

/** Status byte of a verdict on a write to the shared store; behind REFUSED follows an error as one item. */
export const VerdictStatus = { ACCEPTED: 0, REFUSED: 1 } as const;

/** Bytes before the error of a receipt: u64 seq, u8 status. */
const RECEIPT_BYTES = 9;
/** Bytes before the error of a verdict: u64 seq, u8 status, u64 changes sent before. */
const VERDICT_BYTES = 17;
/** The receipts that wait are bounded in number by the credit, and by this in bytes. */
const ERROR_BYTES_MAX = 16_384;
/** CBOR of ['Error', 'too large', undefined]. */
const LARGE_ERROR = Uint8Array.of(0x83, 0x65, ...ascii('Error'), 0x69, ...ascii('too large'), 0xf7);
const CANCEL_BYTES = 8;
const scratch = new Uint8Array(4_096);
const RELEASE_BYTES = 12;

/** What reading needs: scans of messages and of items, negative when refused, and how many calls may be on their way. */
export interface DirectOptions {
  readonly limits: { readonly mailboxMessages: number };
  readonly inspect: (bytes: Uint8Array, start: number, end: number) => number;
  readonly inspectItem: (bytes: Uint8Array, start: number, end: number) => number;
  /** Reads the value of a call at once, where it is short and plain; undefined for one to be scanned. */
  readItem?(bytes: Uint8Array, start: number, end: number): ReadItem | undefined;
  /** Whether this end decides about the store: verdicts and notices go out and never come in. */
  readonly decides?: boolean | undefined;
}

/** A whole direct message in its bytes. */
interface Whole {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
}

/** The direct messages of one session. */
export class Direct {
  readonly #outlet: Outlet;
  readonly #options: DirectOptions;
  /** Calls that the peer gave up before they were started here, or even received. */
  #cancelled: Set<number> | undefined;

  constructor(outlet: Outlet, options: DirectOptions) {
    this.#outlet = outlet;
    this.#options = options;
  }

  // ---- out

  /**
   * Sends the receipt of a message processed in this epoch; `error` is one CBOR item for status FAILED. An error that is
   * too large goes without its text: a receipt that the peer does not take would break every connection.
   */
  sendReceipt(seq: number, status: number, error: Uint8Array | undefined): void {
    const told = error !== undefined && error.length > this.#errorBytesMax(RECEIPT_BYTES) ? LARGE_ERROR : error;
    const payload = new Uint8Array(RECEIPT_BYTES + (told?.length ?? 0));
    writeU64(payload, 0, seq);
    payload[8] = status;
    if (told !== undefined) payload.set(told, RECEIPT_BYTES);
    this.#outlet.acceptDirect(Kind.RECEIPT, payload, 0, payload.length);
  }

  /**
   * Sends the result of a call of this epoch, as kind RESULT, or ANSWER for one of a passed function; `item` is one CBOR
   * item for OK and FAILED, copied. A value is not too large for the peer; an error that is goes without its text.
   */
  sendResult(kind: number, seq: number, status: number, item: Uint8Array, start: number, end: number): void {
    const isLarge = status === ResultStatus.FAILED && end - start > this.#errorBytesMax(RESULT_BYTES);
    const told = isLarge ? LARGE_ERROR : item.subarray(start, end);
    const bytes = RESULT_BYTES + told.length;
    // The outbox copies: a result of modest size is put together in one place that serves them all.
    const payload = bytes <= scratch.length ? scratch : new Uint8Array(bytes);
    writeU64(payload, 0, seq);
    payload[8] = status;
    payload.set(told, RESULT_BYTES);
    this.#outlet.acceptDirect(kind, payload, 0, bytes);
  }

  /** As `sendResult` for OK: the item was written into the page of the direct lane, behind room for its head, up to `end`. */
  sendWrittenResult(kind: number, seq: number, end: number): void {
    const { page, freeAt } = this.#outlet.direct;
    if (page === undefined) return;
    writeU64(page, freeAt, seq);
    page[freeAt + 8] = ResultStatus.OK;
    this.#outlet.acceptDirectWritten(kind, end);
  }

  /** Calls a passed function of the peer with `args`, one CBOR item, copied; the answer comes for the token. */
  sendApply(target: number, args: Uint8Array, start: number, end: number, token: number): void {
    const payload = new Uint8Array(TARGET_BYTES + end - start);
    writeU64(payload, 0, target);
    payload.set(args.subarray(start, end), TARGET_BYTES);
    this.#outlet.acceptDirect(Kind.APPLY, payload, 0, payload.length, token);
  }

  /** Tells the peer that a function which arrived so many times is not used here any more. */
  sendRelease(target: number, count: number): void {
    const payload = new Uint8Array(RELEASE_BYTES);
    writeU64(payload, 0, target);
    writeU32(payload, TARGET_BYTES, count);
    this.#outlet.acceptDirect(Kind.RELEASE, payload, 0, payload.length);
  }

  /** Whether the peer has given up this call, which has not been started; asked once. */
  takeCancel(seq: number): boolean {
    return this.#cancelled?.delete(seq) === true;
  }

  /**
   * Says what became of a write to the store: accepted, or refused with `error`, one CBOR item. `changes` counts the
   * changes of this end that went out in this epoch before it was decided.
   */
  sendVerdict(seq: number, changes: number, error: Uint8Array | undefined): void {
    const told = error !== undefined && error.length > this.#errorBytesMax(VERDICT_BYTES) ? LARGE_ERROR : error;
    const payload = new Uint8Array(VERDICT_BYTES + (told?.length ?? 0));
    writeU64(payload, 0, seq);
    payload[8] = told === undefined ? VerdictStatus.ACCEPTED : VerdictStatus.REFUSED;
    writeU64(payload, 9, changes);
    if (told !== undefined) payload.set(told, VERDICT_BYTES);
    this.#outlet.acceptDirect(Kind.VERDICT, payload, 0, payload.length);
  }

  /** Tells the peer of an error, one CBOR item, that no promise of its own carries. */
  sendNotice(error: Uint8Array): void {
    const told = error.length > this.#errorBytesMax(0) ? LARGE_ERROR : error;
    this.#outlet.acceptDirect(Kind.NOTICE, told, 0, told.length);
  }

  // ---- in

  /** The ordered messages up to `cursor` are processed: whoever cancels what is no call must not fill the memory. */
  processed(cursor: number): void {
    this.#cancelled?.delete(cursor);
  }

  /** A new epoch begins. */
  restart(): void {
    this.#cancelled = undefined;
  }

  /** Reads a direct message with its own seq; `cursor` is that of the ordered lane. Returns what is wrong with it, if anything. */
  take(kind: number, ownSeq: number, whole: Whole, cursor: number): EndCode | undefined {
    switch (kind) {
      case Kind.RECEIPT:
        return this.#takeReceipt(whole);
      case Kind.RESULT:
      case Kind.ANSWER:
        return this.#takeResult(whole, kind === Kind.ANSWER);
      case Kind.CANCEL:
        return this.#takeCancel(whole, cursor);
      case Kind.APPLY:
        return this.#takeApply(whole, ownSeq);
      case Kind.STOP:
        return this.#takeStop(whole, ownSeq);
      case Kind.VERDICT:
        return this.#takeVerdict(whole);
      case Kind.NOTICE:
        return this.#takeNotice(whole);
      default:
        return this.#takeRelease(whole);
    }
  }

  #takeReceipt(whole: Whole): EndCode | undefined {
    const { bytes, start, end } = whole;
    if (end - start < RECEIPT_BYTES) return 'bad-frame';
    const seq = readU64(bytes, start);
    const status = bytes[start + 8] ?? 255;
    const errorAt = start + RECEIPT_BYTES;
    if (seq < 1 || status > ReceiptStatus.NO_HANDLER) return 'bad-frame';
    if ((status === ReceiptStatus.FAILED) !== end > errorAt) return 'bad-frame';
    if (status === ReceiptStatus.FAILED && this.#options.inspect(bytes, errorAt, end) < 0) return 'payload-refused';
    const error = status === ReceiptStatus.FAILED ? copyOf(bytes, errorAt, end) : undefined;
    return this.#outlet.settleReceipt(seq, status, error) ? undefined : 'unknown-receipt';
  }

  #takeResult(whole: Whole, isAnswer: boolean): EndCode | undefined {
    const { bytes, start, end } = whole;
    const itemAt = start + RESULT_BYTES;
    if (end < itemAt) return 'bad-frame';
    const seq = readU64(bytes, start);
    const status = bytes[start + 8] ?? 255;
    if (seq < 1 || status > ResultStatus.CANCELLED) return 'bad-frame';
    const hasItem = status === ResultStatus.OK || status === ResultStatus.FAILED;
    if (hasItem !== end > itemAt) return 'bad-frame';
    let item: Uint8Array | ReadItem | undefined;
    if (status === ResultStatus.OK) item = this.#options.readItem?.(bytes, itemAt, end);
    if (hasItem && item === undefined) {
      const isFit = this.#options.inspectItem(bytes, itemAt, end) >= 0;
      if (!isFit) return 'payload-refused';
      item = copyOf(bytes, itemAt, end);
    }
    return this.#outlet.settleResult(seq, status, item, isAnswer) ? undefined : 'unknown-receipt';
  }

  /** The direct lane is resent first, so a cancel may come before its call: at most a window of calls is on its way. */
  #takeCancel(whole: Whole, cursor: number): EndCode | undefined {
    const { bytes, start, end } = whole;
    if (end - start !== CANCEL_BYTES) return 'bad-frame';
    const seq = readU64(bytes, start);
    if (seq < 1 || seq > cursor + this.#options.limits.mailboxMessages) return 'bad-frame';
    if (seq <= cursor) this.#outlet.outputs.push({ type: 'cancelled', seq });
    else (this.#cancelled ??= new Set()).add(seq);
    return undefined;
  }

  #takeApply({ bytes, start, end }: Whole, ownSeq: number): EndCode | undefined {
    const itemAt = start + TARGET_BYTES;
    if (end <= itemAt) return 'bad-frame';
    const target = readU64(bytes, start);
    if (target < 1 || (bytes[itemAt] ?? 0) >> 5 !== 4) return 'bad-frame';
    if (this.#options.inspectItem(bytes, itemAt, end) < 0) return 'payload-refused';
    this.#outlet.outputs.push({ type: 'apply', seq: ownSeq, target, args: copyOf(bytes, itemAt, end) });
    return undefined;
  }

  #takeStop({ bytes, start, end }: Whole, ownSeq: number): EndCode | undefined {
    if (end - start !== CANCEL_BYTES) return 'bad-frame';
    const seq = readU64(bytes, start);
    // What it stops came before it in the same lane.
    if (seq < 1 || seq >= ownSeq) return 'bad-frame';
    this.#outlet.outputs.push({ type: 'stopped', seq });
    return undefined;
  }

  #takeRelease({ bytes, start, end }: Whole): EndCode | undefined {
    if (end - start !== RELEASE_BYTES) return 'bad-frame';
    const target = readU64(bytes, start);
    const count = readU32(bytes, start + TARGET_BYTES);
    if (target < 1 || count < 1) return 'bad-frame';
    this.#outlet.outputs.push({ type: 'released', target, count });
    return undefined;
  }

  #takeVerdict({ bytes, start, end }: Whole): EndCode | undefined {
    const errorAt = start + VERDICT_BYTES;
    if (end < errorAt || this.#options.decides === true) return 'bad-frame';
    const seq = readU64(bytes, start);
    const status = bytes[start + 8] ?? 255;
    const changes = readU64(bytes, start + 9);
    if (seq < 1 || changes < 0 || status > VerdictStatus.REFUSED) return 'bad-frame';
    if ((status === VerdictStatus.REFUSED) !== end > errorAt) return 'bad-frame';
    const isRefused = status === VerdictStatus.REFUSED;
    if (isRefused && this.#options.inspect(bytes, errorAt, end) < 0) return 'payload-refused';
    const error = isRefused ? copyOf(bytes, errorAt, end) : undefined;
    return this.#outlet.settleWrite(seq, changes, error) ? undefined : 'unknown-receipt';
  }

  #takeNotice({ bytes, start, end }: Whole): EndCode | undefined {
    if (this.#options.decides === true) return 'bad-frame';
    if (this.#options.inspect(bytes, start, end) < 0) return 'payload-refused';
    this.#outlet.outputs.push({ type: 'notice', error: copyOf(bytes, start, end) });
    return undefined;
  }

  #errorBytesMax(headBytes: number): number {
    return Math.min(this.#outlet.messageBytesMax - headBytes, ERROR_BYTES_MAX);
  }
}

function ascii(text: string): number[] {
  return Array.from(text, (character) => character.charCodeAt(0));
}
