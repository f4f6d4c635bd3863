/**
 * GOAWAY: how two ends come to rest together without losing what is on its way (DESIGN: Close codes). An end says it
 * when it wants to leave, and as an answer when it is idle. Being idle once is not enough: an ordered message taken
 * later may run a handler that sends. So an end that took one since its last GOAWAY says it again when it is idle, and a
 * GOAWAY counts only if it came when everything this end had written was acknowledged, and nothing was written since.
 */
import type { GoAway } from '../wire/control.ts';
import type { Outlet } from './outlet.ts';

const NEVER = -1;

/** One end's part in a drain. */
export class Drain {
  readonly #outlet: Outlet;
  #own: GoAway | undefined;
  /** What is written while this end drains. */
  #through = 0;
  /** The message accepted last inside a running turn. */
  #turnOrdinal = 0;

  // of the connection
  #isHeard = false;
  #heardAtSent = NEVER;
  /** The cursor when this end was idle and said so; never after it has spoken otherwise. */
  #saidAtCursor = NEVER;
  #isAnnounced = false;
  #isDue = false;

  constructor(outlet: Outlet) {
    this.#outlet = outlet;
  }

  /** This end is leaving: what was accepted so far is still written. False when it is leaving already. */
  start(own: GoAway): boolean {
    if (this.#own !== undefined) return false;
    this.#own = own;
    this.#through = this.#outlet.lastOrdinal;
    return true;
  }

  /** A connection began, or the drain did: an end that drains says so, idle or not. */
  announce(): void {
    if (this.#own === undefined) return;
    this.#outlet.writeThrough = this.#through;
    this.#saidAtCursor = NEVER;
    this.#isAnnounced = false;
    this.#isDue = true;
  }

  /** The connection is gone, and with it what was said and heard. */
  detach(): void {
    this.#isHeard = false;
    this.#heardAtSent = NEVER;
    this.#saidAtCursor = NEVER;
    this.#isAnnounced = false;
    this.#isDue = false;
  }

  /** A message was accepted inside a running turn: it is written also while draining, with all before it. */
  allowInTurn(): void {
    const last = this.#outlet.lastOrdinal;
    this.#turnOrdinal = last;
    this.#through = last;
    if (this.#outlet.writeThrough !== Infinity) this.#outlet.writeThrough = last;
  }

  /** The peer said GOAWAY. True when it is its first one on this connection. */
  hear(): boolean {
    const outlet = this.#outlet;
    const { released, sent } = outlet.ordered;
    this.#heardAtSent = released === sent ? sent : NEVER;
    if (this.#isHeard) return false;
    this.#isHeard = true;
    if (this.#own === undefined) outlet.writeThrough = Math.max(outlet.lastNumberedOrdinal, this.#turnOrdinal);
    return true;
  }

  /**
   * To be asked whenever something has settled: says GOAWAY when it is time for it. True when both ends have said it
   * and neither has anything on its way; what this end still has to say leaves with the next pump.
   */
  settle(isIdle: boolean, cursor: number): boolean {
    if (!this.#isHeard || !isIdle) return false;
    if (this.#saidAtCursor < cursor) {
      this.#saidAtCursor = cursor;
      this.#isDue = true;
    }
    return this.#heardAtSent === this.#outlet.ordered.sent;
  }

  /** Whether a GOAWAY leaves now. An answer that waited is no longer true once another ordered message was taken. */
  isDue(received: number): boolean {
    if (this.#isDue && this.#saidAtCursor !== received) {
      this.#saidAtCursor = NEVER;
      this.#isDue = this.#own !== undefined && !this.#isAnnounced;
    }
    return this.#isDue;
  }

  /** What the GOAWAY that is due now says. */
  take(): GoAway {
    this.#isDue = false;
    this.#isAnnounced = true;
    return this.#own ?? { retryAfterMs: 0, reason: '' };
  }
}
