/**
 * What an actor needs from outside, as interfaces: lines that carry bytes, a clock, chance, cryptography. Adapters in
 * `transports/` implement them for Node, `testing/` for virtual time; an actor cannot tell which it has.
 */
import type { Checksum } from '../wire/frame.ts';
import type { Secrets } from '../session/proof.ts';

/** What happens on a line. After `closed` nothing comes any more. */
export interface LineEvents {
  /** The line can carry bytes; comes once, never inside the call that made the line. */
  opened(): void;
  /** Bytes came; the chunk belongs to the receiver until it returns. */
  received(chunk: Uint8Array): void;
  /** After a `write` that returned false: there is room again. */
  drained(): void;
  /** The line is gone, with the error that ended it if there was one. */
  closed(error: Error | undefined): void;
}

/** The two addresses of a line, where it has any. */
export interface LineEnds {
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localAddress: string;
  readonly localPort: number;
  /** The checksum is off by default here: loopback, a Unix path, TLS. */
  readonly isTrusted: boolean;
  /** The peer's certificate, where TLS asked for one. */
  readonly certificate: unknown;
}

/** One socket, or whatever carries bytes like one: in order, whole, until it breaks. */
export interface Line {
  /** Known from `opened` on, and afterwards to who asked before it was closed. */
  readonly ends: LineEnds;
  /** Queues the parts in order; they must not change afterwards. False: wait for `drained` before the next write. */
  write(parts: readonly Uint8Array[]): boolean;
  /** Sends what is queued, then says goodbye; what still comes in is ignored. */
  end(): void;
  /** Gives it up at once. */
  destroy(): void;
  /** Stops and goes on reading: what a relay does while nobody takes the bytes. A session never pauses its line. */
  pause(isPaused: boolean): void;
  /** Whether this line alone keeps the process alive. */
  ref(alive: boolean): void;
}

/** Makes a line. Failure is told by `closed`, never thrown, and never inside this call. */
export type Dial = (events: LineEvents) => Line;

/** What happens on a pipe. After `closed` nothing comes any more. */
export interface PipeEvents {
  received(message: PipeMessage): void;
  /** The other end closed, or its thread is gone. */
  closed(): void;
}

/** Bytes; or a number of bytes of room given back; or a goodbye after which no more bytes come. */
export type PipeMessage = Uint8Array | number | 'end';

/** One end of a pipe between two threads: messages arrive in order until one end closes it. */
export interface Pipe {
  /** Starts it; called once, before anything is posted. */
  open(events: PipeEvents): void;
  /** Bytes posted belong to the pipe afterwards: they are moved, whole buffers at a time. Lost when the other end is gone. */
  post(message: PipeMessage): void;
  /** What was posted before still arrives; then the other end is told. */
  close(): void;
  /** Whether this pipe alone keeps the thread alive. */
  ref(alive: boolean): void;
}

/** Time in milliseconds since some fixed moment; never goes back. */
export interface Clock {
  now(): number;
  setTimeout(fire: () => void, delayMs: number): unknown;
  clearTimeout(ticket: unknown): void;
}

/** Randomness: bytes that nobody can guess, and numbers in [0, 1) for jitter. */
export interface Chance {
  bytes(count: number): Uint8Array;
  number(): number;
}

/** Everything outside of an actor. */
export interface Host {
  readonly clock: Clock;
  readonly chance: Chance;
  readonly secrets: Secrets;
  readonly checksum: Checksum;
  /** Runs a task once the current one is over: gathers what one tick writes. */
  defer(task: () => void): void;
  /** As `defer`, but possibly sooner: once the current callback and the promises that are ready are done. */
  soon(task: () => void): void;
}
