/** What a user may say instead of an address, parsed once: a port, host:port, a path, or an object of these. */
import { HomingError } from '../errors.ts';
import { isLoopback } from './ends.ts';
import type { TlsOptions } from './tls.ts';

export type { TlsOptions } from './tls.ts';

/** Where to listen or to dial: a port, digits, `host:port`, a path, or the parts. */
export type Where =
  | number
  | string
  | {
      readonly port?: number;
      readonly host?: string;
      readonly path?: string;
      /** TLS for this address, instead of what the options say. */
      readonly tls?: TlsOptions | undefined;
      /** Says out loud that a host other than loopback is meant without TLS. */
      readonly insecure?: boolean | undefined;
    };

/**
 * One more port per shard, of the same host, at which clients find the shard that holds their session. False: none.
 * Undefined: the system picks free ones, on loopback alone.
 */
export type Direct = false | { readonly ports: readonly number[] };

/** Where to listen: an address, and what only a listener has. */
export type ListenWhere = Where | (Extract<Where, object> & { readonly direct?: Direct | undefined });

/** A parsed address. */
export type Address =
  | {
      readonly type: 'tcp';
      readonly host: string;
      readonly port: number;
      readonly tls?: TlsOptions | undefined;
      readonly direct?: Direct | undefined;
    }
  | {
      readonly type: 'path';
      readonly path: string;
      readonly tls?: TlsOptions | undefined;
      readonly direct?: false | undefined;
    };

/** What an address has that does not say otherwise: options of a client or server. */
export interface AddressDefaults {
  readonly tls?: TlsOptions | undefined;
  readonly insecure?: boolean | undefined;
}

const LOOPBACK = '127.0.0.1';

/**
 * Parses an address. Throws `BadAddress`, `BadOption` for tls that is no object of options, or `InsecureHost` for a plain
 * line to another machine.
 */
export function parseAddress(where: ListenWhere, defaults: AddressDefaults = {}): Address {
  const terms = { tls: checkedTls(defaults.tls), insecure: defaults.insecure === true };
  if (typeof where === 'number') return tcp(LOOPBACK, where, terms);
  if (typeof where === 'string') return parseText(where, terms);
  if (typeof where !== 'object' || where === null) throw bad(typeof where);
  return parseParts(where, terms);
}

interface Terms {
  readonly tls: TlsOptions | undefined;
  readonly insecure: boolean;
}

function parseText(text: string, terms: Terms): Address {
  if (/^\d+$/u.test(text)) return tcp(LOOPBACK, Number(text), terms);
  const split = /^([^/\\]+):(\d+)$/u.exec(text);
  if (split !== null) return tcp((split[1] ?? '').replace(/^\[(.*)\]$/u, '$1'), Number(split[2]), terms);
  return { type: 'path', path: checkedPath(text), tls: terms.tls };
}

function parseParts(where: Exclude<ListenWhere, number | string>, defaults: Terms): Address {
  const { port, host = LOOPBACK, path } = where;
  const terms = {
    tls: checkedTls(where.tls) ?? defaults.tls,
    insecure: where.insecure === undefined ? defaults.insecure : where.insecure === true,
  };
  const direct = checkedDirect('direct' in where ? where.direct : undefined);
  if (path === undefined) {
    if (typeof host !== 'string' || host === '') throw bad('a host that is no text');
    if (port === undefined) throw bad('an object without port and path');
    return { ...tcp(host, port, terms), direct };
  }
  if (port !== undefined || where.host !== undefined) throw bad('a path together with a port or host');
  if (typeof direct === 'object') throw bad('a path together with direct ports');
  return { type: 'path', path: checkedPath(path), tls: terms.tls, direct };
}

function checkedPath(path: string): string {
  if (typeof path !== 'string' || path === '' || path.includes('\0')) throw bad('a path that is empty or no path');
  return path;
}

function checkedDirect(direct: Direct | undefined): Direct | undefined {
  if (direct === undefined || direct === false) return direct;
  const { ports } = Object(direct) as { ports?: unknown };
  if (!Array.isArray(ports) || ports.length === 0) throw bad('direct that is neither false nor { ports: [number, …] }');
  const fixed = ports.map(checkedPort).filter((port) => port !== 0);
  if (new Set(fixed).size < fixed.length) throw bad('direct with the same port twice');
  return { ports: [...(ports as number[])] };
}

function checkedTls(tls: TlsOptions | undefined): TlsOptions | undefined {
  if (tls === undefined || (typeof tls === 'object' && tls !== null && !Array.isArray(tls))) return tls;
  throw new HomingError('BadOption', `expected tls to be an object of options, got ${typeof tls}`);
}

function tcp(host: string, port: number, terms: Terms): Address & { readonly type: 'tcp' } {
  const address = { type: 'tcp' as const, host, port: checkedPort(port), tls: terms.tls };
  if (terms.insecure || terms.tls !== undefined || isLoopback(host)) return address;
  throw new HomingError(
    'InsecureHost',
    `expected tls for ${host}, which is not loopback; say insecure: true to go without`,
  );
}

function checkedPort(port: unknown): number {
  if (typeof port === 'number' && Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw bad(typeof port === 'number' ? `port ${port}` : `a port that is a ${typeof port}`);
}

/** Says what came in words of our own: what was given may hold keys and passwords. */
function bad(got: string): HomingError {
  return new HomingError('BadAddress', `expected a port from 0 to 65535, 'host:port' or a path, got ${got}`);
}
