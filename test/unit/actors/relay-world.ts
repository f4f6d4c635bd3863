/**
 * Both shards of a relay on virtual time: a pipe that moves buffers and checks the credit, a line that takes bytes as
 * slowly as it is told and reads what a script says, and a session's end at home. Whoever breaks the contract of a port
 * here throws.
 */
import { RELAY_CREDIT_BYTES } from '../../../src/actors/relay-sender.ts';
import { joinLine, pipeDial, type RelayedLine } from '../../../src/actors/relay.ts';
import type { Line, LineEnds, LineEvents, Pipe, PipeEvents, PipeMessage } from '../../../src/actors/ports.ts';
import { VirtualClock } from '../../../src/testing/virtual-clock.ts';

/** Addresses of the line that landed. */
export const ends: LineEnds = {
  remoteAddress: '127.0.0.1',
  remotePort: 50_000,
  localAddress: '127.0.0.1',
  localPort: 4_000,
  isTrusted: true,
  certificate: { subject: 'client' },
};

/** So many bytes of a stream, from an offset on; wherever they are cut, each byte tells its place. */
export function stream(from: number, count: number): Uint8Array {
  const bytes = new Uint8Array(count);
  for (let index = 0; index < count; index += 1) bytes[index] = byteAt(from + index);
  return bytes;
}

function byteAt(place: number): number {
  return (place * 31 + (place >> 8) * 7 + (place >> 16)) & 0xff;
}

/** Takes a stream in and throws where it goes on with other bytes than it should. */
export class Tape {
  count = 0;

  take(bytes: Uint8Array): void {
    for (const byte of bytes) {
      if (byte !== byteAt(this.count)) throw new Error(`expected another byte at ${this.count}, got ${byte}`);
      this.count += 1;
    }
  }
}

/** One end of a pipe in memory. */
export class MemoryPipe implements Pipe {
  readonly posted: PipeMessage[] = [];
  isClosed = false;
  isReferenced = true;
  /** Bytes posted for which no room was given back. */
  underwayBytes = 0;
  underwayBytesMax = 0;
  #peer: MemoryPipe | undefined;
  #events: PipeEvents | undefined;
  #latestMs = 0;
  #isBeyondCredit = false;
  #isLeft = false;
  readonly #clock: VirtualClock;
  readonly #delayMs: () => number;

  constructor(clock: VirtualClock, delayMs: () => number) {
    this.#clock = clock;
    this.#delayMs = delayMs;
  }

  /** The other end. */
  get peer(): MemoryPipe {
    if (this.#peer === undefined) throw new Error('expected a pair');
    return this.#peer;
  }

  static pair(clock: VirtualClock, delayMs: () => number): [MemoryPipe, MemoryPipe] {
    const near = new MemoryPipe(clock, delayMs);
    const far = new MemoryPipe(clock, delayMs);
    near.#peer = far;
    far.#peer = near;
    return [near, far];
  }

  open(events: PipeEvents): void {
    if (this.#events !== undefined) throw new Error('expected to be opened once');
    this.#events = events;
  }

  post(message: PipeMessage): void {
    if (this.#events === undefined) throw new Error('expected to be opened before the first post');
    if (this.#isLeft) throw new Error('expected no post after its own close');
    if (this.isClosed) return;
    this.#count(message);
    this.posted.push(message);
    this.#bring(moved(message));
  }

  close(): void {
    this.#isLeft = true;
    if (this.isClosed) return;
    this.isClosed = true;
    this.#bring(undefined);
  }

  /** The thread at this end is gone, and with it what it had not read and, it may be, what it had posted. */
  die(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.peer.#lose();
  }

  ref(alive: boolean): void {
    this.isReferenced = alive;
  }

  #count(message: PipeMessage): void {
    if (typeof message === 'number') {
      this.peer.underwayBytes -= message;
      if (this.peer.underwayBytes < 0) throw new Error('expected room back only for bytes that came');
      if (this.#isBeyondCredit) throw new Error('expected a goodbye after bytes beyond the credit');
    } else if (message !== 'end') {
      if (message.length === 0) throw new Error('expected no empty message');
      this.underwayBytes += message.length;
      this.underwayBytesMax = Math.max(this.underwayBytesMax, this.underwayBytes);
      this.#isBeyondCredit = this.underwayBytes > RELAY_CREDIT_BYTES;
    }
  }

  #bring(message: PipeMessage | undefined): void {
    this.#latestMs = Math.max(this.#latestMs, this.#clock.now() + this.#delayMs());
    this.#clock.at(this.#latestMs, () => {
      if (this.#isBeyondCredit && !this.isClosed) throw new Error('expected the goodbye in the same turn');
      const { peer } = this;
      if (peer.isClosed) return;
      if (message === undefined) peer.#lose();
      else peer.#events?.received(message);
    });
  }

  #lose(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.#events?.closed();
  }
}

/** What another thread gets; the sender's buffer is gone. */
function moved(message: PipeMessage): PipeMessage {
  if (typeof message !== 'object') return message;
  if (message.byteLength !== message.buffer.byteLength) throw new Error('expected a buffer of its own');
  return structuredClone(message, { transfer: [message.buffer as ArrayBuffer] });
}

/** How a scripted line behaves. */
export interface Weather {
  /** Bytes that wait in the line when it begins to say false. */
  readonly roomBytes: number;
  /** Bytes that leave it at once, and how long that takes. */
  readonly leaveBytes: number;
  readonly leaveMs: number;
  /** Lengths of the chunks that it reads, and the time between them. */
  readonly reads: readonly number[];
  readonly readMs: number;
  /** What happens after the last chunk. */
  readonly then: 'nothing' | 'finish';
}

/** A line that landed in this shard. */
export class ScriptedLine implements Line {
  readonly ends = ends;
  /** What left it. */
  readonly wire = new Tape();
  events: LineEvents | undefined;
  readCount: number;
  isPaused = false;
  state: 'open' | 'ended' | 'destroyed' | 'closed' = 'open';
  waitingBytesMax = 0;
  readonly pauses: boolean[] = [];
  readonly #clock: VirtualClock;
  readonly #weather: Weather;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #owesDrained = false;
  #isLeaving = false;
  #isReading = false;
  #next = 0;

