/**
 * The way between one client and one server: every dial of the client makes a new line on it, and what befalls the path
 * befalls its lines. Faults are verbs here; when they come is the business of a plan or a test.
 */
import type { Dial, Line, LineEvents } from '../actors/ports.ts';
import type { AckTrick } from './ack-tricks.ts';
import { endsOf } from './addresses.ts';
import { type PathServer, arrive } from './arrival.ts';
import { Draws } from './draws.ts';
import type { FlowEnd, Weather } from './flow.ts';
import type { SimHost } from './sim-host.ts';
import type { WireLinter } from './linter.ts';
import type { PathTap } from './path-tap.ts';
import { PathWrites } from './path-writes.ts';
import { SimLine, type Toward, opposite } from './sim-line.ts';
import { type PlanTrigger, Triggers } from './triggers.ts';
import type { VirtualClock } from './virtual-clock.ts';

/** What becomes of a dial: it gets through, or one of the ways in which it does not. */
export type Door = 'open' | 'refuses' | 'closesAtOnce' | 'staysSilent' | 'neverAnswers';

/** What a path is made with. */
export interface SimPathOptions {
  readonly name: string;
  readonly seed: number;
  readonly clock: VirtualClock;
  readonly weather: Weather;
  /** The client's address as the server sees it. */
  readonly address: string;
  /** The process that dials. */
  readonly client: () => SimHost;
  /** Undefined while the server is down. */
  readonly server: () => PathServer | undefined;
  /** Told of everything that reaches an actor. */
  readonly watch: (kind: string, toward: Toward, count: number) => void;
  /** Shown what the two ends of each line write, before anything befalls it; not what a middlebox does. */
  readonly linter?: WireLinter | undefined;
}

/** HELLOs that are kept for replays. */
const HELLOS_MAX = 8;

/** The network between a client and a server. */
export class SimPath {
  /** What happens to the next dials. */
  door: Door = 'open';
  /** What happens to the next dials of direct ports. */
  directDoor: Door = 'open';
  /** The line dialled last. */
  newest: SimLine | undefined;
  dialCount = 0;
  /** Lines that a fault took from an end that used them. */
  lossCount = 0;
  /** Told each HELLO as it is written. */
  onHello: ((hello: Uint8Array) => void) | undefined;
  tap: PathTap | undefined;
  readonly #options: SimPathOptions;
  readonly #lines = new Set<SimLine>();
  readonly #weather: { server: Weather; client: Weather };
  readonly #hellos: Uint8Array[] = [];
  readonly #triggers = new Triggers();
  readonly #writes: PathWrites;
  #replayCount = 0;

  constructor(options: SimPathOptions) {
    this.#options = options;
    this.#weather = { server: options.weather, client: options.weather };
    this.#writes = new PathWrites(options.linter, this.#triggers);
  }

  /** Dials, as a client's transport does. */
  readonly dial: Dial = (events) => this.#dial(events, undefined);

  /** Dials another port of the server. */
  dialAt(port: number): Dial {
    return (events) => this.#dial(events, port);
  }

