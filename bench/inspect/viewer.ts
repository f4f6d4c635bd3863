/** Somebody who looks at an inspector, as its page does. */

const LIST_EVERY_MS = 1_000;

/** One viewer behind a WebSocket, who lists a page of the fleet now and then. */
export class Viewer {
  /** Frames of the fleet so far. */
  fleets = 0;
  /** Events of what is watched so far. */
  events = 0;
  readonly #socket: WebSocket;
  readonly #asking: NodeJS.Timeout;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener('message', ({ data }) => {
      const frame = JSON.parse(String(data)) as { readonly type: string };
      if (frame.type === 'fleet') this.fleets += 1;
      else if (frame.type === 'watched') this.events += 1;
    });
    this.#asking = setInterval(() => this.#say({ type: 'list', ask: 1, limit: 200 }), LIST_EVERY_MS);
  }

  /** Resolves when it is connected. */
  static open(url: string): Promise<Viewer> {
    const socket = new WebSocket(`${url.replace('http', 'ws')}live`);
    return new Promise((resolve, reject) => {
      socket.addEventListener('open', () => resolve(new Viewer(socket)));
      socket.addEventListener('error', () => reject(new Error('expected an inspector that answers')));
    });
  }

  /** Watches a connection or a session. */
  watch(id: string): void {
    this.#say({ type: 'watch', id });
  }

  close(): void {
    clearInterval(this.#asking);
    this.#socket.close();
  }

  #say(frame: object): void {
    this.#socket.send(JSON.stringify(frame));
  }
}
