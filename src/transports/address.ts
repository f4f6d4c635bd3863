/** What a user may say instead of an address, parsed once: a port, host:port, a path, or an object of these. */
import { HomingError } from '../errors.ts';
import { isLoopback } from './stream.ts';

/** Where to listen or to dial: a port, digits, `host:port`, a path, or the parts. */
export type Where =
  | number
  | string
  | {
      readonly port?: number;
      readonly host?: string;
      readonly path?: string;
      /** Says out loud that a host other than loopback is meant without TLS. */
      readonly insecure?: boolean;
    };

/** A parsed address. */
export type Address =
  | { readonly type: 'tcp'; readonly host: string; readonly port: number }
  | { readonly type: 'path'; readonly path: string };

const LOOPBACK = '127.0.0.1';

/** Parses an address. Throws `BadAddress`, or `InsecureHost` for a plain line to another machine. */
export function parseAddress(where: Where): Address {
  if (typeof where === 'number') return tcp(LOOPBACK, where);
  if (typeof where === 'string') return parseText(where);
  if (typeof where !== 'object' || where === null) throw bad(typeof where);
  if ('tls' in where && where.tls !== undefined) throw bad('tls, which this version does not have');
  const { port, host = LOOPBACK, path } = where;
  if (path !== undefined) {
    if (port !== undefined || where.host !== undefined) throw bad('a path together with a port or host');
    return { type: 'path', path: checkedPath(path) };
  }
  if (typeof host !== 'string' || host === '') throw bad('a host that is no text');
  if (port === undefined) throw bad('an object without port and path');
  return secured(tcp(host, port), where.insecure === true);
}

function parseText(text: string): Address {
  if (/^\d+$/u.test(text)) return tcp(LOOPBACK, Number(text));
  const split = /^([^/\\]+):(\d+)$/u.exec(text);
  if (split !== null) return secured(tcp((split[1] ?? '').replace(/^\[(.*)\]$/u, '$1'), Number(split[2])), false);
  return { type: 'path', path: checkedPath(text) };
}

function checkedPath(path: string): string {
  if (typeof path !== 'string' || path === '' || path.includes('\0')) throw bad('a path that is empty or no path');
  return path;
}

function tcp(host: string, port: number): Address & { readonly type: 'tcp' } {
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw bad(`port ${String(port)}`);
  return { type: 'tcp', host, port };
}

function secured(address: Address & { readonly type: 'tcp' }, insecure: boolean): Address {
  if (insecure || isLoopback(address.host)) return address;
  throw new HomingError(
    'InsecureHost',
    `expected tls for ${address.host}, which is not loopback; say insecure: true to go without`,
  );
}

/** Says what came in words of our own: what was given may hold keys and passwords. */
function bad(got: string): HomingError {
  return new HomingError('BadAddress', `expected a port from 0 to 65535, 'host:port' or a path, got ${got}`);
}
