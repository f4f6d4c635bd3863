/** A contestant that stays up while others have their turn: its server and its clients, each in a process of its own. */
import { Program } from '../program.ts';
import type { Faults } from '../table.ts';
import type { CallOrder, Called } from './calling.ts';
import type { Address, ConnectOptions, ServeOptions } from './contestant.ts';
import type { ClientOrder, Connected, Opened, Poured, ServerOrder, Settled } from './orders.ts';
import { lostOf } from './tally.ts';
import type { Usage } from './usage.ts';

/** Which way a stream goes. */
export type Direction = 'up' | 'down';

/** A slice of a stream. */
export interface Slice {
  readonly direction: Direction;
  /** Of one message, about. */
  readonly bytes: number;
  readonly milliseconds: number;
}

/** What a slice of a stream reached. */
export interface Streamed {
  /** Messages a second, from the first one sent to the last one taken. */
  readonly rate: number;
  /** Since the pair was opened. */
  readonly faults: Faults;
}

/** A server and its clients. */
export class Pair implements AsyncDisposable {
  readonly server: Program;
  readonly client: Program;
  readonly address: Address;
  /** Messages that have come so far. */
  readonly #came = new Map<Direction, number>();

  /** Starts both programs; resolves when the server listens. Connect then. Rejects when one of them ends before. */
  static async open(name: string, options: ServeOptions = {}): Promise<Pair> {
    await using stack = new AsyncDisposableStack();
    const server = stack.use(new Program(besides('server'), [name, JSON.stringify(options)], ['--expose-gc']));
    const client = stack.use(new Program(besides('client'), [name], ['--expose-gc']));
    const [{ address }] = await Promise.all([server.next<Opened>(), client.next<'ready'>()]);
    stack.move();
    return new Pair(server, client, address);
  }

  constructor(server: Program, client: Program, address: Address) {
    this.server = server;
    this.client = client;
    this.address = address;
  }

  /** Opens links; `address` is that of a proxy where there is one between. */
  connect(links: number, options: ConnectOptions = {}, address: Address = this.address): Promise<Connected> {
    return this.client.ask<Connected>({ type: 'connect', address, links, options } satisfies ClientOrder);
  }

  /** Streams over all links and waits until everything has come that will. */
  async stream({ direction, bytes, milliseconds }: Slice): Promise<Streamed> {
    const [sender, receiver] = direction === 'up' ? [this.client, this.server] : [this.server, this.client];
    const poured = await sender.ask<Poured>({ type: 'pour', milliseconds, bytes } satisfies ServerOrder);
    const before = this.#came.get(direction) ?? 0;
    const settled = await receiver.ask<Settled>({ type: 'settle', expected: poured.sent } satisfies ServerOrder);
    this.#came.set(direction, settled.came);
    const seconds = (settled.lastAtMs - poured.startedAtMs) / 1_000;
    const { doubled, reordered } = settled;
    const faults = { lost: lostOf(poured.sent, settled), doubled, reordered };
    return { rate: (settled.came - before) / seconds, faults };
  }

  /** Calls over the first link. */
  call(order: CallOrder): Promise<Called> {
    return this.client.ask<Called>({ type: 'call', ...order } satisfies ClientOrder);
  }

  /** What the server uses, after a collection; a broker where it holds the connections. */
  usage(): Promise<Usage> {
    return this.server.ask<Usage>({ type: 'usage' } satisfies ServerOrder);
  }

  /** Lets both programs go. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.client[Symbol.asyncDispose]();
    await this.server[Symbol.asyncDispose]();
  }
}

/** A program of this folder, as source or compiled, as this file is. */
export function besides(name: string): URL {
  return new URL(`./${name}${import.meta.url.slice(import.meta.url.lastIndexOf('.'))}`, import.meta.url);
}
