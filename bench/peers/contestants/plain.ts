/** Plain TCP with a length prefix and cbor-x, gathered per tick: the floor, as fast as Node makes it, and nothing promised. */
import { once } from 'node:events';
import { type AddressInfo, type Socket, connect, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import type { Address, ConnectOptions, Contestant } from '../contestant.ts';
import { FrameWriter, frameReader } from '../frames.ts';
import type { Packet } from '../packet.ts';
import { RedialledLink, type Wire, linkOf } from '../redialled.ts';

/** The floor. */
export const plain: Contestant = {
  name: 'plain',
  promises: 'in order while a connection lives; what is under way at a cut is lost',
  settings: 'net, length prefix, cbor-x, noDelay, one write per tick or per 128 KB; the program dials again',
  missing: () => Promise.resolve(undefined),
  async serve(onLink, { tls }) {
    const wires = new Set<SocketWire>();
    const accept = (socket: Socket): void => {
      const wire = new SocketWire(socket);
      wires.add(wire);
      wire.ended = () => wires.delete(wire);
      onLink(linkOf(wire));
    };
    const server =
      tls === undefined ? createServer({ noDelay: true }, accept) : createTlsServer({ ...tls, noDelay: true }, accept);
    server.listen({ host: '127.0.0.1', port: 0, backlog: 8_192 });
    await once(server, 'listening');
    return {
      address: { port: (server.address() as AddressInfo).port },
      broadcast(message) {
        for (const wire of wires) wire.put(['message', message]);
      },
      async close() {
        for (const wire of wires) wire.close();
        server.close();
        await once(server, 'close');
      },
    };
  },
  connect: (address, options) => RedialledLink.open(() => dial(address, options), options),
};

async function dial({ port }: Address, { ca }: ConnectOptions): Promise<Wire> {
  const where = { host: '127.0.0.1', port, noDelay: true };
  const socket = ca === undefined ? connect(where) : connectTls({ ...where, ca, servername: 'localhost' });
  await once(socket, ca === undefined ? 'connect' : 'secureConnect');
  return new SocketWire(socket);
}

/** One socket. */
class SocketWire implements Wire {
  take: (packet: Packet) => void = () => {};
  ended: () => void = () => {};
  readonly #socket: Socket;
  readonly #writer: FrameWriter;

  constructor(socket: Socket) {
    this.#socket = socket;
    this.#writer = new FrameWriter(socket);
    socket.on(
      'data',
      frameReader((packet) => this.take(packet)),
    );
    // A reset is an end as any other.
    socket.on('error', () => {});
    socket.on('close', () => this.ended());
  }

  put(packet: Packet): boolean {
    return this.#socket.writable && this.#writer.put(packet);
  }

  async room(): Promise<void> {
    if (!this.#socket.writable || !this.#socket.writableNeedDrain) return sleep(1);
    await new Promise<void>((resolve) => {
      const go = (): void => {
        this.#socket.off('drain', go);
        this.#socket.off('close', go);
        resolve();
      };
      this.#socket.on('drain', go);
      this.#socket.on('close', go);
    });
  }

  close(): void {
    this.#socket.destroy();
  }
}
