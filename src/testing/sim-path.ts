/**
 * The way between one client and one server: every dial of the client makes a new line on it, and what befalls the path
 * befalls its lines. Faults are verbs here; when they come is the business of a plan or a test.
 */
import type { Dial, Line, LineEvents } from '../actors/ports.ts';
import { type AckTrick, trickOf } from './ack-tricks.ts';
import { endsOf } from './addresses.ts';
import { type PathServer, arrive } from './arrival.ts';
import { Draws } from './draws.ts';
import type { Flow, FlowEnd, Weather } from './flow.ts';
import type { SimHost } from './sim-host.ts';
import type { WireLinter } from './linter.ts';
import type { PathTap } from './path-tap.ts';
import { SimLine, type Toward } from './sim-line.ts';
import { type FrameTrigger, Triggers } from './triggers.ts';
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

/** A fault that waits for a byte of its direction. */
interface Arm {
  readonly atBytes: number;
  readonly befall: (line: SimLine) => void;
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
  readonly #passed = { server: 0, client: 0 };
  readonly #arms: { readonly server: Arm[]; readonly client: Arm[] } = { server: [], client: [] };
  readonly #hellos: Uint8Array[] = [];
  readonly #triggers = new Triggers();
  readonly #tricks = new Map<Flow, ReturnType<typeof trickOf>>();
  readonly #replays = new WeakSet<SimLine>();
  #replayCount = 0;

  constructor(options: SimPathOptions) {
    this.#options = options;
    this.#weather = { server: options.weather, client: options.weather };
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
    return this.#passed[toward];
  }

  // ---- faults

  /** Lets something befall the line on which this place of its frames is reached; they are counted from now on. */
  on(trigger: FrameTrigger, befall: (line: SimLine) => void): void {
    this.#triggers.add(trigger, befall);
    for (const line of this.lines) this.#watchWrites(line);
  }

  /** Cuts the line on which this direction's bytes are read then, once so many more of them are; after none this one. */
  cutAfter(toward: Toward, bytes: number, by: FlowEnd = 'reset', line = this.newest): void {
    if (bytes > 0) this.#arm(toward, bytes, (each) => this.#cut(each, toward, by));
    else if (line !== undefined) this.#cut(line, toward, by);
  }

  /** Alters the byte that is read in this direction after so many more; with a line and after none, the next one of that line. */
  flipAfter(toward: Toward, bytes: number, line?: SimLine): void {
    if (bytes === 0 && line !== undefined) line.flow(toward).flip();
    else this.#arm(toward, bytes, (each) => each.flow(toward).flip());
  }

  /** A middlebox has its way with the next chunk that is read in this direction. */
  rewrite(toward: Toward, change: (chunk: Uint8Array) => void): void {
    this.newest?.flow(toward).rewrite(change);
  }

  /** From now on everything vanishes in this direction of the present lines, goodbyes too. */
  swallow(toward: Toward): void {
    for (const line of this.lines) line.flow(toward).stall(Infinity);
    this.lossCount += 1;
  }

  /** The reader in this direction reads nothing more on the present lines, and every write finds them full. */
  clog(toward: Toward): void {
    for (const line of this.lines) line.flow(toward).clog();
  }

