/**
 * The shared store as both ends hold it: values in, encoded entries kept, changes told. At the accepting end a write counts
 * when it is made; at the dialling end it is pending until the other one has decided. Values are copied on the way in and
 * out, so nobody changes the store by changing an object.
 */
import { HomingError } from '../errors.ts';
import { Copy, Entries, type Entry, type Plain, STORE_BYTES_MAX } from '../session/store.ts';
import type { Codec } from '../wire/codec.ts';
import { Kind, copyOf } from '../wire/frame.ts';
import { describeError, isThenable } from './describe.ts';
import { type StoreListener, StoreListeners } from './store-listeners.ts';
import { bounds, isKey, plainOf, requireKey, storeFull, valueOf } from './stored-values.ts';

/** What the user has of a store. */
export interface StoreView {
  get(key: string): unknown;
  set(key: string, value: unknown): void;
  delete(key: string): void;
  entries(): IterableIterator<[string, unknown]>;
  on(event: 'change', listener: StoreListener): () => void;
}

/** What a lost history took with it. */
export interface StoreLoss {
  /** What the server had confirmed. */
  readonly copy: ReadonlyMap<string, unknown>;
  /** Own writes that were not confirmed, oldest first; undefined: a key to be deleted. */
  readonly pending: readonly { readonly key: string; readonly value: unknown }[];
}

/** Whether the peer may write a key; asked for each of its writes. */
export type MayWrite = (key: string, value: unknown) => boolean | PromiseLike<boolean>;

/** What a store asks of its session's actor. */
export interface StoreOwner {
  /** Sends `[key, value]`, or `[key]`, which has been encoded. Returns its ordinal. Throws what `send` throws. */
  sendStored(kind: number, key: string, payload: Uint8Array): number;
  /** Whether the shard holds as many bytes as it may. */
  isSpent(): boolean;
  /** Something went wrong that no promise carries. */
  tell(error: HomingError): void;
  /** What this end shows of a key has changed; plain values only, undefined for others. */
  shown(key: string, now: Plain | undefined, before: Plain | undefined): void;
}

/** Told what becomes of a write in the moment in which that is decided: before anybody else, who might change the store. */
export type Verdict = (refusal: HomingError | undefined) => void;

/** What a hook threw instead of an answer. */
export interface HookFault {
  readonly cause: unknown;
}

const NO_KEYS: ReadonlySet<string> = new Set();

/** One end's shared store. */
export class SharedStore implements StoreView {
  /** Keys that the peer may not write. */
  serverKeys: ReadonlySet<string> = NO_KEYS;
  /** Asked before a write of the peer counts. */
  mayWrite: MayWrite | undefined;
  /** Changes sent in this epoch, at the end that decides. */
  changeCount = 0;
  readonly #owner: StoreOwner;
  readonly #codec: Codec;
  readonly #limits: { readonly outboxMessages: number; readonly outboxBytes: number };
  /** At the end that decides. */
  readonly #entries: Entries | undefined;
  /** At the end that follows; made when it is needed. */
  #copy: Copy | undefined;
  #isOver = false;
  /** Made for the first one. */
  #listeners: StoreListeners | undefined;

  constructor(
    owner: StoreOwner,
    codec: Codec,
    decides: boolean,
    limits: { readonly outboxMessages: number; readonly outboxBytes: number },
  ) {
    this.#owner = owner;
    this.#codec = codec;
    this.#limits = limits;
    this.#entries = decides ? new Entries() : undefined;
  }

  /** Payload bytes that are kept. */
  get bytes(): number {
    return this.#entries?.bytes ?? this.#copy?.bytes ?? 0;
  }

  /** Own writes that the other end has not decided. */
  get pendingCount(): number {
    return this.#copy?.pendingCount ?? 0;
  }

  // ---- what the user does

