/**
 * The oracle of the shared store of one epoch: the server's history as its user hears it, the writes of the client, and
 * how far the client has come in that history. It is fed by what users see and do, and throws at the first step that
 * breaks a promise.
 */
import type { SharedStore, StoreLoss } from '../actors/shared-store.ts';
import { PromiseBroken } from './course.ts';

/** A write as its user made it; undefined: the key is deleted. */
export interface Write {
  readonly key: string;
  readonly value: unknown;
}

/** The server's map after a change, as a text, and which key it was about. */
interface Moment {
  readonly text: string;
  readonly key: string;
  readonly value: unknown;
  readonly by: 'here' | 'peer';
}

/** What becomes of writes: which the server's user judges, and which of those it allows. */
export interface Rules {
  readonly isJudged: (key: string) => boolean;
  readonly isAllowed: (value: unknown) => boolean;
}

/** The store of one epoch of one client. */
export class StoreAccount {
  readonly name: string;
  /** Writes of the client in the order in which it made them. */
  readonly writes: Write[] = [];
  /** Those that the server's user is asked about. */
  readonly judgeable: Write[] = [];
  /** How many of these it was asked about, and how many it has answered. */
  askedCount = 0;
  judgedCount = 0;
  readonly #rules: Rules;
  readonly #history: Moment[] = [{ text: '', key: '', value: undefined, by: 'here' }];
  readonly #map = new Map<string, unknown>();
  #reached = 0;
  /** What the client's end held when it was looked at last. */
  #seen: StoreLoss = { copy: new Map(), pending: [] };

  constructor(name: string, rules: Rules) {
    this.name = name;
    this.#rules = rules;
  }

  /** Changes in the history so far. */
  get length(): number {
    return this.#history.length - 1;
  }

