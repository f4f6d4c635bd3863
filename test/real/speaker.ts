/**
 * A client of the real lane: it says numbered messages, hears numbered answers, and keeps the account of both through all
 * sessions that it has.
 */
import { type Client, type ClientOptions, HomingError, createClient } from 'homing';
import { type Numbers, isPayloadOf, payloadOf } from './numbers.ts';

/** The messages of one session that is over: from the first so many may be processed, and so many certainly are. */
interface Chapter {
  readonly id: string;
  readonly first: number;
  readonly confirmed: number;
  readonly possible: number;
}

/** How a speaker is made. */
export interface SpeakerOptions {
  readonly name: string;
  readonly port: number;
  readonly client: ClientOptions<Numbers>;
  readonly ledger: string | undefined;
  /** Told of a broken promise. */
  readonly fault: (sentence: string) => void;
  /** Whether a session may lose its history. */
  readonly mayLose: () => boolean;
}

/** One client of the lane. */
export class Speaker {
  readonly client: Client<Numbers>;
  /** Times that its session went on by another connection. */
  resumes = 0;
  gaps = 0;
  said = 0;
  heard = 0;
  readonly #chapters: Chapter[] = [];
  readonly #fault: (sentence: string) => void;
  readonly #mayLose: () => boolean;
  #first = 0;
  #heardHere = 0;
  #epoch = 0;

  constructor({ name, port, client, ledger, fault, mayLose }: SpeakerOptions) {
    this.#fault = (sentence) => fault(`${name}: ${sentence}`);
    this.#mayLose = mayLose;
    this.client = createClient<Numbers>(port, { ...client, credentials: { id: name, ledger } });
    this.client.on('item', (number, payload) => this.#hear(number, payload));
    this.#watch();
  }

  /** Says messages as fast as they are taken, until `isOver`. */
  async speak(isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      const hasRoom = this.client.send('item', this.said, payloadOf(this.said));
      this.said += 1;
      if (!hasRoom) await this.client.writable();
    }
  }

  /** Waits until everything is handled, and holds what this end knows against what the other one does. Once nothing breaks any more. */
  async settle(): Promise<void> {
    await this.#flush();
    const { heard, said } = await this.client.call('account');
    const saidHere = this.said - this.#first;
    if (heard !== saidHere) this.#fault(`said ${saidHere}, the other end heard ${heard}`);
    if (said !== this.#heardHere) this.#fault(`heard ${this.#heardHere}, the other end said ${said}`);
  }

  /** Holds the account of all sessions against what handlers wrote down: message numbers by session. */
  audit(started: ReadonlyMap<string, readonly number[]>): void {
    const open = this.said - this.#first;
    const last = { id: this.client.id, first: this.#first, confirmed: open, possible: open };
    for (const { id, first, confirmed, possible } of [...this.#chapters, last]) {
      const numbers = started.get(id) ?? [];
      const at = numbers.findIndex((number, index) => number !== first + index);
      if (at >= 0) this.#fault(`${id}: start ${at} was message ${numbers[at]}, expected ${first + at}`);
      if (numbers.length < confirmed) this.#fault(`${id}: ${confirmed} are confirmed, ${numbers.length} were started`);
      if (numbers.length > possible) this.#fault(`${id}: ${possible} could be started, ${numbers.length} were`);
    }
  }

  async #flush(): Promise<void> {
    for (;;) {
      try {
        return await this.client.flush();
      } catch (error) {
        if (!(error instanceof HomingError) || error.code !== 'OutcomeUnknown') throw error;
      }
    }
  }

  #hear(number: number, payload: Uint8Array): void {
    const { epoch } = this.client.turn;
    if (epoch !== this.#epoch) {
      if (epoch < this.#epoch) this.#fault(`heard epoch ${epoch} after ${this.#epoch}`);
      this.#epoch = epoch;
      this.#heardHere = 0;
    }
    if (number !== this.#heardHere) this.#fault(`epoch ${epoch}: expected ${this.#heardHere}, heard ${number}`);
    if (!isPayloadOf(number, payload)) this.#fault(`epoch ${epoch}: ${number} was altered`);
    this.#heardHere += 1;
    this.heard += 1;
  }

  #watch(): void {
    const { connection } = this.client;
    connection.on('up', ({ resumed }) => void (this.resumes += resumed ? 1 : 0));
    connection.on('error', (error) => this.#fault(error.message));
    connection.on('closed', ({ code, unconfirmed, carried }) => {
      if (code !== 'closed' || unconfirmed + carried > 0) this.#fault(`ended: ${code} ${unconfirmed} ${carried}`);
    });
    connection.on('gap', ({ oldId, reason, unconfirmed, carried }) => {
      if (!this.#mayLose()) this.#fault(`lost history: ${reason}`);
      this.gaps += 1;
      const possible = this.said - this.#first - carried;
      this.#chapters.push({ id: oldId, first: this.#first, confirmed: possible - unconfirmed, possible });
      this.#first += possible;
      // The new session may hear nothing before it settles.
      this.#heardHere = 0;
    });
  }
}
