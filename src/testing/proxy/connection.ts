/**
 * One connection through the proxy: two sockets, a pipe each way, and what its plan does to it. After a black hole each
 * side lives on without the other, as the ends of a dead line do; the end of one is told to the other only through a
 * direction that still passes bytes.
 */
import type { Socket } from 'node:net';
import { type FrameWatch, Pipe } from './pipe.ts';
import { type CutHow, type Direction, type LineFault, type Pace, type PlacedFault, covers } from './plan.ts';

/** What a connection tells its lane. */
export interface ConnectionOwner {
  /** A fault was carried out. */
  happened(fault: ConnectionFault): void;
  /** An old HELLO shall come once more. */
  replay(back: number, stayMs: number): void;
  /** Each chunk as it comes in from the sender, before anything happens to it. */
  seen(direction: Direction, chunk: Uint8Array): void;
  /** A number in [0, 1) with this key. */
  chance(purpose: string): number;
  /** Both sockets are closed. */
  closed(): void;
}

/** A fault as it was carried out. `direction` of a cut is missing when it was a command. */
export type ConnectionFault =
  | {
      readonly type: 'cut';
      readonly how: CutHow;
      readonly direction: Direction | undefined;
      readonly upBytes: number;
      readonly downBytes: number;
      readonly refuseMs: number | undefined;
    }
  | { readonly type: 'blackHole'; readonly hole: Direction | 'both' }
  | { readonly type: 'orphan'; readonly late: Direction; readonly forMs: number }
  | { readonly type: 'stall'; readonly direction: Direction | 'both'; readonly forMs: number }
  /** The byte behind so many of its direction comes out altered. */
  | { readonly type: 'flip'; readonly direction: Direction; readonly afterBytes: number };

/** A fault that counts from the moment at which it was asked for, and that another connection may inherit. */
interface Strike {
  readonly fault: PlacedFault;
  readonly pipe: Pipe;
  readonly fromBytes: number;
  watch: FrameWatch | undefined;
  isOff: boolean;
}

/** How long a socket gets to close after a FIN. */
const FAREWELL_MS = 1_000;

/** Two sockets and the bytes between them. */
export class ProxiedConnection {
  readonly #near: Socket;
  readonly #far: Socket;
  readonly #up: Pipe;
  readonly #down: Pipe;
  readonly #owner: ConnectionOwner;
  readonly #strikes = new Set<Strike>();
  #openSockets = 2;
  #isSevered = false;
  #isOrphaned = false;
  #farewell: NodeJS.Timeout | undefined;

  /** `near` was accepted from who dials, `far` goes to the target; both belong to the connection from now on. */
  constructor(near: Socket, far: Socket, owner: ConnectionOwner) {
    this.#near = near;
    this.#far = far;
    this.#owner = owner;
    this.#up = this.#pipe('up', near, far);
    this.#down = this.#pipe('down', far, near);
    this.#watch(near, this.#up, far, this.#down);
    this.#watch(far, this.#down, near, this.#up);
  }

  /** Whether bytes pass in both directions: not cut, no black hole. */
  get isWhole(): boolean {
    const isCut = this.#isSevered || this.#isOrphaned || this.#openSockets < 2;
    return !isCut && !this.#up.isSwallowing && !this.#down.isSwallowing;
  }

  /** Whether the target has answered anything that got through. */
  get isAnswered(): boolean {
    return this.#down.passedBytes > 0;
  }

  /** Arms what the plan says. */
  arm(faults: readonly LineFault[]): void {
    for (const fault of faults) {
      if (fault.type === 'slow') this.slow(fault, fault.direction ?? 'both');
      else if (fault.type !== 'turnAway') this.#await(fault, 0, () => this.#befall(fault));
    }
  }

