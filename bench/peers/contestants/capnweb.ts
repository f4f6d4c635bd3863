/**
 * Cap'n Web over a WebSocket: all it has is calls, so a message is a call whose result nobody asks for. Each so many of them
 * one is awaited: calls run in the order in which they are made, so it says that all before it have run.
 */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import { type RpcPromise, type RpcStub, RpcTarget, newWebSocketRpcSession } from 'capnweb';
import { WebSocket as Socket, WebSocketServer } from 'ws';
import type { Address, Contestant, Link, Message } from '../contestant.ts';
import { redial } from '../redial.ts';

/** Messages between two that are awaited, and of those how many may be on their way. */
const AWAIT_EVERY = 64;
const AWAITED_MAX = 8;

/** Whoever has no line looks again after so long. */
const NO_LINE_MS = 1;

/** Cap'n Web. */
export const capnweb: Contestant = {
  name: 'capnweb',
  promises: 'at most once, in order on one connection; it does not connect again: a cut fails all calls on their way',
  settings: `newWebSocketRpcSession over ws on both ends, perMessageDeflate off, its own JSON; a message is a call, each ${AWAIT_EVERY}th awaited, ${AWAITED_MAX} of those on their way; the program dials again`,
  missing: () => Promise.resolve(undefined),
  async serve(onLink) {
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false });
    await once(server, 'listening');
    const lines = new Set<Line>();
    server.on('connection', (socket) => {
      const line = new Line(socket, new Main());
      lines.add(line);
      socket.on('close', () => lines.delete(line));
      onLink({
        send: (message) => line.send(message),
        room: () => line.room(),
        onMessage: (take) => Main.listen(line.main, take),
        onUp: () => {},
        close: () => Promise.resolve(line.close()),
      });
    });
    return {
      address: { port: (server.address() as AddressInfo).port },
      broadcast(message) {
        for (const line of lines) line.send(message);
      },
      async close() {
        for (const socket of server.clients) socket.terminate();
        server.close();
        await once(server, 'close');
      },
    };
  },
  async connect(address, { isEager = false }) {
    const main = new Main();
    let line = await dial(address, main);
    let isClosed = false;
    let tellUp: () => void = () => {};
    const guard = (): void => void line.socket.once('close', () => void comeBack());
    const comeBack = async (): Promise<void> => {
      const next = await redial(() => dial(address, main), { isEager, isWanted: () => !isClosed });
      if (next === undefined) return;
      line = next;
      guard();
      tellUp();
    };
    guard();
    return {
      send: (message) => line.send(message),
      room: () => line.room(),
      onMessage: (take) => Main.listen(main, take),
      call: async (left, right) => line.stub.add(left, right),
      onUp: (tell) => (tellUp = tell),
      close() {
        isClosed = true;
        return Promise.resolve(line.close());
      },
    } satisfies Link;
  },
};

/** What each end lets the other call. */
class Main extends RpcTarget {
  // Private members are hidden from the other end.
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

async function dial({ port }: Address, main: Main): Promise<Line> {
  const socket = new Socket(`ws://127.0.0.1:${port}`, { perMessageDeflate: false });
  const line = new Line(socket, main);
  await once(socket, 'open');
  return line;
}

/** A session over one connection; what is on its way when that ends is lost. */
class Line {
  readonly socket: Socket;
  readonly main: Main;
  readonly stub: RpcStub<Main>;
  readonly #awaited: Promise<void>[] = [];
  #unasked: RpcPromise<void>[] = [];

  constructor(socket: Socket, main: Main) {
    this.socket = socket;
    this.main = main;
    // Its types know the WebSocket of browsers; its pages pass one of `ws`, as here.
    this.stub = newWebSocketRpcSession<Main>(socket as unknown as WebSocket, main);
    // A line that breaks is told by its end.
    socket.on('error', () => {});
  }

  send(message: Message): boolean {
    if (this.socket.readyState !== Socket.OPEN) return false;
    const call = this.stub.take(message);
    if (this.#unasked.length < AWAIT_EVERY - 1) {
      this.#unasked.push(call);
      return true;
    }
    this.#awaited.push(settle(call, this.#unasked));
    this.#unasked = [];
    return this.#awaited.length < AWAITED_MAX;
  }

  async room(): Promise<void> {
    if (this.socket.readyState === Socket.OPEN) await Promise.all([this.#awaited.shift(), turn()]);
    else await sleep(NO_LINE_MS);
  }

  close(): void {
    this.stub[Symbol.dispose]();
    this.socket.terminate();
  }
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
