/**
 * Ten light clients that call now and then, alone and beside one client that streams to the same server as fast as it can:
 * what the neighbor costs the slowest of their calls.
 */
import { setTimeout as after } from 'node:timers/promises';
import { Program } from '../../program.ts';
import { percentile } from '../../statistics.ts';
import type { Measured } from '../../table.ts';
import type { Address } from '../contestant.ts';
import { type PeerRow, type Rounds, compare, hold } from '../contest.ts';
import { goals } from '../goals.ts';
import type { Entries } from '../ledger.ts';
import type { LineClientOrder } from '../line-client.ts';
import { besides } from '../pair.ts';
import { hasCalls } from '../registry.ts';

const LIGHT = 10;

const IN_SHARD = 'homing in a shard';
/** The hot client has a server of its own: what it costs the light ones then is the machine's, which they share. */
const ELSEWHERE = 'homing, hot elsewhere';

/** Until the stream goes at its pace, and until what it left is gone. */
const SETTLE_MS = 200;

const scales = {
  full: { rounds: 9, milliseconds: 1_500, warmMs: 1_500 },
  quick: { rounds: 3, milliseconds: 600, warmMs: 600 },
};

/** One round. */
interface Disturbed {
  /** Calls of the light clients, in milliseconds. */
  readonly aloneMs: number;
  readonly besideMs: number;
  /** Messages of the hot client that the server took, a second. */
  readonly hotRate: number;
}

/** The p99 of calls. */
export const neighbor: PeerRow = async (run) => {
  const { rounds, milliseconds, warmMs } = scales[run.scale];
  const reached = await hold(run, namesOf(run.contestants), {
    rounds,
    open: (name) => Street.open(name),
    warm: (street) => street.disturb(warmMs),
    slice: (street) => street.disturb(milliseconds),
  });
  return figures(reached);
};

/** With Homing its other way to run is measured too, sessions in a shard, and what the machine alone does to light clients. */
function namesOf(contestants: readonly string[]): readonly string[] {
  return contestants.filter(hasCalls).flatMap((name) => (name === 'homing' ? [name, IN_SHARD, ELSEWHERE] : [name]));
}

function figures(reached: Rounds<Disturbed>): readonly Measured[] {
  const what = `call p99 of ${LIGHT} light clients`;
  const shares = compare({ what: `${what} beside a hot one ÷ alone`, unit: '' }, reached, {
    value: ({ aloneMs, besideMs }) => besideMs / aloneMs,
  });
  return [
    ...compare({ what: `${what} beside a hot one`, unit: 'ms' }, reached, { value: ({ besideMs }) => besideMs }),
    ...compare({ what: `${what} alone`, unit: 'ms' }, reached, { value: ({ aloneMs }) => aloneMs }),
    ...shares.map((one) =>
      one.contestant === 'homing' || one.contestant === IN_SHARD ? { ...one, goal: goals.neighbor.homing } : one,
    ),
    ...compare({ what: 'stream of the hot client meanwhile', unit: '/s' }, counted(reached), {
      value: ({ hotRate }) => hotRate,
    }),
  ];
}

/** Those whose messages are counted where they arrive. */
function counted(reached: Rounds<Disturbed>): Rounds<Disturbed> {
  return new Map([...reached].filter(([name]) => name !== IN_SHARD));
}

/** A server, its light clients in one process and the hot one in another. */
class Street implements AsyncDisposable {
  readonly #all: AsyncDisposableStack;
  /** Of the hot client. */
  readonly #server: Program;
  readonly #light: Program;
  readonly #hot: Program;

  static async open(contestant: string): Promise<Street> {
    const name = contestant === ELSEWHERE ? 'homing' : contestant;
    await using stack = new AsyncDisposableStack();
    const server = stack.use(new Program(besides('line-server'), [name]));
    const address = await server.next<Address>();
    const other = contestant === ELSEWHERE ? stack.use(new Program(besides('line-server'), [name])) : undefined;
    const hotAddress = (await other?.next<Address>()) ?? address;
    const clientsOf = async (count: number, address: Address): Promise<Program> => {
      const client = stack.use(new Program(besides('line-client'), [name]));
      await client.next<'ready'>();
      await client.ask({ type: 'connect', count, atOnce: count, address, options: {} } satisfies LineClientOrder);
      return client;
    };
    const [light, hot] = [await clientsOf(LIGHT, address), await clientsOf(1, hotAddress)];
    const all = stack.move();
    return new Street(all, other ?? server, light, hot);
  }

  private constructor(all: AsyncDisposableStack, server: Program, light: Program, hot: Program) {
    this.#all = all;
    this.#server = server;
    this.#light = light;
    this.#hot = hot;
  }

  /** Calls alone, then beside the stream. */
  async disturb(milliseconds: number): Promise<Disturbed> {
    const aloneMs = await this.#call(milliseconds);
    await this.#hot.ask({ type: 'pour' } satisfies LineClientOrder);
    await after(SETTLE_MS);
    const from = await this.#look();
    const besideMs = await this.#call(milliseconds);
    const to = await this.#look();
    await this.#hot.ask({ type: 'stop' } satisfies LineClientOrder);
    await after(SETTLE_MS);
    return { aloneMs, besideMs, hotRate: ((to.inOrder - from.inOrder) / (to.atMs - from.atMs)) * 1_000 };
  }

  async #call(forMs: number): Promise<number> {
    return percentile(await this.#light.ask<number[]>({ type: 'call', forMs } satisfies LineClientOrder), 0.99);
  }

  #look(): Promise<Entries> {
    return this.#server.ask<Entries>({ type: 'look' });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#all[Symbol.asyncDispose]();
  }
}
