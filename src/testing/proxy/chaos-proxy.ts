/**
 * A loopback TCP proxy that does to real connections what networks do: cuts them between two given bytes, refuses, stalls,
 * loses one direction or both without a word. What it does comes from a plan, from commands, or both; what it did is
 * counted and told. Faults that need no real socket belong into the simulator, which is faster and repeats exactly.
 */
import { type LaneOwner, type ProxyEvent, ProxyLane } from './lane.ts';
import {
  type CutHow,
  type Direction,
  type LinePlan,
  type Pace,
  type PlacedFault,
  type TurnAwayHow,
  faultsOf,
} from './plan.ts';
import { draw } from './storm.ts';

export type { ProxyEvent, ProxyLane } from './lane.ts';

/** What a proxy has done so far. */
export interface ProxyCounts {
  readonly accepted: number;
  /** Connections that were cut, fell into a black hole or were orphaned: what the two ends had to recover from. */
  readonly cuts: number;
  readonly resets: number;
  readonly finishes: number;
  readonly blackHoles: number;
  readonly orphans: number;
  readonly stalls: number;
  readonly flips: number;
  readonly replays: number;
  readonly turnedAway: number;
  /** Times that nobody listened. */
  readonly refusals: number;
}

/** What a proxy is made with. */
export interface ChaosProxyOptions {
  /** What befalls each connection; none: only commands do anything. */
  readonly plan?: LinePlan | undefined;
  /** Told of everything, in order. */
  readonly told?: ((event: ProxyEvent) => void) | undefined;
  /** Gets each chunk as it comes in, before anything happens to it; the chunk is the proxy's. */
  readonly seen?: ((direction: Direction, chunk: Uint8Array, connection: number) => void) | undefined;
}

/** Makes a proxy on loopback that listens nowhere yet: `open` says where it leads. Dispose of it when you are done. */
export function chaosProxy(options: ChaosProxyOptions = {}): ChaosProxy {
  return new ChaosProxy(options);
}

/** Makes a proxy and opens it. */
export async function openProxy({
  targetPort,
  ...options
}: ChaosProxyOptions & { readonly targetPort: number }): Promise<ChaosProxy> {
  const proxy = chaosProxy(options);
  await proxy.open(targetPort);
  return proxy;
}