  /** Arms a fault whose place counts from now. */
  strike(fault: PlacedFault): void {
    const pipe = this.#pipeOf(directionOf(fault));
    const strike: Strike = { fault, pipe, fromBytes: pipe.passedBytes, watch: undefined, isOff: false };
    this.#strikes.add(strike);
    strike.watch = this.#await(fault, pipe.passedBytes, () => {
      if (strike.isOff) return;
      this.#strikes.delete(strike);
      this.#befall(fault);
    });
  }

  /** The strikes that have not come, with what is left of their way; they will not come here any more. */
  takeStrikes(): PlacedFault[] {
    const left: PlacedFault[] = [];
    for (const strike of this.#strikes) {
      strike.isOff = true;
      const { fault, pipe, watch } = strike;
      if ('on' in fault) {
        if (watch !== undefined && watch.left > 0) left.push({ ...fault, on: { ...fault.on, nth: watch.left } });
      } else left.push({ ...fault, afterBytes: fault.afterBytes - (pipe.passedBytes - strike.fromBytes) });
    }
    this.#strikes.clear();
    return left;
  }

  /** Cuts now. What waits here is lost. A connection in a black hole is cut as well, but that is not told as a fault. */
  sever(how: CutHow, planned?: { readonly direction: Direction; readonly refuseMs: number | undefined }): void {
    if (this.#isSevered) return;
    const wasWhole = this.isWhole;
    this.#isSevered = true;
    this.#up.swallow();
    this.#down.swallow();
    const { direction, refuseMs } = planned ?? { direction: undefined, refuseMs: undefined };
    const passed = { upBytes: this.#up.passedBytes, downBytes: this.#down.passedBytes };
    if (wasWhole) this.#owner.happened({ type: 'cut', how, direction, ...passed, refuseMs });
    if (how === 'reset') return this.destroy();
    this.#near.end();
    this.#far.end();
    // What still comes in is read: closing over unread bytes would send RST after all.
    this.#farewell = setTimeout(() => this.destroy(), FAREWELL_MS);
  }

  /** From now on everything in `hole` vanishes and nobody is told. A second hole is no fault of its own. */
  blackHole(hole: Direction | 'both'): void {
    if (this.#isSevered || this.#isOrphaned || this.#openSockets < 2) return;
    const wasWhole = this.isWhole;
    if (covers(hole, 'up')) this.#up.swallow();
    if (covers(hole, 'down')) this.#down.swallow();
    if (wasWhole) this.#owner.happened({ type: 'blackHole', hole });
  }

  /** Who writes in the direction `late` is reset; who reads gets what waits here so much later, and a FIN behind it. */
  orphan(late: Direction, forMs: number): void {
    if (!this.isWhole) return;
    this.#isOrphaned = true;
    this.#pipeOf(late === 'up' ? 'down' : 'up').swallow();
    this.#pipeOf(late).leave(forMs);
    reset(late === 'up' ? this.#near : this.#far);
    this.#owner.happened({ type: 'orphan', late, forMs });
  }

  /** Passes nothing for a time. */
  stall(forMs: number, direction: Direction | 'both'): void {
    if (!this.isWhole) return;
    if (covers(direction, 'up')) this.#up.stall(forMs);
    if (covers(direction, 'down')) this.#down.stall(forMs);
    this.#owner.happened({ type: 'stall', direction, forMs });
  }

  /** Sets how bytes pass from now on. */
  slow(pace: Pace, direction: Direction | 'both'): void {
    if (covers(direction, 'up')) this.#up.slow(pace);
    if (covers(direction, 'down')) this.#down.slow(pace);
  }

  /** Takes back what is armed; a black hole stays one. */
  heal(): void {
    this.#strikes.clear();
    if (this.#isSevered) return;
    this.#up.heal();
    this.#down.heal();
  }

  /** Resets both sockets. */
  destroy(): void {
    this.#up.stop();
    this.#down.stop();
    reset(this.#near);
    reset(this.#far);
  }

  #pipe(direction: Direction, source: Socket, target: Socket): Pipe {
    return new Pipe({
      source,
      target,
      seen: (chunk) => this.#owner.seen(direction, chunk),
      chance: (chunk) => this.#owner.chance(`jitter ${direction} ${chunk}`),
    });
  }

  #pipeOf(direction: Direction): Pipe {
    return direction === 'up' ? this.#up : this.#down;
  }

  #await(fault: PlacedFault, fromBytes: number, reached: () => void): FrameWatch | undefined {
    const pipe = this.#pipeOf(directionOf(fault));
    if ('on' in fault) return pipe.watch(fault.on, reached);
    pipe.mark(fromBytes + fault.afterBytes, reached);
    return undefined;
  }

  #befall(fault: PlacedFault): void {
    const direction = directionOf(fault);
    switch (fault.type) {
      case 'cut':
        return this.sever(fault.how, { direction, refuseMs: fault.refuseMs });
      case 'stall':
        return this.stall(fault.forMs, direction);
      case 'blackHole':
        return this.blackHole(fault.hole);
      case 'orphan':
        return this.orphan(fault.late, fault.forMs);
      case 'flip':
        return this.#flip(direction, fault.bit ?? 0);
      case 'replay':
        return this.#owner.replay(fault.back, fault.stayMs);
    }
  }

  #flip(direction: Direction, bit: number): void {
    const pipe = this.#pipeOf(direction);
    pipe.flip(bit);
    this.#owner.happened({ type: 'flip', direction, afterBytes: pipe.passedBytes });
  }

  #watch(socket: Socket, outOf: Pipe, other: Socket, into: Pipe): void {
    socket.setNoDelay(true);
    // The error says nothing that `close` does not bring.
    socket.on('error', () => {});
    // A socket whose peer said goodbye into a black hole has nobody left.
    socket.on('end', () => {
      if (outOf.isSwallowing) socket.destroySoon();
    });
    socket.on('close', (hadError: boolean) => {
      const isTold = !outOf.isSwallowing;
      into.swallow();
      this.#openSockets -= 1;
      if (this.#openSockets === 0) return this.#over();
      // Its peer said goodbye, and what this one would answer was swallowed: it has nobody left either.
      if (!isTold && into.isEnded) other.destroySoon();
      if (!isTold || this.#isSevered) return;
      if (hadError) this.#passReset(other, outOf.closeMs);
      // A goodbye that came in is on its way through the pipe, behind what waits there.
      else if (!outOf.isEnded && !other.writableEnded) other.end();
    });
  }

  /** A socket is gone with an error: the other one is told, so much later. */
  #passReset(other: Socket, afterMs: number): void {
    if (afterMs === 0) reset(other);
    else this.#farewell = setTimeout(() => reset(other), afterMs);
  }

  #over(): void {
    this.#up.stop();
    this.#down.stop();
    clearTimeout(this.#farewell);
    this.#owner.closed();
  }
}

function directionOf(fault: PlacedFault): Direction {
  return 'on' in fault ? fault.on.direction : fault.direction;
}

/** RST, unless FIN is on its way: a socket that is shutting down refuses to be reset, and Node then never closes it. */
function reset(socket: Socket): void {
  if (socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}
