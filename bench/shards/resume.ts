/**
 * How long a session in one of two shards needs to go on after its connection died, with default options: from the cut to
 * the answer to a message that was sent right after it. Two sessions of the same shard take turns: one knows the direct
 * port of its home, the other one lands elsewhere each time and is relayed.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, createClient } from 'homing';
import { type Measured, ofRounds, ofShare } from '../table.ts';
import type { Ticking } from './contracts.ts';
import { type BenchServer, startServer } from './start-server.ts';

/** How much is measured. */
export interface ResumeScale {
  readonly rounds: number;
  /** Cuts of each kind in a round. */
  readonly cuts: number;
}

/** Cuts that are not counted: the code of both ends is not warm yet. */
const WARM_CUTS = 20;

const LOOKS_MAX = 100;
const LOOK_MS = 10;

/** Throws when a direct session was relayed, or an answer was not the next one. */
export async function measureResume({ rounds, cuts }: ResumeScale): Promise<readonly Measured[]> {
  await using server = await startServer('tick', { options: { shards: 2 } });
  using sockets = new DialledSockets();
  // Sockets go to the shard with the fewest: the first and third session live in the first shard, which has more then.
  await using landing = await Ticker.open(server.relayPort, sockets);
  const other = await Ticker.open(server.port, sockets);
  await using direct = await Ticker.open(server.port, sockets);
  await other[Symbol.asyncDispose]();

  for (let cut = 0; cut < WARM_CUTS; cut += 1) {
    await direct.recover(cut);
    await landing.recover(cut);
  }
  const directMs: number[][] = [];
  const relayedMs: number[][] = [];
  let atHome = 0;
  for (let round = 0; round < rounds; round += 1) {
    const [directOnes, relayedOnes]: [number[], number[]] = [[], []];
    for (let cut = 0; cut < cuts; cut += 1) {
      directOnes.push(await direct.recover(cut));
      const ms = await landing.recover(cut);
      const relays = await relaysOf(server);
      if (relays === 1) relayedOnes.push(ms);
      else atHome += 1;
    }
    directMs.push(directOnes);
    relayedMs.push(relayedOnes);
  }
  return [
    ofShare('recovery after a cut, two shards, direct, p50', 0.5, directMs, 'ms', { atMost: 15 }),
    ofShare('recovery after a cut, two shards, direct, p99', 0.99, directMs, 'ms', { atMost: 60 }),
    ofShare('recovery after a cut, two shards, relayed, p50', 0.5, relayedMs, 'ms', { atMost: 15 }),
    ofShare('recovery after a cut, two shards, relayed, p99', 0.99, relayedMs, 'ms', { atMost: 60 }),
    ofRounds('… direct ones measured', [directMs.flat().length], ''),
    ofRounds('… relayed ones measured', [relayedMs.flat().length], ''),
    ofRounds('… not counted: landed at home by chance', [atHome], ''),
  ];
}

/** One is that of the session which lands anywhere. Another may end in a moment, with a connection that was cut. */
async function relaysOf(server: BenchServer): Promise<number> {
  for (let looks = 1; looks <= LOOKS_MAX; looks += 1) {
    const { relays } = await server.counts();
    if (relays <= 1) return relays;
    await sleep(LOOK_MS);
  }
  throw new Error('expected no relay for a session that knows the direct port of its home');
}

/** A client that is cut again and again. */
class Ticker implements AsyncDisposable {
  readonly #client: Client<Ticking>;
  readonly #sockets: DialledSockets;
  #count = 0;
  #answered = Promise.withResolvers<void>();
  #socket: Socket | undefined;

  static async open(port: number, sockets: DialledSockets): Promise<Ticker> {
    const ticker = new Ticker(port, sockets);
    await ticker.#tick();
    ticker.#socket = sockets.newest;
    return ticker;
  }

  constructor(port: number, sockets: DialledSockets) {
    this.#sockets = sockets;
    this.#client = createClient<Ticking>(port);
    this.#client.on('tock', (count) => {
      if (count === this.#count) this.#answered.resolve();
      else this.#answered.reject(new Error(`expected answer ${this.#count}, got ${count}`));
    });
  }

  /** Cuts the idle connection by RST or FIN and says how many milliseconds it took until an answer came again. */
  async recover(cut: number): Promise<number> {
    await this.#tick();
    await this.#client.flush();
    const atMs = performance.now();
    if (cut % 2 === 0) this.#socket?.resetAndDestroy();
    else this.#socket?.destroy();
    await this.#tick();
    const ms = performance.now() - atMs;
    this.#socket = this.#sockets.newest;
    return ms;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.close();
  }

  async #tick(): Promise<void> {
    this.#count += 1;
    this.#answered = Promise.withResolvers();
    this.#client.send('tick');
    await this.#answered.promise;
  }
}

/** Knows the socket under a client: the one that connected last, as they recover one after another. */
class DialledSockets implements Disposable {
  newest: Socket | undefined;
  readonly #dialled = (message: unknown): void => {
    const { socket } = message as { readonly socket: Socket };
    socket.once('connect', () => (this.newest = socket));
  };

  constructor() {
    subscribe('net.client.socket', this.#dialled);
  }

  [Symbol.dispose](): void {
    unsubscribe('net.client.socket', this.#dialled);
  }
}
