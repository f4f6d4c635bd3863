/** Bare ends of a proxied connection: a server that only collects, a proxy before it, and who dials. */
import { type AddressInfo, type Socket, connect, createServer } from 'node:net';
import { once } from 'node:events';
import type { FrameName } from '../../../../src/testing/frame-follower.ts';
import { FrameType, frameOf } from '../../../../src/wire/frame.ts';
import {
  type ChaosProxy,
  type ChaosProxyOptions,
  type ProxyEvent,
  openProxy,
} from '../../../../src/testing/proxy/chaos-proxy.ts';

/** One end of a connection, and everything that happens to it. */
export interface End {
  readonly socket: Socket;
  readonly chunks: Buffer[];
  bytes(): Buffer;
  /** Resolves when at least so many bytes are here. */
  got(count: number): Promise<void>;
  /** Resolves with `end` for FIN, or with the code of the error; the socket is closed then. */
  readonly over: Promise<string>;
}

/** Watches a socket. */
export function endOf(socket: Socket): End {
  const chunks: Buffer[] = [];
  let count = 0;
  const { promise: over, resolve } = Promise.withResolvers<string>();
  let outcome = 'end';
  socket.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    count += chunk.length;
  });
  socket.on('error', (error: NodeJS.ErrnoException) => (outcome = error.code ?? error.message));
  socket.on('close', () => resolve(outcome));
  return {
    socket,
    chunks,
    bytes: () => Buffer.concat(chunks),
    async got(wanted) {
      while (count < wanted) await once(socket, 'data');
    },
    over,
  };
}

/** A server that only collects, and a proxy before it. */
export async function world(options: ChaosProxyOptions = {}) {
  const arrivals: End[] = [];
  const waiting: ((end: End) => void)[] = [];
  const server = createServer((socket) => {
    const end = endOf(socket);
    const next = waiting.shift();
    if (next === undefined) arrivals.push(end);
    else next(end);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const events: ProxyEvent[] = [];
  const told = (event: ProxyEvent): void => void events.push(event);
  const proxy = await openProxy({ targetPort: (server.address() as AddressInfo).port, told, ...options });
  return {
    proxy,
    events,
    arrivals,
    dial: (port = proxy.port) => endOf(connect(port, '127.0.0.1')),
    arrival: () => {
      const end = arrivals.shift();
      return end === undefined ? new Promise<End>((resolve) => waiting.push(resolve)) : Promise.resolve(end);
    },
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]();
      server.close();
      if (server.listening) await once(server, 'close');
    },
  };
}

/** So many bytes of which none can be taken for its neighbor. */
export const noise = (count: number): Buffer =>
  Buffer.alloc(count, Buffer.from(Array.from({ length: 251 }, (_, index) => (index * 31) % 251)));

/** Bytes there and back on a connection of their own: whatever was on its way before has arrived when it is over. */
export async function roundTrip(line: { dial(): End; arrival(): Promise<End>; proxy: ChaosProxy }): Promise<void> {
  const near = line.dial();
  near.socket.write('there');
  const far = await line.arrival();
  await far.got(5);
  far.socket.write('back');
  await near.got(4);
  near.socket.destroy();
  await far.over;
}

/** A frame of this type with so many bytes of body, whatever its body should be. */
export function frame(name: FrameName, bodyBytes: number): Buffer {
  return Buffer.from(frameOf(FrameType[name], noise(bodyBytes), undefined));
}