  get(key: string): unknown {
    return valueOf(this.#entryOf(key));
  }

  /** The value of a key where it is a text, a number or a boolean; groups and presence look at no others. */
  plainOf(key: string): Plain | undefined {
    return this.#entryOf(key)?.plain;
  }

  set(key: string, value: unknown): void {
    requireKey(key);
    if (value === undefined) return this.delete(key);
    this.#codec.encode([key, value], 'store');
    const { scratch, start, end } = this.#codec;
    const payload = copyOf(scratch, start, end);
    this.#write(key, { payload, plain: plainOf(value) }, payload);
  }

  delete(key: string): void {
    requireKey(key);
    this.#codec.encode([key], 'store');
    const { scratch, start, end } = this.#codec;
    this.#write(key, undefined, copyOf(scratch, start, end));
  }

  /** Keys that there are, or were a moment ago. */
  keys(): Iterable<string> {
    return this.#entries?.keys() ?? this.#copy?.keys() ?? [];
  }

  *entries(): IterableIterator<[string, unknown]> {
    for (const key of this.keys()) {
      const entry = this.#entryOf(key);
      if (entry !== undefined) yield [key, valueOf(entry)];
    }
  }

  on(event: 'change', listener: StoreListener): () => void {
    this.#listeners ??= new StoreListeners((error) => this.#listenerFailed(error));
    return this.#listeners.on(event, listener);
  }

  // ---- what the peer does

  /**
   * The peer asks for a write; `values` are decoded from this payload, which is kept. The verdict is told at once or later;
   * what is returned, or resolves, once it was: the error of the hook, if it threw.
   */
  judge(
    values: readonly unknown[],
    payload: Uint8Array,
    verdict: Verdict,
  ): HookFault | undefined | Promise<HookFault | undefined> {
    const [key, value] = values as [string, unknown];
    const refusal = this.#refusalOf(key, values.length);
    if (refusal !== undefined) {
      verdict(refusal);
      return undefined;
    }
    const decide = (isAllowed: unknown): undefined => this.#decide(key, value, payload, isAllowed === true, verdict);
    const fail = (cause: unknown): HookFault => {
      verdict(new HomingError('WriteRefused', `store.${key}: the server could not judge this write`));
      return { cause };
    };
    if (this.mayWrite === undefined) return decide(true);
    let isAllowed: unknown;
    try {
      isAllowed = this.mayWrite(key, value);
    } catch (cause) {
      return fail(cause);
    }
    return isThenable(isAllowed) ? Promise.resolve(isAllowed).then(decide, fail) : decide(isAllowed);
  }

  /** The end that decides tells of a change. */
  change(values: readonly unknown[], payload: Uint8Array): void {
    const [key, value] = values as [string, unknown];
    if (values.length > 2 || !isKey(key)) {
      this.#theCopy.miss();
      this.#owner.tell(new HomingError('BadOption', 'expected a key and its value in a change of the store'));
      return;
    }
    const entry = value === undefined ? undefined : { payload, plain: plainOf(value) };
    this.#show(key, 'peer', () => {
      if (this.#theCopy.change(key, entry)) return;
      this.#owner.tell(new HomingError('StoreFull', `${key}: the peer's store is beyond ${bounds()}; not kept`));
    });
  }

