/** The calling end, the same whatever carries the calls. */
import { percentile } from '../statistics.ts';

/** How to call: so many calls at a time, a new one as soon as one is answered. */
export interface CallOrder {
  readonly inFlight: number;
  readonly milliseconds: number;
}

/** What was reached. */
export interface Called {
  /** Calls a second. */
  readonly rate: number;
  /** From the call to its answer, in microseconds. */
  readonly p50Us: number;
  readonly p99Us: number;
}

/** Asks the server for a sum. */
export type Add = (left: number, right: number) => Promise<number>;

/** Calls for a time. Throws when an answer is that to another call. */
export async function callAway(add: Add, { inFlight, milliseconds }: CallOrder): Promise<Called> {
  const times: number[] = [];
  const beginMs = performance.now();
  const endMs = beginMs + milliseconds;
  let count = 0;
  const work = async (): Promise<void> => {
    for (let startMs = performance.now(); startMs < endMs;) {
      count += 1;
      const left = count;
      const sum = await add(left, 1);
      if (sum !== left + 1) throw new Error(`expected ${left + 1}, got ${sum}`);
      const nowMs = performance.now();
      times.push((nowMs - startMs) * 1_000);
      startMs = nowMs;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, work));
  const rate = (count / (performance.now() - beginMs)) * 1_000;
  return { rate, p50Us: percentile(times, 0.5), p99Us: percentile(times, 0.99) };
}
