/**
 * The way between a line that landed in one shard and the session's home in another: bytes over a pipe, with credit in
 * each direction. A reader would miss the answer to `end`: none comes, whoever says goodbye closes the pipe behind it.
 */
import type { Books } from './books.ts';
import type { Dial, Line, LineEnds, LineEvents, Pipe, PipeMessage } from './ports.ts';
import { type Holding, RELAY_RETURN_BYTES, RelaySender } from './relay-sender.ts';

/** The line that a relayed session has at its home. */
export type RelayedLine = Line & Holding;

/**
 * Dials over a pipe to the shard where the line landed; usable once, as the pipe is. `ends` are those of the real line.
 * `defer` runs a task after the current one.
 */
export function pipeDial(
  pipe: Pipe,
  ends: LineEnds,
  defer: (task: () => void) => void,
  books?: Books,
): (events: LineEvents) => RelayedLine {
  return ((events) => new PipeLine({ pipe, ends, defer, events, books })) satisfies Dial;
}

/**
 * Joins a line that landed here to the pipe to its session's home. From now on everything that happens on the line goes
 * to the events returned; `first` are the bytes that were read before, they are copied and go over first. `over` is
 * called once, when the line has ended or was ended and the pipe is closed.
 */
export function joinLine(
  line: Line,
  pipe: Pipe,
  first: Uint8Array,
  over: () => void,
  books?: Books,
): LineEvents & Holding {
  return new Joint({ line, pipe, first, over, books });
}

interface PipeLineOptions {
  readonly pipe: Pipe;
  readonly ends: LineEnds;
  readonly defer: (task: () => void) => void;
  readonly events: LineEvents;
  readonly books: Books | undefined;
}

/** The home's end. */
class PipeLine implements RelayedLine {
  readonly ends: LineEnds;
  readonly #pipe: Pipe;
  readonly #events: LineEvents;
  readonly #defer: (task: () => void) => void;
  readonly #sender: RelaySender;
  /** What came while nobody wanted it: never more than the credit and a goodbye. */
  #kept: (Uint8Array | 'end')[] = [];
  #handledBytes = 0;
  #hasOpened = false;
  #hasGoodbye = false;
  #isCongested = false;
  #isPaused = false;
  #isOver = false;

  constructor({ pipe, ends, defer, events, books }: PipeLineOptions) {
    this.ends = ends;
    this.#pipe = pipe;
    this.#events = events;
    this.#defer = defer;
    this.#sender = new RelaySender(pipe, books);
    pipe.open({ received: (message) => this.#received(message), closed: () => this.#closed() });
    defer(() => this.#open());
  }

  get heldBytes(): number {
    return this.#sender.heldBytes;
  }

  write(parts: readonly Uint8Array[]): boolean {
    if (this.#isOver) return true;
    const hasRoom = this.#sender.send(parts);
    if (!hasRoom) this.#isCongested = true;
    return hasRoom;
  }

  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#sender.end();
    this.#letGo();
  }

  destroy(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#letGo();
  }

  pause(isPaused: boolean): void {
    this.#isPaused = isPaused;
    if (!isPaused && this.#kept.length > 0) this.#defer(() => this.#catchUp());
  }

  ref(alive: boolean): void {
    if (!this.#isOver) this.#pipe.ref(alive);
  }

  #open(): void {
    if (this.#isOver || this.#hasOpened) return;
    this.#hasOpened = true;
    this.#events.opened();
  }

  #received(message: PipeMessage): void {
    // The pipe may be faster than the deferred task.
    this.#open();
    if (this.#isOver) return;
    if (typeof message === 'number') this.#granted(message);
    else if (this.#isPaused || this.#kept.length > 0) this.#keep(message);
    else this.#take(message);
  }

  #granted(count: number): void {
    this.#sender.granted(count);
    if (!this.#isCongested || !this.#sender.hasRoom) return;
    this.#isCongested = false;
    this.#events.drained();
  }

  #keep(message: Uint8Array | 'end'): void {
    this.#kept.push(message);
    if (message === 'end') this.#hasGoodbye = true;
  }

  #catchUp(): void {
    while (!this.#isPaused && !this.#isOver) {
      const message = this.#kept.shift();
      if (message === undefined) return;
      this.#take(message);
    }
  }

  #take(message: Uint8Array | 'end'): void {
    if (message === 'end') {
      this.#lose();
      return;
    }
    const count = message.length;
    this.#events.received(message);
    this.#handledBytes += count;
    if (this.#handledBytes < RELAY_RETURN_BYTES || this.#isOver) return;
    this.#pipe.post(this.#handledBytes);
    this.#handledBytes = 0;
  }

  #closed(): void {
    // The pipe closes right after a goodbye; what came before it is still to be taken.
    if (!this.#hasGoodbye) this.#lose();
  }

  #lose(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#letGo();
    this.#events.closed(undefined);
  }

  #letGo(): void {
    this.#sender.forget();
    this.#kept = [];
    this.#pipe.close();
  }
}

interface JointOptions {
  readonly line: Line;
  readonly pipe: Pipe;
  readonly first: Uint8Array;
  readonly over: () => void;
  readonly books: Books | undefined;
}

/** The landing shard's end. */
class Joint implements LineEvents, Holding {
  readonly #line: Line;
  readonly #pipe: Pipe;
  readonly #over: () => void;
  readonly #sender: RelaySender;
  /** Given to the line, room not given back: while the line is congested it grows up to the credit. */
  #handledBytes = 0;
  #isCongested = false;
  #isPaused = false;
  #isOver = false;

  constructor({ line, pipe, first, over, books }: JointOptions) {
    this.#line = line;
    this.#pipe = pipe;
    this.#over = over;
    this.#sender = new RelaySender(pipe, books);
    pipe.open({ received: (message) => this.#fromHome(message), closed: () => this.#homeLost() });
    this.received(first);
  }

  get heldBytes(): number {
    return this.#sender.heldBytes;
  }

  opened(): void {}

  received(chunk: Uint8Array): void {
    if (this.#isOver || this.#sender.send([chunk]) || this.#isPaused) return;
    this.#isPaused = true;
    this.#line.pause(true);
  }

  drained(): void {
    if (this.#isOver) return;
    this.#isCongested = false;
    this.#giveBack();
  }

  closed(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#sender.end();
    this.#finish();
  }

  #fromHome(message: PipeMessage): void {
    if (this.#isOver) return;
    if (typeof message === 'number') this.#granted(message);
    else if (message === 'end') this.#goodbye();
    else this.#toLine(message);
  }

  #granted(count: number): void {
    this.#sender.granted(count);
    if (!this.#isPaused || !this.#sender.hasRoom) return;
    this.#isPaused = false;
    this.#line.pause(false);
  }

  #toLine(bytes: Uint8Array): void {
    this.#handledBytes += bytes.length;
    if (!this.#line.write([bytes])) this.#isCongested = true;
    this.#giveBack();
  }

  #giveBack(): void {
    if (this.#isCongested || this.#isOver || this.#handledBytes < RELAY_RETURN_BYTES) return;
    this.#pipe.post(this.#handledBytes);
    this.#handledBytes = 0;
  }

  #goodbye(): void {
    this.#isOver = true;
    // A line that says goodbye throws away what still comes, and for that it has to read.
    if (this.#isPaused) this.#line.pause(false);
    this.#line.end();
    this.#finish();
  }

  #homeLost(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#line.destroy();
    this.#finish();
  }

  #finish(): void {
    this.#sender.forget();
    this.#pipe.close();
    this.#over();
  }
}
