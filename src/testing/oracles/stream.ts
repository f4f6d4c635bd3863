/**
 * The messages of one direction of one epoch, as both users saw them: what was sent, in order, and what became of each.
 * It only keeps the books: what does not fit together comes out as a fault, and oracles say what that means.
 */
import type { How, Outcome, SightOf } from '../sights.ts';

/** One message. */
export interface Item {
  /** The number that its sender gave it; it keeps it when it is sent again. */
  readonly n: number;
  readonly how: How;
  readonly name: string;
  readonly digest: string | undefined;
  /** When it was sent, counted in sights. */
  readonly sentAt: number;
  /** `passed`: later ones have started, and it has not. `gone`: it left nothing behind. */
  state: 'sent' | 'started' | 'ended' | 'passed' | 'gone';
  hasThrown: boolean;
  outcome: Outcome | undefined;
  /** What the report of a lost or ended epoch said of it. */
  fate: 'open' | 'confirmed' | 'lost';
}

/** What is wrong with a message that starts. */
export interface Fault {
  readonly kind: 'duplicate' | 'order' | 'foreign' | 'overlap' | 'gap' | 'released' | 'carried';
  readonly sentence: string;
}

/** A handler that runs. */
interface Running {
  readonly seq: number;
  readonly worker: number;
  readonly item: Item | undefined;
  isOver: boolean;
}

/** Counts in the report of an epoch. */
interface Loss {
  readonly unconfirmed: number;
  readonly carried: number;
  readonly inLine?: number | undefined;
}

/** Whether a message may have been handled without anybody seeing it. */
type Excuse = (item: Item) => boolean;

/** A message of a group that may come once. */
export type TakeSpread = (name: string, digest: string | undefined) => boolean;

/** One direction of one epoch. */
export class Stream {
  readonly name: string;
  items: Item[];
  /** Everything up to this seq is known to the sender to be processed. */
  released = 0;
  /** A report said that these from the first may have started, at most. */
  mayStart = Infinity;
  startedCount = 0;
  #next = 0;
  #seq = 0;
  #last: Running | undefined;
  /** Handlers of the message that started last. */
  readonly #workers = new Set<number>();
  /** Methods that run, by message. */
  readonly #methods = new Map<number, Item | undefined>();

  constructor(name: string, items: Item[] = []) {
    this.name = name;
    this.items = items;
  }

