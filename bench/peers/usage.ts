/** What a process uses: its own by Node's counters, another one (a broker) by those of Linux. */
import { readFileSync } from 'node:fs';

/** Used so far, or held now. */
export interface Usage {
  readonly cpuMs: number;
  readonly residentBytes: number;
  /** In use after a full collection; undefined of a broker. */
  readonly heapBytes: number | undefined;
  /** Outside of the heap, buffers above all. */
  readonly externalBytes: number | undefined;
}

/** Clock ticks of /proc a second: fixed at 100 on Linux. */
const TICK_MS = 10;

/** Of this process, after a collection where it was started with `--expose-gc`. */
export function usageOfSelf(): Usage {
  globalThis.gc?.();
  const { user, system } = process.cpuUsage();
  const { rss, heapUsed, external } = process.memoryUsage();
  return { cpuMs: (user + system) / 1_000, residentBytes: rss, heapBytes: heapUsed, externalBytes: external };
}

/** Of another process of this machine. Throws when it has ended, or where there is no /proc. */
export function usageOf(pid: number): Usage {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The name in parentheses may hold anything: fields are counted from behind it.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [user = 0, system = 0] = fields.slice(11, 13).map(Number);
  const resident = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return {
    cpuMs: (user + system) * TICK_MS,
    residentBytes: Number(resident) * 1_024,
    heapBytes: undefined,
    externalBytes: undefined,
  };
}
