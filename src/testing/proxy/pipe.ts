/**
 * One direction of a proxied connection: what comes out of one socket goes into the other, as it is, late, in slices, or
 * not at all. It counts the bytes it passed and stops exactly at its marks, so that a fault hits between two given bytes.
 */
import type { Socket } from 'node:net';
import { FrameFollower, type FrameName, type FrameTrigger } from '../frame-follower.ts';
import type { Pace } from './plan.ts';

/** A point between two bytes, and what happens there. */
interface Mark {
  readonly at: number;
  readonly reached: () => void;
}

/** A frame that is waited for. */
export interface FrameWatch {
  readonly trigger: FrameTrigger;
  /** Frames of its name up to it, itself included; 0: it was here. */
  left: number;
  readonly reached: () => void;
}

/** What a pipe is made with. */
export interface PipeOptions {
  readonly source: Socket;
  readonly target: Socket;
  /** Gets each chunk as it comes in, before anything happens to it. */
  readonly seen: (chunk: Uint8Array) => void;
  /** A number in [0, 1) for the jitter of each chunk. */
  readonly chance: (chunk: number) => number;
}

/** Bytes that wait here before the source is paused. */
const BUFFER_BYTES = 262_144;

/** A bounded pace is kept over this time: so much may leave at once, and so much be caught up. */
const BURST_MS = 4;

const freely: { readonly [Name in keyof Pace]-?: number } = {
  latencyMs: 0,
  jitterMs: 0,
  bytesPerMs: 0,
  sliceBytes: 0,
  bufferBytes: BUFFER_BYTES,
  closeMs: 0,
};

/** One direction of a proxied connection. */
export class Pipe {
  /** Bytes handed to the operating system for the target. */
  passedBytes = 0;
  /** Whether the source has said that nothing more comes. */
  isEnded = false;
  readonly #options: PipeOptions;
  /** What waits; `undefined` is the end of the source. */
  readonly #queue: { readonly bytes: Uint8Array | undefined; readonly dueMs: number }[] = [];
  readonly #follower = new FrameFollower((frame, start) => this.#found(frame, start));
  #queuedBytes = 0;
  #chunkCount = 0;
  #pace = freely;
  #mayPassAtMs = 0;
  #marks: Mark[] = [];
  #watches: FrameWatch[] = [];
  #turnedBits = 0;
  #isSwallowing = false;
  #isBusy = false;
  #stall: NodeJS.Timeout | undefined;
  #wake: NodeJS.Timeout | undefined;

