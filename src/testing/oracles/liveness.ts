/**
 * I4: once faults are over, everything comes to rest within the time that follows from the timers, and then all that living
 * ends accepted has been processed and all promises have settled.
 */
import type { Sight } from '../sights.ts';
import type { Book } from './book.ts';
import type { End } from './end.ts';
import { type Finding, type Oracle, findingAt } from './finding.ts';

/** The oracle of liveness. */
export class Liveness implements Oracle {
  readonly invariant = 'I4';
  readonly types = ['healed', 'rest'] as const;
  #dueMs = Infinity;
  #withinMs = 0;
  #isResting = false;

  take(sight: Sight, book: Book): Finding | undefined {
    if (sight.type === 'healed') {
      this.#dueMs = sight.atMs + sight.withinMs;
      this.#withinMs = sight.withinMs;
    }
    if (sight.type !== 'rest') return undefined;
    this.#isResting = true;
    if (sight.atMs > this.#dueMs)
      return findingAt(
        'I4',
        sight,
        `rest came ${Math.round(sight.atMs - this.#dueMs)} ms after the ${this.#withinMs} ms it may take`,
      );
    for (const end of book.ends.values()) {
      const why = end.closed === undefined && book.isAlive(end) ? openAt(end, book) : undefined;
      if (why !== undefined) return findingAt('I4', sight, `at rest ${why}`, { session: end.session });
    }
    return undefined;
  }

  end(): Finding | undefined {
    if (this.#dueMs === Infinity || this.#isResting) return undefined;
    const sentence = `no rest within ${this.#withinMs} ms after the last fault`;
    return findingAt('I4', { who: 'everybody', atMs: this.#dueMs }, sentence);
  }
}

/** What an end still waits for. A session that its client has given up waits for nobody. */
function openAt(end: End, book: Book): string | undefined {
  const receiver = book.receiverOf(end.out);
  if (receiver === undefined || receiver.closed !== undefined || !book.isAlive(receiver)) return undefined;
  if (!end.isServer || receiver.session === end.session) {
    const item = end.out.unprocessed(book.excuseOf(end.out));
    if (item !== undefined) return `n=${item.n} '${item.name}' of ${end.life} is not processed`;
    for (const each of end.sent.values())
      if (each.how !== 'send' && each.outcome === undefined)
        return `the ${each.how} n=${each.n} '${each.name}' of ${end.life} has not settled`;
  }
  return undefined;
}
