/**
 * A client that says numbered messages and keeps the account of them: which were sent in which session, and what its gap
 * reports say of each. What it hears must be numbered without a hole in every session.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { type Client, type ClientOptions, type ClientWhere, HomingError, createClient } from 'homing';
import { type Deed, type Numbered, isPayloadOf, payloadOf } from './numbered.ts';

/** The messages of one session, in the order of their sending, and what its end said of them. */
interface Chapter {
  readonly id: string;
  readonly numbers: readonly number[];
  /** So many from the first are certainly processed. */
  readonly confirmed: number;
  /** So many from the first may be processed: the others were carried over. */
  readonly possible: number;
}

/** Talkers that send as fast as they can would leave no time for anything else. */
const PACE_MS = 2;

/** A small outbox: what is said now is processed soon. */
const limits = { outboxMessages: 200, outboxBytes: 2_000_000 };

/** How a talker is made. */
export interface TalkerOptions {
  readonly name: string;
  readonly where: ClientWhere;
  readonly ledger: string;
  /** Sends what is unconfirmed again after a gap. */
  readonly resends: boolean;
  readonly client: ClientOptions<Numbered>;
  /** Told of a broken promise. */
  readonly fault: (sentence: string) => void;
}

/** One client of the law. */
export class Talker {
  readonly name: string;
  readonly client: Client<Numbered>;
  readonly resends: boolean;
  /** Names of the connection events, in order. */
  readonly told: string[] = [];
  gapCount = 0;
  /** Messages that gap reports called unconfirmed. */
  unconfirmedCount = 0;
  readonly #fault: (sentence: string) => void;
  readonly #chapters: Chapter[] = [];
  readonly #heard = new Map<number, number>();
  readonly #totals = new Map<number, number>();
  #total = Promise.withResolvers<void>();
  #numbers: number[] = [];
  #nextNumber = 0;
  #epochHeard = 0;

  constructor({ name, where, ledger, resends, client, fault }: TalkerOptions) {
    this.name = name;
    this.resends = resends;
    this.#fault = (sentence) => fault(`${name}: ${sentence}`);
    this.client = createClient<Numbered>(where, { limits, ...client, credentials: { id: name, ledger } });
    this.client.on('item', (number, payload) => this.#hear(number, payload));
    this.client.on('total', (count) => {
      this.#totals.set(this.client.turn.epoch, count);
      this.#total.resolve();
    });
    this.#watch();
  }

  /** Messages said so far, by number. */
  get saidCount(): number {
    return this.#nextNumber;
  }

  /** Messages heard in all sessions. */
  get heardCount(): number {
    let count = 0;
    for (const heard of this.#heard.values()) count += heard;
    return count;
  }

  /** Says one message; false: wait for `client.writable()`. */
  say(deed: Deed): boolean {
    const number = this.#nextNumber;
    const hasRoom = this.client.send('item', number, payloadOf(number), deed);
    this.#nextNumber += 1;
    this.#numbers.push(number);
    return hasRoom;
  }

  /** Says messages until `isOver`, with `between` after each. */
  async talk(isOver: () => boolean, between: (said: number) => void = () => {}): Promise<void> {
    while (!isOver()) {
      if (!this.say('nothing')) await this.client.writable();
      between(this.#nextNumber);
      if (this.#nextNumber % 8 === 0) await pause(PACE_MS);
    }
  }

  /** Waits until one message said now is processed: then the session is one of a living shard. */
  async settle(): Promise<void> {
    for (;;) {
      await this.client.writable();
      this.say('nothing');
      try {
        return await this.client.flush();
      } catch (error) {
        if (!(error instanceof HomingError) || error.code !== 'OutcomeUnknown') throw error;
      }
    }
  }

  /** Has the session stop, and waits for everything it has said. Only once nothing breaks any more. */
  async finish(): Promise<void> {
    await this.settle();
    this.#total = Promise.withResolvers();
    this.say('stop');
    await this.client.flush();
    await this.#total.promise;
  }

  /** Holds the account against what handlers have started; call when the last session is over, with `finish` before. */
  audit(started: ReadonlyMap<string, readonly number[]>): void {
    const { id, epoch } = this.client;
    const all = this.#numbers.length;
    const chapters = [...this.#chapters, { id, numbers: this.#numbers, confirmed: all, possible: all }];
    for (const chapter of chapters) this.#auditOne(chapter, started.get(chapter.id) ?? []);
    const total = this.#totals.get(epoch);
    if (total !== this.#heard.get(epoch))
      this.#fault(`heard ${this.#heard.get(epoch)} of ${total} of the last session`);
  }

  /** Ids of all sessions it had. */
  get ids(): string[] {
    return [...this.#chapters.map(({ id }) => id), this.client.id];
  }

  #auditOne({ id, numbers, confirmed, possible }: Chapter, started: readonly number[]): void {
    const count = started.length;
    const at = started.findIndex((number, index) => number !== numbers[index]);
    if (at >= 0) this.#fault(`${id}: start ${at} was message ${started[at]}, expected ${numbers[at]}`);
    else if (count < confirmed) this.#fault(`${id}: ${confirmed} are confirmed, ${count} were started: some are lost`);
    else if (count > possible) this.#fault(`${id}: ${possible} could be started, ${count} were: carried ones too`);
  }

  #hear(number: number, payload: Uint8Array): void {
    const { epoch } = this.client.turn;
    if (epoch < this.#epochHeard) this.#fault(`heard epoch ${epoch} after ${this.#epochHeard}`);
    this.#epochHeard = epoch;
    const expected = this.#heard.get(epoch) ?? 0;
    if (number !== expected) this.#fault(`epoch ${epoch}: expected ${expected}, heard ${number}`);
    if (!isPayloadOf(number, payload)) this.#fault(`epoch ${epoch}: ${number} was altered`);
    this.#heard.set(epoch, number + 1);
  }

  #watch(): void {
    const { connection } = this.client;
    connection.on('up', () => void this.told.push('up'));
    connection.on('down', ({ code }) => void this.told.push(`down ${code}`));
    connection.on('error', (error) => this.#fault(error.message));
    connection.on('closed', ({ code, unconfirmed, carried }) => {
      this.told.push('closed');
      if (code !== 'closed' || unconfirmed + carried > 0) this.#fault(`ended: ${code} ${unconfirmed} ${carried}`);
    });
    connection.on('gap', (report) => {
      this.told.push('gap');
      this.gapCount += 1;
      const { oldId, unconfirmed, carried } = report;
      this.unconfirmedCount += unconfirmed;
      const all = this.#numbers.length;
      const possible = all - carried;
      const confirmed = possible - unconfirmed;
      if (confirmed < 0) this.#fault(`${unconfirmed} unconfirmed and ${carried} carried of ${all}`);
      this.#chapters.push({ id: oldId, numbers: this.#numbers.slice(0, possible), confirmed, possible });
      this.#numbers = this.#numbers.slice(this.resends ? confirmed : possible);
      if (this.resends) report.resend();
    });
  }
}
