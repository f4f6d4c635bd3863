/**
 * The user of one end: it says numbered messages, does with those it hears what they ask for, and keeps the ledger. The
 * same one speaks at both ends. A promise that is broken under its eyes is thrown at once, out of the event behind it.
 */
import type { Wait } from '../actors/waits.ts';
import { HomingError } from '../errors.ts';
import { type Course, type Item, PromiseBroken, acceptedItem } from './course.ts';
import type { Ledger } from './ledger.ts';
import type { SimHost } from './sim-host.ts';

/** What the handler of a message does. */
export type Task =
  | { readonly type: 'nothing' }
  | { readonly type: 'works'; readonly forMs: number }
  | { readonly type: 'throws'; readonly afterMs: number }
  /** Awaits a `deliver` to its own peer, at most so long. */
  | { readonly type: 'asksBack'; readonly patienceMs: number };

/** A message to say. */
export interface Saying {
  readonly how: 'send' | 'deliver';
  readonly bytes: number;
  readonly task: Task;
  /** Deadline of a `deliver`; without one it waits for ever. */
  readonly patienceMs?: number | undefined;
}

/** The handle of either end. */
export interface Handle {
  on(event: string, handler: (...args: unknown[]) => unknown): unknown;
  send(event: string, ...args: unknown[]): boolean;
  deliver(event: string, ...args: unknown[]): Promise<void>;
  flush(): Promise<void>;
  with(wait: Wait): { deliver(event: string, ...args: unknown[]): Promise<void> };
}

/** Who speaks, and on which account. */
export interface SpeakerOptions {
  readonly handle: Handle;
  readonly host: SimHost;
  readonly ledger: Ledger;
  /** Where what it says belongs now. */
  readonly course: () => Course;
  /** Its outbox may be full, so that a `deliver` stands in line. */
  readonly isTight: boolean;
  /** The handler of a message starts. */
  readonly start: (number: number) => Item;
  /** ... and has ended. */
  readonly settle: (item: Item, hasThrown: boolean) => void;
}

const taskTypes = ['nothing', 'works', 'throws', 'asksBack'] as const;

/** One talking end. */
export class Speaker {
  readonly #options: SpeakerOptions;
  /** Messages refused for a full outbox. */
  refusedCount = 0;
  /** Promises made to this user that have not settled. */
  openCount = 0;

  constructor(options: SpeakerOptions) {
    this.#options = options;
    options.handle.on('m', (number, task, argument, text) =>
      this.#hear(number as number, taskTypes[task as number] ?? 'nothing', argument as number, text as string),
    );
  }

  /** Says a message. */
  say(saying: Saying): void {
    if (saying.how === 'deliver') this.#track(this.#deliver(saying));
    else this.#send(saying);
  }

