/** The network of a run on real sockets: a way for each client to the server, on which faults of the catalogue come true. */
import type { Fault } from '../plan.ts';
import { type ChaosProxy, chaosProxy } from '../proxy/chaos-proxy.ts';
import type { ProxyLane } from '../proxy/lane.ts';
import { realFaults } from '../proxy/real-faults.ts';

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

/** Ways through proxies that this makes, each one fresh: a run has a server of its own, and each client a proxy. */
export function throughProxies(make: () => ChaosProxy = () => chaosProxy()): RealNetwork {
  return { way: (targetPort) => ProxiedWay.open(make(), targetPort) };
}

class ProxiedWay implements RealWay {
  readonly #proxy: ChaosProxy;
  readonly #lane: ProxyLane;

  static async open(proxy: ChaosProxy, targetPort: number): Promise<ProxiedWay> {
    await proxy.open(targetPort);
    return new ProxiedWay(proxy, await proxy.openLane());
  }

  constructor(proxy: ChaosProxy, lane: ProxyLane) {
    this.#proxy = proxy;
    this.#lane = lane;
  }

  get port(): number {
    return this.#lane.port;
  }

  befall(fault: Fault): boolean {
    return realFaults(this.#lane, fault);
  }

  heal(): Promise<void> {
    return this.#proxy.heal();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#proxy[Symbol.asyncDispose]();
  }
}
