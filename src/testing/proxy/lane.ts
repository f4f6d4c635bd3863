/**
 * One port of a proxy, with the connections that came by it and the faults they wait for. A proxy has one of them unless it is
 * asked for more: then each client can have a way of its own, on which dials are refused while others get through.
 */
import { type AddressInfo, type Server, type Socket, connect } from 'node:net';
import { type ConnectionFault, ProxiedConnection } from './connection.ts';
import { HelloCatch } from './hello-catch.ts';
import { HOST, listenOn } from './listening.ts';
import {
  type CutHow,
  type Direction,
  type LineFault,
  type Pace,
  type PlacedFault,
  type TurnAwayHow,
  covers,
} from './plan.ts';

/** What a lane does, as it does it; `connection` is the number of the connection in the whole proxy, the first is 0. */
export type ProxyEvent =
  | { readonly type: 'accepted'; readonly connection: number }
  | { readonly type: 'turnedAway'; readonly connection: number; readonly how: TurnAwayHow }
  | (ConnectionFault & { readonly connection: number })
  /** An old HELLO was sent to the target on a connection of its own. */
  | { readonly type: 'replayed'; readonly bytes: number }
  /** Dials find nobody listening, for this long if a time was given. */
  | { readonly type: 'refusing'; readonly forMs: number | undefined }
  | { readonly type: 'accepting' };

/** The proxy behind a lane. */
export interface LaneOwner {
  readonly targetPort: number;
  /** The number of a new connection, and what its plan says. */
  number(): { readonly connection: number; readonly faults: readonly LineFault[] };
  happened(event: ProxyEvent): void;
  seen(direction: Direction, chunk: Uint8Array, connection: number): void;
  /** A number in [0, 1) with this key. */
  chance(connection: number, purpose: string): number;
}

/** HELLOs that are kept for replays. */
const HELLOS_MAX = 8;

/** One port of a proxy. */
export class ProxyLane implements AsyncDisposable {
  readonly #owner: LaneOwner;
  readonly #connections = new Set<ProxiedConnection>();
  /** Sockets that lead nowhere: those of replays and of dials that nobody answers. */
  readonly #loose = new Set<Socket>();
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #hellos: Uint8Array[] = [];
  #strikes: PlacedFault[] = [];
  #newest: ProxiedConnection | undefined;
  #pace: { up: Pace; down: Pace } = { up: {}, down: {} };
  #door: TurnAwayHow | undefined;
  #listener: Server | undefined;
  #port = 0;
  #opening: Promise<void> | undefined;
  #isWanted = false;
  #emptied: (() => void) | undefined;

  /** Listens only after `accept`. */
  constructor(owner: LaneOwner) {
    this.#owner = owner;
  }

  /** Where to dial; stays the same while dials are refused. */
  get port(): number {
    return this.#port;
  }

  /** Whether the newest connection passes bytes both ways. */
  get isWhole(): boolean {
    return this.#newest?.isWhole === true;
  }

  /** Connections of which at least one socket is open. */
  get openCount(): number {
    return this.#connections.size;
  }

