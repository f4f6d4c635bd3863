/** I6: nothing that is counted is ever above its limit; what is left at the end is counted against 0. */
import type { Sight } from '../sights.ts';
import { type Finding, type Oracle, findingAt } from './finding.ts';

/** The oracle of bounds. */
export class Bounds implements Oracle {
  readonly invariant = 'I6';
  readonly types = ['counts'] as const;

  take(sight: Sight): Finding | undefined {
    if (sight.type !== 'counts') return undefined;
    for (const [what, count, limit] of sight.counts)
      if (count > limit) return findingAt('I6', sight, `${what}: expected at most ${limit}, got ${count}`);
    return undefined;
  }
}
