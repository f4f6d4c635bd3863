/**
 * Lets the time of a world go on by itself, as long as the thread has nothing else to do: a slice of virtual time in each
 * turn of the real loop. Whoever awaits a moment or an event goes on before the next event.
 */
import type { World } from '../world.ts';

/** The rest of the thread gets its turn after so much virtual time. */
const SLICE_MS = 1_000;
/** Whoever asks nothing for so much virtual time awaits something that does not come. */
const IDLE_MS = 600_000;

/** Whose world it is. */
export interface PumpOwner {
  readonly world: World;
  /** Rises while messages are handled. */
  readonly startedCount: number;
  /** The world has come to an error; it can go on. */
  failed(error: unknown): void;
  /** Nothing was asked, and nothing was handled, for this much virtual time. */
  idle(forMs: number): void;
}

/** Somebody who waits. */
interface Asked {
  readonly isThere: () => boolean;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Drives a world. */
export class Pump {
  readonly #owner: PumpOwner;
  readonly #asked = new Set<Asked>();
  /** Whoever takes events waits for the one before. */
  #driving: Promise<unknown> = Promise.resolve();
  #waitingCount = 0;
  #isTold = false;
  #isOver = false;
  #sign = { atMs: 0, startedCount: 0 };

  constructor(owner: PumpOwner) {
    this.#owner = owner;
  }

  /** Whether somebody waits for a moment or an event. */
  get isAsked(): boolean {
    return this.#asked.size > 0;
  }

  /** Begins. */
  async drive(): Promise<void> {
    while (!this.#isOver) {
      await turn();
      this.#driving = this.#driving.then(() => this.#takeSlice());
      await this.#driving;
      this.#watchIdle();
    }
  }

  /** Takes no event any more. */
  stop(): void {
    this.#isOver = true;
  }

  /** Somebody is still there. */
  touch(): void {
    this.#sign = { ...this.#sign, atMs: this.#owner.world.nowMs };
  }

  /** Resolves right after the event by which something is so; `begin` is called if it is not so yet. */
  async ask(isThere: () => boolean, begin: () => void): Promise<void> {
    if (isThere()) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#asked.add({ isThere, resolve, reject });
    begin();
    await promise;
  }

  /** After each event: who waited for it is told. */
  answer(): void {
    for (const each of this.#asked) {
      if (!each.isThere()) continue;
      this.#asked.delete(each);
      this.#isTold = true;
      each.resolve();
    }
  }

  /** Everybody who waits learns that it is in vain. */
  rejectAll(error: unknown): void {
    for (const { reject } of this.#asked) reject(error);
    this.#asked.clear();
  }

  /** Does work that takes events itself, while nobody else does. */
  alone(work: () => Promise<void>): Promise<void> {
    this.#waitingCount += 1;
    const done = this.#driving.then(() => {
      this.#waitingCount -= 1;
      return work();
    });
    this.#driving = done.catch(() => {});
    return done;
  }

  async #takeSlice(): Promise<void> {
    if (this.#isOver) return;
    const { world } = this.#owner;
    this.#isTold = false;
    try {
      await world.until(() => this.#isTold || this.#waitingCount > 0, SLICE_MS);
    } catch (error) {
      this.#owner.failed(error);
    }
  }

  #watchIdle(): void {
    const { world, startedCount } = this.#owner;
    const isBusy = this.isAsked || this.#waitingCount > 0 || startedCount !== this.#sign.startedCount;
    if (isBusy) this.#sign = { atMs: world.nowMs, startedCount };
    if (world.nowMs - this.#sign.atMs >= IDLE_MS && !this.#isOver) this.#owner.idle(IDLE_MS);
  }
}

/** Node's own, whatever becomes of the global while a simulation lasts. */
const { setImmediate } = globalThis;

/** A turn of the real loop, in which the test and everything else gets on. */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
