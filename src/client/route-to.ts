/** How an address is dialled: a host and port by way of the session's home, where the server names a port for it. */
import type { Clock, Dial } from '../actors/ports.ts';
import { Route } from '../actors/route.ts';
import type { Address } from '../transports/address.ts';
import { dialAddress } from '../transports/tcp.ts';

/** A dial, and what it wants to know of each WELCOME. */
export interface Way {
  readonly dial: Dial;
  /** Takes the direct port that was named; undefined where none can be used. */
  readonly learn: ((directPort: number) => void) | undefined;
}

/** The way to an address. */
export function routeTo(clock: Clock, address: Address): Way {
  if (address.type === 'path') return { dial: dialAddress(address), learn: undefined };
  const route = new Route(clock, dialAddress(address), (port) => dialAddress({ ...address, port }));
  return { dial: route.dial, learn: (port) => route.learn(port) };
}
