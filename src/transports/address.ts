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
  if (typeof where !== 'object' || where === null) throw bad(where);
  if (where.path !== undefined) {
    if (where.port !== undefined || where.host !== undefined) throw bad(JSON.stringify(where));
    return { type: 'path', path: where.path };
  }
  if (where.port === undefined) throw bad(JSON.stringify(where));
  return secured(tcp(where.host ?? LOOPBACK, where.port), where.insecure === true);
}

function parseText(text: string): Address {
  if (/^\d+$/u.test(text)) return tcp(LOOPBACK, Number(text));
  const split = /^([^/\\]+):(\d+)$/u.exec(text);
  if (split !== null) return secured(tcp((split[1] ?? '').replace(/^\[(.*)\]$/u, '$1'), Number(split[2])), false);
  if (text === '') throw bad(text);
  return { type: 'path', path: text };
}

function tcp(host: string, port: number): Address & { readonly type: 'tcp' } {
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw bad(port);
  return { type: 'tcp', host, port };
}

function secured(address: Address & { readonly type: 'tcp' }, insecure: boolean): Address {
  if (insecure || isLoopback(address.host)) return address;
  throw new HomingError(
    'InsecureHost',
    `expected tls for ${address.host}, which is not loopback; say insecure: true to go without`,
  );
}

function bad(got: unknown): HomingError {
  return new HomingError('BadAddress', `expected a port from 0 to 65535, 'host:port' or a path, got ${String(got)}`);
}
