/**
 * The oracle of one direction of one epoch: what was accepted, in order, and what became of it. It is fed by what users
 * see, never by what the session believes, and throws at the first step that breaks a promise.
 */

/** A broken promise: what was expected, what came. */
export class PromiseBroken extends Error {
  constructor(sentence: string) {
    super(sentence);
    this.name = 'PromiseBroken';
  }
}

/** A message as its sender knows it; it may go through several epochs. */
export interface Item {
  readonly number: number;
  state: 'accepted' | 'started' | 'settled' | 'takenBack';
  /** It may stand in line for room: not accepted yet, as far as reports go. */
  readonly mayWait: boolean;
  /** Its handler threw. */
  hasThrown: boolean;
  /** What a report of a lost or ended epoch said of it, if there was one. */
  fate: 'open' | 'confirmed' | 'lost';
}

/** A message that was accepted just now, or stands in line for it. */
export function acceptedItem(number: number, mayWait = false): Item {
  return { number, mayWait, state: 'accepted', hasThrown: false, fate: 'open' };
}

/** What a report of a lost or ended epoch said. */
export interface Loss {
  readonly unconfirmed: number;
  readonly carried: number;
}

/** The messages of one direction in one epoch. */
export class Course {
  readonly name: string;
  /** In the order of acceptance. */
  readonly items: Item[];
  /** Messages whose handler has started, and has settled. */
  startedCount = 0;
  settledCount = 0;
  /** Highest count of messages that the receiver has taken off the wire. */
  receivedCount = 0;
  #mayStartCount = Infinity;
  #next = 0;
  #running: Item | undefined;

  constructor(name: string, items: readonly Item[] = []) {
    this.name = name;
    this.items = [...items];
  }

  /** The sender's end accepted a message. */
  accept(item: Item): void {
    this.items.push(item);
  }

  /** Its handler begins: the next accepted message, once every earlier one has settled. */
  start(number: number): Item {
    if (this.#running !== undefined) this.#fail(`message ${number} started while ${this.#running.number} was running`);
    while (this.items[this.#next]?.state === 'takenBack') this.#next += 1;
    const item = this.items[this.#next];
    if (item === undefined) this.#fail(`expected nothing, got message ${number}`);
    if (item.number !== number) this.#fail(`expected message ${item.number}, got ${number}`);
    if (item.state !== 'accepted') this.#fail(`message ${number} started, and it was ${item.state} already`);
    item.state = 'started';
    this.#next += 1;
    this.#running = item;
    this.startedCount += 1;
    if (this.startedCount > this.#mayStartCount)
      this.#fail(`message ${number} started, and it was reported as never sent`);
    return item;
  }

  /** Its handler has ended, well or not. */
  settle(item: Item, hasThrown: boolean): void {
    if (this.#running !== item) this.#fail(`message ${item.number} settled, but it was not running`);
    this.#running = undefined;
    item.state = 'settled';
    item.hasThrown = hasThrown;
    this.settledCount += 1;
  }

  /** The sender's end said that this one never left. */
  takeBack(item: Item): void {
    if (item.state !== 'accepted')
      this.#fail(`message ${item.number} was said to be never sent, and it was ${item.state}`);
    item.state = 'takenBack';
  }

  /** How far the two ends believe to be. Nothing is released that was not processed. */
  look(releasedCount: number, receivedCount: number): void {
    if (releasedCount > this.settledCount) {
      this.#fail(`${releasedCount} messages were released, and ${this.settledCount} have been processed`);
    }
    this.receivedCount = Math.max(this.receivedCount, receivedCount);
  }

  /** Received and not processed: what the mailbox holds, as the user sees it. */
  get heldCount(): number {
    return this.receivedCount - this.settledCount;
  }

  /** Whether all that was accepted has been processed. */
  get isDone(): boolean {
    return this.#running === undefined && this.#openItems().length === 0;
  }

  /**
   * The sender was told that this epoch is over. Every accepted message is accounted for exactly: those confirmed have
   * been processed, those carried were never seen by the other end. The last `inLineCount` were not accepted yet and are
   * not in the report. Returns what may still be sent.
   */
  end(
    loss: Loss,
    inLineCount: number,
  ): { readonly unconfirmed: readonly Item[]; readonly carried: readonly Item[]; readonly inLine: readonly Item[] } {
    const items = this.items.filter((item) => item.state !== 'takenBack');
    const inLine = items.splice(items.length - inLineCount);
    const confirmedCount = items.length - loss.unconfirmed - loss.carried;
    const story = `${items.length} accepted, ${loss.unconfirmed} reported unconfirmed and ${loss.carried} carried`;
    if (confirmedCount < 0) this.#fail(`${story}: more than there were`);
    if (confirmedCount > this.settledCount)
      this.#fail(`${story}: so ${confirmedCount} confirmed, but ${this.settledCount} processed`);
    if (this.startedCount > confirmedCount + loss.unconfirmed)
      this.#fail(`${story}, but ${this.startedCount} have started`);
    this.#mayStartCount = confirmedCount + loss.unconfirmed;
    const unconfirmed = items.slice(confirmedCount, this.#mayStartCount);
    for (const item of items.slice(0, confirmedCount)) item.fate = 'confirmed';
    for (const item of unconfirmed) item.fate = 'lost';
    return { unconfirmed, carried: items.slice(this.#mayStartCount), inLine };
  }

  /** The sender's end is over for good: what was never sent never will be, and who stood in line has left it. */
  close(loss: Loss): void {
    const open = this.items.filter((item) => item.state !== 'takenBack');
    const missingCount = open.length - loss.unconfirmed - loss.carried - this.settledCount;
    const waitingCount = open.length - 1 - open.findLastIndex((item) => !item.mayWait);
    const { carried, inLine } = this.end(loss, Math.min(Math.max(0, missingCount), waitingCount));
    const lost = waitingCount > 0 ? open : [...carried, ...inLine];
    for (const item of lost) item.fate = 'lost';
  }

  #openItems(): readonly Item[] {
    return this.items.slice(this.#next).filter((item) => item.state !== 'takenBack');
  }

  #fail(sentence: string): never {
    throw new PromiseBroken(`${this.name}: ${sentence}`);
  }
}
