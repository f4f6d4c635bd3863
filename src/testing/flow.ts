/**
 * One direction of a simulated line. It obeys TCP's law and checks itself by it: what is read is always a prefix of what
 * was written, byte for byte. Bytes are copied when they are written, as a kernel does; once the kernel's buffer is
 * full they are kept by reference, as Node does, and whoever changes them then is found out when they leave.
 */
import { crc32 } from 'node:zlib';
import { Deque } from '../session/deque.ts';
import type { Draws } from './draws.ts';
import type { VirtualClock, VirtualTimer } from './virtual-clock.ts';

/** How bytes travel in one direction. */
export interface Weather {
  /** Between a write and its read, with up to `jitterMs` more. */
  readonly latencyMs: number;
  readonly jitterMs: number;
  /** Three of four reads take from 1 to so many bytes, by chance; the others, and with 0 all, whatever has arrived. */
  readonly chunkBytes: number;
  /** Bytes on their way beyond which a write answers false, until all of them are read. */
  readonly bufferBytes: number;
  /** How fast the reader reads; Infinity is at once. */
  readonly bytesPerMs: number;
}

/** How a direction ends: with a FIN after its last byte, or with an RST. */
export type FlowEnd = 'finish' | 'reset';

/** What a direction does at its two ends, and what may befall it on the way. */
export interface FlowSides {
  /** The reader gets these bytes, which are its own until the call is over. */
  read(chunk: Uint8Array): void;
  /** The reader learns that nothing more comes. */
  ended(by: FlowEnd): void;
  /** The writer may write again. */
  drained(): void;
  /** How many bytes may be read before something befalls the line; asked before each read. */
  allowance(): number;
  /** So many bytes were read; befalls the line what has to. */
  passed(count: number): void;
}

/** Longest read, as Node's. */
const READ_BYTES = 65_536;

interface Packet {
  readonly bytes: Uint8Array;
  readonly checksum: number;
  readonly atMs: number;
  /** The bytes are still the writer's. */
  readonly isShared: boolean;
}

/** One direction of a line. */
export class Flow {
  weather: Weather;
  writtenBytes = 0;
  readBytes = 0;
  /** Looks at what is written, before it travels; what it gives back travels instead. */
  onWrite: ((parts: readonly Uint8Array[]) => readonly Uint8Array[]) | undefined;
  readonly #clock: VirtualClock;
  readonly #draws: Draws;
  readonly #sides: FlowSides;
  readonly #packets = new Deque<Packet>();
  readonly #read = (): void => this.#wake();
  #timer: VirtualTimer | undefined;
  #lastAtMs = 0;
  #mayReadAtMs = 0;
  #offset = 0;
  #checksum = 0;
  #end: FlowEnd | undefined;
  #isStopped = false;
  #isPaused = false;
  #isFull = false;
  #isClogged = false;
  #change: ((chunk: Uint8Array) => void) | undefined;

  constructor(clock: VirtualClock, draws: Draws, weather: Weather, sides: FlowSides) {
    this.#clock = clock;
    this.#draws = draws;
    this.weather = weather;
    this.#sides = sides;
  }

  /** Bytes that are written and not read. */
  get waitingBytes(): number {
    return this.writtenBytes - this.readBytes;
  }

  /** Whether nothing comes out of it any more. */
  get isOver(): boolean {
    return this.#isStopped;
  }

