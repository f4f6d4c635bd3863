/**
 * Any Duplex as a line: sockets, pipes, streams of the user. Writes of one tick leave together. After `end` the stream
 * is read on for a moment and thrown away, because closing over unread bytes resets a TCP connection, and a reset
 * destroys the goodbye that is still on its way.
 */
import type { Duplex } from 'node:stream';
import { Socket } from 'node:net';
import type { Dial, Line, LineEnds, LineEvents } from '../actors/ports.ts';

/** How long the peer gets to close after a goodbye. */
const FAREWELL_MS = 1_000;

const NOWHERE: LineEnds = {
  remoteAddress: '',
  remotePort: 0,
  localAddress: '',
  localPort: 0,
  isTrusted: true,
  certificate: undefined,
};

/** A line over a stream that is open, or will say so with `connect`. */
export function streamLine(stream: Duplex, events: LineEvents): Line {
  let isLive = true;
  let isReading = true;
  let isWriting = false;
  let failure = stream.errored ?? undefined;
  let ends: LineEnds = NOWHERE;

  function open(): void {
    if (!isLive) return;
    ends = endsOf(stream);
    stream.on('data', receive);
    events.opened();
  }
  function lose(): void {
    if (!isLive) return;
    isLive = false;
    if (isReading) events.closed(failure);
  }
  function receive(chunk: unknown): void {
    if (!isReading) return;
    if (isWriting) holdBack(chunk);
    else if (typeof chunk === 'string') events.received(new TextEncoder().encode(chunk));
    else if (ArrayBuffer.isView(chunk)) events.received(plain(chunk));
    else stream.destroy(new TypeError(`expected a stream of bytes, got ${typeof chunk}`));
  }
  /** Streams in one process may answer inside a write: before the writer is done with what it was doing. */
  function holdBack(chunk: unknown): void {
    stream.pause();
    stream.unshift(chunk);
    setImmediate(() => stream.resume());
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
  if (stream instanceof Socket) stream.setNoDelay(true).setKeepAlive(true, 30_000);
  if (stream.destroyed || stream.readableEnded || stream.writableEnded) {
    stream.destroy();
    setImmediate(lose);
  } else if (stream instanceof Socket && stream.connecting) stream.once('connect', open);
  else setImmediate(open);

  return {
    get ends() {
      return ends;
    },
    write(parts) {
      if (!isLive) return true;
      isWriting = true;
      stream.cork();
      for (const part of parts) stream.write(part);
      stream.uncork();
      isWriting = false;
      return !stream.writableNeedDrain;
    },
    end() {
      isReading = false;
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
    ref(alive) {
      if (!(stream instanceof Socket)) return;
      if (alive) stream.ref();
      else stream.unref();
    },
  };
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
    let isWanted = true;
    async function make(): Promise<void> {
      try {
        const stream = await Promise.resolve().then(createConnection);
        if (typeof stream?.pipe !== 'function') throw new TypeError('expected createConnection to give a Duplex');
        if (!isWanted) return void stream.on('error', () => {}).destroy();
        line = streamLine(stream, events);
        line.ref(isReferenced);
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

function endsOf(stream: Duplex): LineEnds {
  if (!(stream instanceof Socket)) return NOWHERE;
  const { remoteAddress = '', remotePort = 0, localAddress = '', localPort = 0 } = stream;
  return {
    remoteAddress,
    remotePort,
    localAddress,
    localPort,
    isTrusted: remoteAddress === '' || isLoopback(remoteAddress),
    certificate: undefined,
  };
}

/** Whether an address or host name never leaves this machine. */
export function isLoopback(host: string): boolean {
  const plain = host.toLowerCase().replace(/^::ffff:/u, '');
  return plain === 'localhost' || plain === '::1' || /^127(?:\.\d{1,3}){3}$/u.test(plain);
}
