/**
 * A host on virtual time: what Node is to an actor, for one simulated process. It can stall, as a loop does that computes
 * for too long, and die without a word: its timers, deferred tasks and what its lines bring are dropped from then on.
 */
import { crc32 } from 'node:zlib';
import type { Chance, Clock, Host } from '../actors/ports.ts';
import type { Checksum } from '../wire/frame.ts';
import { Deque } from '../session/deque.ts';
import type { Secrets } from '../session/proof.ts';
import { Draws, draw, entityOf } from './draws.ts';
import type { Loop } from './loop.ts';
import type { VirtualTimer } from './virtual-clock.ts';

const SIGNATURE_BYTES = 32;

/**
 * A keyed hash that nobody needs to break: signing with HMAC-SHA-256, as Node's host does, would be a tenth of the time of
 * a simulated handshake.
 */
export const simSecrets: Secrets = {
  sign(secret, ...parts) {
    let hash = crc32(secret);
    for (const part of parts) hash = crc32(part, hash);
    const signature = new Uint8Array(SIGNATURE_BYTES);
    for (let index = 0; index < SIGNATURE_BYTES; index += 4) {
      hash = draw(hash, entityOf('signature'), index);
      for (let byte = 0; byte < 4; byte += 1) signature[index + byte] = hash >>> (byte * 8);
    }
    return signature;
  },
  equal: (left, right) => left.length === right.length && left.every((byte, index) => byte === right[index]),
};

/** One simulated process. */
export class SimHost implements Host {
  readonly name: string;
  readonly seed: number;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly secrets: Secrets = simSecrets;
  readonly checksum: Checksum = crc32;
  readonly loop: Loop;
  isAlive = true;
  /** The loop of this process stands still, or has not caught up yet. */
  isStalled = false;
  readonly #timers = new Set<VirtualTimer>();
  #stalledUntilMs = 0;
  #heldCount = 0;
  /** Timers that came due during a stall, in order. */
  readonly #due = new Map<VirtualTimer, () => void>();
  /** What lines brought during a stall: it waits in the kernel, and is read after the timers. */
  #brought = new Deque<() => void>();

  constructor(loop: Loop, name: string, seed: number) {
    this.loop = loop;
    this.name = name;
    this.seed = seed;
    this.chance = new Draws(seed, name);
    this.clock = {
      now: () => loop.clock.now(),
      setTimeout: (fire, delayMs) => this.#setTimeout(fire, delayMs),
      clearTimeout: (ticket) => this.#clearTimeout(ticket as VirtualTimer),
    };
  }

  soon(task: () => void): void {
    this.defer(task);
  }

  defer(task: () => void): void {
    this.loop.defer(this, task);
  }

  /** Timers that are set here. */
  get timerCount(): number {
    return this.#timers.size;
  }

  /** Hands over what a line brought: now, after a stall, or never. */
  bring(task: () => void): void {
    if (!this.isAlive) return;
    if (this.isStalled) this.#brought.push(task);
    else this.#run(task);
  }

  /** Resolves after this time, unless the host dies before. */
  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.clock.setTimeout(resolve, ms);
    });
  }

  /** Lets the world wait for a promise of this process after each event, until it settles or the process dies. */
  hold(promise: PromiseLike<unknown>): void {
    const release = (): void => {
      if (!this.isAlive) return;
      this.#heldCount -= 1;
      this.loop.released();
    };
    this.#heldCount += 1;
    this.loop.held();
    promise.then(release, release);
  }

  /** The loop stands still for this time; then what came due meanwhile happens, late timers before unread bytes. */
  stall(forMs: number): void {
    const untilMs = this.loop.clock.now() + forMs;
    if (untilMs <= this.#stalledUntilMs) return;
    this.#stalledUntilMs = untilMs;
    this.isStalled = true;
    this.loop.clock.at(untilMs, () => this.#wake());
  }

  /** The process is gone. */
  kill(): void {
    if (!this.isAlive) return;
    this.isAlive = false;
    for (const timer of this.#timers) this.loop.clock.clearTimeout(timer);
    this.#timers.clear();
    for (; this.#heldCount > 0; this.#heldCount -= 1) this.loop.released();
    this.#due.clear();
    this.#brought.clear();
  }

  #setTimeout(fire: () => void, delayMs: number): VirtualTimer {
    const timer = this.loop.clock.setTimeout(() => {
      if (this.isStalled) {
        this.#due.set(timer, fire);
        return;
      }
      this.#timers.delete(timer);
      this.#run(fire);
    }, delayMs);
    if (this.isAlive) this.#timers.add(timer);
    else this.loop.clock.clearTimeout(timer);
    return timer;
  }

  #clearTimeout(timer: VirtualTimer): void {
    if (!this.#timers.delete(timer)) return;
    this.#due.delete(timer);
    this.loop.clock.clearTimeout(timer);
  }

  /** Goes on with what was held back, each in an event of its own, so that promises settle in between. */
  #wake(): void {
    if (!this.isAlive || this.loop.clock.now() < this.#stalledUntilMs) return;
    const [due] = this.#due;
    const task = due === undefined ? this.#brought.shift() : this.#takeDue(...due);
    if (task === undefined) {
      this.isStalled = false;
      return;
    }
    this.loop.clock.at(this.loop.clock.now(), () => this.#wake());
    this.#run(task);
  }

  #run(work: () => void): void {
    const { enter } = this.loop;
    if (enter === undefined) work();
    else enter(this, work);
  }

  #takeDue(timer: VirtualTimer, fire: () => void): () => void {
    this.#due.delete(timer);
    this.#timers.delete(timer);
    return fire;
  }
}