  /** The client's end took a write. */
  wrote(key: string, value: unknown): void {
    this.writes.push({ key, value });
    if (this.#rules.isJudged(key)) this.judgeable.push({ key, value });
  }

  /** The server's user is asked about a write: the next one, once the one before has been answered. */
  asked(key: string, value: unknown): void {
    const expected = this.judgeable[this.askedCount];
    if (this.askedCount !== this.judgedCount) this.#fail(`asked about ${key} before the write before was answered`);
    this.askedCount += 1;
    if (expected === undefined || textOf([[key, value]]) !== textOf([[expected.key, expected.value]]))
      this.#fail(`asked about ${textOf([[key, value]])}, expected ${expected?.key} ${textOf([['', expected?.value]])}`);
  }

  /** The server's user has answered. */
  answered(): void {
    this.judgedCount += 1;
  }

  /** The server's user hears of a change. */
  changed(key: string, value: unknown, by: 'here' | 'peer'): void {
    if (value === undefined) this.#map.delete(key);
    else this.#map.set(key, value);
    this.#history.push({ text: textOf(this.#map), key, value, by });
  }

  /** The server's end shows what its user heard. */
  lookAtServer(store: Pick<SharedStore, 'entries'>): void {
    const shown = textOf(store.entries());
    if (shown !== this.#history.at(-1)?.text) this.#fail(`the server shows ${shown}, and its user heard otherwise`);
  }

  /** The client's end: its copy is a prefix of the history, its pending writes are its own, and it shows both. */
  look(store: Pick<SharedStore, 'entries' | 'atStake'>): void {
    const seen = store.atStake;
    this.#reach(textOf(seen.copy), this.#reached, Infinity);
    this.#expectOwn(seen.pending);
    const overlaid = new Map(seen.copy);
    for (const { key, value } of seen.pending) {
      if (value === undefined) overlaid.delete(key);
      else overlaid.set(key, value);
    }
    const shown = textOf(store.entries());
    if (shown !== textOf(overlaid)) this.#fail(`shows ${shown}, with ${textOf(overlaid)} confirmed and pending`);
    this.#seen = seen;
  }

  /**
   * A message of the client is being handled that was sent after so many writes that are judged: these are decided, no
   * later one is.
   */
  heardAtServer(count: number): void {
    if (this.askedCount !== count || this.judgedCount !== count)
      this.#fail(`a message after ${count} writes found ${this.askedCount} asked about, ${this.judgedCount} judged`);
    const last = new Map(this.#history.map((moment) => [moment.key, moment]));
    const mine = this.judgeable.slice(0, count).filter(({ value }) => this.#rules.isAllowed(value));
    for (const { key, value } of new Map(mine.map((write) => [write.key, write])).values()) {
      const newest = last.get(key);
      if (newest?.by === 'peer' && textOf([['', newest.value]]) !== textOf([['', value]]))
        this.#fail(`a message after the write ${textOf([[key, value]])} found ${textOf([[key, newest.value]])}`);
    }
  }

  /**
   * A message of the server is being handled that was sent after so many changes: the client has these, and none that the
   * server made later.
   */
  heardAtClient(store: Pick<SharedStore, 'entries' | 'atStake'>, length: number): void {
    this.look(store);
    const later = this.#history.findIndex(({ by }, index) => index > length && by === 'here');
    this.#reach(textOf(store.atStake.copy), Math.max(length, this.#reached), later < 0 ? Infinity : later);
  }

  /** The client was told that this epoch is over: with exactly what it held. */
  lost(loss: StoreLoss): void {
    const [told, seen] = [loss, this.#seen].map(({ copy, pending }) => `${textOf(copy)} and ${textOfWrites(pending)}`);
    if (told !== seen) this.#fail(`a gap was reported with ${told}, and the client had ${seen}`);
  }

  /** A flush of the client that began after so many judged writes is over. */
  flushed(count: number): void {
    if (this.judgedCount < count)
      this.#fail(`a flush after ${count} writes is over, and ${this.judgedCount} are judged`);
  }

  /** Nothing is on its way: both ends have the same. */
  rest(client: Pick<SharedStore, 'entries' | 'pendingCount'>, server: Pick<SharedStore, 'entries'>): void {
    const [here, there] = [textOf(client.entries()), textOf(server.entries())];
    if (client.pendingCount > 0) this.#fail(`${client.pendingCount} writes are pending for ever`);
    if (here !== there) this.#fail(`the client has ${here}, the server ${there}`);
    if (there !== this.#history.at(-1)?.text) this.#fail(`the server has ${there}, and its user heard otherwise`);
  }

  /** The client has come to a moment with this text, which lies in these bounds. */
  #reach(text: string, from: number, before: number): void {
    const at = this.#history.findIndex((moment, index) => index >= from && index < before && moment.text === text);
    if (at < 0) this.#fail(`the copy ${text} is not in the history from ${from} to ${before}`);
    this.#reached = at;
  }

  /** Pending writes are own ones, in order; all are that the server has not judged. */
  #expectOwn(pending: readonly Write[]): void {
    let next = 0;
    for (const { key, value } of pending) {
      const text = textOf([[key, value]]);
      while (next < this.writes.length && textOf([[this.writes[next]?.key ?? '', this.writes[next]?.value]]) !== text)
        next += 1;
      if (next === this.writes.length) this.#fail(`${text} is pending, and was not written, or not in this order`);
      next += 1;
    }
    const judgedPending = pending.filter(({ key }) => this.#rules.isJudged(key)).length;
    if (judgedPending < this.judgeable.length - this.askedCount)
      this.#fail(`${judgedPending} writes are pending, and ${this.judgeable.length - this.askedCount} never judged`);
  }

  #fail(sentence: string): never {
    throw new PromiseBroken(`${this.name}: ${sentence}`);
  }
}

/** What a store has, whatever the order of its keys. */
function textOf(entries: Iterable<readonly [string, unknown]>): string {
  const words: string[] = [];
  for (const [key, value] of entries) words.push(`${key}=${wordOf(value)}`);
  return words.toSorted().join(' ');
}

function textOfWrites(writes: readonly Write[]): string {
  return writes.map(({ key, value }) => `${key}=${wordOf(value)}`).join(' then ');
}

function wordOf(value: unknown): string {
  return value === undefined ? 'nothing' : JSON.stringify(value);
}
