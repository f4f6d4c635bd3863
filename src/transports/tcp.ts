/** TCP and Unix paths, with TLS or without: dialling, a listener that hands out raw sockets, and the line over one of these. */
import { type Server, type Socket, connect, createServer } from 'node:net';
import type { Dial } from '../actors/ports.ts';
import { HomingError } from '../errors.ts';
import type { Address } from './address.ts';
import { streamLine } from './stream.ts';
import { type TlsTerms, acceptTls, connectTls, dialTerms, refusalOf } from './tls.ts';

/** Dials an address, anew for each connection. Throws `BadOption` for tls options that OpenSSL refuses. */
export function dialAddress(address: Address): Dial {
  const to = address.type === 'path' ? { path: address.path } : { host: address.host, port: address.port };
  if (address.tls === undefined) return (events) => streamLine(connect(to), events);
  const terms = dialTerms(address.tls);
  return (events) => streamLine(connectTls(to, terms), events, { event: 'secureConnect' });
}

/** A raw socket that was accepted, paused or not, by this thread or another, as a line; with terms it speaks TLS first. */
export function acceptedLine(socket: Socket, terms: TlsTerms | undefined): Dial {
  return (events) => {
    if (terms === undefined) return streamLine(socket, events);
    const secured = acceptTls(socket, terms);
    return streamLine(secured, events, {
      event: 'secure',
      refusal: () => refusalOf(secured, terms),
      missed: () => new HomingError('line-lost', 'the peer closed before the TLS handshake was over'),
    });
  };
}

/**
 * Connections that the kernel keeps until they are accepted; it takes less where the system allows less. Beyond it a dial is
 * dropped without a word and comes again after a second, and Node's own 511 are not enough when a fleet comes back at once.
 */
const BACKLOG = 8_192;

/** Where a listener really listens. */
export interface Listening {
  readonly host: string;
  readonly port: number;
  readonly path: string | undefined;
}

/** A listener. */
export interface TcpListener {
  readonly address: Listening;
  /** Takes no more connections; those it took stay. */
  close(): Promise<void>;
}

/**
 * Listens; each accepted socket goes to `accepted`, raw: who takes it owns it. With `pauseOnConnect` nothing is read from
 * it, so that it may move to another thread. Rejects with `AddressInUse` or `ListenFailed`.
 */
export function listenTcp(
  address: Address,
  accepted: (socket: Socket) => void,
  { pauseOnConnect = false }: { readonly pauseOnConnect?: boolean } = {},
): Promise<TcpListener> {
  return new Promise((resolve, reject) => {
    const server = createServer({ noDelay: true, pauseOnConnect });
    server.on('connection', accepted);
    server.once('error', (error: NodeJS.ErrnoException) => reject(listenError(address, error)));
    const opened = (): void => {
      server.removeAllListeners('error');
      server.on('error', () => {});
      resolve({ address: addressOf(server, address), close: () => closeServer(server) });
    };
    if (address.type === 'path') server.listen({ path: address.path, backlog: BACKLOG }, opened);
    else server.listen({ host: address.host, port: address.port, backlog: BACKLOG }, opened);
  });
}

function addressOf(server: Server, address: Address): Listening {
  const bound = server.address();
  if (address.type === 'path' || bound === null || typeof bound === 'string') {
    return { host: '', port: 0, path: address.type === 'path' ? address.path : undefined };
  }
  return { host: bound.address, port: bound.port, path: undefined };
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
  });
}

function listenError(address: Address, error: NodeJS.ErrnoException): HomingError {
  const where = address.type === 'path' ? address.path : `${address.host}:${address.port}`;
  if (error.code === 'EADDRINUSE') {
    const hint = address.type === 'path' ? 'remove the file if no process uses it' : 'port 0 takes a free one';
    return new HomingError('AddressInUse', `expected ${where} to be free, but another process listens there; ${hint}`, {
      cause: error,
    });
  }
  return new HomingError('ListenFailed', `cannot listen at ${where}: ${error.message}`, { cause: error });
}
