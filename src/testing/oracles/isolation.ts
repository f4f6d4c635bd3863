/** I9: a client that no fault touches never loses its connection, nor anything else. */
import type { Sight } from '../sights.ts';
import { type Finding, type Oracle, findingAt } from './finding.ts';

/** What only a fault does; the other codes say that one of the two users wanted it. */
const byFault = new Set(['line-lost', 'silent', 'dial-failed', 'shard-lost', 'history-lost']);

/** The oracle of isolation. */
export class Isolation implements Oracle {
  readonly invariant = 'I9';
  readonly types = ['fault', 'gap', 'down', 'redials', 'closed'] as const;
  readonly #touched = new Set<string>();
  #isEverybody = false;

  take(sight: Sight): Finding | undefined {
    if (sight.type === 'fault') {
      if (sight.touches === undefined) this.#isEverybody = true;
      else this.#touched.add(sight.touches);
      return undefined;
    }
    if (this.#isEverybody || this.#touched.has(sight.who)) return undefined;
    switch (sight.type) {
      case 'gap':
        if (!byFault.has(sight.reason)) return undefined;
        return findingAt('I9', sight, `history was lost (${sight.reason}), and no fault touched ${sight.who}`, {
          session: sight.oldId,
        });
      case 'down':
      case 'redials':
      case 'closed':
        // A server's handle tells of its client, which tells for itself.
        if (sight.session !== '' || !byFault.has(sight.code)) return undefined;
        return findingAt('I9', sight, `the connection ended with ${sight.code}, and no fault touched ${sight.who}`);
      default:
        return undefined;
    }
  }
}
