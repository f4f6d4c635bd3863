/** Socket.IO as its pages recommend for messages that matter: WebSockets alone, connection state recovery, acknowledgements for calls. */
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { Server, type Socket as ServerSocket } from 'socket.io';
import { type Socket as ClientSocket, io } from 'socket.io-client';
import type { Contestant, Link, Message } from '../contestant.ts';

type Up = {
  message: (message: Message) => void;
  add: (left: number, right: number, answer: (sum: number) => void) => void;
};
type Down = { message: (message: Message) => void };

/** How fast a client that hurries dials again. */
const eager = { reconnectionDelay: 5, reconnectionDelayMax: 20, randomizationFactor: 0.5 };

/** With what its guide to delivery guarantees has for the server's side; `retries` are off, as by default. */
export const socketIo: Contestant = {
  name: 'socket.io',
  promises: 'at most once, in order; after a short cut the server sends again what the client missed, if it recovers',
  settings: 'connectionStateRecovery, transports: websocket, perMessageDeflate off, JSON parser, emitWithAck for calls',
  missing: () => Promise.resolve(undefined),
  async serve(onLink, { tls }) {
    const http = tls === undefined ? createHttpServer() : createHttpsServer(tls);
    const server = new Server<Up, Down>(http, {
      transports: ['websocket'],
      connectionStateRecovery: {},
      perMessageDeflate: false,
      serveClient: false,
      maxHttpBufferSize: 16_777_216,
    });
    server.on('connection', (socket) => {
      socket.on('add', (left, right, answer) => answer(left + right));
      onLink(linkOfServer(socket));
    });
    http.listen({ host: '127.0.0.1', port: 0, backlog: 8_192 });
    await once(http, 'listening');
    return {
      address: { port: (http.address() as AddressInfo).port },
      broadcast: (message) => void server.emit('message', message),
      close: () => server.close(),
    };
  },
  async connect({ port }, { ca, isEager }) {
    const scheme = ca === undefined ? 'http' : 'https';
    const socket: ClientSocket<Down, Up> = io(`${scheme}://127.0.0.1:${port}`, {
      transports: ['websocket'],
      forceNew: true,
      ...(ca === undefined ? {} : { ca }),
      ...(isEager === true ? eager : {}),
    });
    await new Promise<void>((resolve) => socket.once('connect', resolve));
    return linkOfClient(socket);
  },
};

/** It has no bound of its own: its user waits when so many bytes, about, have not left its buffer. */
const BUFFERED_BYTES_MAX = 1_048_576;
const PACKET_BYTES = 90;

/** What both ends have below a socket; `drain`: it has handed all to the WebSocket. */
interface Engine {
  on(event: 'drain', listener: () => void): unknown;
}

/** Keeps account of what has not left. */
class Gauge {
  #buffered = 0;
  #waiting: (() => void)[] = [];

  /** Counts a message; false: wait. */
  add({ text }: Message): boolean {
    this.#buffered += PACKET_BYTES + text.length;
    return this.#buffered < BUFFERED_BYTES_MAX;
  }

  watch(engine: Engine): void {
    engine.on('drain', () => this.empty());
  }

  empty(): void {
    this.#buffered = 0;
    for (const go of this.#waiting.splice(0)) setImmediate(go);
  }

  room(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}

function linkOfServer(socket: ServerSocket<Up, Down>): Link {
  const gauge = new Gauge();
  gauge.watch(socket.conn);
  return {
    send(message) {
      socket.emit('message', message);
      return gauge.add(message);
    },
    room: () => gauge.room(),
    onMessage: (take) => void socket.on('message', take),
    onUp: () => {},
    close: () => Promise.resolve(void socket.disconnect(true)),
  };
}

function linkOfClient(socket: ClientSocket<Down, Up>): Link {
  const gauge = new Gauge();
  gauge.watch(socket.io.engine);
  let tellUp = (): void => {};
  socket.on('connect', () => {
    // Each connection has an engine of its own.
    gauge.watch(socket.io.engine);
    gauge.empty();
    tellUp();
  });
  return {
    send(message) {
      socket.emit('message', message);
      return gauge.add(message);
    },
    room: () => gauge.room(),
    onMessage: (take) => void socket.on('message', take),
    call: (left, right) => socket.emitWithAck('add', left, right),
    onUp: (tell) => (tellUp = tell),
    onDown: (tell) => void socket.on('disconnect', tell),
    close: () => Promise.resolve(void socket.disconnect()),
  };
}
