/** Somebody who looks at an inspector through its WebSocket, and waits for what it tells. */
import { WebSocket } from 'ws';

/** A frame, loosely. */
export type Frame = Readonly<Record<string, unknown>> & { readonly type: string };

/** A viewer of a test. */
export class Looker implements AsyncDisposable {
  readonly frames: Frame[] = [];
  readonly #socket: WebSocket;
  readonly #waiting = new Set<() => void>();
  #ask = 0;

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (data: Buffer) => {
      this.frames.push(JSON.parse(data.toString()) as Frame);
      for (const look of this.#waiting) look();
    });
  }

  /** Opens one; rejects with the status when it is turned away. */
  static open(url: string, headers: Readonly<Record<string, string>> = {}): Promise<Looker> {
    const socket = new WebSocket(url.replace(/^http/u, 'ws'), { headers });
    const looker = new Looker(socket);
    return new Promise((resolve, reject) => {
      socket.on('open', () => resolve(looker));
      socket.on('unexpected-response', (_request, { statusCode }) => {
        reject(new Error(`status ${statusCode}`));
        socket.terminate();
      });
      socket.on('error', reject);
    });
  }

  say(request: object): void {
    this.#socket.send(JSON.stringify(request));
  }

  /** The first frame, already here or still to come, that fits. */
  frame(fits: (frame: Frame) => boolean): Promise<Frame> {
    return new Promise((resolve) => {
      const look = (): void => {
        const found = this.frames.find(fits);
        if (found === undefined) return;
        this.#waiting.delete(look);
        resolve(found);
      };
      this.#waiting.add(look);
      look();
    });
  }

  /** Asks for rows; gives the answer. */
  async list(question: object): Promise<{ total: number; rows: Record<string, unknown>[] }> {
    this.#ask += 1;
    const ask = this.#ask;
    this.say({ type: 'list', ask, ...question });
    return (await this.frame((frame) => frame.type === 'rows' && frame['ask'] === ask)) as never;
  }

  /** The events that were told of what is watched under this id, so far. */
  eventsOf(id: string): Record<string, unknown>[] {
    const told = this.frames.filter((frame) => frame.type === 'watched' && frame['id'] === id);
    return told.flatMap(({ events }) => events as Record<string, unknown>[]);
  }

  /** Waits until the events of an id are as wanted. */
  async events(
    id: string,
    areThere: (events: Record<string, unknown>[]) => boolean,
  ): Promise<Record<string, unknown>[]> {
    await this.frame(() => areThere(this.eventsOf(id)));
    return this.eventsOf(id);
  }

  [Symbol.asyncDispose](): Promise<void> {
    if (this.#socket.readyState === WebSocket.CLOSED) return Promise.resolve();
    const closed = new Promise<void>((resolve) => this.#socket.on('close', () => resolve()));
    this.#socket.terminate();
    return closed;
  }
}
