/** Pairs of lines for the suite of the port: a listener, what dials it, and between them sockets that can be cut. */
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, type Server, type Socket, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MessageChannel, type Transferable } from 'node:worker_threads';
import type { LinePair } from 'homing/testing';
import type { Dial } from '../../src/actors/ports.ts';
import type { TlsOptions } from '../../src/transports/address.ts';
import { acceptedLine, dialAddress, listenTcp } from '../../src/transports/tcp.ts';
import { tlsTerms } from '../../src/transports/tls.ts';

/** Something that listens on this machine. */
export type Place = { readonly host: string; readonly port: number } | { readonly path: string };

/** Passes bytes from one place to another until it is cut; a TCP connection is reset then. */
export class Wire implements AsyncDisposable {
  readonly place: Place;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server, place: Place) {
    this.#server = server;
    this.place = place;
  }

  /** A wire to a place. With a path it is found at that path, else at a free port. */
  static async to(target: Place, path?: string): Promise<Wire> {
    const server = createServer({ allowHalfOpen: true });
    await new Promise<void>((resolve) => {
      if (path === undefined) server.listen(0, '127.0.0.1', resolve);
      else server.listen(path, resolve);
    });
    const place = path === undefined ? { host: '127.0.0.1', port: (server.address() as AddressInfo).port } : { path };
    const wire = new Wire(server, place);
    server.on('connection', (near) => wire.#join(near, connect({ ...target, allowHalfOpen: true })));
    return wire;
  }

  cut(): void {
    for (const socket of this.#sockets) {
      if ('port' in this.place) socket.resetAndDestroy();
      else socket.destroy();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
  }

  #join(near: Socket, far: Socket): void {
    for (const [socket, other] of [[near, far] as const, [far, near] as const]) {
      this.#sockets.add(socket);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        this.#sockets.delete(socket);
        other.destroySoon();
      });
      socket.pipe(other);
    }
  }
}

/** How a pair of lines over sockets is made. */
export interface SocketPlan {
  readonly isPath?: boolean;
  readonly serverTls?: TlsOptions;
  readonly clientTls?: TlsOptions;
  /** Leaves the accepted socket unread, and moves it over a channel before its line is made. */
  readonly isMoved?: boolean;
  /** Makes the dial in place of an address. */
  dial?(place: Place): Dial;
}

/** Two lines over sockets with a wire between them. */
export async function socketPair(plan: SocketPlan): Promise<LinePair> {
  const { isPath = false, serverTls, clientTls, isMoved = false } = plan;
  const folder = isPath ? await mkdtemp(join(tmpdir(), 'homing-')) : undefined;
  const terms = serverTls === undefined ? undefined : tlsTerms(serverTls);
  const accepted = Promise.withResolvers<Socket>();
  const door = await listenTcp(
    folder === undefined
      ? { type: 'tcp', host: '127.0.0.1', port: 0 }
      : { type: 'path', path: join(folder, 'door.sock') },
    (socket) => accepted.resolve(isMoved ? moved(socket) : socket),
    { pauseOnConnect: isMoved },
  );
  const { host, port, path = '' } = door.address;
  const wire =
    folder === undefined ? await Wire.to({ host, port }) : await Wire.to({ path }, join(folder, 'wire.sock'));
  const { place } = wire;
  const dialling =
    plan.dial?.(place) ??
    dialAddress(
      'path' in place ? { type: 'path', ...place, tls: clientTls } : { type: 'tcp', ...place, tls: clientTls },
    );
  return {
    dialling,
    accepting: async () => acceptedLine(await accepted.promise, terms),
    cut: () => wire.cut(),
    async [Symbol.asyncDispose]() {
      await wire[Symbol.asyncDispose]();
      await door.close();
      if (folder !== undefined) await rm(folder, { recursive: true });
    },
  };
}

/** The socket as another thread would get it: this one is no more after it. */
function moved(socket: Socket): Promise<Socket> {
  const { port1, port2 } = new MessageChannel();
  return new Promise((resolve) => {
    port2.once('message', (arrived: Socket) => {
      port2.close();
      resolve(arrived);
    });
    // What Node can transfer since 24.20 its types do not know.
    port1.postMessage(socket, [socket as unknown as Transferable]);
  });
}
