/** One call as others may follow it: its span, if a telemetry is there, and the two messages about it, if somebody subscribes. */
import type { CallMessage, TypedChannel } from './channels.ts';
import type { CallSpan, TracedSession } from './telemetry.ts';

/** The two channels about a kind of call. */
export interface CallChannels {
  readonly start: TypedChannel<CallMessage>;
  readonly settled: TypedChannel<CallMessage>;
}

/** Whether anybody subscribes to one of them. */
export function isHeard({ start, settled }: CallChannels): boolean {
  return start.hasSubscribers || settled.hasSubscribers;
}

/** What a followed call is made with. */
export interface Followed {
  readonly method: string;
  readonly session: TracedSession;
  readonly channels: CallChannels;
  readonly span: CallSpan | undefined;
  /** The time, in milliseconds. */
  readonly now: () => number;
}

/** A call that is followed from here to its end. */
export class FollowedCall {
  readonly #followed: Followed;
  readonly #message: CallMessage;
  readonly #startedAtMs: number;

  constructor(followed: Followed) {
    const { method, session, channels, now } = followed;
    this.#followed = followed;
    this.#startedAtMs = now();
    const { id = '', epoch } = session;
    this.#message = { method, sessionId: id, epoch, durationMs: undefined, error: undefined };
    if (channels.start.hasSubscribers) channels.start.publish(this.#message);
  }

  /** Does the work of the call inside of its span. */
  run<Result>(work: () => Result): Result {
    const { span } = this.#followed;
    return span === undefined ? work() : span.run(work);
  }

  /** It has ended; with what it threw, undefined if it returned. */
  settled(error: unknown): void {
    const { span, channels, now } = this.#followed;
    span?.settled(error);
    if (!channels.settled.hasSubscribers) return;
    this.#message.durationMs = now() - this.#startedAtMs;
    this.#message.error = error;
    channels.settled.publish(this.#message);
  }
}
