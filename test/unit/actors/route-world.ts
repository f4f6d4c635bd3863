/** A public and a direct address that open or fail when they are told to, and a clock that counts what is set on it. */
import type { Clock, Dial, Line, LineEnds, LineEvents } from '../../../src/actors/ports.ts';
import { Route } from '../../../src/actors/route.ts';
import { VirtualClock, type VirtualTimer } from '../../../src/testing/virtual-clock.ts';

/** A line that was dialled. */
export class DialledLine implements Line {
  readonly ends: LineEnds;
  /** The address: `public`, or `direct:` and its port. */
  readonly name: string;
  readonly events: LineEvents;
  readonly calls: string[] = [];
  state: 'connecting' | 'open' | 'ended' | 'destroyed' | 'closed' = 'connecting';
  hasRoom = true;

  constructor(name: string, remotePort: number, events: LineEvents) {
    this.name = name;
    this.events = events;
    this.ends = {
      remoteAddress: '127.0.0.1',
      remotePort,
      localAddress: '127.0.0.1',
      localPort: 50_000,
      isTrusted: true,
      certificate: undefined,
    };
  }

  /** Opens, unless nobody wants it any more. */
  open(): void {
    if (this.state !== 'connecting') return;
    this.state = 'open';
    this.events.opened();
  }

  /** Fails or breaks, unless nobody wants it any more. */
  fail(error: Error | undefined): void {
    if (this.state !== 'connecting' && this.state !== 'open') return;
    this.state = 'closed';
    this.events.closed(error);
  }

  write(parts: readonly Uint8Array[]): boolean {
    if (this.state !== 'open') throw new Error(`expected no write on ${this.name}, it is ${this.state}`);
    this.calls.push(`write ${parts.map((part) => new TextDecoder().decode(part)).join('+')}`);
    return this.hasRoom;
  }

  end(): void {
    this.calls.push('end');
    this.state = 'ended';
  }

  destroy(): void {
    this.calls.push('destroy');
    this.state = 'destroyed';
  }

  pause(isPaused: boolean): void {
    this.calls.push(`pause ${isPaused}`);
  }

  ref(alive: boolean): void {
    this.calls.push(`ref ${alive}`);
  }
}

/** A route and every line dialled over it. */
export class RouteWorld {
  readonly time = new VirtualClock();
  readonly lines: DialledLine[] = [];
  /** What the user of the line was told. */
  readonly told: string[] = [];
  readonly route: Route;
  readonly publicDial: Dial = (events) => this.#dial('public', 4_000, events);
  /** Timers that the route has set and that are neither over nor taken back. */
  timerCount = 0;
  /** Called with each line as it is dialled. */
  onDial: ((line: DialledLine) => void) | undefined;
  readonly events: LineEvents = {
    opened: () => void this.told.push('opened'),
    received: (chunk) => void this.told.push(`received ${new TextDecoder().decode(chunk)}`),
    drained: () => void this.told.push('drained'),
    closed: (error) => void this.told.push(`closed ${error?.message ?? 'plainly'}`),
  };

  constructor() {
    this.route = new Route(this.#clock(), this.publicDial, (port) => (events) => {
      return this.#dial(`direct:${port}`, port, events);
    });
  }

  /** The line dialled as number so and so, from 0 on. */
  line(index: number): DialledLine {
    const line = this.lines[index];
    if (line === undefined) throw new Error(`expected ${index + 1} dials, got ${this.lines.length}`);
    return line;
  }

  /** The names of the lines dialled, in order. */
  get names(): string[] {
    return this.lines.map(({ name }) => name);
  }

  /** Lets time pass. */
  run(untilMs: number): void {
    while (this.time.nextMs <= untilMs && this.time.pendingCount > 0) this.time.take()?.fire();
    this.time.pass(untilMs);
  }

  #dial(name: string, port: number, events: LineEvents): Line {
    const line = new DialledLine(name, port, events);
    this.lines.push(line);
    this.onDial?.(line);
    return line;
  }

  #clock(): Clock {
    const { time } = this;
    return {
      now: () => time.now(),
      setTimeout: (fire, delayMs) => {
        this.timerCount += 1;
        return time.setTimeout(() => {
          this.timerCount -= 1;
          fire();
        }, delayMs);
      },
      clearTimeout: (ticket) => {
        if ((ticket as VirtualTimer).place >= 0) this.timerCount -= 1;
        time.clearTimeout(ticket);
      },
    };
  }
}
