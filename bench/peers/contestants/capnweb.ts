/**
 * Cap'n Web over a WebSocket: all it has is calls, so a message is a call whose result nobody asks for. Each so many of them
 * one is awaited: calls run in the order in which they are made, so it says that all before it have run.
 */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { type RpcPromise, type RpcStub, RpcTarget, newWebSocketRpcSession } from 'capnweb';
import { WebSocket as Socket, WebSocketServer } from 'ws';
import type { Contestant, Link, Message } from '../contestant.ts';

/** Messages between two that are awaited, and of those how many may be on their way. */
const AWAIT_EVERY = 64;
const AWAITED_MAX = 8;

/** Cap'n Web. */
export const capnweb: Contestant = {
  name: 'capnweb',
  promises: "at most once, in order on one connection: a cut ends it with all calls on their way; it does not connect again",
  settings: `newWebSocketRpcSession over ws on both ends, no compression; JSON, its own; a message is a call, each ${AWAIT_EVERY}th awaited, ${AWAITED_MAX} of those on their way`,
  missing: () => Promise.resolve(undefined),
  async serve(onLink) {
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false });
    await once(server, 'listening');
    const links = new Set<Link>();
    server.on('connection', (socket) => {
      const main = new Main();
      const link = linkOf(openSession(socket, main), main, socket);
      links.add(link);
      socket.on('close', () => links.delete(link));
      onLink(link);
    });
    return {
      address: { port: (server.address() as AddressInfo).port },
      broadcast(message) {
        for (const link of links) link.send(message);
      },
      async close() {
        for (const socket of server.clients) socket.terminate();
        server.close();
        await once(server, 'close');
      },
    };
  },
  async connect({ port }) {
    const socket = new Socket(`ws://127.0.0.1:${port}`, { perMessageDeflate: false });
    const main = new Main();
    const stub = openSession(socket, main);
    await once(socket, 'open');
    return { ...linkOf(stub, main, socket), call: async (left, right) => stub.add(left, right) };
  },
};

/** What each end lets the other call. */
class Main extends RpcTarget {
  // Hidden from the other end as it is private.
  #take: (message: Message) => void = () => {};

  static listen(main: Main, take: (message: Message) => void): void {
    main.#take = take;
  }

  take(message: Message): void {
    this.#take(message);
  }

  add(left: number, right: number): number {
    return left + right;
  }
}

/** Its types know the WebSocket of browsers, its pages pass one of `ws`. */
function openSession(socket: Socket, main: Main): RpcStub<Main> {
  return newWebSocketRpcSession<Main>(socket as unknown as WebSocket, main);
}

function linkOf(stub: RpcStub<Main>, main: Main, socket: Socket): Link {
  let unasked: RpcPromise<void>[] = [];
  const awaited: Promise<void>[] = [];
  return {
    send(message) {
      if (socket.readyState !== Socket.OPEN) return false;
      const call = stub.take(message);
      if (unasked.length < AWAIT_EVERY - 1) {
        unasked.push(call);
        return true;
      }
      awaited.push(settle(call, unasked));
      unasked = [];
      return awaited.length < AWAITED_MAX;
    },
    async room() {
      await Promise.all([awaited.shift(), turn()]);
    },
    onMessage: (take) => Main.listen(main, take),
    // It never is again.
    onUp: () => {},
    async close() {
      if (socket.readyState === Socket.CLOSED) return;
      stub[Symbol.dispose]();
      socket.terminate();
      await once(socket, 'close');
    },
  };
}

/** Waits for one call, then lets those before it go, as its pages ask of calls that nobody awaits. */
async function settle(call: RpcPromise<void>, before: readonly RpcPromise<void>[]): Promise<void> {
  try {
    await call;
  } catch {
    // The line was cut: what was on its way is lost.
  }
  for (const one of before) one[Symbol.dispose]();
}