  /** Waits for everything said so far. */
  flush(): void {
    const { handle, host, ledger, course } = this.#options;
    const items = [...course().items];
    const flushing = handle.flush().then(
      // A deliver that gave up in this very event tells its own end a moment later.
      () => void host.loop.clock.at(host.loop.clock.now(), () => ledger.flushed(items)),
      (error: unknown) =>
        this.#expectLoss(error, () => {
          if (!items.some((item) => item.fate === 'lost'))
            throw new PromiseBroken('flush was rejected, and nothing was reported lost');
        }),
    );
    this.#track(flushing);
  }

  #send(saying: Saying): void {
    const { handle, course, ledger } = this.#options;
    const item = acceptedItem(ledger.nextNumber());
    try {
      handle.send('m', ...wordsOf(saying, item.number));
      course().accept(item);
    } catch (error) {
      if (!isCode(error, 'OutboxFull') && !isCode(error, 'Closed')) throw error;
      this.refusedCount += 1;
    }
  }

  async #deliver(saying: Saying): Promise<void> {
    const { handle, course, ledger, isTight } = this.#options;
    const item = acceptedItem(ledger.nextNumber(), isTight);
    const account = course();
    const words = wordsOf(saying, item.number);
    const delivering =
      saying.patienceMs === undefined
        ? handle.deliver('m', ...words)
        : handle.with({ timeoutMs: saying.patienceMs }).deliver('m', ...words);
    account.accept(item);
    try {
      await delivering;
      ledger.confirmed(item, false);
    } catch (error) {
      this.#undelivered(error, item);
    }
  }

  #undelivered(error: unknown, item: Item): void {
    const { ledger, course } = this.#options;
    if (!(error instanceof HomingError)) throw error;
    const { code, outcome } = error;
    if (code === 'HandlerFailed') ledger.confirmed(item, true);
    else if (code === 'Closed' || code === 'OutboxFull' || outcome === 'never-sent') {
      if (item.fate !== 'lost') course().takeBack(item);
    } else if (code === 'OutcomeUnknown') ledger.unknown(item);
    else if (code !== 'Deadline') throw error;
  }

  /** Counts a promise to a user as open until it has settled; what the ledger throws comes out of the world. */
  #track(promise: Promise<void>): void {
    const { host } = this.#options;
    this.openCount += 1;
    host.hold(promise);
    promise.then(
      () => void (this.openCount -= 1),
      (error: unknown) => host.loop.fail(error),
    );
  }

  #expectLoss(error: unknown, check: () => void): void {
    if (isCode(error, 'OutcomeUnknown')) check();
    else if (!isCode(error, 'Closed') && !isCode(error, 'Deadline')) throw error;
  }

  #hear(number: number, task: Task['type'], argument: number, text: string): Promise<void> | undefined {
    const { ledger, host } = this.#options;
    const item = this.#begin(number, text);
    ledger.deliveredCount += 1;
    if (task === 'nothing') {
      this.#end(item, false);
      return undefined;
    }
    if (task === 'throws' && argument === 0) {
      this.#end(item, true);
      throw new Error(`message ${number} asked for it`);
    }
    const working = this.#work(item, task, argument);
    host.hold(working);
    return working;
  }

  #begin(number: number, text: string): Item {
    return this.#options.host.loop.guard(() => {
      if (text !== textOf(number, text.length)) throw new PromiseBroken(`message ${number} arrived altered`);
      return this.#options.start(number);
    });
  }

  #end(item: Item, hasThrown: boolean): void {
    this.#options.host.loop.guard(() => this.#options.settle(item, hasThrown));
  }

  async #work(item: Item, task: Task['type'], argument: number): Promise<void> {
    if (task === 'asksBack') await this.#askBack(argument);
    else await this.#options.host.sleep(argument);
    this.#end(item, task === 'throws');
    if (task === 'throws') throw new Error(`message ${item.number} asked for it`);
  }

  async #askBack(patienceMs: number): Promise<void> {
    const asking = this.#deliver({ how: 'deliver', bytes: 8, task: { type: 'nothing' }, patienceMs });
    this.#track(asking);
    await asking;
  }
}

function wordsOf({ task, bytes }: Saying, number: number): readonly [number, number, number, string] {
  const argument =
    task.type === 'works'
      ? task.forMs
      : task.type === 'throws'
        ? task.afterMs
        : task.type === 'asksBack'
          ? task.patienceMs
          : 0;
  return [number, taskTypes.indexOf(task.type), argument, textOf(number, bytes)];
}

function isCode(error: unknown, code: HomingError['code']): boolean {
  return error instanceof HomingError && error.code === code;
}

const TEXT_CHARACTERS = 400_000;
const text = longText();

/** The text of a message: as many characters of one long text, from a place that depends on the number. */
function textOf(number: number, length: number): string {
  const from = (number * 97) % 4_096;
  return text.slice(from, from + length);
}

/** A text without a period, so that pieces in a wrong order are seen. */
function longText(): string {
  const characters: string[] = [];
  let state = 1;
  for (let index = 0; index < TEXT_CHARACTERS; index += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    characters.push(String.fromCharCode(97 + ((state >>> 24) % 26)));
  }
  return characters.join('');
}
