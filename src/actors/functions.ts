/**
 * Functions and streams that cross: what this end has passed to the peer (exports) and what it was passed (imports). They
 * live with the session's epoch. An export is counted once for each time it was passed; a release says how many arrivals
 * it stands for, so one that crosses another passing on its way ends nothing (DESIGN: Functions).
 */
import { HomingError } from '../errors.ts';
import type { Codec } from '../wire/codec.ts';
import type { InCarrier } from '../wire/restore.ts';
import type { OutCarrier } from '../wire/values.ts';
import type { Method } from './callee.ts';
import { openStream, pullerOf } from './streams.ts';
import type { Wait } from './waits.ts';

/** What functions need of their session. */
export interface FunctionsOwner {
  /** Calls a function of the peer. */
  apply(target: number, args: readonly unknown[], wait?: Wait): Promise<unknown>;
  /** Tells the peer that a function which arrived so many times is not used any more. */
  release(target: number, count: number): void;
  /** Runs a task once the current one is over. */
  defer(task: () => void): void;
  /** The ordinal of the oldest ordered message that the peer has not processed. */
  oldestOrdinal(): number;
  /** Whether messages of an older epoch wait here. */
  hasOldMessages(): boolean;
  /** Bytes of the item of an answer that the peer takes. */
  answerBytesMax(): number;
  /** Bytes of a value when it is encoded with this carrier; throws what keeps it from crossing. */
  weigh(value: unknown, carrier: OutCarrier): number;
}

/** A function that was passed to the peer. */
interface Export {
  readonly id: number;
  readonly work: Method;
  readonly self: object | undefined;
  /** How often it was passed and not released. */
  count: number;
  /** Called when the peer has no use for it any more. */
  readonly gone: (() => void) | undefined;
}

/** A function of the peer. */
interface Import {
  readonly id: number;
  /** Counts epochs of this end: one of an older epoch is lost. */
  readonly era: number;
  /** What the user has of it; weak, so that it is released when nobody has it any more. */
  handle: WeakRef<object> | undefined;
  /** How often it arrived. */
  count: number;
  /** The last ordered message of this end that mentions it. */
  mentionedIn: number;
  isReleased: boolean;
}

/** An ordered message that passes functions or gives some back, not known to be processed. */
interface Passed {
  readonly token: number;
  /** What it passes. */
  readonly exports: readonly number[];
}

interface Forgotten {
  readonly functions: Functions;
  readonly entry: Import;
}

const NOTHING: readonly never[] = [];
const NONE_PASSED: ReadonlyMap<number, Passed> = new Map();

const forgotten = new FinalizationRegistry<Forgotten>(({ functions, entry }) => functions.release(entry));

/** Stubs by themselves, whatever session they are of. */
const stubs = new WeakMap<object, { readonly functions: Functions; readonly entry: Import }>();

/** The functions of one session. */
export class Functions implements OutCarrier, InCarrier {
  readonly #owner: FunctionsOwner;
  readonly #functionsMax: number;
  // Tables are made when they are needed: most sessions pass no function, ever.
  #exports: Map<number, Export> | undefined;
  #imports: Map<number, Import> | undefined;
  /** Ids of exports by function and object. */
  #ids: WeakMap<object, Map<object | undefined, number>> | undefined;
  /** Waiting and written ordered messages that pass or give back, by ordinal. */
  #passed: Map<number, Passed> | undefined;
  /** What calls of functions pass, by who waits for their answers. */
  #passedDirect: Map<number, readonly number[]> | undefined;
  /** What was exported in older epochs, while messages of them wait here. */
  #past: Map<number, Method> | undefined;
  /** Released here, and still mentioned in a message on its way. */
  #held: Import[] | undefined;
  #lastId = 0;
  #era = 0;
  // of the value that is being encoded
  #passing: number[] | undefined;
  #mentioned: Import[] | undefined;
  #isEncoding = false;
  /** Of the value that is being decoded: it holds more than there is room for. */
  #isOverfull = false;
  #isOver = false;

  constructor(owner: FunctionsOwner, functionsMax: number) {
    this.#owner = owner;
    this.#functionsMax = functionsMax;
  }

  /** Functions and streams passed to the peer and in use there. */
  get exportCount(): number {
    return this.#exports?.size ?? 0;
  }

