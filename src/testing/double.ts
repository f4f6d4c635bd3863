/**
 * A double of a process: the same program with the same chance, fed with the same bytes at the same moments, whose own
 * words nobody hears. When the two are parted it is a copy of what the process remembered then: what a backup, a
 * suspended machine or a cloned disk would bring back.
 */
import type { Dial, Line, LineEnds, LineEvents } from '../actors/ports.ts';

/** Feeds two actors with what happens on the lines of one, until they are parted. */
export class Double {
  /** Events of the double's lines, by their number. */
  readonly #events: LineEvents[] = [];
  #count = 0;
  #isParted = false;

  /** A line of the double: it has no voice. What it hears is what the line of the same number hears. */
  readonly dial: Dial = (events) => {
    this.#events.push(events);
    return deafLine;
  };

  /** Whether the two go their own ways. */
  get isParted(): boolean {
    return this.#isParted;
  }

  /** The double hears with the original from now on what happens on its next line. */
  join(events: LineEvents): LineEvents {
    const number = this.#count;
    this.#count += 1;
    const tell = (what: (each: LineEvents) => void): void => {
      what(events);
      const second = this.#events[number];
      if (second !== undefined && !this.#isParted) what(second);
    };
    return {
      opened: () => tell((each) => each.opened()),
      received: (chunk) => tell((each) => each.received(chunk)),
      drained: () => tell((each) => each.drained()),
      closed: (error) => tell((each) => each.closed(error)),
    };
  }

  /** The moment of the copy: the double loses its lines, and hears nothing more of what the original hears. */
  part(): void {
    this.#isParted = true;
    for (const events of this.#events) events.closed(undefined);
  }
}

const nowhere: LineEnds = {
  remoteAddress: '192.0.2.1',
  remotePort: 5555,
  localAddress: '198.51.100.1',
  localPort: 40_000,
  isTrusted: false,
  certificate: undefined,
};

const deafLine: Line = {
  ends: nowhere,
  write: () => true,
  end: () => {},
  destroy: () => {},
  pause: () => {},
  ref: () => {},
};
