/** The last minutes of a process, second by second: rates of what is counted, and what was there. */
import { type CounterName, type FleetShard, totals } from './counters.ts';

/** How often a point is taken, and how many are kept. */
export const HISTORY_EVERY_MS = 1_000;
const POINTS_MAX = 300;

/** What is kept. */
export const seriesNames = [
  'messagesIn',
  'messagesOut',
  'acked',
  'bytesIn',
  'bytesOut',
  'cuts',
  'resumes',
  'outboxMessages',
  'outboxBytes',
  'connections',
] as const;

type SeriesName = (typeof seriesNames)[number];

/** Series of numbers, oldest first. */
export type Series = Readonly<Record<SeriesName, readonly number[]>>;

/** Remembers some minutes. */
export class History {
  readonly #series = Object.fromEntries(seriesNames.map((name) => [name, []])) as unknown as Record<
    SeriesName,
    number[]
  >;
  /** Totals at the last point, by source: one that is new counts from nothing. */
  #last = new Map<string, FleetShard>();

  get series(): Series {
    return this.#series;
  }

  /** Takes a point. */
  add(shards: readonly FleetShard[]): void {
    const before = this.#last;
    this.#last = new Map(shards.map((shard) => [`${shard.place}/${shard.generation}`, shard]));
    for (const name of seriesNames) {
      let sum = 0;
      for (const [key, shard] of this.#last) {
        const gone = isTotal(name) ? (before.get(key)?.[name] ?? 0) : 0;
        sum += shard[name] - gone;
      }
      const points = this.#series[name];
      points.push(sum);
      if (points.length > POINTS_MAX) points.shift();
    }
  }
}

function isTotal(name: CounterName): boolean {
  return name in totals;
}
