/** What a thread holds, after a forced collection; and its heap as a file, for `scripts/heap-by-class.ts`. */
import { setImmediate as turn } from 'node:timers/promises';
import { queryObjects, setFlagsFromString, writeHeapSnapshot } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { IdleWeight } from './contestants.ts';

/** Told to the thread that holds the connections: weigh, or write a snapshot into this file. */
export type ScaleOrder = 'weigh' | { readonly snapshot: string };

/** Carries an order out. */
export async function obeyScale(order: ScaleOrder): Promise<IdleWeight | string> {
  if (order !== 'weigh') return writeHeapSnapshot(order.snapshot);
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  // First: it walks over the whole heap, and leaves something behind.
  const tables = [Map, Set, WeakMap].reduce((sum, each) => sum + Number(queryObjects(each)), 0);
  // Finalizers of the first run let go of more, some of them in a later turn.
  for (let run = 0; run < 8; run += 1) {
    collect();
    await turn();
  }
  const { heapUsed, external, arrayBuffers, rss } = process.memoryUsage();
  return { heap: heapUsed, external, arrayBuffers, rss, tables };
}
