/**
 * A channel between two simulated threads, as a MessageChannel is between real ones: messages arrive in order, late, as
 * copies, until one end closes or its thread is gone. What a dead thread had posted may still arrive, all or the first
 * of it; what was on its way to it is lost.
 */
import type { Pipe, PipeEvents, PipeMessage } from '../actors/ports.ts';
import type { Draws } from './draws.ts';
import type { SimHost } from './sim-host.ts';
import type { VirtualClock, VirtualTimer } from './virtual-clock.ts';

/** What a channel is made with. */
export interface ChannelOptions {
  readonly clock: VirtualClock;
  readonly draws: Draws;
  /** Longest time that a message, or the news of a close, is on its way. */
  readonly delayMs: number;
  /** A message has reached a thread. */
  readonly touched: () => void;
}

/** The thread that an end belongs to; its ends die with it. */
export interface EndOwner {
  readonly host: SimHost;
  readonly ends: Set<{ die(): void }>;
}

/** What happens at an end. After `closed` nothing comes any more. */
export interface EndEvents<Message> {
  received(message: Message): void;
  closed(): void;
}

/** The two ends of a new channel. */
export function openChannel<Message>(options: ChannelOptions): readonly [ChannelEnd<Message>, ChannelEnd<Message>] {
  const near: ChannelEnd<Message> = new ChannelEnd(options, () => far);
  const far: ChannelEnd<Message> = new ChannelEnd(options, () => near);
  return [near, far];
}

/** What is on its way: a message, or the news of a close. */
interface Parcel<Message> {
  readonly take: (events: EndEvents<Message>) => void;
  /** It will never be taken. */
  readonly lost: () => void;
}

interface Underway {
  readonly timer: VirtualTimer;
  readonly lost: () => void;
}

const nothing = (): void => {};

/** One end. It may travel to another thread before it is opened there: what comes meanwhile waits. */
export class ChannelEnd<Message> {
  /** Closed here, or told that the other end did, or its thread died. */
  isOver = false;
  readonly #options: ChannelOptions;
  readonly #other: () => ChannelEnd<Message>;
  readonly #underway: Underway[] = [];
  /** Arrived before the end was opened, or while its thread stands still. */
  readonly #early: Parcel<Message>[] = [];
  readonly #brought = new Set<Parcel<Message>>();
  #owner: EndOwner | undefined;
  #events: EndEvents<Message> | undefined;
  #lastAtMs = 0;

  constructor(options: ChannelOptions, other: () => ChannelEnd<Message>) {
    this.#options = options;
    this.#other = other;
  }

  /** The end is this thread's, and dies with it. */
  belong(owner: EndOwner): void {
    this.#owner = owner;
    owner.ends.add(this);
  }

  /** Starts it; what has arrived comes in events of its own. */
  open(events: EndEvents<Message>): void {
    this.#events = events;
    if (this.#early.length > 0) this.#at(this.#options.clock.now(), () => this.#catchUp());
  }

  /** Sends a message that is a copy already. `lost` is called if it can never arrive. */
  post(message: Message, lost: () => void = nothing): void {
    if (this.isOver) return lost();
    const other = this.#other();
    const timer = this.#at(this.#arrivalMs(), () => {
      this.#underway.shift();
      other.#arrive({ take: (events) => events.received(message), lost });
    });
    this.#underway.push({ timer, lost });
  }

  /** What was posted still arrives, and then the news that the end is closed. */
  close(): void {
    if (this.isOver) return;
    this.#leave();
    this.#announce(this.#arrivalMs());
  }

  /** The thread of this end is gone. */
  die(): void {
    if (this.isOver) return;
    this.#leave();
    const { draws, delayMs } = this.#options;
    const keptCount = draws.below(this.#underway.length + 1);
    for (const { timer, lost } of this.#underway.splice(keptCount)) {
      this.#options.clock.clearTimeout(timer);
      lost();
    }
    this.#announce(this.#arrivalMs() + draws.number() * 4 * delayMs);
  }

  #leave(): void {
    this.isOver = true;
    for (const { lost } of this.#early.splice(0)) lost();
    for (const { lost } of this.#brought) lost();
    this.#brought.clear();
    this.#owner?.ends.delete(this);
  }

  #announce(atMs: number): void {
    const other = this.#other();
    if (other.isOver) return;
    const take = (events: EndEvents<Message>): void => {
      other.#leave();
      events.closed();
    };
    this.#at(atMs, () => other.#arrive({ take, lost: nothing }));
  }

  #arrive(parcel: Parcel<Message>): void {
    if (this.isOver) return parcel.lost();
    if (this.#events === undefined || this.#early.length > 0) this.#early.push(parcel);
    else this.#bring(this.#events, parcel);
  }

  #catchUp(): void {
    if (this.#events === undefined) return;
    for (const parcel of this.#early.splice(0)) this.#bring(this.#events, parcel);
  }

  #bring(events: EndEvents<Message>, parcel: Parcel<Message>): void {
    this.#brought.add(parcel);
    this.#owner?.host.bring(() => {
      if (!this.#brought.delete(parcel)) return;
      this.#options.touched();
      parcel.take(events);
    });
  }

  #arrivalMs(): number {
    const { clock, draws, delayMs } = this.#options;
    this.#lastAtMs = Math.max(this.#lastAtMs, clock.now() + draws.number() * delayMs);
    return this.#lastAtMs;
  }

  #at(atMs: number, task: () => void): VirtualTimer {
    return this.#options.clock.at(atMs, task);
  }
}

/** An end as a pipe. Bytes are moved: whoever still looks at them after posting finds nothing there. */
export function simPipe(end: ChannelEnd<PipeMessage>): Pipe {
  return {
    open: (events: PipeEvents) => end.open(events),
    post: (message) => end.post(typeof message === 'object' ? moved(message) : message),
    close: () => end.close(),
    ref: nothing,
  };
}

function moved(bytes: Uint8Array): Uint8Array {
  return structuredClone(bytes, { transfer: [bytes.buffer as ArrayBuffer] });
}