  /** Lines that an end still uses, oldest first. */
  get lines(): readonly SimLine[] {
    this.#sweep();
    return [...this.#lines];
  }

  /** Bytes that were read in this direction, over all lines. */
  passedBytes(toward: Toward): number {
    return this.#triggers.passedBytes(toward);
  }

  // ---- faults

  /** Lets something befall the line on which this place of its frames is reached; they are counted from now on. */
  on(trigger: PlanTrigger, befall: (line: SimLine) => void): void {
    this.#triggers.add(trigger, befall);
    for (const line of this.lines) this.#writes.watch(line);
  }

  /** Cuts the line on which this direction's bytes are read then, once so many more of them are; after none this one. */
  cutAfter(toward: Toward, bytes: number, by: FlowEnd = 'reset', line = this.newest): void {
    if (bytes > 0) this.#triggers.after(toward, bytes, (each) => this.#cut(each, toward, by));
    else if (line !== undefined) this.#cut(line, toward, by);
  }

  /** Alters the byte that is read in this direction after so many more; with a line and after none, the next one of that line. */
  flipAfter(toward: Toward, bytes: number, line?: SimLine): void {
    if (bytes === 0 && line !== undefined) line.flow(toward).flip();
    else this.#triggers.after(toward, bytes, (each) => each.flow(toward).flip());
  }

  /** A middlebox has its way with the next chunk that is read in this direction. */
  rewrite(toward: Toward, change: (chunk: Uint8Array) => void): void {
    this.newest?.flow(toward).rewrite(change);
  }

  /** From now on, or once so many more bytes are read, all vanishes in this direction of the present lines, goodbyes too. */
  swallow(toward: Toward, afterBytes = 0): void {
    if (afterBytes > 0) return this.#triggers.after(toward, afterBytes, () => this.swallow(toward));
    for (const line of this.lines) line.flow(toward).stall(Infinity);
    this.lossCount += 1;
  }

  /** The reader in this direction reads nothing more on the present lines, and every write finds them full. */
  clog(toward: Toward): void {
    for (const line of this.lines) line.flow(toward).clog();
  }

  /** A middlebox changes the ACKs that are written from now on in this direction of the present lines; heal cuts these. */
  trick(toward: Toward, how: AckTrick): void {
    for (const line of this.lines) this.#writes.trick(line, toward, how);
  }

  /** Nothing is read in this direction of the present lines for this time; then all of it is. */
  stall(toward: Toward, forMs: number): void {
    for (const line of this.lines) line.flow(toward).stall(this.#nowMs + forMs);
  }

  /** One end loses the newest line now; the other reads what was on its way so much later, and only then loses it. */
  orphan(toward: Toward, forMs: number): void {
    const line = this.newest;
    if (line === undefined) return;
    const early = toward === 'server' ? line.client : line.server;
    if (early.isOver) return;
    this.lossCount += 1;
    line.flow(toward).stall(this.#nowMs + forMs);
    line.flow(toward).end('finish');
    line.flow(opposite(toward)).stop();
    early.host?.bring(() => early.lose('reset'));
  }

  /**
   * An old HELLO arrives once more, on a connection of its own where nobody listens: the last one but `back`. One that
   * may still be on its way does not count: a network does not deliver the same bytes twice at once.
   */
  replayHello(back: number, stayMs: number): void {
    const isAnswered = this.newest !== undefined && this.newest.toClient.readBytes > 0;
    const hello = this.#hellos.at((isAnswered ? -1 : -2) - back);
    if (hello === undefined) return;
    this.#replayCount += 1;
    const line = this.#makeLine(`${this.#options.name}/replay/${this.#replayCount}`, undefined, true);
    this.#arrive(line);
    line.client.write([hello]);
    this.#options.clock.at(this.#nowMs + stayMs, () => line.client.end());
  }

  /** Changes how bytes travel in this direction, on present and later lines. */
  setWeather(toward: Toward, change: Partial<Weather>): void {
    const weather = { ...this.#weather[toward], ...change };
    this.#weather[toward] = weather;
    for (const line of this.lines) line.flow(toward).weather = weather;
  }

  /** Takes back every fault that waits or lasts: dials get through, stalls end, the weather is as at first, lines with false ACKs go. */
  heal(): void {
    this.door = 'open';
    this.directDoor = 'open';
    this.#triggers.clear();
    this.setWeather('server', this.#options.weather);
    this.setWeather('client', this.#options.weather);
    for (const line of this.lines) {
      line.catchUp();
      for (const toward of this.#writes.tricked(line)) this.#cut(line, toward, 'reset');
    }
  }

  /** A process is gone, or one thread of it. Its machine says so on all its lines, or nobody does. */
  sever(side: Toward, isSilent: boolean, thread?: SimHost): void {
    const other = opposite(side);
    for (const line of this.lines) {
      const gone = line[side];
      if (gone.isOver || (thread !== undefined && gone.host !== thread)) continue;
      gone.isOver = true;
      line.flow(side).stop();
      if (isSilent) line.flow(other).stall(Infinity);
      else line.flow(other).breakOff('reset');
    }
  }

  // ---- below

  get #nowMs(): number {
    return this.#options.clock.now();
  }

  #dial(events: LineEvents, port: number | undefined): Line {
    this.dialCount += 1;
    const line = this.#makeLine(`${this.#options.name}/${this.dialCount}`, port);
    line.client.events = events;
    line.client.host = this.#options.client();
    line.client.onFirstWrite = (hello) => this.#remember(hello);
    this.newest = line;
    this.tap?.dialled(line);
    this.#knock(line, events, port);
    return line.client;
  }

  #makeLine(name: string, port?: number, isStrange = false): SimLine {
    this.#sweep();
    const { seed, clock, watch, address } = this.#options;
    const options = {
      clock,
      draws: new Draws(seed, name),
      toServer: this.#weather.server,
      toClient: this.#weather.client,
      allowance: (toward: Toward) => this.#triggers.allowance(line, toward),
      passed: (toward: Toward, count: number) => this.#triggers.pass(line, toward, count),
      touched: watch,
      tap: (toward: Toward, chunk: Uint8Array) => this.tap?.read(line, toward, chunk),
    };
    const line: SimLine = new SimLine(options, endsOf(address, port));
    this.#lines.add(line);
    this.#writes.begin(line, isStrange ? undefined : name);
    return line;
  }

  #knock(line: SimLine, events: LineEvents, port: number | undefined): void {
    const { clock } = this.#options;
    const thereMs = this.#nowMs + this.#weather.server.latencyMs;
    const backMs = thereMs + this.#weather.client.latencyMs;
    const isDown = this.#listener(port) === undefined;
    const door = port === undefined ? this.door : this.directDoor;
    line.server.isOver = isDown || door !== 'open';
    if (door === 'neverAnswers') return;
    if (door === 'refuses' || isDown) {
      clock.at(backMs, () => line.client.host?.bring(() => line.client.lose('reset')));
      return;
    }
    if (door === 'open') clock.at(thereMs, () => this.#arrive(line, port));
    line.toClient.stall(backMs);
    clock.at(backMs, () => {
      line.client.host?.bring(() => this.#open(line, events));
      if (door === 'closesAtOnce') line.client.host?.bring(() => line.client.lose('finish'));
    });
  }

  #open(line: SimLine, events: LineEvents): void {
    if (line.client.isOver) return;
    this.#options.watch('opened', 'client', 0);
    events.opened();
  }

  #listener(port: number | undefined): PathServer | undefined {
    const server = this.#options.server();
    return port === undefined ? server : server?.at?.(port);
  }

  #arrive(line: SimLine, port?: number): void {
    const server = this.#listener(port);
    if (line.client.isOver || server === undefined) {
      line.server.isOver = true;
      return line.toClient.breakOff('reset');
    }
    arrive(line, server);
  }

  /** Forgets the lines that nobody uses. */
  #sweep(): void {
    for (const line of this.#lines) {
      if (!line.isOver) continue;
      line.stop();
      this.#writes.forget(line);
      this.#lines.delete(line);
    }
  }

  #cut(line: SimLine, toward: Toward, by: FlowEnd): void {
    if (line.isOver) return;
    this.lossCount += 1;
    this.#options.watch('cut', toward, this.passedBytes(toward));
    this.tap?.cut(line, toward);
    line.cut(toward, by);
  }

  #remember(hello: Uint8Array): void {
    this.onHello?.(hello);
    if (this.#hellos.length === HELLOS_MAX) this.#hellos.shift();
    this.#hellos.push(hello);
  }
}
