/**
 * What an inspector that nobody looks at costs a stream: two pairs of ends that differ in nothing else take turns in short
 * slices, so that a slow moment of the machine meets both.
 */
import { Program } from '../program.ts';
import { median, ratios } from '../statistics.ts';
import { type Measured, ofRounds } from '../table.ts';
import type { Opened } from './server.ts';
import type { Slice, Streamed } from './streamer.ts';

/** How long it is measured: so many rounds of slices, each pair so long in each round. */
export interface StreamScale {
  readonly rounds: number;
  readonly milliseconds: number;
}

const SLICE_MS = 250;
/** Not counted: the time in which the engine compiles. */
const WARM_SLICES = 8;

type Name = Slice['name'];

const names: readonly Name[] = ['bare', 'inspected'];

interface Lap {
  /** Messages a second. */
  readonly rate: number;
  /** Processor time of both ends for a message, in microseconds: it hardly minds who else uses the machine. */
  readonly cpuUs: number;
}

/** The ratio of a round is the median of those of its slices. */
export async function measureInspectedStream({ rounds, milliseconds }: StreamScale): Promise<readonly Measured[]> {
  await using pairs = await Pairs.start();
  await pairs.run(WARM_SLICES);
  const all: Record<'rates' | 'costs' | 'rateRatios' | 'costRatios', number[]> = {
    rates: [],
    costs: [],
    rateRatios: [],
    costRatios: [],
  };
  for (let round = 0; round < rounds; round += 1) {
    const { bare, inspected } = await pairs.run(Math.ceil(milliseconds / SLICE_MS));
    const ratioOf = (key: keyof Lap): number =>
      median(
        ratios(
          inspected.map((lap) => lap[key]),
          bare.map((lap) => lap[key]),
        ),
      );
    all.rates.push(median(bare.map(({ rate }) => rate)));
    all.costs.push(median(bare.map(({ cpuUs }) => cpuUs)));
    all.rateRatios.push(ratioOf('rate'));
    all.costRatios.push(ratioOf('cpuUs'));
  }
  return [
    ofRounds('stream 90 B, not inspected', all.rates, '/s'),
    ofRounds('… inspected and not looked at ÷ not inspected', all.rateRatios, '', { atLeast: 0.98 }),
    ofRounds('… processor of both ends for a message, not inspected', all.costs, 'µs'),
    ofRounds('… processor, inspected ÷ not inspected', all.costRatios, '', { atMost: 1.02 }),
  ];
}

/** Both pairs, up. */
class Pairs implements AsyncDisposable {
  readonly #server: Program;
  readonly #client: Program;

  private constructor(server: Program, client: Program) {
    this.#server = server;
    this.#client = client;
  }

  static async start(): Promise<Pairs> {
    const server = new Program(new URL('./server.ts', import.meta.url));
    const { bare, inspected } = await server.next<Opened>();
    const client = new Program(new URL('./streamer.ts', import.meta.url), [String(bare), String(inspected)]);
    await client.next<'ready'>();
    return new Pairs(server, client);
  }

  /** So many slices of each, in turn; neither is always the first. */
  async run(slices: number): Promise<Readonly<Record<Name, readonly Lap[]>>> {
    const laps: Record<Name, Lap[]> = { bare: [], inspected: [] };
    for (let slice = 0; slice < slices; slice += 1)
      for (const name of slice % 2 === 0 ? names : names.toReversed()) laps[name].push(await this.#slice(name));
    return laps;
  }

  async #slice(name: Name): Promise<Lap> {
    const before = await this.#server.ask<number>('cpu');
    const { rate, count, cpuUs } = await this.#client.ask<Streamed>({ name, milliseconds: SLICE_MS } satisfies Slice);
    const after = await this.#server.ask<number>('cpu');
    return { rate, cpuUs: (cpuUs + after - before) / count };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client[Symbol.asyncDispose]();
    await this.#server[Symbol.asyncDispose]();
  }
}
