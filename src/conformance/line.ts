/** One connection of a raw client: bytes out as they are given, frames in, one after another, each looked at. */
import { type Socket, connect } from 'node:net';
import { Failed } from './bytes.ts';
import type { Conduct, Message } from './conduct.ts';
import { FrameReader, type Got, frame, types } from './frames.ts';

/** A frame that came; of a message in fragments the last one, with the message. */
export interface Arrival extends Got {
  readonly message: Message | undefined;
}

/** A TCP connection to the server. */
export class Line {
  readonly #socket: Socket;
  readonly #reader = new FrameReader();
  readonly #arrivals: Arrival[] = [];
  /** Whether pings of the server are answered, as any client does. */
  isAnswering = true;
  #conduct: Conduct | undefined;
  #fault: Error | undefined;
  #isOver = false;
  #hasParted = false;
  #hasAcked = false;
  /** Answers that wait until the first ACK is written, or a frame is whole; undefined while they may go. */
  #held: Uint8Array[] | undefined = [];
  #wake: () => void = () => {};

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (chunk) => this.#take(chunk));
    socket.on('error', () => {});
    for (const event of ['end', 'close']) socket.on(event, () => this.#end());
  }

  /** Connects; rejects with `Failed` when nobody takes the connection in time. */
  static open(host: string, port: number, withinMs: number): Promise<Line> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host, port });
      const timer = setTimeout(() => socket.destroy(new Error(`no answer within ${withinMs} ms`)), withinMs);
      socket.once('error', (error) => {
        clearTimeout(timer);
        reject(new Failed(`no connection to ${host}:${port}: ${error.message}`));
      });
      socket.once('connect', () => {
        clearTimeout(timer);
        socket.removeAllListeners('error');
        resolve(new Line(socket));
      });
    });
  }

  /** Whether the server has ended the connection and all that came was looked at. */
  get isOver(): boolean {
    return this.#isOver && this.#arrivals.length === 0;
  }

  /** From now on frames are those of a session. */
  carry(conduct: Conduct): void {
    this.#conduct = conduct;
    this.#reader.checksummed = conduct.checksummed;
  }

  /** The first ACK is about to be written: what waited for it follows. */
  #begin(): void {
    this.#hasAcked = true;
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const answer of held) setImmediate(() => void this.write(answer));
  }

  /** Does something that writes frames in pieces: an answer of this client waits meanwhile, or it would stand amid a frame. */
  async undisturbed(work: () => Promise<void>): Promise<void> {
    this.#held = [];
    await work();
    for (const answer of this.#held.splice(0)) await this.write(answer);
    this.#held = undefined;
  }

  /** Writes bytes; resolves when they are with the system, or the connection is gone. */
  write(bytes: Uint8Array): Promise<void> {
    if (bytes[4] === types.ACK && !this.#hasAcked) this.#begin();
    return new Promise((resolve) => {
      if (this.#socket.destroyed || this.#socket.writableEnded) resolve();
      else this.#socket.write(bytes, () => resolve());
    });
  }

  /** Ends its own direction, and reads on. */
  finish(): void {
    this.#socket.end();
  }

  /** Gives the connection up at once. Returns what had come and nobody has looked at. */
  cut(): readonly Arrival[] {
    this.#socket.destroy();
    return this.#arrivals.splice(0);
  }

  /** The next frame; undefined when the connection has ended, `'late'` at the deadline (by the clock of `performance`). */
  async next(deadlineMs: number): Promise<Arrival | 'late' | undefined> {
    for (;;) {
      const arrival = this.#arrivals.shift();
      if (arrival !== undefined) return arrival;
      if (this.#fault !== undefined) throw this.#fault;
      if (this.#isOver) return undefined;
      const leftMs = deadlineMs - performance.now();
      if (leftMs <= 0) return 'late';
      await this.#news(leftMs);
    }
  }

  #news(leftMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, leftMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #take(chunk: Buffer): void {
    if (this.#fault !== undefined) return;
    try {
      for (const got of this.#reader.push(chunk)) this.#arrivals.push({ ...got, message: this.#check(got) });
    } catch (error) {
      this.#fault = error instanceof Error ? error : new Error(String(error));
    }
    this.#wake();
  }

  #check(got: Got): Message | undefined {
    if (this.#hasParted) throw new Failed(`it sent ${got.name} after its last frame`);
    const isAnswer = got.type === types.WELCOME || got.type === types.REFUSED || got.type === types.CLOSE;
    this.#hasParted = got.type === types.REFUSED || got.type === types.CLOSE;
    if (this.#conduct !== undefined) {
      const message = this.#conduct.check(got);
      if (got.type === types.PING && this.isAnswering) this.#answer(got, this.#conduct);
      return message;
    }
    if (!isAnswer) throw new Failed(`it sent ${got.name} before WELCOME`);
    // What stands behind WELCOME is of a session that the case has yet to make of it.
    if (got.type === types.WELCOME) this.#welcomed(got);
    return undefined;
  }

  #answer({ body }: Got, { checksummed }: Conduct): void {
    const answer = frame(types.PONG, body, checksummed);
    if (this.#held !== undefined) this.#held.push(answer);
    else if (this.#socket.writable) this.#socket.write(answer);
  }

  /** Makes the session of a WELCOME, at once: what follows it may be in the same chunk. */
  #welcomed: (got: Got) => void = () => {};

  /** Says what a WELCOME of this connection begins. */
  onWelcome(begin: (got: Got) => Conduct): void {
    this.#welcomed = (got) => this.carry(begin(got));
  }

  #end(): void {
    this.#isOver = true;
    if (this.#reader.partialBytes > 0 && this.#fault === undefined && !this.#hasParted) {
      this.#fault = new Failed('it ended the connection amid a frame');
    }
    this.#wake();
  }
}
