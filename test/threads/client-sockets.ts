/** Every socket that this thread dials, so that a test can see where it leads and break it under its client. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';

/** The dialled sockets, from its making to its disposal. */
export class ClientSockets implements Disposable {
  /** Ports that connections were opened to, in order; 0 for a path. */
  readonly openedTo: number[] = [];
  readonly #open = new Set<Socket>();
  readonly #dialled = (message: unknown): void => this.#watch((message as { readonly socket: Socket }).socket);

  constructor() {
    subscribe('net.client.socket', this.#dialled);
  }

  /** Sockets that are open. */
  get openCount(): number {
    return this.#open.size;
  }

  /** Breaks the socket at this place among the open ones: by RST, or without a word. */
  break(place: number, how: 'reset' | 'destroy'): void {
    const socket = [...this.#open][place % this.#open.size];
    // A reset right after a goodbye fails in libuv, and Node keeps the handle for ever.
    if (how === 'reset' && socket?.writableEnded === false) socket.resetAndDestroy();
    else socket?.destroy();
  }

  [Symbol.dispose](): void {
    unsubscribe('net.client.socket', this.#dialled);
  }

  #watch(socket: Socket): void {
    socket.once('connect', () => {
      this.#open.add(socket);
      this.openedTo.push(socket.remotePort ?? 0);
    });
    socket.once('close', () => this.#open.delete(socket));
  }
}