/** A proxy between clients and one server. Its verbs are for all its lanes; a lane has the same for its own connections. */
export class ChaosProxy implements AsyncDisposable {
  readonly #options: ChaosProxyOptions;
  readonly #lanes: ProxyLane[] = [];
  readonly #counts = {
    accepted: 0,
    cuts: 0,
    resets: 0,
    finishes: 0,
    blackHoles: 0,
    orphans: 0,
    stalls: 0,
    flips: 0,
    replays: 0,
    turnedAway: 0,
    refusals: 0,
  };
  #plan: LinePlan | undefined;
  #owner: LaneOwner | undefined;
  #isDisposed = false;

  /** As `chaosProxy`. */
  constructor(options: ChaosProxyOptions) {
    this.#options = options;
    this.#plan = options.plan;
  }

  /** Listens on a free port of loopback and leads to this one. Once; rejects if there is no port to be had. */
  async open(targetPort: number): Promise<void> {
    if (this.#owner !== undefined)
      throw new Error(`expected a proxy that is not open, got one to ${this.#owner.targetPort}`);
    this.#owner = this.#ownerOf(targetPort);
    await this.openLane();
  }

  /** Listens on one more port, whose connections have faults of their own. Plan, counts and what is told are of the whole proxy. */
  async openLane(): Promise<ProxyLane> {
    if (this.#owner === undefined || this.#isDisposed)
      throw new Error('expected a proxy that is open, call open() first');
    const lane = new ProxyLane(this.#owner);
    this.#lanes.push(lane);
    await lane.accept();
    return lane;
  }

  /** Where to dial, of the first lane; stays the same while dials are refused. 0: not open. */
  get port(): number {
    return this.#lanes[0]?.port ?? 0;
  }

  /** What was done so far. */
  get counts(): ProxyCounts {
    return { ...this.#counts };
  }

  /** Connections of which at least one socket is open. */
  get openCount(): number {
    return this.#lanes.reduce((sum, lane) => sum + lane.openCount, 0);
  }

  /** What befalls the connections from the next one on. */
  set plan(plan: LinePlan | undefined) {
    this.#plan = plan;
  }

  /** Cuts every connection now. */
  cut(how?: CutHow): void {
    for (const lane of this.#lanes) lane.cut(how);
  }

  /** Half-open: everything in that direction vanishes on every connection there is now, and nobody is told. */
  blackHole(hole?: Direction | 'both'): void {
    for (const lane of this.#lanes) lane.blackHole(hole);
  }

  /** Every connection there is now passes nothing for so many milliseconds, then goes on. */
  stall(forMs: number, direction?: Direction | 'both'): void {
    for (const lane of this.#lanes) lane.stall(forMs, direction);
  }

  /** The newest connection of each lane: late delivery, as `ProxyLane.orphan`. */
  orphan(late: Direction, forMs: number): void {
    for (const lane of this.#lanes) lane.orphan(late, forMs);
  }

  /** Connections pass bytes at this pace, later ones too, until `heal`. */
  slow(pace: Pace, direction?: Direction | 'both'): void {
    for (const lane of this.#lanes) lane.slow(pace, direction);
  }

  /** A fault at a byte or a frame from now on, on each lane, as `ProxyLane.strike`. */
  strike(fault: PlacedFault): void {
    for (const lane of this.#lanes) lane.strike(fault);
  }

  /** An old HELLO of each lane once more, as `ProxyLane.replay`. */
  replay(back: number, stayMs: number): void {
    for (const lane of this.#lanes) lane.replay(back, stayMs);
  }

  /** Nobody listens: dials fail, until `accept` or for so many milliseconds. Connections that are open stay. */
  refuse(forMs?: number): void {
    for (const lane of this.#lanes) lane.refuse(forMs);
  }

  /** Dials get through and no further, until `accept` or for so many milliseconds. */
  turnAway(how?: TurnAwayHow, forMs?: number): void {
    for (const lane of this.#lanes) lane.turnAway(how, forMs);
  }

  /** Listens (again), and turns nobody away. Rejects if a port cannot be had. */
  async accept(): Promise<void> {
    await Promise.all(this.#lanes.map((lane) => lane.accept()));
  }

  /** No more faults: the plan is dropped, stalls end, dials are accepted. What fell into a black hole stays there. */
  async heal(): Promise<void> {
    this.#plan = undefined;
    await Promise.all(this.#lanes.map((lane) => lane.heal()));
  }

  /** Stops listening and resets every connection; resolves when all sockets are closed. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isDisposed = true;
    await Promise.all(this.#lanes.map((lane) => lane[Symbol.asyncDispose]()));
  }

  #ownerOf(targetPort: number): LaneOwner {
    const { told, seen } = this.#options;
    return {
      targetPort,
      number: () => {
        const connection = this.#counts.accepted;
        this.#counts.accepted += 1;
        return { connection, faults: faultsOf(this.#plan, connection) };
      },
      happened: (event) => {
        this.#count(event);
        told?.(event);
      },
      seen: (direction, chunk, connection) => seen?.(direction, chunk, connection),
      chance: (connection, purpose) => draw(0, connection, purpose),
    };
  }

  #count(event: ProxyEvent): void {
    const counts = this.#counts;
    switch (event.type) {
      case 'cut':
        counts.cuts += 1;
        if (event.how === 'reset') counts.resets += 1;
        else counts.finishes += 1;
        return;
      case 'blackHole':
        counts.cuts += 1;
        counts.blackHoles += 1;
        return;
      case 'orphan':
        counts.cuts += 1;
        counts.orphans += 1;
        return;
      case 'stall':
        counts.stalls += 1;
        return;
      case 'flip':
        counts.flips += 1;
        return;
      case 'replayed':
        counts.replays += 1;
        return;
      case 'turnedAway':
        counts.turnedAway += 1;
        return;
      case 'refusing':
        counts.refusals += 1;
        return;
      case 'accepted':
      case 'accepting':
    }
  }
}
