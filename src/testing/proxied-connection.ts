/**
 * One connection through the proxy: two sockets, a pipe each way, and what its plan does to it. After a black hole each
 * side lives on without the other, as the ends of a dead line do; the end of one is told to the other only through a
 * direction that still passes bytes.
 */
import type { Socket } from 'node:net';
import type { CutHow, Fault } from './line-plan.ts';
import { type Direction, type Pace, Pipe } from './pipe.ts';

/** What a connection tells its proxy. */
export interface ConnectionOwner {
  /** A fault was carried out; `bytes` have passed in its direction. */
  happened(fault: ConnectionFault): void;
  /** Each chunk as it comes in from the sender, before anything happens to it. */
  seen(direction: Direction, chunk: Uint8Array): void;
  /** Both sockets are closed. */
  closed(): void;
}

/** A fault as it was carried out. `direction` is missing when it was a command. */
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
  | { readonly type: 'stall'; readonly direction: Direction | 'both'; readonly forMs: number };

/** How long a socket gets to close after a FIN. */
const FAREWELL_MS = 1_000;

/** Two sockets and the bytes between them. */
export class ProxiedConnection {
  readonly #near: Socket;
  readonly #far: Socket;
  readonly #up: Pipe;
  readonly #down: Pipe;
  readonly #owner: ConnectionOwner;
  #openSockets = 2;
  #isSevered = false;
  #farewell: NodeJS.Timeout | undefined;

  /** `near` was accepted from who dials, `far` goes to the target; both belong to the connection from now on. */
  constructor(near: Socket, far: Socket, owner: ConnectionOwner) {
    this.#near = near;
    this.#far = far;
    this.#owner = owner;
    this.#up = new Pipe(near, far, (chunk) => owner.seen('up', chunk));
    this.#down = new Pipe(far, near, (chunk) => owner.seen('down', chunk));
    this.#watch(near, this.#up, far, this.#down);
    this.#watch(far, this.#down, near, this.#up);
  }

  /** Whether bytes pass in both directions: not cut, no black hole. */
  get isWhole(): boolean {
    return !this.#isSevered && this.#openSockets === 2 && !this.#up.isSwallowing && !this.#down.isSwallowing;
  }

  /** Arms what the plan says. */
  arm(faults: readonly Fault[]): void {
    for (const fault of faults) this.#armOne(fault);
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

  /** From now on everything in `hole` vanishes and nobody is told. */
  blackHole(hole: Direction | 'both'): void {
    if (!this.isWhole) return;
    if (hole !== 'down') this.#up.swallow();
    if (hole !== 'up') this.#down.swallow();
    this.#owner.happened({ type: 'blackHole', hole });
  }

  /** Passes nothing for a time. */
  stall(forMs: number, direction: Direction | 'both'): void {
    if (!this.isWhole) return;
    if (direction !== 'down') this.#up.stall(forMs);
    if (direction !== 'up') this.#down.stall(forMs);
    this.#owner.happened({ type: 'stall', direction, forMs });
  }

  /** Sets how bytes pass from now on, both ways. */
  slow(pace: Pace): void {
    this.#up.pace = pace;
    this.#down.pace = pace;
  }

  /** Takes back what is armed; a black hole stays one. */
  heal(): void {
    if (!this.isWhole) return;
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

  #armOne(fault: Fault): void {
    if (fault.type === 'slow') return this.slow(fault);
    if (fault.type === 'turnAway') return;
    const pipe = fault.direction === 'up' ? this.#up : this.#down;
    pipe.mark(fault.afterBytes, () => {
      if (fault.type === 'cut') this.sever(fault.how, { direction: fault.direction, refuseMs: fault.refuseMs });
      else if (fault.type === 'blackHole') this.blackHole(fault.hole);
      else this.stall(fault.forMs, fault.direction);
    });
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
      if (!isTold || this.#isSevered) return;
      if (hadError) reset(other);
      else if (!other.writableEnded) other.end();
    });
  }

  #over(): void {
    this.#up.stop();
    this.#down.stop();
    clearTimeout(this.#farewell);
    this.#owner.closed();
  }
}

/** RST, unless FIN is on its way: a socket that is shutting down refuses to be reset, and Node then never closes it. */
function reset(socket: Socket): void {
  if (socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}
