/**
 * Any Duplex as a line: sockets, pipes, streams of the user. Writes of one tick leave together. After `end` the stream
 * is read on for a moment and thrown away, because closing over unread bytes resets a TCP connection, and a reset
 * destroys the goodbye that is still on its way.
 */
import type { Duplex } from 'node:stream';
import { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Line, LineEnds, LineEvents } from '../actors/ports.ts';
import { NOWHERE, endsOf } from './ends.ts';

/** How long the peer gets to close after a goodbye. */
const FAREWELL_MS = 1_000;

/** A socket that is silent for this long is asked by the system whether its peer is still there. */
const KEEP_ALIVE_MS = 30_000;

/** After so many bytes others of the thread have a turn; Node alone would read a socket for up to two megabytes. */
const TURN_BYTES = 65_536;

/** What a stream does before a line over it opens. */
export interface Opening {
  /** The event with which it is ready. */
  readonly event: string;
  /** Asked then: an error because of which the line is not opened but closed. */
  refusal?(): Error | undefined;
  /** What the line is closed with if the stream closes before, without a word. */
  missed?(): Error;
}

/** A line over a stream that is open, or will be with the event of its opening. Paused or not: it is read from then on. */
export function streamLine(stream: Duplex, events: LineEvents, opening = openingOf(stream)): Line {
  return new StreamLine(stream, events, opening);
}

/** Where a stream has its line: its listeners are the same functions for all streams, because there may be very many. */
const LINE = Symbol('line');

type Lined = Duplex & { [LINE]?: StreamLine };

class StreamLine implements Line {
  readonly #stream: Lined;
  readonly #events: LineEvents;
  #ends: LineEnds | undefined;
  #opening: Opening | undefined;
  #failure: Error | undefined;
  #isLive = true;
  #isOpen = false;
  #isReading = true;
  #isPaused = false;
  #isWriting = false;
  #isTaking = false;
  #isResting = false;
  #turnBytes = 0;

