/** How many of something there are, where a run promises a number. */
import { PromiseBroken } from './course.ts';

/** Throws unless there are exactly so many. */
export function expectCount(what: string, count: number, expected: number): void {
  if (count !== expected) throw new PromiseBroken(`expected ${expected} ${what}, got ${count}`);
}
