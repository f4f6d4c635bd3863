/**
 * What a process holds and how long its collector stops it. Keeps histograms of a fixed size outside of the heap, so that
 * watching for ten minutes does not make the heap grow.
 */
import {
  type RecordableHistogram,
  type PerformanceEntry,
  PerformanceObserver,
  constants,
  createHistogram,
  monitorEventLoopDelay,
} from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { GCProfiler, getHeapSpaceStatistics, getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Pauses of one kind since the start, in milliseconds; those that were asked for are not among them. */
export interface Pauses {
  readonly count: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** What one end found at rest, right after a full collection. */
export interface Look {
  /** Bytes in use of the old generation, large objects included; of the whole heap; of its memory outside of the heap. */
  readonly oldBytes: number;
  readonly heapBytes: number;
  readonly externalBytes: number;
  readonly rssBytes: number;
  /** How much later than planned a timer came since the last look. */
  readonly delayP99Ms: number;
  readonly pauses: { readonly minor: Pauses; readonly major: Pauses; readonly incremental: Pauses };
  readonly sent: number;
  readonly received: number;
  readonly lost: number;
  readonly doubled: number;
  readonly cuts: number;
}

/** What the traffic of a process came to; a Look has it too. */
export type Account = Pick<Look, 'sent' | 'received' | 'lost' | 'doubled' | 'cuts'>;

const NS_PER_MS = 1_000_000;
const DELAY_RESOLUTION_MS = 10;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Watches the process it is made in, from now on. */
export class Watch {
  readonly #pauses = { minor: createHistogram(), major: createHistogram(), incremental: createHistogram() };
  readonly #delay = monitorEventLoopDelay({ resolution: DELAY_RESOLUTION_MS });

  constructor() {
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) this.#record((entry as GcEntry).detail, entry.duration);
    }).observe({ type: 'gc' });
    this.#delay.enable();
  }

  /** Collects twice, as finalizers of the first run let go of more, and says what is left. */
  look(account: Account): Look {
    const delayP99Ms = this.#delay.percentile(99) / NS_PER_MS - DELAY_RESOLUTION_MS;
    collect();
    collect();
    const spaces = getHeapSpaceStatistics().filter(({ space_name }) => OLD_SPACES.has(space_name));
    const { external, rss } = process.memoryUsage();
    const { minor, major, incremental } = this.#pauses;
    const look = {
      ...account,
      oldBytes: spaces.reduce((sum, space) => sum + space.space_used_size, 0),
      heapBytes: getHeapStatistics().used_heap_size,
      externalBytes: external,
      rssBytes: rss,
      delayP99Ms,
      pauses: { minor: pausesOf(minor), major: pausesOf(major), incremental: pausesOf(incremental) },
    };
    this.#delay.reset();
    return look;
  }

  /** Bytes that were allocated in the heap in so many milliseconds: what lies between the end of each collection and the next. */
  async allocated(forMs: number): Promise<number> {
    using profiler = new GCProfiler();
    let since = getHeapStatistics().used_heap_size;
    profiler.start();
    await sleep(forMs);
    const { statistics } = profiler.stop() as { readonly statistics: readonly Collection[] };
    let bytes = 0;
    for (const { beforeGC, afterGC } of statistics) {
      bytes += beforeGC.heapStatistics.usedHeapSize - since;
      since = afterGC.heapStatistics.usedHeapSize;
    }
    return bytes + getHeapStatistics().used_heap_size - since;
  }

  #record({ kind, flags }: GcEntry['detail'], ms: number): void {
    if ((flags & constants.NODE_PERFORMANCE_GC_FLAGS_FORCED) !== 0) return;
    // A histogram counts from 1.
    const ns = Math.max(1, Math.round(ms * NS_PER_MS));
    if (kind === constants.NODE_PERFORMANCE_GC_MAJOR) this.#pauses.major.record(ns);
    else if (kind === constants.NODE_PERFORMANCE_GC_MINOR) this.#pauses.minor.record(ns);
    else this.#pauses.incremental.record(ns);
  }
}

const OLD_SPACES = new Set(['old_space', 'large_object_space']);

/** What Node says of one collection; its typings leave that open. */
interface GcEntry extends PerformanceEntry {
  readonly detail: { readonly kind: number; readonly flags: number };
}

/** Of a GCProfiler; the typings of it lack the name. */
interface Collection {
  readonly beforeGC: { readonly heapStatistics: { readonly usedHeapSize: number } };
  readonly afterGC: { readonly heapStatistics: { readonly usedHeapSize: number } };
}

function pausesOf(histogram: RecordableHistogram): Pauses {
  const { count } = histogram;
  if (count === 0) return { count, p50Ms: 0, p99Ms: 0, maxMs: 0 };
  const at = (percentage: number): number => histogram.percentile(percentage) / NS_PER_MS;
  return { count, p50Ms: at(50), p99Ms: at(99), maxMs: histogram.max / NS_PER_MS };
}
