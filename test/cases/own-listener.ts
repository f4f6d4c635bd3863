/** A listener of the user's own, from `node:net`, that hands each socket to a server and can destroy them all. */
import { type AddressInfo, type Server, type Socket, createServer } from 'node:net';
import type { Duplex } from 'node:stream';

/** A plain TCP server in front of one that only accepts streams. */
export class OwnListener implements AsyncDisposable {
  readonly net: Server;
  /** Every socket that came, in order. */
  readonly sockets: Socket[] = [];
  port = 0;

  private constructor(server: { accept(stream: Duplex): void }) {
    this.net = createServer((socket) => {
      this.sockets.push(socket);
      server.accept(socket);
    });
  }

  /** Listens at a free port of loopback. */
  static async for(server: { accept(stream: Duplex): void }): Promise<OwnListener> {
    const listener = new OwnListener(server);
    await new Promise<void>((resolve) => {
      listener.net.listen(0, '127.0.0.1', resolve);
    });
    listener.port = (listener.net.address() as AddressInfo).port;
    return listener;
  }

  /** Destroys every socket there is. */
  drop(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.drop();
    await new Promise<void>((resolve) => {
      this.net.close(() => resolve());
    });
  }
}