  /** `readCount` bytes were read before, so the script goes on there. */
  constructor(clock: VirtualClock, weather: Weather, readCount: number) {
    this.#clock = clock;
    this.#weather = weather;
    this.readCount = readCount;
  }

  /** Begins to read. */
  start(events: LineEvents): void {
    this.events = events;
    this.#readLater();
  }

  write(parts: readonly Uint8Array[]): boolean {
    if (this.state === 'ended' || this.state === 'destroyed') throw new Error(`expected no write, it is ${this.state}`);
    if (this.state === 'closed') return true;
    for (const part of parts) {
      this.#waiting.push(part);
      this.#waitingBytes += part.length;
    }
    this.waitingBytesMax = Math.max(this.waitingBytesMax, this.#waitingBytes);
    this.#leaveLater();
    if (this.#waitingBytes >= this.#weather.roomBytes) this.#owesDrained = true;
    return !this.#owesDrained;
  }

  end(): void {
    if (this.isPaused) throw new Error('expected a line that reads, so that its goodbye is not lost');
    if (this.state === 'open') this.state = 'ended';
  }

  destroy(): void {
    if (this.state === 'open') this.state = 'destroyed';
    this.#waiting = [];
  }

  /** The connection breaks. */
  reset(): void {
    if (this.state === 'open') this.#close(new Error('read ECONNRESET'));
  }

  pause(isPaused: boolean): void {
    if (isPaused === this.isPaused) throw new Error(`expected a change, it is ${isPaused ? 'paused' : 'reading'}`);
    this.isPaused = isPaused;
    this.pauses.push(isPaused);
    this.#readLater();
  }

  ref(): void {}

  /** Whether all that was written has left. */
  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  #readLater(): void {
    if (this.#isReading || this.isPaused || this.state !== 'open') return;
    this.#isReading = true;
    this.#clock.at(this.#clock.now() + this.#weather.readMs, () => {
      this.#isReading = false;
      if (!this.isPaused) this.#read();
    });
  }

  #read(): void {
    if (this.state !== 'open') return;
    const count = this.#weather.reads[this.#next];
    this.#next += 1;
    if (count === undefined) {
      if (this.#weather.then === 'finish') this.#close(undefined);
      return;
    }
    const pool = new Uint8Array(count + 200);
    const chunk = pool.subarray(100, 100 + count);
    chunk.set(stream(this.readCount, count));
    this.readCount += count;
    this.events?.received(chunk);
    pool.fill(0xee);
    this.#readLater();
  }