  /** Functions and streams of the peer in use here. */
  get importCount(): number {
    return this.#imports?.size ?? 0;
  }

  // ---- out

  /** Whether a value is being encoded now: a getter in it may ask for something. */
  get isEncoding(): boolean {
    return this.#isEncoding;
  }

  /** Encodes a value. It has to be said then what became of it: `accepted`, `acceptedDirect` or `refused`. */
  encode(codec: Codec, value: unknown, root: string | undefined): void {
    if (this.#isEncoding) {
      throw new HomingError('NotEncodable', 'a getter or proxy in a message encoded another message');
    }
    this.#isEncoding = true;
    try {
      codec.encode(value, root, this);
    } catch (error) {
      this.refused();
      throw error;
    } finally {
      this.#isEncoding = false;
    }
  }

  functionOut(work: Method, self: object | undefined): number {
    const stub = stubs.get(work);
    if (stub?.functions === this) return this.#echo(stub.entry);
    this.#ids ??= new WeakMap();
    const byself = this.#ids.get(work);
    const id = byself?.get(self) ?? this.#export(work, self, undefined);
    if (byself === undefined) this.#ids.set(work, new Map([[self, id]]));
    else byself.set(self, id);
    return this.#pass(id);
  }

  streamOut(stream: AsyncIterable<unknown>): number {
    const owner = this.#owner;
    const { pull, stop } = pullerOf(stream, {
      defer: (task) => owner.defer(task),
      weigh: (item) => owner.weigh(item, weighing),
      bytesMax: () => owner.answerBytesMax(),
    });
    return this.#pass(this.#export(pull as Method, undefined, stop));
  }

