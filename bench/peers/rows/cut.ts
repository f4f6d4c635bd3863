/**
 * A stream over a line that is cut again and again, beside the same contestant's stream over the same line in peace, just
 * before and just after. All dial again as fast as their library can be told to.
 */
import { setTimeout as after } from 'node:timers/promises';
import { type Faults, type Measured, ofRounds } from '../../table.ts';
import { type PeerRow, compare, hold } from '../contest.ts';
import { goals } from '../goals.ts';
import type { Entries } from '../ledger.ts';
import { CutLine, countOf } from '../line.ts';
import type { Direction } from '../pair.ts';

const EVERY_MS = 50;

/** Not counted before each part: until it goes at its pace. */
const RUN_UP_MS = 250;

const scales = {
  full: { rounds: 5, peaceMs: 500, cutMs: 2_000, warmMs: 1_500 },
  quick: { rounds: 2, peaceMs: 300, cutMs: 700, warmMs: 500 },
};

const directions = { up: 'to the server', down: 'to the client' } as const;

/** One round of one direction. */
interface Stormy {
  /** Different messages a second that came in order. */
  readonly goodput: number;
  /** The same without cuts: the mean of before and after. */
  readonly peace: number;
  /** Connections that were cut. */
  readonly lines: number;
  /** Of all rounds so far. */
  readonly faults: Faults;
}

/** Streams of 90 bytes, each way. */
export const cut: PeerRow = async (run) => {
  const { rounds, warmMs, ...scale } = scales[run.scale];
  const reached = await hold(run, run.contestants, {
    rounds,
    async open(name) {
      const line = await CutLine.open(name);
      await line.connect(1, { isEager: true });
      return line;
    },
    async warm(line) {
      for (const direction of ['up', 'down'] as const) await slice(line, direction, { ...scale, cutMs: warmMs });
    },
    slice: async (line) => ({ up: await slice(line, 'up', scale), down: await slice(line, 'down', scale) }),
  });
  return (['up', 'down'] as const).flatMap((direction) => {
    const parts = new Map([...reached].map(([name, all]) => [name, all.map((one) => one[direction])]));
    return figures(parts, direction);
  });
};

function figures(reached: ReadonlyMap<string, readonly Stormy[]>, direction: Direction): readonly Measured[] {
  const what = `stream 90 B ${directions[direction]}, the line cut every ${EVERY_MS} ms`;
  const homing = reached.get('homing') ?? [];
  const faults = ({ faults: found }: Stormy): Faults => found;
  const shares = compare({ what: `${what}: share of the uncut stream`, unit: '' }, reached, {
    value: ({ goodput, peace }) => goodput / peace,
  });
  return [
    ...compare({ what, unit: '/s' }, reached, { value: ({ goodput }) => goodput, faults }),
    ...shares.map((one) => (one.contestant === 'homing' ? { ...one, goal: goals.cut.homing } : one)),
    ...compare({ what: `${what}: connections cut in a round`, unit: '' }, reached, { value: ({ lines }) => lines }),
    {
      ...ofRounds(`${what}: lost, doubled or late`, homing.map(faultCount), '', { atMost: 0 }),
      contestant: 'homing',
    },
  ];
}

function faultCount({ faults: { lost, doubled, reordered } }: Stormy): number {
  return lost + doubled + reordered;
}

async function slice(
  line: CutLine,
  direction: Direction,
  { peaceMs, cutMs }: { readonly peaceMs: number; readonly cutMs: number },
): Promise<Stormy> {
  await line.pour(direction);
  const before = await rateFor(line, direction, peaceMs);
  const cutting = line.tellCutter({ type: 'cutEvery', everyMs: EVERY_MS, forMs: RUN_UP_MS + cutMs });
  const goodput = await rateFor(line, direction, cutMs);
  const { lines } = await cutting;
  const behind = await rateFor(line, direction, peaceMs);
  const sent = await line.stop(direction);
  const entries = await line.settle(direction, sent);
  const { doubled, late } = entries;
  const faults = { lost: sent - countOf(entries), doubled, reordered: late };
  return { goodput, peace: (before + behind) / 2, lines, faults };
}

/** Messages a second in order, after a run-up. */
async function rateFor(line: CutLine, direction: Direction, milliseconds: number): Promise<number> {
  await after(RUN_UP_MS);
  const from = await line.look(direction);
  await after(milliseconds);
  return rateBetween(from, await line.look(direction));
}

function rateBetween(from: Entries, to: Entries): number {
  return ((to.inOrder - from.inOrder) / (to.atMs - from.atMs)) * 1_000;
}
