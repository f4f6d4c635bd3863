/**
 * How a client finds the way to its session's home: by the direct port that WELCOME named, with the public address
 * starting beside it soon. A reader might think the faster line wins; the one that opens first does, and the other is
 * destroyed before a byte was written on it, so that only one HELLO is ever on its way.
 */
import type { Clock, Dial, Line, LineEnds, LineEvents } from './ports.ts';

/** How long a direct dial goes alone before the public address is tried too. */
export const DIRECT_HEAD_START_MS = 250;

/** The dials of one client. */
export class Route {
  /** The next dial. Without a direct port it is the public one itself. */
  readonly dial: Dial;
  #directPort = 0;

  constructor(clock: Clock, publicDial: Dial, directDial: (port: number) => Dial) {
    this.dial = (events) => {
      const port = this.#directPort;
      if (port === 0) return publicDial(events);
      // Used once: a port that did not answer is not tried again until a WELCOME names it.
      this.#directPort = 0;
      return new Race({ clock, publicDial, directDial: directDial(port), events });
    };
  }

  /** What WELCOME named: the port of the session's home, or 0 for none. Holds for one dial. */
  learn(directPort: number): void {
    this.#directPort = directPort;
  }
}

interface RaceOptions {
  readonly clock: Clock;
  readonly publicDial: Dial;
  readonly directDial: Dial;
  readonly events: LineEvents;
}

/** Lines of which one is wanted. Once one has opened, everything goes on to it and comes from it. */
class Race implements Line {
  readonly #clock: Clock;
  readonly #publicDial: Dial;
  readonly #events: LineEvents;
  /** Lines that may still be of use: after the race the winner alone. */
  #runners: Runner[] = [];
  /** The direct line, then the winner. */
  #front: Runner;
  #hasWinner = false;
  #hasPublic = false;
  #publicError: Error | undefined;
  #ticket: unknown;
  #isOver = false;
  #isReferenced = true;
  #isPaused = false;
  /** Written before any line was open. */
  #early: Uint8Array[] = [];

  constructor({ clock, publicDial, directDial, events }: RaceOptions) {
    this.#clock = clock;
    this.#publicDial = publicDial;
    this.#events = events;
    this.#ticket = clock.setTimeout(() => this.#startPublic(), DIRECT_HEAD_START_MS);
    this.#front = new Runner(this, events, directDial);
    this.#runners.push(this.#front);
  }

  get ends(): LineEnds {
    return this.#front.line.ends;
  }

  write(parts: readonly Uint8Array[]): boolean {
    if (this.#hasWinner) return this.#front.line.write(parts);
    if (this.#isOver) return true;
    for (const part of parts) this.#early.push(part);
    return false;
  }

  end(): void {
    this.#leave();
    for (const { line } of this.#runners) line.end();
  }

  destroy(): void {
    this.#leave();
    for (const { line } of this.#runners) line.destroy();
  }

  pause(isPaused: boolean): void {
    this.#isPaused = isPaused;
    for (const { line } of this.#runners) line.pause(isPaused);
  }

  ref(alive: boolean): void {
    this.#isReferenced = alive;
    for (const { line } of this.#runners) line.ref(alive);
  }

  /** A line has opened; the first one wins. */
  opened(runner: Runner): void {
    if (this.#isOver || runner.isWinner) return;
    if (this.#hasWinner) {
      runner.line.destroy();
      return;
    }
    this.#hasWinner = true;
    runner.isWinner = true;
    this.#front = runner;
    this.#stopTimer();
    for (const { isWinner, line } of this.#runners) if (!isWinner) line.destroy();
    this.#runners = [runner];
    this.#begin(runner.line);
  }

  /** A line is gone. */
  lost(runner: Runner, error: Error | undefined): void {
    if (this.#isOver || !this.#runners.includes(runner)) return;
    this.#runners = this.#runners.filter((other) => other !== runner);
    if (runner.isWinner) {
      this.#giveUp(error);
      return;
    }
    if (runner !== this.#front) this.#publicError = error;
    else if (!this.#hasPublic) this.#startPublic();
    if (this.#runners.length === 0) this.#giveUp(this.#publicError);
  }

  #begin(line: Line): void {
    const early = this.#early;
    this.#early = [];
    const isDrained = early.length > 0 && line.write(early);
    this.#events.opened();
    if (isDrained && !this.#isOver) this.#events.drained();
  }

  #giveUp(error: Error | undefined): void {
    this.#leave();
    this.#events.closed(error);
  }

  #leave(): void {
    this.#isOver = true;
    this.#stopTimer();
  }

  #startPublic(): void {
    this.#stopTimer();
    this.#hasPublic = true;
    const runner = new Runner(this, this.#events, this.#publicDial);
    this.#runners.push(runner);
    if (!this.#isReferenced) runner.line.ref(false);
    if (this.#isPaused) runner.line.pause(true);
  }

  #stopTimer(): void {
    if (this.#ticket !== undefined) this.#clock.clearTimeout(this.#ticket);
    this.#ticket = undefined;
  }
}

/** One line of a race. */
class Runner implements LineEvents {
  readonly line: Line;
  readonly #race: Race;
  readonly #events: LineEvents;
  isWinner = false;

  constructor(race: Race, events: LineEvents, dial: Dial) {
    this.#race = race;
    this.#events = events;
    this.line = dial(this);
  }

  opened(): void {
    this.#race.opened(this);
  }

  received(chunk: Uint8Array): void {
    if (this.isWinner) this.#events.received(chunk);
  }

  drained(): void {
    if (this.isWinner) this.#events.drained();
  }

  closed(error: Error | undefined): void {
    this.#race.lost(this, error);
  }
}
