/** The network of a run on real sockets: a way for each client to the server, on which faults of the catalogue come true. */
import { type CuttingProxy, openProxy } from '../cutting-proxy.ts';
import type { CutHow } from '../line-plan.ts';
import type { Direction } from '../pipe.ts';
import type { Fault } from '../plan.ts';
import type { Toward } from '../sim-line.ts';
import type { Door } from '../sim-path.ts';

/** The way of one client. */
export interface RealWay extends AsyncDisposable {
  /** Where the client dials. */
  readonly port: number;
  /** Lets a fault come true now. False: it is none of a line, or cannot be had on real ones, and nothing was done. */
  befall(fault: Fault): boolean;
  /** Takes back every fault that waits or lasts. */
  heal(): Promise<void>;
}

/** Makes ways to a server. */
export interface RealNetwork {
  /** A new way to the server that listens at this port of loopback. */
  way(targetPort: number): Promise<RealWay>;
}

/** Ways through a proxy each. */
export const proxied: RealNetwork = { way: (targetPort) => ProxiedWay.open(targetPort) };

/** Bytes that must pass in a direction before the line is cut. */
interface Arm {
  readonly direction: Direction;
  bytes: number;
  readonly how: CutHow;
}

class ProxiedWay implements RealWay {
  readonly #arms = new Set<Arm>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #proxy: CuttingProxy | undefined;

  static async open(targetPort: number): Promise<ProxiedWay> {
    const way = new ProxiedWay();
    way.#proxy = await openProxy({ targetPort, seen: (direction, { length }) => way.#passed(direction, length) });
    return way;
  }

  get port(): number {
    return this.#proxy?.port ?? 0;
  }

  befall(fault: Fault): boolean {
    const proxy = this.#proxy;
    if (proxy === undefined) return false;
    switch (fault.type) {
      case 'stall':
        proxy.stall(fault.forMs, directionOf(fault.toward));
        return true;
      case 'cut':
        if (fault.afterBytes === 0) proxy.cut(fault.by);
        else this.#arms.add({ direction: directionOf(fault.toward), bytes: fault.afterBytes, how: fault.by });
        return true;
      case 'flap':
        for (let count = 0; count < fault.times; count += 1) this.#later(count * fault.everyMs, () => proxy.cut());
        return true;
      case 'swallow':
        proxy.blackHole(fault.toward === 'both' ? 'both' : directionOf(fault.toward));
        return true;
      case 'door':
        this.#knock(proxy, fault.door, fault.forMs);
        return true;
      default:
        return false;
    }
  }

  async heal(): Promise<void> {
    this.#disarm();
    await this.#proxy?.heal();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disarm();
    await this.#proxy?.[Symbol.asyncDispose]();
  }

  #knock(proxy: CuttingProxy, door: Door, forMs: number): void {
    if (door === 'refuses') return proxy.refuse(forMs);
    const hole = { type: 'blackHole', direction: 'up', afterBytes: 0, hole: 'both' } as const;
    proxy.plan = () => [door === 'closesAtOnce' ? { type: 'turnAway', how: 'finish' } : hole];
    this.#later(forMs, () => (proxy.plan = undefined));
  }

  #passed(direction: Direction, bytes: number): void {
    for (const arm of this.#arms) {
      if (arm.direction !== direction) continue;
      arm.bytes -= bytes;
      if (arm.bytes > 0) continue;
      this.#arms.delete(arm);
      this.#proxy?.cut(arm.how);
    }
  }

  #later(forMs: number, task: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      task();
    }, forMs);
    this.#timers.add(timer);
  }

  #disarm(): void {
    this.#arms.clear();
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }
}

function directionOf(toward: Toward): Direction {
  return toward === 'server' ? 'up' : 'down';
}