  #leaveLater(): void {
    if (this.#isLeaving || this.#waiting.length === 0) return;
    this.#isLeaving = true;
    this.#clock.at(this.#clock.now() + this.#weather.leaveMs, () => {
      this.#isLeaving = false;
      this.#leave();
    });
  }

  #leave(): void {
    let room = this.#weather.leaveBytes;
    for (let piece = this.#waiting.shift(); piece !== undefined; piece = this.#waiting.shift()) {
      this.wire.take(piece.subarray(0, room));
      this.#waitingBytes -= Math.min(room, piece.length);
      if (piece.length > room) this.#waiting.unshift(piece.subarray(room));
      room -= Math.min(room, piece.length);
      if (room === 0) break;
    }
    this.#leaveLater();
    if (!this.#owesDrained || this.#waiting.length > 0 || this.state !== 'open') return;
    this.#owesDrained = false;
    this.events?.drained();
  }

  #close(error: Error | undefined): void {
    this.state = 'closed';
    this.#waiting = [];
    this.events?.closed(error);
  }
}

/** How a relay is set up. */
export interface RelayOptions {
  readonly weather?: Partial<Weather>;
  /** Bytes that the landing shard had read. */
  readonly firstBytes?: number;
  readonly pipeMs?: () => number;
  readonly deferMs?: number;
}

/** A relay from end to end, and what became of it. */
export class RelayWorld {
  readonly clock = new VirtualClock();
  readonly line: ScriptedLine;
  readonly home: RelayedLine;
  readonly landing: LineEvents & { readonly heldBytes: number };
  readonly homePipe: MemoryPipe;
  readonly landingPipe: MemoryPipe;
  /** What home heard. */
  readonly heard = new Tape();
  /** What home was told besides bytes. */
  readonly told: string[] = [];
  overCount = 0;
  writtenBytes = 0;
  isHomeAlive = true;
  isLandingAlive = true;
  /** Called after what home is told. */
  onTold: ((what: string) => void) | undefined;

  constructor({ weather, firstBytes = 0, pipeMs = () => 1, deferMs = 0 }: RelayOptions = {}) {
    const { clock } = this;
    [this.homePipe, this.landingPipe] = MemoryPipe.pair(clock, pipeMs);
    this.line = new ScriptedLine(clock, { ...calm, ...weather }, firstBytes);
    const defer = (task: () => void): void =>
      void clock.at(clock.now() + deferMs, () => {
        if (this.isHomeAlive) task();
      });
    const dial = pipeDial(this.homePipe, ends, defer);
    this.home = dial({
      opened: () => this.#tell('opened'),
      received: (chunk) => {
        if (!this.told.includes('opened')) throw new Error('expected to be told of the opening before bytes');
        this.heard.take(chunk);
        this.#tell('bytes');
      },
      drained: () => this.#tell('drained'),
      closed: (error) => this.#tell(error === undefined ? 'closed' : `closed ${error.message}`),
    });
    if (this.told.length > 0) throw new Error('expected to be told nothing inside the dial');
    const first = stream(0, firstBytes + 50).subarray(0, firstBytes);
    this.landing = joinLine(this.line, this.landingPipe, first, () => (this.overCount += 1));
    first.fill(0xee);
    this.line.start(this.landing);
  }

  /** Home writes the next bytes of its stream, in two parts. */
  write(count: number): boolean {
    const bytes = stream(this.writtenBytes, count);
    this.writtenBytes += count;
    const half = count >> 1;
    return this.home.write([bytes.subarray(0, half), bytes.subarray(half)]);
  }

  /** The thread of the home is gone. */
  homeDies(): void {
    this.isHomeAlive = false;
    this.homePipe.die();
  }

  /** The landing thread is gone, and its line with it. */
  landingDies(): void {
    this.isLandingAlive = false;
    this.line.destroy();
    this.landingPipe.die();
  }

  /** Lets everything happen that will, or what does up to a moment. */
  run(untilMs = Infinity, check: () => void = () => {}): void {
    for (let steps = 0; this.clock.pendingCount > 0 && this.clock.nextMs <= untilMs; steps += 1) {
      if (steps > 200_000) throw new Error('expected rest');
      this.clock.take()?.fire();
      check();
    }
    if (untilMs !== Infinity) this.clock.pass(untilMs);
  }

  #tell(what: string): void {
    if (this.told.includes('closed')) throw new Error(`expected nothing after closed, got ${what}`);
    if (what !== 'bytes') this.told.push(what);
    this.onTold?.(what);
  }
}

const calm: Weather = {
  roomBytes: 16_384,
  leaveBytes: 65_536,
  leaveMs: 1,
  reads: [],
  readMs: 1,
  then: 'nothing',
};
