/**
 * I2, in terms of memory: who is told that something was processed is told the truth, nothing is let go of that was not
 * processed, a report of a lost or ended epoch accounts for every message, and history is lost with a life only.
 */
import type { Sight, SightOf } from '../sights.ts';
import type { Book } from './book.ts';
import type { End } from './end.ts';
import { type Finding, type Oracle, findingAt } from './finding.ts';
import type { Stream } from './stream.ts';

/** A flush whose messages were not all processed when it was over. */
interface Doubt {
  readonly sight: SightOf<'flushed'>;
  readonly end: End;
  readonly stream: Stream;
}

/** The oracle of what is kept until it is processed. */
export class Kept implements Oracle {
  readonly invariant = 'I2';
  readonly types = ['answered', 'flushed', 'released', 'started', 'gap', 'closed', 'rest', 'sent', 'ends'] as const;
  /** A deliver that gave up at the moment of a flush may be told a moment later. */
  #doubts: Doubt[] = [];

  take(sight: Sight, book: Book): Finding | undefined {
    const late = this.#doubts.length > 0 ? this.#settle(book, sight.atMs) : undefined;
    return late ?? this.#look(sight, book);
  }

  end(book: Book): Finding | undefined {
    return this.#settle(book, Infinity);
  }

  // ---- below

  #look(sight: Sight, book: Book): Finding | undefined {
    const { fault, end } = book;
    switch (sight.type) {
      case 'answered':
        return answered(sight, book);
      case 'flushed':
        if (sight.outcome === 'ok' && end?.out.unprocessed(book.excuseOf(end.out), sight.n) !== undefined)
          this.#doubts.push({ sight, end, stream: end.out });
        return undefined;
      case 'released':
      case 'started':
        if (fault?.kind !== 'released') return undefined;
        return findingAt('I2', sight, fault.sentence, { session: end?.session });
      case 'closed':
        return fault === undefined ? undefined : findingAt('I2', sight, fault.sentence, { session: end?.session });
      case 'gap':
        return fault === undefined
          ? lostFor(sight, book)
          : findingAt('I2', sight, fault.sentence, { session: sight.oldId });
      default:
        return undefined;
    }
  }

  #settle(book: Book, nowMs: number): Finding | undefined {
    const due = this.#doubts.filter(({ sight }) => sight.atMs < nowMs);
    this.#doubts = this.#doubts.filter(({ sight }) => sight.atMs >= nowMs);
    for (const { sight, end, stream } of due) {
      const item = stream.unprocessed(book.excuseOf(stream), sight.n);
      if (item !== undefined)
        return findingAt(
          'I2',
          sight,
          `a flush over ${sight.n} messages is over, and n=${item.n} '${item.name}' is not processed`,
          {
            session: end.session,
          },
        );
    }
    return undefined;
  }
}

function answered(sight: SightOf<'answered'>, { item, end }: Book): Finding | undefined {
  const wrong = (sentence: string): Finding =>
    findingAt('I2', sight, `n=${sight.n} '${item?.name}': ${sentence}`, { session: end?.session });
  if (item === undefined || item.how !== 'deliver') return undefined;
  const { state, hasThrown, fate, digest } = item;
  switch (sight.outcome) {
    case 'ok':
      if (state !== 'ended') return wrong(`said to be processed, and it is ${state}`);
      return hasThrown ? wrong('said to be processed well, and its handler threw') : undefined;
    case 'failed':
      return state === 'ended' && !hasThrown && digest !== undefined
        ? wrong('said to have failed, and its handler did not throw')
        : undefined;
    case 'unknown':
      return fate === 'open' ? wrong('nobody knows what became of it, and no report said so') : undefined;
    case 'never-sent':
      return state === 'started' || state === 'ended' ? wrong(`said to be never sent, and it is ${state}`) : undefined;
    case 'given-up':
    case 'unheard':
      return undefined;
  }
}

/** History is lost with the life that held it, or with a session that was ended. */
function lostFor(sight: SightOf<'gap'>, book: Book): Finding | undefined {
  const { reason, oldId } = sight;
  const home = book.homes.get(oldId);
  if (home === undefined || book.dead.has(home) || book.ended.has(oldId)) return undefined;
  const sentence = `history was lost (${reason}), and ${home}, which holds the session, lives and did not end it`;
  return findingAt('I2', sight, sentence, { session: oldId });
}
