/**
 * Whether the other end is still there, as deadlines: time is always an argument. Any byte received is life. Silence
 * brings a ping, longer silence the verdict; something unacknowledged for long brings the ping early (gRPC A8 calls
 * it a keepalive probe). An end whose own loop stood still asks once more before it blames the peer.
 */

/** Heartbeat settings in milliseconds; an interval of 0 switches pings and the verdict off. */
export interface Heartbeat {
  readonly intervalMs: number;
  readonly timeoutMs: number;
}

/** A probe is sent when the oldest unacknowledged message is older than this, or than four round trips. */
const PROBE_AFTER_MS = 1_000;
const PROBE_ROUND_TRIPS = 4;

/**
 * The last ask before the verdict. After a stall, timers fire before the bytes that wait in the kernel are read, so the
 * verdict always leaves one more turn; looking later than this means that this end stood still itself.
 */
const LAST_ASK_MS = 250;

/** An end that stands still again and again has to believe the silence at last. */
const LAST_ASKS_MAX = 3;

/** The pace below which a frame that has begun is given up, beside the timeout. */
const FRAME_BYTES_PER_MS = 512 / 1_000;

/** What stands for the timeout where there is none. */
const FRAME_MS = 30_000;

/** What to do now. */
export type Pulse = 'nothing' | 'ping' | 'silent';

/** The deadlines of one connection that is up. */
export class Liveness {
  readonly #heartbeat: Heartbeat;
  #heardAt = 0;
  #pingedAt = -1;
  #lastAsks = 0;
  #unackedSince = -1;
  #probed = false;
  #deadAt = 0;
  /** Travels in the ping and comes back in the pong. */
  nonce = 0;
  /** Last measured round trip, undefined before the first. */
  rttMs: number | undefined;

  constructor(heartbeat: Heartbeat) {
    this.#heartbeat = heartbeat;
  }

  /** A connection begins. */
  start(nowMs: number): void {
    this.#heardAt = nowMs;
    this.#pingedAt = -1;
    this.#unackedSince = -1;
    this.#probed = false;
    this.#lastAsks = 0;
    this.#deadAt = nowMs + this.#heartbeat.timeoutMs;
  }

  /** Bytes came in. */
  heard(nowMs: number): void {
    this.#heardAt = nowMs;
    this.#lastAsks = 0;
    this.#deadAt = nowMs + this.#heartbeat.timeoutMs;
  }

  /** A ping of ours was answered. */
  answered(nonce: number, nowMs: number): void {
    if (nonce !== this.nonce || this.#pingedAt < 0) return;
    this.rttMs = nowMs - this.#pingedAt;
    this.#pingedAt = -1;
  }

  /** Messages are on their way that the peer has not acknowledged (true), or none are (false). */
  expecting(unacked: boolean, progressed: boolean, nowMs: number): void {
    if (!unacked) {
      this.#unackedSince = -1;
      this.#probed = false;
    } else if (progressed || this.#unackedSince < 0) {
      this.#unackedSince = nowMs;
      this.#probed = false;
    }
  }

  /** How long a frame of so many bytes may be incomplete: an altered length would make it eat all that follows, for ever. */
  frameMs(bytes: number): number {
    const { intervalMs, timeoutMs } = this.#heartbeat;
    // Twice: a line that has gone silent amid a frame is silent, and no fault of its peer's.
    return (intervalMs === 0 ? FRAME_MS : 2 * timeoutMs) + bytes / FRAME_BYTES_PER_MS;
  }

  /** When to look again. */
  get deadlineMs(): number {
    if (this.#heartbeat.intervalMs === 0) return Infinity;
    let at = this.#deadAt;
    if (this.#pingedAt < this.#heardAt) at = Math.min(at, this.#heardAt + this.#heartbeat.intervalMs);
    if (this.#unackedSince >= 0 && !this.#probed) at = Math.min(at, this.#unackedSince + this.#probeAfterMs);
    return at;
  }

  /** Looks at the clock. After 'ping' the caller sends a ping that carries `nonce`. */
  look(nowMs: number): Pulse {
    const { intervalMs } = this.#heartbeat;
    if (intervalMs === 0) return 'nothing';
    if (nowMs >= this.#deadAt) {
      const stalled = nowMs - this.#deadAt >= LAST_ASK_MS;
      if (this.#lastAsks > 0 && (!stalled || this.#lastAsks >= LAST_ASKS_MAX)) return 'silent';
      this.#lastAsks += 1;
      this.#deadAt = nowMs + (stalled ? intervalMs : Math.min(LAST_ASK_MS, intervalMs));
      return this.#ping(nowMs);
    }
    if (this.#unackedSince >= 0 && !this.#probed && nowMs >= this.#unackedSince + this.#probeAfterMs) {
      this.#probed = true;
      return this.#ping(nowMs);
    }
    if (this.#pingedAt < this.#heardAt && nowMs >= this.#heardAt + intervalMs) return this.#ping(nowMs);
    return 'nothing';
  }

  get #probeAfterMs(): number {
    return Math.max(PROBE_AFTER_MS, PROBE_ROUND_TRIPS * (this.rttMs ?? 0));
  }

  #ping(nowMs: number): Pulse {
    this.#pingedAt = nowMs;
    this.nonce += 1;
    return 'ping';
  }
}