  /** Takes the parts, in order. False: the buffer is full. */
  write(written: readonly Uint8Array[]): boolean {
    if (this.#isStopped || this.#end !== undefined) return true;
    const parts = this.onWrite === undefined ? written : this.onWrite(written);
    if (this.#isFull) for (const part of parts) this.#keep(part, true);
    else this.#keep(joined(parts), false);
    if (this.waitingBytes > (this.#isClogged ? 0 : this.weather.bufferBytes)) this.#isFull = true;
    this.#plan();
    return !this.#isFull;
  }

  /** Nothing more will be written: the reader learns it after the last byte. */
  end(by: FlowEnd): void {
    if (this.#isStopped || this.#end !== undefined) return;
    this.#end = by;
    this.#lastAtMs = this.#arrivalMs();
    this.#plan();
  }

  /** What is on its way is lost; the reader learns it as soon as news can travel. */
  breakOff(by: FlowEnd): void {
    if (this.#isStopped) return;
    this.#drop();
    this.#end = by;
    this.#lastAtMs = Math.max(this.#mayReadAtMs, this.#clock.now() + this.weather.latencyMs);
    this.#plan();
  }

  /** Nothing comes out of it any more, not even an end. */
  stop(): void {
    this.#drop();
    this.#isStopped = true;
  }

  /** Nothing is read before this moment, which may be Infinity: bytes and ends vanish, and nobody is told. */
  stall(untilMs: number): void {
    this.#mayReadAtMs = Math.max(this.#mayReadAtMs, untilMs);
    if (this.#timer === undefined || this.#timer.atMs >= untilMs) return;
    this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#plan();
  }

  /** The reader reads nothing any more, and every write finds the buffer full; until `resume`. */
  clog(): void {
    this.#isClogged = true;
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** A stall is over, and a slow reader or one that did not read has caught up; what is swallowed stays so. */
  resume(): void {
    this.#isClogged = false;
    if (this.#mayReadAtMs === Infinity || this.#isStopped) return;
    this.#mayReadAtMs = this.#clock.now();
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#plan();
  }

  /** The reader does not read for now: neither bytes nor an end. */
  pause(isPaused: boolean): void {
    this.#isPaused = isPaused;
    if (!isPaused) return this.#plan();
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Turns over one bit of the byte that is read next. */
  flip(): void {
    const bit = 1 << this.#draws.below(8);
    this.rewrite((chunk) => (chunk[0] = (chunk[0] as number) ^ bit));
  }

  /** Changes the chunk that is read next, after it was found to be as it was written. */
  rewrite(change: (chunk: Uint8Array) => void): void {
    this.#change = change;
  }

  #keep(bytes: Uint8Array, isShared: boolean): void {
    if (bytes.length === 0) return;
    this.writtenBytes += bytes.length;
    this.#lastAtMs = this.#arrivalMs();
    this.#packets.push({ bytes, checksum: crc32(bytes), atMs: this.#lastAtMs, isShared });
  }

  #arrivalMs(): number {
    const { latencyMs, jitterMs } = this.weather;
    const jitter = jitterMs === 0 ? 0 : this.#draws.number() * jitterMs;
    return Math.max(this.#lastAtMs, this.#clock.now() + latencyMs + jitter);
  }

  #plan(): void {
    if (this.#timer !== undefined || this.#isStopped || this.#isPaused || this.#isClogged) return;
    const head = this.#packets.at(0);
    if (head === undefined && this.#end === undefined) return;
    const atMs = Math.max(head?.atMs ?? this.#lastAtMs, this.#mayReadAtMs);
    if (atMs !== Infinity) this.#timer = this.#clock.at(atMs, this.#read);
  }

  #wake(): void {
    this.#timer = undefined;
    if (this.#packets.length > 0) this.#readOn();
    else if (this.#end !== undefined) {
      this.#isStopped = true;
      this.#sides.ended(this.#end);
    }
  }

  #readOn(): void {
    const allowed = this.#sides.allowance();
    if (allowed > 0) {
      const { chunkBytes, bytesPerMs } = this.weather;
      const wanted = chunkBytes === 0 || this.#draws.below(4) === 0 ? READ_BYTES : 1 + this.#draws.below(chunkBytes);
      const chunk = this.#take(Math.min(allowed, wanted));
      const count = chunk.length;
      if (bytesPerMs !== Infinity)
        this.#mayReadAtMs = Math.max(this.#mayReadAtMs, this.#clock.now() + count / bytesPerMs);
      this.#sides.read(chunk);
      this.#sides.passed(count);
      if (this.#isFull && this.waitingBytes === 0) this.#makeRoom();
    } else this.#sides.passed(0);
    this.#plan();
  }

  #makeRoom(): void {
    this.#isFull = false;
    this.#clock.at(this.#clock.now() + this.weather.latencyMs, () => {
      if (!this.#isStopped) this.#sides.drained();
    });
  }

  /** The next bytes that have arrived, at least one and at most `count`. */
  #take(count: number): Uint8Array {
    const nowMs = this.#clock.now();
    let chunk = this.#takePiece(count);
    for (let head = this.#packets.at(0); head !== undefined && chunk.length < count; head = this.#packets.at(0)) {
      if (head.atMs > nowMs) break;
      chunk = joined([chunk, this.#takePiece(count - chunk.length)]);
    }
    if (this.#change !== undefined) {
      this.#change(chunk);
      this.#change = undefined;
    }
    this.readBytes += chunk.length;
    if (this.readBytes > this.writtenBytes) throw new Error('expected a prefix of what was written, got more bytes');
    return chunk;
  }

  #takePiece(count: number): Uint8Array {
    const head = this.#packets.at(0) as Packet;
    const end = Math.min(head.bytes.length, this.#offset + count);
    const isWhole = this.#offset === 0 && end === head.bytes.length && !head.isShared;
    const piece = isWhole ? head.bytes : head.bytes.slice(this.#offset, end);
    this.#checksum = crc32(piece, this.#checksum);
    this.#offset = end;
    if (end < head.bytes.length) return piece;
    if (this.#checksum !== head.checksum) throw new Error('expected bytes that stay as they were written, got others');
    this.#packets.shift();
    this.#offset = 0;
    this.#checksum = 0;
    return piece;
  }

  #drop(): void {
    this.#packets.clear();
    this.#offset = 0;
    this.#checksum = 0;
    this.readBytes = this.writtenBytes;
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}

/** A copy of the parts in one piece. */
function joined(parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
