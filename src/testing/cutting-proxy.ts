/**
 * A loopback TCP proxy that does to real connections what networks do: cuts them between two given bytes, refuses, stalls,
 * loses one direction or both without a word. What it does comes from a plan, from commands, or both; what it did is
 * counted and told. Faults that need no real socket belong into the simulator, which is faster and repeats exactly.
 */
import { type AddressInfo, type Server, type Socket, connect, createServer } from 'node:net';
import type { CutHow, LinePlan } from './line-plan.ts';
import type { Direction, Pace } from './pipe.ts';
import { type ConnectionFault, ProxiedConnection } from './proxied-connection.ts';

/** What a proxy does, as it does it; `connection` is the number of the connection, the first is 0. */
export type ProxyEvent =
  | { readonly type: 'accepted'; readonly connection: number }
  | { readonly type: 'turnedAway'; readonly connection: number; readonly how: CutHow }
  | (ConnectionFault & { readonly connection: number })
  /** Dials find nobody listening, for this long if a time was given. */
  | { readonly type: 'refusing'; readonly forMs: number | undefined }
  | { readonly type: 'accepting' };

/** What a proxy has done so far. */
export interface ProxyCounts {
  readonly accepted: number;
  /** Connections that were cut or fell into a black hole: what the two ends had to recover from. */
  readonly cuts: number;
  readonly resets: number;
  readonly finishes: number;
  readonly blackHoles: number;
  readonly stalls: number;
  readonly turnedAway: number;
  /** Times that nobody listened. */
  readonly refusals: number;
}

/** What a proxy is opened with. */
export interface ProxyOptions {
  /** Where the real server listens. */
  readonly targetPort: number;
  /** What befalls each connection; none: only commands do anything. */
  readonly plan?: LinePlan | undefined;
  /** Told of everything, in order. */
  readonly told?: ((event: ProxyEvent) => void) | undefined;
  /** Gets each chunk as it comes in, before anything happens to it. */
  readonly seen?: ((direction: Direction, chunk: Uint8Array, connection: number) => void) | undefined;
}

const HOST = '127.0.0.1';

/** The port may be taken by an outgoing connection of another program while nobody listens; it is asked for again. */
const LISTEN_TRIES_MAX = 100;
const LISTEN_RETRY_MS = 20;

/** Opens a proxy on a free port of loopback. */
export async function openProxy(options: ProxyOptions): Promise<CuttingProxy> {
  const proxy = new CuttingProxy(options);
  await proxy.accept();
  return proxy;
}

