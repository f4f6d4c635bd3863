/**
 * What the two users of each session were promised, and what they got: two courses a session, one for each direction.
 * Sessions are known by their id from the moment their client was welcomed.
 */
import { Course, type Item, type Loss, PromiseBroken, acceptedItem } from './course.ts';

/** The two directions of one epoch. */
export interface SessionCourses {
  readonly epoch: number;
  readonly toServer: Course;
  readonly toClient: Course;
}

/** What a client did with the messages of a lost epoch. */
export interface LossChoice {
  readonly resend: boolean;
  readonly discard: boolean;
}

/** The account of one life of a client. */
export class ClientAccount {
  readonly name: string;
  readonly epochs = new Map<number, SessionCourses>();
  /** Where what the client sends now belongs. */
  toServer: Course;
  /** Gaps that were reported. */
  gapCount = 0;
  /** What the client was told at its end. */
  endReport: Loss | undefined;
  #startedEpoch = 0;

  constructor(name: string) {
    this.name = name;
    this.toServer = new Course(`${name} to server, epoch 1`);
  }

  /** The client was welcomed to a new session: its messages of this epoch go and come on these courses. */
  welcome(epoch: number): SessionCourses {
    if (this.epochs.has(epoch)) throw new PromiseBroken(`${this.name}: a second new session for epoch ${epoch}`);
    const courses = { epoch, toServer: this.toServer, toClient: new Course(`server to ${this.name}, epoch ${epoch}`) };
    this.epochs.set(epoch, courses);
    return courses;
  }

  /** The client was told of a gap, and chose. */
  gap(epoch: number, loss: Loss, choice: LossChoice, inLineCount: number): void {
    this.gapCount += 1;
    const { unconfirmed, carried, inLine } = this.toServer.end(loss, inLineCount);
    const again = choice.resend ? unconfirmed.map((item) => acceptedItem(item.number)) : [];
    if (choice.discard) for (const item of carried) item.fate = 'lost';
    const kept = choice.discard ? inLine : [...carried, ...inLine];
    this.toServer = new Course(`${this.name} to server, epoch ${epoch}`, [...again, ...kept]);
  }

  /** The client's session is over for good. */
  end(loss: Loss): void {
    this.endReport = loss;
    this.toServer.close(loss);
  }

  /** A handler of the client starts: old epochs first. */
  start(epoch: number, number: number): Item {
    const courses = this.epochs.get(epoch);
    if (courses === undefined) throw new PromiseBroken(`${this.name}: message ${number} of an unknown epoch ${epoch}`);
    if (epoch < this.#startedEpoch) {
      throw new PromiseBroken(`${this.name}: message ${number} of epoch ${epoch} after one of ${this.#startedEpoch}`);
    }
    this.#startedEpoch = epoch;
    return courses.toClient.start(number);
  }

  /** The handler that started last has ended. */
  settle(item: Item, hasThrown: boolean): void {
    this.epochs.get(this.#startedEpoch)?.toClient.settle(item, hasThrown);
  }

  /** Messages that the client has received in any epoch and not processed. */
  get heldCount(): number {
    let count = 0;
    for (const { toClient } of this.epochs.values()) count += toClient.heldCount;
    return count;
  }
}

/** What all users share. */
export class Ledger {
  readonly sessions = new Map<string, SessionCourses>();
  deliveredCount = 0;
  #number = 0;

  /** A number for the next message. */
  nextNumber(): number {
    this.#number += 1;
    return this.#number;
  }

  /** A session is visible to its server: its client must have been welcomed. */
  visible(id: string): SessionCourses {
    const courses = this.sessions.get(id);
    if (courses === undefined) throw new PromiseBroken(`a ghost is visible: session ${id}, which no client knows`);
    return courses;
  }

  /** A `deliver` was answered well, or with the error of the handler. */
  confirmed(item: Item, hasThrown: boolean): void {
    if (item.state !== 'settled')
      throw new PromiseBroken(`message ${item.number} was confirmed, and it is ${item.state}`);
    if (item.hasThrown !== hasThrown) {
      throw new PromiseBroken(`message ${item.number}: its handler ${item.hasThrown ? 'threw' : 'did not throw'}`);
    }
  }

  /** A `deliver` was told that nobody knows: then its epoch must have been lost, and reported. */
  unknown(item: Item): void {
    if (item.fate === 'open') throw new PromiseBroken(`nobody knows of message ${item.number}, and no report said so`);
  }

  /** A `flush` was answered: all of these must have been processed. */
  flushed(items: readonly Item[]): void {
    for (const { number, state } of items) {
      if (state !== 'settled' && state !== 'takenBack')
        throw new PromiseBroken(`flush is over, and message ${number} is ${state}`);
    }
  }
}
