/**
 * Any Duplex as a line: sockets, pipes, streams of the user. Writes of one tick leave together. After `end` the stream
 * is read on for a moment and thrown away, because closing over unread bytes resets a TCP connection, and a reset
 * destroys the goodbye that is still on its way.
 */
import type { Duplex } from 'node:stream';
import { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Dial, Line, LineEnds, LineEvents } from '../actors/ports.ts';
import { NOWHERE, endsOf } from './ends.ts';

/** How long the peer gets to close after a goodbye. */
const FAREWELL_MS = 1_000;

/** A socket that is silent for this long is asked by the system whether its peer is still there. */
const KEEP_ALIVE_MS = 30_000;

/**
 * After so many bytes a stream waits for the next turn of the event loop. Node reads a socket again and again as long as bytes
 * come, up to two megabytes, and all others of the thread wait meanwhile.
 */
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
  let isLive = true;
  let isOpen = false;
  let isReading = true;
  let isPaused = false;
  let isWriting = false;
  let isResting = false;
  let turnBytes = 0;
  let failure = stream.errored ?? undefined;
  let ends: LineEnds = NOWHERE;

  function open(): void {
    if (!isLive) return;
    const refusal = opening?.refusal?.();
    if (refusal !== undefined) return void stream.destroy(refusal);
    isOpen = true;
    ends = endsOf(stream);
    stream.on('data', receive);
    // Who accepts a socket to hand it on has paused it.
    if (isPaused) stream.pause();
    else stream.resume();
    if (isReading) events.opened();
  }
  function lose(): void {
    if (!isLive) return;
    isLive = false;
    if (isReading) events.closed(failure ?? stream.errored ?? (isOpen ? undefined : opening?.missed?.()));
  }
  function receive(chunk: unknown): void {
    if (!isReading) return;
    if (isWriting) holdBack(chunk);
    else if (typeof chunk === 'string') take(new TextEncoder().encode(chunk));
    else if (ArrayBuffer.isView(chunk)) take(plain(chunk));
    else stream.destroy(new TypeError(`expected a stream of bytes, got ${typeof chunk}`));
  }
  function take(bytes: Uint8Array): void {
    events.received(bytes);
    turnBytes += bytes.length;
    if (turnBytes >= TURN_BYTES) rest();
  }
  /** Streams in one process may answer inside a write: before the writer is done with what it was doing. */
  function holdBack(chunk: unknown): void {
    rest();
    stream.unshift(chunk);
  }
  function rest(): void {
    if (isResting || !isReading) return;
    isResting = true;
    stream.pause();
    setImmediate(goOn);
  }
  function goOn(): void {
    isResting = false;
    turnBytes = 0;
    if (!isPaused) stream.resume();
  }
  stream.on('drain', () => {
    if (isLive && isReading) events.drained();
  });
  stream.on('error', (error: Error) => {
    failure = error;
    stream.destroy();
    lose();
  });
  stream.on('end', () => {
    lose();
    // What the peer has not read by now it will not read: waiting for that would keep the socket for ever.
    if (isReading) stream.destroy();
  });
  stream.on('close', lose);
  // Of a socket with TLS they reach the one below.
  if (stream instanceof Socket) stream.setNoDelay(true).setKeepAlive(true, KEEP_ALIVE_MS);
  if (stream.destroyed || stream.readableEnded || stream.writableEnded) {
    stream.destroy();
    setImmediate(lose);
  } else if (opening === undefined) setImmediate(open);
  else stream.once(opening.event, open);

  return {
    get ends() {
      return ends;
    },
    write(parts) {
      // After its goodbye a stream would call a write an error, and lose what is still on its way.
      if (!isLive || !isReading) return true;
      isWriting = true;
      const whole = wholeOf(parts);
      if (whole !== undefined) stream.write(whole);
      else {
        stream.cork();
        for (const part of parts) stream.write(part);
        stream.uncork();
      }
      isWriting = false;
      return !stream.writableNeedDrain;
    },
    end() {
      isReading = false;
      isPaused = false;
      if (isOpen) stream.resume();
      stream.end();
      const timer = setTimeout(() => stream.destroy(), FAREWELL_MS);
      timer.unref();
      stream.once('close', () => clearTimeout(timer));
    },
    destroy() {
      isReading = false;
      isLive = false;
      stream.destroy();
    },
    pause(on) {
      if (!isReading) return;
      isPaused = on;
      if (!isOpen) return;
      if (on) stream.pause();
      else if (!isResting) stream.resume();
    },
    ref(alive) {
      if (!(stream instanceof Socket)) return;
      if (alive) stream.ref();
      else stream.unref();
    },
  };
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

/** A stream that is there already, used for one connection. */
export function existingStream(stream: Duplex): Dial {
  return (events) => streamLine(stream, events);
}

/** Asks for a stream for each connection; it may come later. What is thrown or rejected counts as a failed dial. */
export function streamFactory(createConnection: () => Duplex | Promise<Duplex>): Dial {
  return (events) => {
    let line: Line | undefined;
    let isReferenced = true;
    let isPaused = false;
    let isWanted = true;
    async function make(): Promise<void> {
      try {
        const stream = await Promise.resolve().then(createConnection);
        if (typeof stream?.pipe !== 'function') throw new TypeError('expected createConnection to give a Duplex');
        if (!isWanted) return void stream.on('error', () => {}).destroy();
        line = streamLine(stream, events);
        line.ref(isReferenced);
        line.pause(isPaused);
      } catch (error) {
        if (isWanted) events.closed(error instanceof Error ? error : new Error(String(error)));
      }
    }
    void make();
    return {
      get ends() {
        return line?.ends ?? NOWHERE;
      },
      write: (parts) => line?.write(parts) ?? true,
      pause: (on) => {
        isPaused = on;
        line?.pause(on);
      },
      end: () => {
        isWanted = false;
        line?.end();
      },
      destroy: () => {
        isWanted = false;
        line?.destroy();
      },
      ref: (alive) => {
        isReferenced = alive;
        line?.ref(alive);
      },
    };
  };
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
