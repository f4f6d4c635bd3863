/** TCP and Unix paths: dialling, and a listener that hands each accepted socket over as a line. */
import { type Server, type Socket, connect, createServer } from 'node:net';
import type { Dial } from '../actors/ports.ts';
import { HomingError } from '../errors.ts';
import type { Address } from './address.ts';
import { streamLine } from './stream.ts';

/** Dials an address, anew for each connection. */
export function dialAddress(address: Address): Dial {
  return (events) => {
    const socket =
      address.type === 'path'
        ? connect({ path: address.path })
        : connect({ host: address.host, port: address.port, noDelay: true });
    return streamLine(socket, events);
  };
}

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

/** Listens; each accepted socket goes to `accepted`. Rejects with `AddressInUse` or `ListenFailed`. */
export function listenTcp(address: Address, accepted: (dial: Dial) => void): Promise<TcpListener> {
  return new Promise((resolve, reject) => {
    const server = createServer({ noDelay: true });
    server.on('connection', (socket: Socket) => accepted((events) => streamLine(socket, events)));
    server.once('error', (error: NodeJS.ErrnoException) => reject(listenError(address, error)));
    const opened = (): void => {
      server.removeAllListeners('error');
      server.on('error', () => {});
      resolve({ address: addressOf(server, address), close: () => closeServer(server) });
    };
    if (address.type === 'path') server.listen({ path: address.path }, opened);
    else server.listen({ host: address.host, port: address.port }, opened);
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