  constructor(options: PipeOptions) {
    this.#options = options;
    options.source.on('data', (chunk: Uint8Array) => this.#arrived(chunk));
    options.source.on('end', () => this.#arrived(undefined));
    options.target.on('drain', () => this.#free());
  }

  /** Whether bytes are thrown away here. */
  get isSwallowing(): boolean {
    return this.#isSwallowing;
  }

  /** How much later than it came an end is passed on. */
  get closeMs(): number {
    return this.#pace.closeMs;
  }

  /** Calls `reached` once exactly `at` bytes have passed and none more; at once if that is so now. */
  mark(at: number, reached: () => void): void {
    this.#marks.push({ at: Math.max(at, this.passedBytes), reached });
    this.#marks.sort((left, right) => left.at - right.at);
    this.#pump();
  }

  /** Calls `reached` at the place of this trigger; frames count whose header is not here yet. */
  watch(trigger: FrameTrigger, reached: () => void): FrameWatch {
    const watch = { trigger, left: trigger.nth ?? 1, reached };
    this.#watches.push(watch);
    return watch;
  }

  /** Passes bytes like this from now on; what is left out stays as it is. */
  slow(pace: Pace): void {
    this.#pace = {
      latencyMs: pace.latencyMs ?? this.#pace.latencyMs,
      jitterMs: pace.jitterMs ?? this.#pace.jitterMs,
      bytesPerMs: pace.bytesPerMs ?? this.#pace.bytesPerMs,
      sliceBytes: pace.sliceBytes ?? this.#pace.sliceBytes,
      bufferBytes: pace.bufferBytes ?? this.#pace.bufferBytes,
      closeMs: pace.closeMs ?? this.#pace.closeMs,
    };
  }

  /** Turns over a bit of the byte that passes next. */
  flip(bit: number): void {
    this.#turnedBits ^= 1 << (bit & 7);
  }

  /** Forgets all marks, passes bytes freely, and goes on if it stalls. */
  heal(): void {
    this.#marks = [];
    this.#watches = [];
    this.#turnedBits = 0;
    this.#pace = freely;
    this.#mayPassAtMs = 0;
    this.#resume();
  }

  /** Passes nothing for a time, then goes on. */
  stall(forMs: number): void {
    clearTimeout(this.#stall);
    this.#stall = setTimeout(() => this.#resume(), forMs);
  }

  /** The source is gone: what waits leaves after this time, and a FIN behind it. */
  leave(afterMs: number): void {
    this.#marks = [];
    this.#watches = [];
    this.stall(afterMs);
    if (!this.isEnded) this.#arrived(undefined);
  }

  /** Throws away what waits and what comes, the end included: the source sees a line that takes everything. */
  swallow(): void {
    this.#isSwallowing = true;
    this.stop();
    this.#options.source.resume();
  }

  /** Drops what waits and all timers and marks. */
  stop(): void {
    this.#marks = [];
    this.#watches = [];
    this.#queue.length = 0;
    this.#queuedBytes = 0;
    clearTimeout(this.#stall);
    clearTimeout(this.#wake);
    this.#stall = undefined;
    this.#wake = undefined;
  }

  #arrived(bytes: Uint8Array | undefined): void {
    if (bytes === undefined) this.isEnded = true;
    else {
      this.#options.seen(bytes);
      this.#follower.follow(bytes);
    }
    if (this.#isSwallowing) return;
    this.#queue.push({ bytes, dueMs: this.#dueMs(bytes === undefined) });
    this.#queuedBytes += bytes?.length ?? 0;
    if (this.#queuedBytes > this.#pace.bufferBytes) this.#options.source.pause();
    this.#pump();
  }

  #dueMs(isEnd: boolean): number {
    const { latencyMs, jitterMs, closeMs } = this.#pace;
    const jitter = jitterMs === 0 ? 0 : jitterMs * this.#options.chance(this.#chunkCount);
    this.#chunkCount += 1;
    const laterMs = latencyMs + jitter + (isEnd ? closeMs : 0);
    return laterMs === 0 ? 0 : performance.now() + laterMs;
  }

  #found(frame: FrameName | undefined, start: number): void {
    if (this.#watches.length === 0) return;
    for (const watch of this.#watches) {
      if (watch.trigger.frame !== frame) continue;
      watch.left -= 1;
      if (watch.left > 0) continue;
      this.#watches = this.#watches.filter((other) => other !== watch);
      this.mark(start + (watch.trigger.afterBytes ?? 0), watch.reached);
    }
  }

  #pump(): void {
    while (!this.#isBusy && this.#stall === undefined && !this.#isSwallowing) {
      if (this.#marks[0]?.at === this.passedBytes) {
        this.#marks.shift()?.reached();
        continue;
      }
      const head = this.#queue[0];
      if (head === undefined || this.#isEarly(Math.max(head.dueMs, this.#mayPassAtMs))) return;
      if (head.bytes !== undefined && this.#knownLeft() === 0) return;
      this.#queue.shift();
      if (head.bytes === undefined) return void this.#options.target.end();
      this.#pass(head.bytes, head.dueMs);
    }
  }

  /** Bytes that may pass before more of a header is here: with a watch, a frame must be known before its first byte leaves. */
  #knownLeft(): number {
    if (this.#watches.length === 0 || this.isEnded) return Infinity;
    return Math.max(0, this.#follower.knownBytes - this.passedBytes);
  }

  /** Writes as much of a chunk as pace and marks allow, and puts the rest back. */
  #pass(bytes: Uint8Array, dueMs: number): void {
    const untilMark = (this.#marks[0]?.at ?? Infinity) - this.passedBytes;
    const { sliceBytes, bytesPerMs, bufferBytes } = this.#pace;
    const slice = sliceBytes === 0 ? Infinity : sliceBytes;
    const burst = bytesPerMs === 0 ? Infinity : Math.ceil(bytesPerMs * BURST_MS);
    const count = Math.min(bytes.length, untilMark, this.#knownLeft(), slice, burst);
    if (count < bytes.length) this.#queue.unshift({ bytes: bytes.subarray(count), dueMs });
    this.#queuedBytes -= count;
    const { source, target } = this.#options;
    if (this.#queuedBytes <= bufferBytes && source.isPaused()) source.resume();
    this.passedBytes += count;
    if (bytesPerMs > 0) {
      this.#mayPassAtMs = Math.max(this.#mayPassAtMs, performance.now() - BURST_MS) + count / bytesPerMs;
    }
    const isMark = count === untilMark;
    const free = (): void => this.#free();
    // Busy until the operating system has the bytes: a fault at the mark must not come before them.
    this.#isBusy = isMark || sliceBytes > 0;
    const hasRoom = target.write(this.#altered(bytes.subarray(0, count)), isMark ? free : undefined);
    if (isMark) return;
    if (!hasRoom) this.#isBusy = true;
    else if (sliceBytes > 0) setImmediate(free);
  }

  #altered(bytes: Uint8Array): Uint8Array {
    if (this.#turnedBits === 0) return bytes;
    const copy = Uint8Array.from(bytes);
    copy[0] = (copy[0] ?? 0) ^ this.#turnedBits;
    this.#turnedBits = 0;
    return copy;
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