/** A proxy that cuts. */
export class CuttingProxy implements AsyncDisposable {
  readonly #options: ProxyOptions;
  readonly #connections = new Map<number, ProxiedConnection>();
  readonly #counts = {
    accepted: 0,
    cuts: 0,
    resets: 0,
    finishes: 0,
    blackHoles: 0,
    stalls: 0,
    turnedAway: 0,
    refusals: 0,
  };
  #plan: LinePlan | undefined;
  #listener: Server | undefined;
  #port = 0;
  #reopening: NodeJS.Timeout | undefined;
  #opening: Promise<void> | undefined;
  #isWanted = false;
  #emptied: (() => void) | undefined;

  /** Listens only after `accept`; `openProxy` does both. */
  constructor(options: ProxyOptions) {
    this.#options = options;
    this.#plan = options.plan;
  }

  /** Where to dial; stays the same while dials are refused. */
  get port(): number {
    return this.#port;
  }

  /** What was done so far. */
  get counts(): ProxyCounts {
    return { ...this.#counts };
  }

  /** Connections of which at least one socket is open. */
  get openCount(): number {
    return this.#connections.size;
  }

  /** What befalls the connections from the next one on. */
  set plan(plan: LinePlan | undefined) {
    this.#plan = plan;
  }

  /** Cuts every connection now. */
  cut(how: CutHow = 'reset'): void {
    for (const connection of this.#connections.values()) connection.sever(how);
  }

  /** Half-open: everything in that direction vanishes on every connection there is now, and nobody is told. */
  blackHole(hole: Direction | 'both' = 'both'): void {
    for (const connection of this.#connections.values()) connection.blackHole(hole);
  }

  /** Every connection there is now passes nothing for a time, then goes on. */
  stall(forMs: number, direction: Direction | 'both' = 'both'): void {
    for (const connection of this.#connections.values()) connection.stall(forMs, direction);
  }

  /** Every connection there is now passes bytes at this pace. */
  slow(pace: Pace): void {
    for (const connection of this.#connections.values()) connection.slow(pace);
  }

  /** Nobody listens: dials fail, until `accept` or for a time. Connections that are open stay. */
  refuse(forMs?: number): void {
    this.#isWanted = false;
    if (this.#listener === undefined) return;
    this.#listener.close();
    this.#listener = undefined;
    this.#counts.refusals += 1;
    this.#tell({ type: 'refusing', forMs });
    if (forMs !== undefined) this.#reopening = setTimeout(() => void this.accept(), forMs);
  }

  /** Listens (again). Rejects if the port cannot be had. */
  accept(): Promise<void> {
    clearTimeout(this.#reopening);
    this.#isWanted = true;
    if (this.#listener !== undefined) return Promise.resolve();
    this.#opening ??= this.#open().finally(() => (this.#opening = undefined));
    return this.#opening;
  }

  /** No more faults: the plan is dropped, stalls end, dials are accepted. What fell into a black hole stays there. */
  async heal(): Promise<void> {
    this.#plan = undefined;
    for (const connection of this.#connections.values()) connection.heal();
    await this.accept();
  }

  /** Stops listening and resets every connection; resolves when all sockets are closed. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isWanted = false;
    clearTimeout(this.#reopening);
    await this.#opening?.catch(() => {});
    this.#listener?.close();
    this.#listener = undefined;
    if (this.#connections.size === 0) return;
    const emptied = new Promise<void>((resolve) => (this.#emptied = resolve));
    for (const connection of this.#connections.values()) connection.destroy();
    await emptied;
  }

  async #open(): Promise<void> {
    for (let tries = 1; this.#isWanted; tries += 1) {
      const listener = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.#take(socket));
      const error = await listening(listener, this.#port);
      if (error === undefined) return this.#opened(listener);
      if (error.code !== 'EADDRINUSE' || tries === LISTEN_TRIES_MAX) throw error;
      await new Promise((resolve) => setTimeout(resolve, LISTEN_RETRY_MS));
    }
  }

  #opened(listener: Server): void {
    if (!this.#isWanted) return void listener.close();
    this.#listener = listener;
    this.#port = (listener.address() as AddressInfo).port;
    this.#tell({ type: 'accepting' });
  }

  #take(near: Socket): void {
    const number = this.#counts.accepted;
    this.#counts.accepted += 1;
    const faults = this.#plan?.(number) ?? [];
    const turnAway = faults.find((fault) => fault.type === 'turnAway');
    if (turnAway !== undefined) return this.#turnAway(near, number, turnAway.how);
    this.#tell({ type: 'accepted', connection: number });
    const far = connect({ host: HOST, port: this.#options.targetPort, allowHalfOpen: true });
    const connection = new ProxiedConnection(near, far, {
      happened: (fault) => this.#happened(fault, number),
      seen: (direction, chunk) => this.#options.seen?.(direction, chunk, number),
      closed: () => this.#forget(number),
    });
    this.#connections.set(number, connection);
    connection.arm(faults);
  }

  #turnAway(near: Socket, connection: number, how: CutHow): void {
    this.#counts.turnedAway += 1;
    near.on('error', () => {});
    if (how === 'reset') near.resetAndDestroy();
    else near.destroy();
    this.#tell({ type: 'turnedAway', connection, how });
  }

  #happened(fault: ConnectionFault, connection: number): void {
    const counts = this.#counts;
    if (fault.type === 'stall') counts.stalls += 1;
    else counts.cuts += 1;
    if (fault.type === 'blackHole') counts.blackHoles += 1;
    if (fault.type === 'cut' && fault.how === 'reset') counts.resets += 1;
    if (fault.type === 'cut' && fault.how === 'finish') counts.finishes += 1;
    this.#tell({ ...fault, connection });
    if (fault.type === 'cut' && fault.refuseMs !== undefined) this.refuse(fault.refuseMs);
  }

  #forget(connection: number): void {
    this.#connections.delete(connection);
    if (this.#connections.size === 0) this.#emptied?.();
  }

  #tell(event: ProxyEvent): void {
    this.#options.told?.(event);
  }
}

function listening(listener: Server, port: number): Promise<NodeJS.ErrnoException | undefined> {
  return new Promise((resolve) => {
    listener.once('error', resolve);
    listener.listen({ host: HOST, port }, () => {
      listener.removeListener('error', resolve);
      // Accepting may still fail, for want of file descriptors; dials then fail and are tried again.
      listener.on('error', () => {});
      resolve(undefined);
    });
  });
}
