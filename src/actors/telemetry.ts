/**
 * What follows calls from one end to the other, if anything does. The runtime knows no tracing library: it opens a span for a
 * call that it makes and for one that it runs, carries what the first one says to the second, and tells both how it ended.
 */
import type { Trace } from '../wire/control.ts';

export type { Trace } from '../wire/control.ts';

/** The session of a call; the same object for all calls of one session at one end. */
export interface TracedSession {
  /** Undefined while a client has not been up. */
  readonly id: string | undefined;
  readonly epoch: number;
}

/** A call, as it begins. */
export interface TracedCall {
  readonly method: string;
  readonly session: TracedSession;
}

/** A call that is followed; `settled` comes once. */
export interface CallSpan {
  /** Travels with the call; undefined: nothing does. */
  readonly trace: Trace | undefined;
  /** Does work inside of the span, and returns what that returns; what it throws comes out. */
  run<Result>(work: () => Result): Result;
  /** The call has ended; with what it threw, undefined if it returned. */
  settled(error: unknown): void;
}

/** Follows the calls of all sessions that it is given to. Nothing of it may throw. */
export interface Telemetry {
  /** This end makes a call. */
  calls(call: TracedCall): CallSpan;
  /** This end runs a call; `trace` came with it, from a peer that may have made it up. */
  runs(call: TracedCall, trace: Trace | undefined): CallSpan;
}
