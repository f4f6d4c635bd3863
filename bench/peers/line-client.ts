/**
 * Clients before a line: connect, pour or take a stream, call, hand messages over while the line is cut. Argument: the name
 * of a contestant. Answers one order after another, `storm` twice.
 */
import { setTimeout as after } from 'node:timers/promises';
import { nowMs } from '../clock.ts';
import type { Address, ConnectOptions, Link } from './contestant.ts';
import { type Entries, Ledger } from './ledger.ts';
import { messageOf, textFor, userOf } from './message.ts';
import { contestantOf } from './registry.ts';
import { Spout } from './spout.ts';

/** What clients before a line are told. */
export type LineClientOrder =
  /** Connects so many, at most `atOnce` at a time; answers with the milliseconds it took. */
  | {
      readonly type: 'connect';
      readonly count: number;
      readonly atOnce: number;
      readonly address: Address;
      readonly options: ConnectOptions;
    }
  /** The first client pours. */
  | { readonly type: 'pour' }
  /** Stops pouring; answers with the number of messages sent. */
  | { readonly type: 'stop' }
  /** Answers with `Entries` of what came to the first client. */
  | { readonly type: 'look' }
  /** Every client calls again and again, with pauses of 5 to 10 ms; answers with how long each call took. */
  | { readonly type: 'call'; readonly forMs: number }
  /**
   * All are about to be cut. Each client hands over so many messages as soon as it notices, if its contestant tells it; answers
   * 'ready', and with `Returned` when all are up again, or after `forMs`.
   */
  | { readonly type: 'storm'; readonly pending: number; readonly forMs: number }
  /** All were cut just now: who is told nothing hands its messages over. Answers only the order before. */
  | { readonly type: 'cut' };

/** How clients came back after a cut. */
export interface Returned {
  /** When each was up again, by the clock of the machine; who was not up in time has no entry. */
  readonly upAtMs: readonly number[];
  /** Messages handed over. */
  readonly handed: number;
}

const PAUSE_MS = 5;
const TEXT = textFor(90);

const contestant = await contestantOf(process.argv[2] ?? '');
const links: Link[] = [];
const ledger = new Ledger(false);
const spout = new Spout();
let storm: Storm | undefined;

/** One cut of all clients, from the order to the answer. */
class Storm {
  readonly #pending: number;
  readonly #firstId: number;
  readonly #hasHanded = new Set<number>();
  readonly #upAtMs = new Map<number, number>();
  readonly #over = Promise.withResolvers<void>();

  constructor(pending: number, firstId: number) {
    this.#pending = pending;
    this.#firstId = firstId;
  }

  /** A client has noticed that it was cut. */
  noticed(index: number): void {
    const link = links[index];
    if (link === undefined || this.#hasHanded.has(index)) return;
    this.#hasHanded.add(index);
    for (let count = 0; count < this.#pending; count += 1) {
      link.send(messageOf(this.#firstId + index * this.#pending + count, userOf(index), TEXT));
    }
  }

  /** A client is up again. */
  returned(index: number): void {
    if (this.#upAtMs.has(index)) return;
    this.#upAtMs.set(index, nowMs());
    if (this.#upAtMs.size === links.length) this.#over.resolve();
  }

  /** Resolves when all are up again, at the latest after this time. */
  async over(forMs: number): Promise<Returned> {
    const limit = new AbortController();
    await Promise.race([this.#over.promise, after(forMs, undefined, { signal: limit.signal })]);
    limit.abort();
    return { upAtMs: [...this.#upAtMs.values()], handed: this.#hasHanded.size * this.#pending };
  }
}

let handed = 0;
process.on('disconnect', () => process.exit());
process.on('message', (order: LineClientOrder) => void obey(order));
process.send?.('ready');

async function obey(order: LineClientOrder): Promise<void> {
  switch (order.type) {
    case 'connect':
      return say(await connect(order));
    case 'pour':
      void spout.pour();
      return say('pouring');
    case 'stop':
      spout.stop();
      return say(spout.sent);
    case 'look':
      return say(ledger.look());
    case 'call':
      return say((await Promise.all(links.map((link) => callFor(link, order.forMs)))).flat());
    case 'storm': {
      storm = new Storm(order.pending, handed);
      handed += links.length * order.pending;
      say('ready');
      return say(await storm.over(order.forMs));
    }
    case 'cut':
      for (const [index, link] of links.entries()) if (link.onDown === undefined) storm?.noticed(index);
  }
}

function say(what: number | string | readonly number[] | Entries | Returned): void {
  process.send?.(what);
}

async function connect({ count, atOnce, address, options }: LineClientOrder & { type: 'connect' }): Promise<number> {
  const startedMs = nowMs();
  let begun = 0;
  const connectSome = async (): Promise<void> => {
    while (begun < count) {
      begun += 1;
      join(await contestant.connect(address, options));
    }
  };
  await Promise.all(Array.from({ length: Math.min(count, atOnce) }, connectSome));
  return nowMs() - startedMs;
}

function join(link: Link): void {
  const index = links.push(link) - 1;
  link.onMessage((message) => ledger.take(message.id));
  link.onDown?.(() => storm?.noticed(index));
  link.onUp(() => {
    storm?.returned(index);
    if (index === 0) spout.stir();
  });
  if (index === 0) spout.use(link);
}

/** How long each call of this link took, in milliseconds. */
async function callFor(link: Link, forMs: number): Promise<number[]> {
  if (link.call === undefined) throw new Error(`expected a contestant with calls, got ${contestant.name}`);
  const tookMs: number[] = [];
  const endMs = performance.now() + forMs;
  for (let atMs = performance.now(); atMs < endMs; atMs = performance.now()) {
    await after(PAUSE_MS + Math.random() * PAUSE_MS);
    const calledMs = performance.now();
    await link.call(tookMs.length, 1);
    tookMs.push(performance.now() - calledMs);
  }
  return tookMs;
}