  /** Cuts every connection now. */
  cut(how: CutHow = 'reset'): void {
    for (const connection of this.#connections) connection.sever(how);
  }

  /** Cuts the newest connection now, if there is one. */
  cutNewest(how: CutHow = 'reset'): void {
    this.#newest?.sever(how);
  }

  /** Half-open: everything in that direction vanishes on every connection there is now, and nobody is told. */
  blackHole(hole: Direction | 'both' = 'both'): void {
    for (const connection of this.#connections) connection.blackHole(hole);
  }

  /** Every connection there is now passes nothing for a time, then goes on. */
  stall(forMs: number, direction: Direction | 'both' = 'both'): void {
    for (const connection of this.#connections) connection.stall(forMs, direction);
  }

  /**
   * Who writes in the direction `late` loses the newest connection now; who reads gets what was on its way so many
   * milliseconds later, and only then learns of it.
   */
  orphan(late: Direction, forMs: number): void {
    this.#newest?.orphan(late, forMs);
  }

  /** Connections pass bytes at this pace, later ones too, until `heal`. */
  slow(pace: Pace, direction: Direction | 'both' = 'both'): void {
    if (covers(direction, 'up')) this.#pace.up = { ...this.#pace.up, ...pace };
    if (covers(direction, 'down')) this.#pace.down = { ...this.#pace.down, ...pace };
    for (const connection of this.#connections) connection.slow(pace, direction);
  }

  /**
   * Waits for the place of a fault on the newest connection. Its bytes and frames count from now on; when another
   * connection comes before, that one inherits what is left.
   */
  strike(fault: PlacedFault): void {
    if (this.isWhole) this.#newest?.strike(fault);
    else this.#strikes.push(fault);
  }

  /**
   * The last HELLO but `back` arrives at the target once more, on a connection of its own that nobody listens to and that stays
   * so many milliseconds. One that may still be on its way does not count. Nothing happens without such a HELLO.
   */
  replay(back: number, stayMs: number): void {
    const hello = this.#hellos.at((this.#newest?.isAnswered === true ? -1 : -2) - back);
    if (hello === undefined) return;
    const socket = connect({ host: HOST, port: this.#owner.targetPort });
    this.#keepLoose(socket);
    socket.write(hello);
    this.#later(stayMs, () => socket.destroy());
    this.#owner.happened({ type: 'replayed', bytes: hello.length });
  }

  /** Nobody listens: dials fail, until `accept` or for a time. Connections that are open stay. */
  refuse(forMs?: number): void {
    this.#isWanted = false;
    if (this.#listener === undefined) return;
    this.#listener.close();
    this.#listener = undefined;
    this.#owner.happened({ type: 'refusing', forMs });
    if (forMs !== undefined) this.#later(forMs, () => void this.accept());
  }

  /** Dials get through and no further, until `accept` or for a time; the target never hears of them. */
  turnAway(how: TurnAwayHow = 'finish', forMs?: number): void {
    this.#door = how;
    if (forMs !== undefined) this.#later(forMs, () => (this.#door = undefined));
  }

  /** Cuts the newest connection now and then again so often, so many milliseconds apart. */
  flap(everyMs: number, times: number): void {
    for (let count = 0; count < times; count += 1) this.#later(count * everyMs, () => this.cutNewest());
  }

  /** Listens (again), and turns nobody away. Rejects if the port cannot be had. */
  accept(): Promise<void> {
    this.#door = undefined;
    this.#isWanted = true;
    if (this.#listener !== undefined) return Promise.resolve();
    this.#opening ??= this.#open().finally(() => (this.#opening = undefined));
    return this.#opening;
  }

  /** Takes back every fault that waits or lasts: stalls end, dials are accepted. What fell into a black hole stays there. */
  async heal(): Promise<void> {
    this.#clearTimers();
    this.#strikes = [];
    this.#pace = { up: {}, down: {} };
    for (const connection of this.#connections) connection.heal();
    for (const socket of this.#loose) socket.destroy();
    await this.accept();
  }

  /** Stops listening and resets every connection; resolves when all sockets are closed. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isWanted = false;
    this.#clearTimers();
    await this.#opening?.catch(() => {});
    this.#listener?.close();
    this.#listener = undefined;
    if (this.#isEmpty) return;
    const emptied = new Promise<void>((resolve) => (this.#emptied = resolve));
    for (const connection of this.#connections) connection.destroy();
    for (const socket of this.#loose) socket.destroy();
    await emptied;
  }

  get #isEmpty(): boolean {
    return this.#connections.size + this.#loose.size === 0;
  }

  async #open(): Promise<void> {
    const isWanted = (): boolean => this.#isWanted;
    const listener = await listenOn(this.#port, { isWanted, taken: (socket) => this.#take(socket) });
    if (listener === undefined) return;
    this.#listener = listener;
    this.#port = (listener.address() as AddressInfo).port;
    this.#owner.happened({ type: 'accepting' });
  }

  #take(near: Socket): void {
    const { connection: number, faults } = this.#owner.number();
    const turnAway = this.#door ?? faults.find((fault) => fault.type === 'turnAway')?.how;
    if (turnAway !== undefined) return this.#turnAway(near, number, turnAway);
    this.#owner.happened({ type: 'accepted', connection: number });
    const far = connect({ host: HOST, port: this.#owner.targetPort, allowHalfOpen: true });
    const hello = new HelloCatch();
    const connection: ProxiedConnection = new ProxiedConnection(near, far, {
      happened: (fault) => this.#happened(fault, number),
      replay: (back, stayMs) => this.replay(back, stayMs),
      chance: (purpose) => this.#owner.chance(number, purpose),
      seen: (direction, chunk) => {
        if (direction === 'up' && !hello.isDone) this.#remember(hello.take(chunk));
        this.#owner.seen(direction, chunk, number);
      },
      closed: () => {
        this.#connections.delete(connection);
        this.#lookWhetherEmpty();
      },
    });
    this.#connections.add(connection);
    const strikes = [...(this.#newest?.takeStrikes() ?? []), ...this.#strikes];
    this.#strikes = [];
    this.#newest = connection;
    connection.slow(this.#pace.up, 'up');
    connection.slow(this.#pace.down, 'down');
    connection.arm(faults);
    for (const strike of strikes) connection.strike(strike);
  }

  #turnAway(near: Socket, connection: number, how: TurnAwayHow): void {
    this.#keepLoose(near);
    if (how === 'reset') near.resetAndDestroy();
    else if (how === 'finish') near.destroy();
    this.#owner.happened({ type: 'turnedAway', connection, how });
  }

  #happened(fault: ConnectionFault, connection: number): void {
    this.#owner.happened({ ...fault, connection });
    if (fault.type === 'cut' && fault.refuseMs !== undefined) this.refuse(fault.refuseMs);
  }

  #remember(hello: Uint8Array | undefined): void {
    if (hello === undefined) return;
    if (this.#hellos.length === HELLOS_MAX) this.#hellos.shift();
    this.#hellos.push(hello);
  }

  /** What comes in on it goes nowhere; it ends when its peer ends it, or with the lane. */
  #keepLoose(socket: Socket): void {
    this.#loose.add(socket);
    socket.on('error', () => {});
    // It may be half open, and nothing else would close it.
    socket.on('end', () => socket.destroy());
    socket.on('close', () => {
      this.#loose.delete(socket);
      this.#lookWhetherEmpty();
    });
    socket.resume();
  }

  #lookWhetherEmpty(): void {
    if (this.#isEmpty) this.#emptied?.();
  }

  #later(forMs: number, task: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      task();
    }, forMs);
    this.#timers.add(timer);
  }

  #clearTimers(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }
}
