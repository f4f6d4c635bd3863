/** A TCP relay in front of a server that breaks lines on command: cuts, silence, refusals, half-open ends. */
import { type AddressInfo, type Server, type Socket, connect, createServer } from 'node:net';
import { Tally } from './world.ts';

/** A relay at a free port. */
export class Relay implements AsyncDisposable {
  port = 0;
  /** Where new connections lead. */
  targetPort: number;
  /** New connections are closed at once. */
  isRefusing = false;
  /** Connections taken so far, refused ones included. */
  readonly taken = new Tally();
  readonly #server: Server;
  readonly #links = new Set<{ readonly near: Socket; readonly far: Socket }>();

  private constructor(targetPort: number) {
    this.targetPort = targetPort;
    this.#server = createServer((near) => this.#join(near));
  }

  /** A relay to a port of loopback. */
  static async to(targetPort: number): Promise<Relay> {
    const relay = new Relay(targetPort);
    await new Promise<void>((resolve) => {
      relay.#server.listen(0, '127.0.0.1', resolve);
    });
    relay.port = (relay.#server.address() as AddressInfo).port;
    return relay;
  }

  /** Breaks every line, both ends notice. */
  cut(): void {
    for (const { near, far } of this.#links) {
      near.destroy();
      far.destroy();
    }
  }

  /** Nothing passes any more on the lines there are; neither end notices. */
  stall(): void {
    for (const { near, far } of this.#links) {
      near.unpipe(far);
      far.unpipe(near);
      near.pause();
      far.pause();
    }
  }

  /** Only the server's end notices. */
  cutFar(): void {
    this.stall();
    for (const { far } of this.#links) far.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
  }

  #join(near: Socket): void {
    near.on('error', () => {});
    if (this.isRefusing) {
      near.destroy();
      this.taken.count();
      return;
    }
    const far = connect({ port: this.targetPort, host: '127.0.0.1' });
    const link = { near, far };
    this.#links.add(link);
    far.on('error', () => {});
    near.pipe(far);
    far.pipe(near);
    far.on('close', () => {
      this.#links.delete(link);
      if (!near.isPaused()) near.destroy();
    });
    near.on('close', () => {
      this.#links.delete(link);
      if (!far.isPaused()) far.destroy();
    });
    this.taken.count();
  }
}