  /** The value was encoded and its ordered message accepted under this ordinal. */
  accepted(ordinal: number, token: number): void {
    if (this.#passing === undefined && this.#mentioned === undefined) return;
    (this.#passed ??= new Map()).set(ordinal, { token, exports: this.#passing ?? [] });
    for (const entry of this.#mentioned ?? []) entry.mentionedIn = ordinal;
    this.#passing = undefined;
    this.#mentioned = undefined;
  }

  /** The value was encoded and goes out in the direct lane, which keeps its order; `token` waits for an answer to it. */
  acceptedDirect(token = 0): void {
    if (token > 0 && this.#passing !== undefined) (this.#passedDirect ??= new Map()).set(token, this.#passing);
    this.#passing = undefined;
    this.#mentioned = undefined;
  }

  /** The value was not encoded, or not accepted: nothing of it was passed. */
  refused(): void {
    for (const id of this.#passing ?? []) this.#unpass(id, 1);
    this.acceptedDirect();
  }

  /** A message was taken back before it was written. */
  takenBack(ordinal: number): void {
    const passed = this.#passed?.get(ordinal);
    if (passed === undefined) return;
    this.#passed?.delete(ordinal);
    for (const id of passed.exports) this.#unpass(id, 1);
  }

  /** A call of a function was taken back before it was written. */
  takenBackDirect(token: number): void {
    const passed = this.#passedDirect?.get(token) ?? [];
    this.#passedDirect?.delete(token);
    for (const id of passed) this.#unpass(id, 1);
  }

  /** A call of a function was answered, or can not be taken back any more. */
  settledDirect(token: number): void {
    this.#passedDirect?.delete(token);
  }

  /** The peer has released a function that it was passed so many times. */
  peerReleased(id: number, count: number): void {
    this.#unpass(id, count);
  }

  /** The function that the peer calls; undefined when it has none of this number. */
  exported(id: number): { readonly work: Method; readonly self: object | undefined } | undefined {
    return this.#exports?.get(id);
  }

  /** Messages may have been processed: releases that waited for them go, and what they passed is safe. */
  sweep(): void {
    if (this.#past !== undefined && !this.#owner.hasOldMessages()) this.#past = undefined;
    const passed = this.#passed;
    const held = this.#held ?? NOTHING;
    if ((passed === undefined || passed.size === 0) && held.length === 0) return;
    const oldest = this.#owner.oldestOrdinal();
    for (const ordinal of passed?.keys() ?? NOTHING) {
      if (ordinal >= oldest) break;
      passed?.delete(ordinal);
    }
    const due = held.filter(({ mentionedIn }) => mentionedIn < oldest);
    if (due.length === 0) return;
    this.#held = held.filter(({ mentionedIn }) => mentionedIn >= oldest);
    for (const { id, count } of due) this.#owner.release(id, count);
  }

  // ---- in

  /**
   * Decodes what a message of this epoch holds, or of a `past` one, whose functions are lost. Throws `payload-refused` when
   * that is more than there is room for.
   */
  decode(codec: Codec, bytes: Uint8Array, start: number, end: number, verdict: number, isPast: boolean): unknown {
    this.#isOverfull = false;
    const value = codec.decode(bytes, start, end, verdict, isPast ? new PastCarrier(this) : this);
    if (this.#isOverfull) refuse(`more than ${this.#functionsMax} functions are in use (limits.functions)`);
    return value;
  }

  /** Lets go of all that a value passes, which nobody here will see. */
  discard(codec: Codec, bytes: Uint8Array): void {
    try {
      codec.decode(bytes, 0, bytes.length, 1, new DiscardingCarrier(this));
    } catch {
      // It contradicts itself: whoever wrote it has to know what it passed.
    }
  }

  functionIn(reference: number): unknown {
    const id = Math.floor(reference / 2);
    return reference % 2 === 1 ? this.#own(id) : this.#import(id, stubKind);
  }

  streamIn(reference: number): unknown {
    const id = Math.floor(reference / 2);
    if (reference % 2 === 1) refuse('a stream comes back to where it is from');
    return this.#import(id, streamKind);
  }

  /** Nobody here uses it any more. */
  release(entry: Import): void {
    if (!this.#isLive(entry)) return;
    entry.isReleased = true;
    if (this.#imports?.get(entry.id) === entry) this.#imports.delete(entry.id);
    if (entry.mentionedIn > 0 && entry.mentionedIn >= this.#owner.oldestOrdinal()) (this.#held ??= []).push(entry);
    else this.#owner.release(entry.id, entry.count);
  }

  // ---- ends

  /**
   * A new epoch: what was passed either way is gone, and messages that pass or mention it cannot be sent any more. Returns
   * those by their ordinals.
   */
  age(): ReadonlyMap<number, { readonly token: number }> {
    const passed = this.#passed ?? NONE_PASSED;
    this.#era += 1;
    this.#imports = undefined;
    this.#held = undefined;
    this.#passed = undefined;
    this.#passedDirect = undefined;
    this.#ids = undefined;
    const exports = [...(this.#exports?.values() ?? NOTHING)];
    this.#exports = undefined;
    for (const { id, work } of exports) (this.#past ??= new Map()).set(id, work);
    for (const { gone } of exports) gone?.();
    return passed;
  }

  /** The session has ended: a stub of it says so, loudly. */
  close(): void {
    this.#isOver = true;
    this.age();
    this.#past = undefined;
  }

  // ---- below

  #export(work: Method, self: object | undefined, gone: (() => void) | undefined): number {
    this.#exports ??= new Map();
    if (this.#exports.size >= this.#functionsMax) {
      const sentence = `expected at most ${this.#functionsMax} functions and streams in use at the peer (limits.functions)`;
      throw new HomingError('NotEncodable', sentence);
    }
    this.#lastId += 1;
    this.#exports.set(this.#lastId, { id: this.#lastId, work, self, count: 0, gone });
    return this.#lastId;
  }

  #pass(id: number): number {
    const entry = this.#exports?.get(id);
    if (entry !== undefined) entry.count += 1;
    (this.#passing ??= []).push(id);
    return id * 2;
  }

  #unpass(id: number, count: number): void {
    const entry = this.#exports?.get(id);
    if (entry === undefined) return;
    entry.count -= count;
    if (entry.count > 0) return;
    this.#exports?.delete(id);
    const byself = this.#ids?.get(entry.work);
    byself?.delete(entry.self);
    if (byself?.size === 0) this.#ids?.delete(entry.work);
    entry.gone?.();
  }

  #echo(entry: Import): number {
    if (!this.#isLive(entry)) throw lost();
    (this.#mentioned ??= []).push(entry);
    return entry.id * 2 + 1;
  }

  #own(id: number): Method {
    const entry = this.#exports?.get(id);
    if (entry === undefined) return refuse('a function comes back that was not passed');
    return entry.work;
  }

  /** Lets go of one that nobody here will see. */
  discardOne(reference: number): undefined {
    if (reference % 2 === 0 && reference > 0) this.#owner.release(reference / 2, 1);
  }

  /** A function in a message of an older epoch: an own one is known, one of the peer is lost. */
  pastFunction(reference: number): unknown {
    return (reference % 2 === 1 ? this.#past?.get((reference - 1) / 2) : undefined) ?? this.#lostOne();
  }

  /** A stream in a message of an older epoch, which is lost. */
  pastStream(): unknown {
    return this.#streamOf(this.#entryOf(0, -1));
  }

  #lostOne(): object {
    return this.#stubOf(this.#entryOf(0, -1));
  }

  #entryOf(id: number, era: number): Import {
    return { id, era, handle: undefined, count: 1, mentionedIn: 0, isReleased: false };
  }

  #isLive(entry: Import): boolean {
    return !entry.isReleased && entry.era === this.#era && !this.#isOver;
  }

  #import(id: number, kind: typeof stubKind | typeof streamKind): object {
    if (id < 1) refuse('a function has no number');
    this.#imports ??= new Map();
    const known = this.#imports.get(id);
    const handle = known?.handle?.deref();
    if (known !== undefined && handle !== undefined) {
      if ((typeof handle === 'function' ? stubKind : streamKind) !== kind) refuse('a function is a stream, too');
      known.count += 1;
      return handle;
    }
    // One whose handle is gone is about to be released, with the arrivals that it stands for.
    if (known === undefined && this.#imports.size >= this.#functionsMax) {
      // The others in the message have to be seen before it is refused: each arrival counts.
      this.#isOverfull = true;
      this.#owner.release(id, 1);
      return this.#lostOne();
    }
    const entry = this.#entryOf(id, this.#era);
    const made = kind === stubKind ? this.#stubOf(entry) : this.#streamOf(entry);
    entry.handle = new WeakRef(made);
    this.#imports.set(id, entry);
    forgotten.register(made, { functions: this, entry });
    return made;
  }

  #stubOf(entry: Import): object {
    const stub = (...args: unknown[]): Promise<unknown> => this.#call(entry, args);
    Object.defineProperty(stub, Symbol.dispose, { value: () => this.release(entry) });
    stubs.set(stub, { functions: this, entry });
    return stub;
  }

  #streamOf(entry: Import): object {
    return openStream(
      (max) => this.#pull(entry, max),
      () => this.release(entry),
    );
  }

  /** Waits for as long as the producer takes; a pull that was lost with its session is no riddle to the consumer. */
  async #pull(entry: Import, max: number): Promise<unknown> {
    try {
      return await this.#call(entry, [max], { timeoutMs: Infinity });
    } catch (error) {
      throw error instanceof HomingError && error.code === 'OutcomeUnknown' ? lost(error) : error;
    }
  }

  #call(entry: Import, args: readonly unknown[], wait?: Wait): Promise<unknown> {
    if (!this.#isLive(entry)) return Promise.reject(lost());
    return this.#owner.apply(entry.id, args, wait);
  }
}

/** Takes functions of messages of an older epoch in. */
class PastCarrier implements InCarrier {
  readonly #functions: Functions;

  constructor(functions: Functions) {
    this.#functions = functions;
  }

  functionIn(reference: number): unknown {
    return this.#functions.pastFunction(reference);
  }

  streamIn(): unknown {
    return this.#functions.pastStream();
  }
}

/** Takes functions in that nobody will see. */
class DiscardingCarrier implements InCarrier {
  readonly #functions: Functions;

  constructor(functions: Functions) {
    this.#functions = functions;
  }

  functionIn(reference: number): undefined {
    return this.#functions.discardOne(reference);
  }

  streamIn(reference: number): undefined {
    return this.#functions.discardOne(reference);
  }
}

const stubKind = 'stub';
const streamKind = 'stream';

/** For a look at the size of a value: any reference is as large as one can be. */
const weighing: OutCarrier = { functionOut: () => 0xffff_ffff, streamOut: () => 0xffff_ffff };

function lost(cause?: Error): HomingError {
  const sentence = 'this function or stream belongs to a session that is gone, or was let go';
  return new HomingError('SessionLost', sentence, cause === undefined ? {} : { cause });
}

function refuse(why: string): never {
  throw new HomingError('payload-refused', `expected references that are known, got a payload where ${why}`);
}
