/** An end of a line under test, which writes down what it is told, and bytes by chance to send through it. */
import type { Dial, Line, LineEvents } from '../../actors/ports.ts';
import { Draws } from '../draws.ts';
import { type Waits, must } from './case.ts';

/** Writes down what a line tells, and notes on the way what must never be. */
export class End implements LineEvents {
  readonly line: Line;
  /** `opened` and `closed`, as they came. */
  readonly told: string[] = [];
  /** What was told at a time when it must not be. */
  readonly faults = new Set<string>();
  drainCount = 0;
  byteCount = 0;
  error: Error | undefined;
  /** What it does with bytes beside keeping them. */
  answer: (chunk: Uint8Array) => void = () => {};
  readonly #chunks: Uint8Array[] = [];
  #isDialling = true;
  #isWriting = false;
  #isFull = false;

  constructor(dial: Dial, before: (line: Line) => void = () => {}) {
    this.line = dial(this);
    this.#isDialling = false;
    before(this.line);
  }

  get isOpen(): boolean {
    return this.told[0] === 'opened';
  }

  get isClosed(): boolean {
    return this.told.at(-1) === 'closed';
  }

  opened(): void {
    if (this.#isDialling) this.faults.add('opened inside the call that made it');
    this.told.push('opened');
  }

  received(chunk: Uint8Array): void {
    if (!this.isOpen) this.faults.add('bytes before it opened');
    if (this.isClosed) this.faults.add('bytes after it closed');
    if (Buffer.isBuffer(chunk)) this.faults.add('a Buffer, whose slice is no copy, instead of a Uint8Array');
    if (this.#isWriting) this.faults.add('bytes inside its own write');
    const kept = chunk.slice();
    this.#chunks.push(kept);
    this.byteCount += chunk.length;
    this.answer(kept);
  }

  drained(): void {
    if (!this.#isFull) this.faults.add('drained without having been full');
    if (this.isClosed) this.faults.add('drained after it closed');
    this.#isFull = false;
    this.drainCount += 1;
  }

  closed(error: Error | undefined): void {
    if (this.#isDialling) this.faults.add('closed inside the call that made it');
    this.error = error;
    this.told.push('closed');
  }

  write(...parts: Uint8Array[]): boolean {
    this.#isWriting = true;
    const hasRoom = this.line.write(parts);
    this.#isWriting = false;
    if (!hasRoom) this.#isFull = true;
    return hasRoom;
  }

  /** Everything one can do to a line that is gone. */
  poke(): void {
    must(this.line.write([Uint8Array.of(1)]), 'expected a write to a line that is gone to answer true, got false');
    this.line.pause(true);
    this.line.pause(false);
    this.line.ref(false);
    this.line.ref(true);
    this.line.end();
    this.line.destroy();
    this.line.destroy();
  }

  /** What came so far, from a byte on. */
  bytes(from = 0): Uint8Array {
    return new Uint8Array(Buffer.concat(this.#chunks)).subarray(from);
  }
}

/** Bytes by chance, in pieces by chance: empty ones, single bytes, large ones, several at a time. */
export class Stream {
  /** All of it in one piece; no line gets to see this copy. */
  readonly bytes: Uint8Array;
  readonly #end: End;
  readonly #parts: Uint8Array[] = [];
  readonly #draws: Draws;

  constructor(end: End, seed: number, byteCount: number) {
    this.#end = end;
    this.#draws = new Draws(seed, 'pieces');
    this.bytes = new Draws(seed, 'bytes').bytes(byteCount);
    for (let start = 0; start < byteCount;) {
      const length = this.#lengthOfPart();
      this.#parts.push(this.bytes.slice(start, start + length));
      start += length;
    }
  }

  /** Whether the parts are as they were given. */
  get isAsGiven(): boolean {
    return Buffer.compare(Buffer.concat(this.#parts), this.bytes) === 0;
  }

  /** Writes at once, whether there is room or not. */
  pour(): void {
    this.#end.write(...this.#parts);
  }

  /** Writes as a session does: after a write that returned false it waits. */
  async run(waits: Waits): Promise<void> {
    for (let next = 0; next < this.#parts.length;) {
      const count = 1 + this.#draws.below(20);
      const { drainCount } = this.#end;
      const hasRoom = this.#end.write(...this.#parts.slice(next, next + count));
      next += count;
      if (!hasRoom) await waits.until(() => this.#end.drainCount > drainCount, 'room after a write that was refused');
      else if (this.#draws.below(10) === 0) await waits.turn();
    }
  }

  #lengthOfPart(): number {
    const kind = this.#draws.below(20);
    if (kind === 0) return 0;
    if (kind < 8) return 1 + this.#draws.below(10);
    if (kind < 19) return 1 + this.#draws.below(5_000);
    return 1 + this.#draws.below(200_000);
  }
}
