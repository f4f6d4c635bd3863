/** Cuts the connections of this process, the one that has been open for longest first: by RST and by FIN in turn. */
import { subscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';

const EVERY_MS = 25;

/** Cuts every 25 ms from now on, for as long as the process lives, unless `isResting`. `accepted` sockets, or those it dialled. */
export class Scissors {
  cuts = 0;
  readonly #open = new Set<Socket>();
  // The channel holds it weakly.
  readonly #opened: (message: unknown) => void;

  constructor(whose: 'accepted' | 'dialled', isResting: () => boolean) {
    this.#opened = (message) => {
      const { socket } = message as { readonly socket: Socket };
      socket.once('close', () => this.#open.delete(socket));
      if (whose === 'accepted') this.#open.add(socket);
      else socket.once('connect', () => this.#open.add(socket));
    };
    subscribe(whose === 'accepted' ? 'net.server.socket' : 'net.client.socket', this.#opened);
    setInterval(() => {
      if (!isResting()) this.#cut();
    }, EVERY_MS).unref();
  }

  #cut(): void {
    const [socket] = this.#open;
    if (socket === undefined) return;
    this.#open.delete(socket);
    this.cuts += 1;
    if (this.cuts % 2 === 0) socket.resetAndDestroy();
    else socket.destroy();
  }
}
