/** Addresses on the command line: `host:port`, `[v6]:port`, or a port of this machine. */

/** Where to connect to. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

const LOOPBACK = '127.0.0.1';
const PORT_MAX = 65_535;

/** Reads a port from 1 to 65535; undefined if it is none. */
export function portOf(text: string): number | undefined {
  const port = Number(text);
  return /^\d+$/.test(text) && port >= 1 && port <= PORT_MAX ? port : undefined;
}

/** Reads an address; undefined if it is none. */
export function addressOf(text: string): Address | undefined {
  const {
    bracketed,
    plain = LOOPBACK,
    digits = '',
  } = /^(?:(?:\[(?<bracketed>[^\]\s]+)\]|(?<plain>[^\s:/[\]]+)):)?(?<digits>\d+)$/.exec(text)?.groups ?? {};
  const port = portOf(digits);
  return port === undefined ? undefined : { host: bracketed ?? plain, port };
}

/** An address as it is written. */
export function writtenAddress({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
