/** I5: the handlers of a session, and of an epoch of a client, run in one life of one process or shard. */
import type { Sight } from '../sights.ts';
import type { Book } from './book.ts';
import { lifeOf, placeOf } from './end.ts';
import { type Finding, type Oracle, findingAt } from './finding.ts';

/** The oracle of ownership. */
export class Owner implements Oracle {
  readonly invariant = 'I5';
  readonly types = ['started', 'opens'] as const;
  readonly #owners = new Map<string, string>();

  take(sight: Sight, book: Book): Finding | undefined {
    if (sight.type !== 'started' && sight.type !== 'opens') return undefined;
    const isServer = sight.session !== '';
    const life = lifeOf(sight);
    if (book.dead.has(life)) return findingAt('I5', sight, `${life} is over, and a handler of it runs`);
    const epoch = sight.type === 'opens' ? sight.epoch : placeOf(sight.message).epoch;
    const session = isServer ? sight.session : book.end?.sessions.get(epoch);
    if (session === undefined) return undefined;
    const key = `${session} of ${isServer ? 'server' : 'client'}`;
    const owner = this.#owners.get(key);
    if (owner === undefined) this.#owners.set(key, life);
    else if (owner !== life)
      return findingAt('I5', sight, `session ${session} runs in ${life}, and it belongs to ${owner}`, { session });
    return undefined;
  }
}