  /** The oldest write without a verdict was accepted after so many changes of the peer, or refused. */
  judged(changes: number, refusal: HomingError | undefined): void {
    const copy = this.#theCopy;
    const key = copy.oldestUnjudgedKey;
    if (key === undefined) return;
    this.#show(key, 'peer', () => {
      if (refusal === undefined) copy.accepted(changes);
      else copy.refused();
    });
    if (refusal !== undefined) this.#owner.tell(refusal);
  }

  /** A message will not be written; if it was a write, it does not count. */
  takenBack(ordinal: number): void {
    const key = this.#copy?.keyOf(ordinal);
    if (key !== undefined) this.#show(key, 'peer', () => this.#copy?.takenBack(ordinal));
  }

  // ---- what the actor asks

  /** The ordinal of the newest own write without a verdict; 0 when there is none. */
  get lastUnjudged(): number {
    return this.#copy?.lastUnjudged ?? 0;
  }

  /** Whether an own write with at most this ordinal has no verdict yet. */
  isUnjudged(ordinal: number): boolean {
    return this.#copy?.isUnjudged(ordinal) === true;
  }

  /** What a lost history would take with it now. */
  get atStake(): StoreLoss {
    const copy = this.#copy;
    if (copy === undefined) return { copy: new Map(), pending: [] };
    const confirmed = new Map(copy.confirmed.keys().map((key) => [key, valueOf(copy.confirmed.get(key))]));
    return { copy: confirmed, pending: [...copy.pending()].map(({ key, entry }) => ({ key, value: valueOf(entry) })) };
  }

  /** History was lost: empties the copy, tells of each key that is gone, and returns what was there. */
  lose(): StoreLoss {
    const loss = this.atStake;
    const copy = this.#copy;
    if (copy === undefined) return loss;
    const shown = copy.keys().map((key) => ({ key, plain: copy.get(key)?.plain }));
    copy.clear();
    for (const { key, plain } of shown) this.#owner.shown(key, undefined, plain);
    this.#listeners?.tell(shown.map(({ key }) => [key, undefined, 'peer']));
    return loss;
  }

  /** The session has ended: what it shows stays as it is. */
  close(): void {
    this.#isOver = true;
  }

  // ---- below

  get #theCopy(): Copy {
    return (this.#copy ??= new Copy());
  }

  #entryOf(key: string): Entry | undefined {
    return this.#entries === undefined ? this.#copy?.get(key) : this.#entries.get(key);
  }

  #write(key: string, entry: Entry | undefined, payload: Uint8Array): void {
    const entries = this.#entries;
    if (entries !== undefined) {
      if (entry !== undefined && !entries.fits(key, entry)) throw storeFull(key);
      this.#owner.sendStored(Kind.CHANGE, key, payload);
      this.changeCount += 1;
      this.#show(key, 'here', () => entries.set(key, entry));
      return;
    }
    const copy = this.#theCopy;
    const { outboxMessages, outboxBytes } = this.#limits;
    if (payload.length > STORE_BYTES_MAX) throw storeFull(key);
    if (copy.pendingCount >= outboxMessages || copy.pendingBytes + payload.length > outboxBytes) {
      const sentence = `store: expected at most ${outboxMessages} writes and ${outboxBytes} bytes that are not decided`;
      throw new HomingError('OutboxFull', sentence);
    }
    const ordinal = this.#owner.sendStored(Kind.WRITE, key, payload);
    this.#show(key, 'here', () => copy.write(ordinal, key, entry));
  }

  #refusalOf(key: string, length: number): HomingError | undefined {
    if (length < 1 || length > 2 || !isKey(key)) return new HomingError('BadOption', 'expected a key and its value');
    if (!this.serverKeys.has(key)) return undefined;
    return new HomingError('WriteRefused', `store.${key}: only the server writes this key`);
  }

  #decide(key: string, value: unknown, payload: Uint8Array, isAllowed: boolean, verdict: Verdict): undefined {
    const entries = this.#entries;
    const entry = value === undefined ? undefined : { payload, plain: plainOf(value) };
    if (entries === undefined || this.#isOver || !isAllowed) {
      verdict(new HomingError('WriteRefused', `store.${key}: the server does not allow this write`));
    } else if (entry !== undefined && (!entries.fits(key, entry) || this.#owner.isSpent())) {
      verdict(storeFull(key));
    } else {
      this.#show(key, 'peer', () => {
        entries.set(key, entry);
        verdict(undefined);
      });
    }
  }

  /** Makes a change and tells of it, if what this end shows is another entry afterwards. */
  #show(key: string, by: 'here' | 'peer', change: () => void): void {
    const before = this.#entryOf(key);
    change();
    const now = this.#entryOf(key);
    if (now === before) return;
    if (now?.plain !== before?.plain) this.#owner.shown(key, now?.plain, before?.plain);
    if (this.#listeners?.isUsed === true) this.#listeners.tell([[key, valueOf(now), by]]);
  }

  #listenerFailed(error: unknown): void {
    const sentence = `a listener of store changes threw: ${describeError(error).message}`;
    this.#owner.tell(new HomingError('HandlerFailed', sentence, { cause: error }));
  }
}
