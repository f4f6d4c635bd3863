/**
 * ws with cbor-x: binary messages, one for each, uncompressed. As most use it each message is a write; `ws corked` corks the
 * socket below until the tick ends, which its API does not have and its issues recommend.
 */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer as createHttpsServer } from 'node:https';
import { createServer as createHttpServer } from 'node:http';
import type { Duplex } from 'node:stream';
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import { WebSocket, WebSocketServer } from 'ws';
import type { Address, ConnectOptions, Contestant } from '../contestant.ts';
import { cbor } from '../frames.ts';
import type { Packet } from '../packet.ts';
import { RedialledLink, type Wire, linkOf } from '../redialled.ts';

/** As most programs use WebSockets between two Node processes. */
export const ws: Contestant = contestantWith('ws', false);

/** As those do who look below it. */
export const wsCorked: Contestant = contestantWith('ws corked', true);

function contestantWith(name: string, isCorked: boolean): Contestant {
  return {
    name,
    promises: 'in order while a connection lives; what is under way at a cut is lost',
    settings:
      'binary, cbor-x, perMessageDeflate off, waits at 1 MB of bufferedAmount; the program dials again' +
      (isCorked ? '; the socket below is corked per tick' : ''),
    missing: () => Promise.resolve(undefined),
    async serve(onLink, { tls }) {
      const http = tls === undefined ? createHttpServer() : createHttpsServer(tls);
      const server = new WebSocketServer({ server: http, perMessageDeflate: false });
      const wires = new Set<SocketWire>();
      server.on('connection', (socket, { socket: duplex }) => {
        const wire = new SocketWire(socket, isCorked ? duplex : undefined);
        wires.add(wire);
        onLink(linkOf(wire));
        wire.ended = () => wires.delete(wire);
      });
      http.listen({ host: '127.0.0.1', port: 0, backlog: 8_192 });
      await once(http, 'listening');
      return {
        address: { port: (http.address() as AddressInfo).port },
        broadcast(message) {
          const bytes = cbor.encode(['message', message] satisfies Packet);
          for (const wire of wires) wire.putBytes(bytes);
        },
        async close() {
          for (const wire of wires) wire.close();
          server.close();
          http.close();
          await once(http, 'close');
        },
      };
    },
    connect: (address, options) => RedialledLink.open(() => dial(address, options, isCorked), options),
  };
}

async function dial({ port }: Address, { ca }: ConnectOptions, isCorked: boolean): Promise<Wire> {
  const scheme = ca === undefined ? 'ws' : 'wss';
  const socket = new WebSocket(`${scheme}://127.0.0.1:${port}`, {
    perMessageDeflate: false,
    ...(ca === undefined ? {} : { ca, servername: 'localhost' }),
  });
  // Together: a line that is cut meanwhile fails both.
  const [upgraded] = await Promise.all([once(socket, 'upgrade'), once(socket, 'open')]);
  const [{ socket: duplex }] = upgraded as [{ readonly socket: Duplex }];
  return new SocketWire(socket, isCorked ? duplex : undefined);
}

/** Its users are advised to look at `bufferedAmount` themselves: from here they wait. */
const BUFFERED_BYTES_MAX = 1_048_576;

/** One WebSocket; and the stream below it, if that is to be corked. */
class SocketWire implements Wire {
  take: (packet: Packet) => void = () => {};
  ended: () => void = () => {};
  readonly #socket: WebSocket;
  readonly #duplex: Duplex | undefined;
  #isCorked = false;

  constructor(socket: WebSocket, duplex: Duplex | undefined) {
    this.#socket = socket;
    this.#duplex = duplex;
    socket.on('message', (bytes: Buffer) => this.take(cbor.decode(bytes) as Packet));
    socket.on('error', () => {});
    socket.on('close', () => this.ended());
  }

  put(packet: Packet): boolean {
    // What it sends is kept until it is written, so it must not be overwritten: cbor-x gives each encoding its own bytes.
    return this.putBytes(cbor.encode(packet));
  }

  /** The same for a message that is encoded already. */
  putBytes(bytes: Buffer): boolean {
    if (this.#socket.readyState !== WebSocket.OPEN) return false;
    if (this.#duplex !== undefined && !this.#isCorked) this.#cork(this.#duplex);
    this.#socket.send(bytes);
    return this.#socket.bufferedAmount < BUFFERED_BYTES_MAX;
  }

  async room(): Promise<void> {
    if (this.#socket.readyState !== WebSocket.OPEN) return sleep(1);
    do await turn();
    while (this.#socket.readyState === WebSocket.OPEN && this.#socket.bufferedAmount > BUFFERED_BYTES_MAX / 2);
  }

  close(): void {
    this.#socket.terminate();
  }

  #cork(duplex: Duplex): void {
    this.#isCorked = true;
    duplex.cork();
    process.nextTick(() => {
      this.#isCorked = false;
      duplex.uncork();
    });
  }
}
