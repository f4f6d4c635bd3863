/** A contestant on both sides of a line that can be cut: server, line and clients, each in a process of its own. */
import { setTimeout as after } from 'node:timers/promises';
import { Program } from '../program.ts';
import type { Address, ConnectOptions } from './contestant.ts';
import type { CutterOrder, Cutting } from './cutter.ts';
import type { Entries } from './ledger.ts';
import type { LineClientOrder } from './line-client.ts';
import type { LineServerOptions, LineServerOrder } from './line-server.ts';
import { type Direction, besides } from './pair.ts';

/** How often it is looked whether all has come, and after how long without news nothing more is expected. */
const LOOK_MS = 50;
const QUIET_MS = 1_000;

/** Who counts as up at its own end has to be so at the line by then. */
const WHOLE_MS = 10_000;

/** A server, its clients, and what stands between. */
export class CutLine implements AsyncDisposable {
  readonly #server: Program;
  readonly #cutter: Program;
  readonly #client: Program;
  readonly #address: Address;

  /** Starts all three; resolves when clients can connect. */
  static async open(name: string, options: LineServerOptions = {}): Promise<CutLine> {
    await using stack = new AsyncDisposableStack();
    const server = stack.use(new Program(besides('line-server'), [name, JSON.stringify(options)]));
    const address = await server.next<Address>();
    const cutter = stack.use(new Program(besides('cutter'), [String(address.port)]));
    const { port } = await cutter.next<{ readonly port: number }>();
    const client = stack.use(new Program(besides('line-client'), [name]));
    await client.next<'ready'>();
    stack.move();
    return new CutLine([server, cutter, client], { ...address, port });
  }

  private constructor([server, cutter, client]: readonly [Program, Program, Program], address: Address) {
    this.#server = server;
    this.#cutter = cutter;
    this.#client = client;
    this.#address = address;
  }

  /** Connects so many clients, 100 at a time. */
  async connect(count: number, options: ConnectOptions): Promise<void> {
    await this.tellClient<number>({ type: 'connect', count, atOnce: 100, address: this.#address, options });
  }

  /** Tells the clients something; their answer. */
  tellClient<Answer>(order: LineClientOrder): Promise<Answer> {
    return this.#client.ask<Answer>(order);
  }

  /** What the clients say next, to an order that is answered twice. */
  clientSays<Answer>(): Promise<Answer> {
    return this.#client.next<Answer>();
  }

  /** Tells the line something. */
  tellCutter(order: CutterOrder): Promise<Cutting> {
    return this.#cutter.ask<Cutting>(order);
  }

  /** Resolves once so many connections go through the line. Throws when there are less after a while. */
  async whole(connections: number): Promise<void> {
    const endMs = performance.now() + WHOLE_MS;
    for (;;) {
      const { lines } = await this.tellCutter({ type: 'count' });
      if (lines >= connections) return;
      if (performance.now() > endMs) throw new Error(`expected ${connections} connections, got ${lines}`);
      await after(LOOK_MS);
    }
  }

  /** The sender of this direction starts. */
  async pour(direction: Direction): Promise<void> {
    const order = { type: 'pour' } satisfies LineServerOrder & LineClientOrder;
    await (direction === 'up' ? this.#client : this.#server).ask<'pouring'>(order);
  }

  /** The sender of this direction stops; how many messages it has sent in all. */
  stop(direction: Direction): Promise<number> {
    const order = { type: 'stop' } satisfies LineServerOrder & LineClientOrder;
    return (direction === 'up' ? this.#client : this.#server).ask<number>(order);
  }

  /** What the receiver of this direction has got. */
  look(direction: Direction): Promise<Entries> {
    const order = { type: 'look' } satisfies LineServerOrder & LineClientOrder;
    return (direction === 'up' ? this.#server : this.#client).ask<Entries>(order);
  }

  /** What the receiver has got once so many different messages have come, or none for a second. */
  async settle(direction: Direction, expected: number): Promise<Entries> {
    let entries = await this.look(direction);
    for (let newsMs = entries.atMs; countOf(entries) < expected && entries.atMs - newsMs < QUIET_MS;) {
      await after(LOOK_MS);
      const next = await this.look(direction);
      if (countOf(next) > countOf(entries)) newsMs = next.atMs;
      entries = next;
    }
    return entries;
  }

  /** Lets all three go. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const program of [this.#client, this.#cutter, this.#server]) await program[Symbol.asyncDispose]();
  }
}

/** Different messages that came. */
export function countOf({ inOrder, late }: Entries): number {
  return inOrder + late;
}