  /** A message begins. Gives what does not fit. */
  start(seq: number, sight: SightOf<'started'>, excuse: Excuse, takeSpread: TakeSpread): Fault | undefined {
    const { worker, what } = sight;
    const last = this.#last;
    if (last !== undefined && seq === last.seq && what === 'event' && !this.#workers.has(worker)) {
      // One handler after another gets the same message.
      if (!last.isOver) return fault('overlap', `a second handler of message ${seq} began while the first one ran`);
      this.#workers.add(worker);
      this.#last = { seq, worker, item: last.item, isOver: false };
      return undefined;
    }
    if (seq <= this.#seq) return this.#backwards(seq, what);
    this.#seq = seq;
    if (seq <= this.released)
      return fault('released', `message ${seq} started, and everything up to ${this.released} was acknowledged`);
    if (last !== undefined && !last.isOver)
      return fault('overlap', `message ${seq} started while ${last.seq} was running`);
    const found = this.#find(sight, excuse, takeSpread);
    if ('kind' in found) return found;
    const { item } = found;
    if (item !== undefined) {
      item.state = 'started';
      this.startedCount += 1;
    }
    if (what === 'event') {
      this.#workers.clear();
      this.#workers.add(worker);
      this.#last = { seq, worker, item, isOver: false };
    } else this.#methods.set(seq, item);
    if (item !== undefined && this.#next > this.mayStart)
      return fault('carried', `message ${seq} started, and it was reported as never sent`);
    return undefined;
  }

  /** Whether a handler of an event runs. */
  get isBusy(): boolean {
    return this.#last?.isOver === false;
  }

  /** A handler or method is over. */
  finish(seq: number, worker: number, isWell: boolean): void {
    const last = this.#last;
    if (last?.seq === seq && last.worker === worker) {
      last.isOver = true;
      finished(last.item, isWell);
    } else if (this.#methods.has(seq)) {
      finished(this.#methods.get(seq), isWell);
      this.#methods.delete(seq);
    }
  }

  /** The sender knows that everything up to this seq is processed. Gives the message of which that is not true. */
  release(seq: number): number | undefined {
    this.released = Math.max(this.released, seq);
    const last = this.#last;
    return last !== undefined && !last.isOver && last.seq <= seq ? last.seq : undefined;
  }

  /** The first message that is not processed, as far as can be seen. */
  unprocessed(excuse: Excuse, through = Infinity): Item | undefined {
    return this.items.find((item) => item.n <= through && !isProcessed(item) && !excuse(item));
  }

  /**
   * The sender was told that this epoch is over: the first are confirmed, then come those unconfirmed and carried, and those
   * who stood in line. Gives what a new epoch may go on with, or a sentence about what is not accounted for.
   */
  report(
    { unconfirmed, carried, inLine }: Loss,
    excuse: Excuse,
  ): { readonly unconfirmed: readonly Item[]; readonly kept: readonly Item[] } | string {
    const items = this.items.filter(({ state }) => state !== 'gone');
    const waitingMax =
      items.length - 1 - items.findLastIndex(({ how, outcome }) => how === 'send' || outcome !== undefined);
    let sentence = '';
    const [least, most] = inLine === undefined ? [0, waitingMax] : [inLine, inLine];
    for (let count = least; count <= most; count += 1) {
      const confirmed = items.length - count - unconfirmed - carried;
      const why = this.#unaccounted(items, confirmed, confirmed + unconfirmed, excuse);
      if (why === undefined) return this.#close(items, confirmed, confirmed + unconfirmed);
      sentence ||= `${items.length} were accepted, ${unconfirmed} reported unconfirmed and ${carried} carried: ${why}`;
    }
    return sentence;
  }

  // ---- below

  #backwards(seq: number, what: string): Fault {
    const isSame = seq === this.#seq || this.#methods.has(seq) || (this.#last?.seq === seq && what === 'event');
    return isSame
      ? fault('duplicate', `message ${seq} started again`)
      : fault('order', `message ${seq} started after message ${this.#seq}`);
  }

  /** The message that starts: the next one, unless those before it could be handled unseen. */
  #find(
    { name, digest, what }: SightOf<'started'>,
    excuse: Excuse,
    takeSpread: TakeSpread,
  ): { readonly item: Item | undefined } | Fault {
    const fits = (item: Item): boolean =>
      item.name === name && (item.how === 'call') === (what === 'method') && alike(item.digest, digest);
    let at = this.#next;
    while (at < this.items.length) {
      const item = this.items[at];
      if (item === undefined) break;
      if (item.state === 'sent' && fits(item)) {
        for (const passed of this.items.slice(this.#next, at)) if (passed.state === 'sent') passed.state = 'passed';
        this.#next = at + 1;
        return { item };
      }
      if (item.state !== 'gone' && !excuse(item)) break;
      at += 1;
    }
    if (takeSpread(name, digest)) return { item: undefined };
    const expected = this.items[at];
    if (expected === undefined) return fault('foreign', `expected nothing, got '${name}'`);
    const isLater = this.items.slice(at + 1).some((item) => item.state === 'sent' && fits(item));
    const isEarlier = this.items.slice(0, at).some((item) => item.state === 'ended' && fits(item));
    const kind = isLater ? 'gap' : isEarlier ? 'duplicate' : 'foreign';
    return fault(
      kind,
      `expected message n=${expected.n} '${expected.name}', got '${name}' with other content or out of turn`,
    );
  }

  #unaccounted(items: readonly Item[], confirmed: number, mayStart: number, excuse: Excuse): string | undefined {
    if (confirmed < 0) return 'more than there were';
    const open = items.findIndex((item) => !isProcessed(item) && !excuse(item));
    if (open >= 0 && open < confirmed)
      return `${confirmed} would be confirmed, and number ${open + 1} was not processed`;
    const started = items.findLastIndex(({ state }) => state === 'started' || state === 'ended');
    if (started >= mayStart) return `number ${started + 1} has started, and it is said to be never sent`;
    return undefined;
  }

  #close(items: readonly Item[], confirmed: number, mayStart: number) {
    for (const item of items.slice(0, confirmed)) item.fate = 'confirmed';
    const unconfirmed = items.slice(confirmed, mayStart);
    for (const item of unconfirmed) item.fate = 'lost';
    const kept = items.slice(mayStart);
    const lastPossible = items[mayStart - 1];
    this.mayStart = lastPossible === undefined ? 0 : this.items.indexOf(lastPossible) + 1;
    return { unconfirmed, kept };
  }
}

/** A message that is sent again, or goes on in a new epoch. */
export function again(item: Item, isPromised: boolean): Item {
  if (isPromised) return item;
  return { ...item, how: 'send', state: 'sent', hasThrown: false, outcome: undefined, fate: 'open' };
}

/** A call counts as processed once it has started. */
function isProcessed({ state, how }: Item): boolean {
  return state === 'ended' || state === 'passed' || state === 'gone' || (how === 'call' && state === 'started');
}

function finished(item: Item | undefined, isWell: boolean): void {
  if (item === undefined) return;
  item.state = 'ended';
  item.hasThrown ||= !isWell;
}

function alike(left: string | undefined, right: string | undefined): boolean {
  return left === undefined || right === undefined || left === right;
}

function fault(kind: Fault['kind'], sentence: string): Fault {
  return { kind, sentence };
}
