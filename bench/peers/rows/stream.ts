/** Streams as fast as each contestant can: to the server and to the client, in three sizes, over one link and over many. */
import type { Measured } from '../../table.ts';
import { type PeerRow, type Run, compare, hold } from '../contest.ts';
import { Pair, type Slice } from '../pair.ts';
import { type Goals, goals } from '../goals.ts';

const directions = { up: 'to the server', down: 'to the client' } as const;

const KB = 1_024;

/** How much is measured: slices are short, so that contestants meet the same moments of the machine. */
const scales = {
  full: { rounds: 11, milliseconds: 1_000, warmMs: 2_000 },
  quick: { rounds: 3, milliseconds: 300, warmMs: 300 },
};

/** One connection, 90 bytes, both ways. */
export const stream: PeerRow = (run) => streams(run, { sizes: [90], links: 1, goals: goals.stream });

/** One connection, larger messages, both ways. */
export const largeStream: PeerRow = (run) => streams(run, { sizes: [2 * KB, 64 * KB], links: 1 });

/** A hundred connections of one process, 90 bytes, both ways. */
export const manyStreams: PeerRow = (run) => streams(run, { sizes: [90], links: 100 });

interface Streams {
  readonly sizes: readonly number[];
  readonly links: number;
  readonly goals?: Goals;
}

async function streams(run: Run, { sizes, links, goals: toReach }: Streams): Promise<readonly Measured[]> {
  const { rounds, milliseconds, warmMs } = scales[run.scale];
  const slices = sizes.flatMap((bytes) =>
    (['up', 'down'] as const).map((direction): Slice => ({ direction, bytes, milliseconds })),
  );
  const reached = await hold(run, run.contestants, {
    rounds,
    open: (name) => connected(name, links),
    async warm(pair) {
      for (const slice of slices) await pair.stream({ ...slice, milliseconds: warmMs });
    },
    async slice(pair) {
      const all = [];
      for (const slice of slices) all.push(await pair.stream(slice));
      return all;
    },
  });
  return slices.flatMap(({ direction, bytes }, index) =>
    compare(
      {
        what: `stream ${sizeOf(bytes)} ${directions[direction]}${links === 1 ? '' : `, ${links} connections`}`,
        unit: '/s',
        goals: toReach,
      },
      reached,
      { value: (all) => all[index]?.rate ?? NaN, faults: (all) => all[index]?.faults },
    ),
  );
}

async function connected(name: string, links: number): Promise<Pair> {
  const pair = await Pair.open(name);
  await pair.connect(links);
  return pair;
}

function sizeOf(bytes: number): string {
  return bytes < KB ? `${bytes} B` : `${bytes / KB} KB`;
}