  /** A middlebox changes the ACKs that are written from now on in this direction of the present lines; heal cuts these. */
  trick(toward: Toward, how: AckTrick): void {
    for (const line of this.lines) {
      this.#watchWrites(line);
      this.#tricks.set(line.flow(toward), trickOf(how));
    }
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
    const line = this.#makeLine(`${this.#options.name}/replay/${this.#replayCount}`);
    this.#replays.add(line);
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

  /** Takes back every fault that waits or lasts: dials get through, stalls end, the weather is as it was at first. */
  heal(): void {
    this.door = 'open';
    this.directDoor = 'open';
    this.#arms.server.length = 0;
    this.#arms.client.length = 0;
    this.#triggers.clear();
    this.setWeather('server', this.#options.weather);
    this.setWeather('client', this.#options.weather);
    for (const line of this.lines) this.#calm(line);
    this.#tricks.clear();
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

  /** A line whose ACKs are not true has no future; nothing else of what befell it lasts. */
  #calm(line: SimLine): void {
    line.catchUp();
    for (const toward of ['server', 'client'] as const)
      if (this.#tricks.has(line.flow(toward))) this.#cut(line, toward, 'reset');
  }

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

  #makeLine(name: string, port?: number): SimLine {
    this.#sweep();
    const { seed, clock, watch, address } = this.#options;
    const options = {
      clock,
      draws: new Draws(seed, name),
      toServer: this.#weather.server,
      toClient: this.#weather.client,
      allowance: (toward: Toward) => this.#allowance(line, toward),
      passed: (toward: Toward, count: number) => this.#pass(line, toward, count),
      touched: watch,
      tap: (toward: Toward, chunk: Uint8Array) => this.tap?.read(line, toward, chunk),
    };
    const line: SimLine = new SimLine(options, endsOf(address, port));
    this.#lines.add(line);
    if (this.#options.linter !== undefined || this.#triggers.areWaiting) this.#watchWrites(line, name);
    return line;
  }

  /** Nobody looks at what is written until somebody has to. */
  #watchWrites(line: SimLine, name = ''): void {
    const looked = this.#options.linter?.connection(name);
    for (const toward of ['server', 'client'] as const) {
      const flow = line.flow(toward);
      if (flow.onWrite !== undefined) continue;
      const follower = this.#triggers.follow(line, toward);
      flow.onWrite = (parts) => {
        if (!this.#replays.has(line)) for (const part of parts) looked?.wrote(opposite(toward), part);
        const trick = this.#tricks.get(flow);
        const carried = trick === undefined ? parts : trick(parts);
        for (const part of carried) follower.feed(part);
        return carried;
      };
    }
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
    const closesAtOnce = door === 'closesAtOnce';
    clock.at(backMs, () => {
      line.client.host?.bring(() => this.#open(line, events));
      if (closesAtOnce) line.client.host?.bring(() => line.client.lose('finish'));
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
      line.toClient.breakOff('reset');
      return;
    }
    arrive(line, server);
  }

  #arm(toward: Toward, bytes: number, befall: (line: SimLine) => void): void {
    const arms = this.#arms[toward];
    arms.push({ atBytes: this.#passed[toward] + bytes, befall });
    arms.sort((one, other) => one.atBytes - other.atBytes);
  }

  #allowance(line: SimLine, toward: Toward): number {
    const arm = this.#arms[toward][0];
    const allowed = arm === undefined ? Infinity : arm.atBytes - this.#passed[toward];
    return Math.min(allowed, this.#triggers.allowance(line.flow(toward)));
  }

  #pass(line: SimLine, toward: Toward, count: number): void {
    this.#passed[toward] += count;
    this.#triggers.pass(line, line.flow(toward));
    const arms = this.#arms[toward];
    for (let arm = arms[0]; arm !== undefined && arm.atBytes <= this.#passed[toward]; arm = arms[0]) {
      arms.shift();
      arm.befall(line);
    }
  }

  /** Forgets the lines that nobody uses. */
  #sweep(): void {
    for (const line of this.#lines) {
      if (!line.isOver) continue;
      line.stop();
      this.#tricks.delete(line.toServer);
      this.#tricks.delete(line.toClient);
      this.#lines.delete(line);
    }
  }

  #cut(line: SimLine, toward: Toward, by: FlowEnd): void {
    if (line.isOver) return;
    this.lossCount += 1;
    this.#options.watch('cut', toward, this.#passed[toward]);
    this.tap?.cut(line, toward);
    line.cut(toward, by);
  }

  #remember(hello: Uint8Array): void {
    this.onHello?.(hello);
    if (this.#hellos.length === HELLOS_MAX) this.#hellos.shift();
    this.#hellos.push(hello);
  }
}

function opposite(toward: Toward): Toward {
  return toward === 'server' ? 'client' : 'server';
}