  constructor(stream: Lined, events: LineEvents, opening: Opening | undefined) {
    this.#stream = stream;
    this.#events = events;
    this.#opening = opening;
    this.#failure = stream.errored ?? undefined;
    stream[LINE] = this;
    stream.on('drain', onDrain).on('error', onError).on('end', onEnd).on('close', onClose);
    // Of a socket with TLS they reach the one below.
    if (stream instanceof Socket) stream.setNoDelay(true).setKeepAlive(true, KEEP_ALIVE_MS);
    if (stream.destroyed || stream.readableEnded || stream.writableEnded) {
      stream.destroy();
      setImmediate(() => this.lose());
    } else if (opening === undefined) setImmediate(() => this.#open());
    else stream.once(opening.event, () => this.#open());
  }

  /** Found out when somebody asks: two system calls, and Node keeps what they say. A closed stream does not know any more. */
  get ends(): LineEnds {
    if (!this.#isOpen) return NOWHERE;
    return (this.#ends ??= endsOf(this.#stream));
  }

  write(parts: readonly Uint8Array[]): boolean {
    // After its goodbye a stream would call a write an error, and lose what is still on its way.
    if (!this.#isLive || !this.#isReading) return true;
    const stream = this.#stream;
    this.#isWriting = true;
    const whole = wholeOf(parts);
    if (whole !== undefined) stream.write(whole);
    else {
      stream.cork();
      for (const part of parts) stream.write(part);
      stream.uncork();
    }
    this.#isWriting = false;
    return !stream.writableNeedDrain;
  }

  end(): void {
    const stream = this.#stream;
    this.#isReading = false;
    this.#isPaused = false;
    if (this.#isOpen) stream.resume();
    stream.end();
    const timer = setTimeout(() => stream.destroy(), FAREWELL_MS);
    timer.unref();
    stream.once('close', () => clearTimeout(timer));
  }

  destroy(): void {
    this.#isReading = false;
    this.#isLive = false;
    this.#stream.destroy();
  }

  pause(on: boolean): void {
    if (!this.#isReading) return;
    this.#isPaused = on;
    if (!this.#isOpen) return;
    if (on) this.#stream.pause();
    else if (!this.#isResting) this.#stream.resume();
  }

  ref(alive: boolean): void {
    const stream = this.#stream;
    if (!(stream instanceof Socket)) return;
    if (alive) stream.ref();
    else stream.unref();
  }

  // ---- what the stream tells

  drained(): void {
    if (this.#isLive && this.#isReading) this.#events.drained();
  }

  failed(error: Error): void {
    this.#failure = error;
    this.#stream.destroy();
    this.lose();
  }

  ended(): void {
    this.lose();
    // What the peer has not read by now it will not read: waiting for that would keep the socket for ever.
    if (this.#isReading) this.#stream.destroy();
  }

  lose(): void {
    if (!this.#isLive) return;
    this.#isLive = false;
    if (!this.#isReading) return;
    const missed = this.#isOpen ? undefined : this.#opening?.missed?.();
    this.#events.closed(this.#failure ?? this.#stream.errored ?? missed);
  }

  received(chunk: unknown): void {
    if (!this.#isReading) return;
    if (this.#isWriting || this.#isTaking) this.#holdBack(chunk);
    else if (typeof chunk === 'string') this.#take(new TextEncoder().encode(chunk));
    else if (ArrayBuffer.isView(chunk)) this.#take(plain(chunk));
    else this.#stream.destroy(new TypeError(`expected a stream of bytes, got ${typeof chunk}`));
  }

  // ---- below

  #open(): void {
    if (!this.#isLive) return;
    const stream = this.#stream;
    const refusal = this.#opening?.refusal?.();
    if (refusal !== undefined) return void stream.destroy(refusal);
    this.#isOpen = true;
    this.#opening = undefined;
    stream.on('data', onData);
    // Who accepts a socket to hand it on has paused it.
    if (this.#isPaused) stream.pause();
    else stream.resume();
    if (this.#isReading) this.#events.opened();
  }

  /** Streams in one process may answer inside a write, or in the middle of what came before: it comes in the next turn. */
  #holdBack(chunk: unknown): void {
    this.#rest();
    this.#stream.unshift(chunk);
  }

  #take(bytes: Uint8Array): void {
    this.#isTaking = true;
    try {
      this.#events.received(bytes);
    } finally {
      this.#isTaking = false;
    }
    this.#turnBytes += bytes.length;
    if (this.#turnBytes >= TURN_BYTES) this.#rest();
  }

  #rest(): void {
    if (this.#isResting || !this.#isReading) return;
    this.#isResting = true;
    this.#stream.pause();
    setImmediate(goOn, this);
  }

  /** The next turn of the loop has come. */
  goOn(): void {
    this.#isResting = false;
    this.#turnBytes = 0;
    if (!this.#isPaused) this.#stream.resume();
  }
}

function goOn(line: StreamLine): void {
  line.goOn();
}

function onData(this: Lined, chunk: unknown): void {
  this[LINE]?.received(chunk);
}

function onDrain(this: Lined): void {
  this[LINE]?.drained();
}

function onError(this: Lined, error: Error): void {
  this[LINE]?.failed(error);
}

function onEnd(this: Lined): void {
  this[LINE]?.ended();
}

function onClose(this: Lined): void {
  this[LINE]?.lose();
}

/** A socket that still connects says when it is there; over one with TLS nothing is sent before the peer is known. */
function openingOf(stream: Duplex): Opening | undefined {
  if (!(stream instanceof Socket) || !stream.connecting) return undefined;
  return { event: stream instanceof TLSSocket ? 'secureConnect' : 'connect' };
}

/** The same bytes as no Buffer: a Buffer's `slice` does not copy, and what is kept has to be a copy. */
function plain(chunk: ArrayBufferView): Uint8Array {
  return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
}

/** Below this many bytes one copy costs less than a system call with several parts. */
const COPIED_BYTES_MAX = 4_096;

/** The parts as one, if there is one only or they are small; else undefined. */
function wholeOf(parts: readonly Uint8Array[]): Uint8Array | undefined {
  if (parts.length === 1) return parts[0];
  let bytes = 0;
  for (const part of parts) bytes += part.length;
  if (bytes > COPIED_BYTES_MAX) return undefined;
  const whole = Buffer.allocUnsafe(bytes);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
