/**
 * I1: in each session, epoch and direction, what starts is a prefix of what was sent, with its content: no gap, no duplicate,
 * nothing out of order, nothing foreign, one at a time; across a gap exactly what its report and its listener said.
 */
import type { Sight } from '../sights.ts';
import type { Book } from './book.ts';
import { type Finding, type Oracle, findingAt } from './finding.ts';

/** The oracle of order. */
export class Order implements Oracle {
  readonly invariant = 'I1';
  readonly types = ['started'] as const;

  take(sight: Sight, book: Book): Finding | undefined {
    const { fault } = book;
    if (sight.type !== 'started' || fault === undefined) return undefined;
    if (fault.kind === 'released' || (fault.kind === 'duplicate' && sight.what === 'method')) return undefined;
    return findingAt('I1', sight, `${book.stream?.name ?? sight.who}: ${fault.sentence}`, {
      session: book.end?.session,
    });
  }
}
