/**
 * I12: what was reached. It counts the kinds of faults and the edges of connection machines over many runs, and tells what
 * never came; it finds no fault with a single run.
 */
import type { Sight } from '../sights.ts';

/** Counts over many runs. */
export class Reach {
  readonly faults = new Map<string, number>();
  /** By `dialling: from -> to`. */
  readonly edges = new Map<string, number>();

  /** Counts a sight. */
  take(sight: Sight): void {
    if (sight.type === 'fault') raise(this.faults, sight.kind);
    else if (sight.type === 'edge') raise(this.edges, `${sight.machine}: ${sight.from} -> ${sight.to}`);
  }

  /** What never came of these kinds of faults and these edges. */
  missing(faults: readonly string[], edges: readonly string[]): string[] {
    return [...faults.filter((kind) => !this.faults.has(kind)), ...edges.filter((edge) => !this.edges.has(edge))];
  }
}

function raise(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
