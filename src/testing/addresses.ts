/** The addresses of simulated lines, from the ranges for documentation (RFC 5737). */
import type { LineEnds } from '../actors/ports.ts';

const SERVER = { address: '192.0.2.1', port: 5555 };

/** What the two ends of a line from this address see; `port` is the server's. */
export function endsOf(address: string, port = SERVER.port): { readonly client: LineEnds; readonly server: LineEnds } {
  const common = { isTrusted: false, certificate: undefined };
  const near = { localAddress: address, localPort: 40_000, remoteAddress: SERVER.address, remotePort: port };
  const far = { localAddress: SERVER.address, localPort: port, remoteAddress: address, remotePort: 40_000 };
  return { client: { ...near, ...common }, server: { ...far, ...common } };
}
