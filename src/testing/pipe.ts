/**
 * One direction of a proxied connection: what comes out of one socket goes into the other, as it is, late, in slices, or
 * not at all. It counts the bytes it passed and stops exactly at its marks, so that a fault hits between two given bytes.
 */
import type { Socket } from 'node:net';

/** The way bytes go: `up` from who dialled the proxy to the target, `down` back. */
export type Direction = 'up' | 'down';

/** How fast and in what pieces a direction passes bytes. */
export interface Pace {
  /** Each byte leaves this much later than it came. */
  readonly latencyMs: number;
  /** Bytes of one write; the next follows in a later turn of the loop. 0: as they come. */
  readonly sliceBytes: number;
}

/** A point between two bytes, and what happens there. */
interface Mark {
  readonly at: number;
  readonly reached: () => void;
}

/** Bytes that wait here before the source is paused. */
const QUEUE_BYTES = 262_144;

/** One direction of a proxied connection. */
export class Pipe {
  /** Bytes handed to the operating system for the target. */
  passedBytes = 0;
  pace: Pace = { latencyMs: 0, sliceBytes: 0 };
  readonly #source: Socket;
  readonly #target: Socket;
  readonly #seen: (chunk: Uint8Array) => void;
  /** What waits; `undefined` is the end of the source. */
  readonly #queue: { readonly bytes: Uint8Array | undefined; readonly dueMs: number }[] = [];
  #queuedBytes = 0;
  #marks: Mark[] = [];
  #isSwallowing = false;
  #isBusy = false;
  #stall: NodeJS.Timeout | undefined;
  #wake: NodeJS.Timeout | undefined;

  /** `seen` gets each chunk as it comes in, before anything happens to it. */
  constructor(source: Socket, target: Socket, seen: (chunk: Uint8Array) => void) {
    this.#source = source;
    this.#target = target;
    this.#seen = seen;
    source.on('data', (chunk: Uint8Array) => this.#arrived(chunk));
    source.on('end', () => this.#arrived(undefined));
    target.on('drain', () => this.#free());
  }

  /** Whether bytes are thrown away here. */
  get isSwallowing(): boolean {
    return this.#isSwallowing;
  }

  /** Calls `reached` once exactly `at` bytes have passed and none more; at once if that is so now. */
  mark(at: number, reached: () => void): void {
    this.#marks.push({ at: Math.max(at, this.passedBytes), reached });
    this.#marks.sort((left, right) => left.at - right.at);
    this.#pump();
  }

  /** Forgets all marks and goes on if it stalls. */
  heal(): void {
    this.#marks = [];
    this.pace = { latencyMs: 0, sliceBytes: 0 };
    this.#resume();
  }

  /** Passes nothing for a time, then goes on. */
  stall(forMs: number): void {
    clearTimeout(this.#stall);
    this.#stall = setTimeout(() => this.#resume(), forMs);
  }

  /** Throws away what waits and what comes, the end included: the source sees a line that takes everything. */
  swallow(): void {
    this.#isSwallowing = true;
    this.stop();
    this.#source.resume();
  }

  /** Drops what waits and all timers and marks. */
  stop(): void {
    this.#marks = [];
    this.#queue.length = 0;
    this.#queuedBytes = 0;
    clearTimeout(this.#stall);
    clearTimeout(this.#wake);
    this.#stall = undefined;
    this.#wake = undefined;
  }

  #arrived(bytes: Uint8Array | undefined): void {
    if (bytes !== undefined) this.#seen(bytes);
    if (this.#isSwallowing) return;
    const { latencyMs } = this.pace;
    this.#queue.push({ bytes, dueMs: latencyMs === 0 ? 0 : performance.now() + latencyMs });
    this.#queuedBytes += bytes?.length ?? 0;
    if (this.#queuedBytes > QUEUE_BYTES) this.#source.pause();
    this.#pump();
  }

  #pump(): void {
    while (!this.#isBusy && this.#stall === undefined && !this.#isSwallowing) {
      if (this.#marks[0]?.at === this.passedBytes) {
        this.#marks.shift()?.reached();
        continue;
      }
      const head = this.#queue[0];
      if (head === undefined || this.#isEarly(head.dueMs)) return;
      this.#queue.shift();
      if (head.bytes === undefined) return void this.#target.end();
      this.#pass(head.bytes, head.dueMs);
    }
  }

  /** Writes as much of a chunk as pace and marks allow, and puts the rest back. */
  #pass(bytes: Uint8Array, dueMs: number): void {
    const untilMark = (this.#marks[0]?.at ?? Infinity) - this.passedBytes;
    const { sliceBytes } = this.pace;
    const count = Math.min(bytes.length, untilMark, sliceBytes === 0 ? Infinity : sliceBytes);
    if (count < bytes.length) this.#queue.unshift({ bytes: bytes.subarray(count), dueMs });
    this.#queuedBytes -= count;
    if (this.#queuedBytes <= QUEUE_BYTES && this.#source.isPaused()) this.#source.resume();
    this.passedBytes += count;
    const isMark = count === untilMark;
    const free = (): void => this.#free();
    // Busy until the operating system has the bytes: a fault at the mark must not come before them.
    this.#isBusy = isMark || sliceBytes > 0;
    const hasRoom = this.#target.write(bytes.subarray(0, count), isMark ? free : undefined);
    if (isMark) return;
    if (!hasRoom) this.#isBusy = true;
    else if (sliceBytes > 0) setImmediate(free);
  }

  #isEarly(dueMs: number): boolean {
    if (dueMs === 0) return false;
    const waitMs = dueMs - performance.now();
    if (waitMs <= 0) return false;
    this.#wake ??= setTimeout(() => {
      this.#wake = undefined;
      this.#pump();
    }, waitMs);
    return true;
  }

  #resume(): void {
    clearTimeout(this.#stall);
    this.#stall = undefined;
    this.#pump();
  }

  #free(): void {
    this.#isBusy = false;
    this.#pump();
  }
}
