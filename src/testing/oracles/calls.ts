/**
 * I7: a call settles exactly once, runs at most once, is answered well only if it ran, and is over at its deadline, which
 * counts the time with a connection unless all time was asked for.
 */
import type { Sight, SightOf } from '../sights.ts';
import type { Book } from './book.ts';
import type { End } from './end.ts';
import { type Finding, type Oracle, findingAt } from './finding.ts';

/** A call that has not settled. */
interface Open {
  readonly sight: SightOf<'sent'>;
  readonly end: End;
  /** When it is over, on the clock that it counts. */
  readonly dueMs: number;
}

/** What the oracle of calls is made with. */
export interface CallsOptions {
  /** How late a deadline may be told: as long as a process may stand still. */
  readonly toleranceMs: number;
}

/** The oracle of calls. */
export class Calls implements Oracle {
  readonly invariant = 'I7';
  readonly types = ['sent', 'answered', 'started'] as const;
  readonly #toleranceMs: number;
  readonly #open = new Map<End, Map<number, Open>>();

  constructor({ toleranceMs }: CallsOptions) {
    this.#toleranceMs = toleranceMs;
  }

  take(sight: Sight, book: Book): Finding | undefined {
    const { end } = book;
    if (end === undefined) return undefined;
    if (sight.type === 'sent' && sight.how === 'call') return this.#begin(sight, end, book);
    if (sight.type === 'answered') return this.#answered(sight, end, book);
    if (sight.type !== 'started' || sight.what !== 'method' || book.fault?.kind !== 'duplicate') return undefined;
    return findingAt('I7', sight, `the method '${sight.name}' ran again: ${book.fault.sentence}`, {
      session: end.session,
    });
  }

  end(book: Book): Finding | undefined {
    for (const [end, calls] of this.#open) {
      const [call] = calls.values();
      if (call === undefined || !book.isAlive(end)) continue;
      const { n, name } = call.sight;
      return findingAt('I7', call.sight, `the call n=${n} '${name}' never settled`, { session: end.session });
    }
    return undefined;
  }

  // ---- below

  #begin(sight: SightOf<'sent'>, end: End, book: Book): undefined {
    const { n, timeoutMs, isWall, atMs } = sight;
    const nowMs = isWall === true ? atMs : book.upMsOf(end, atMs);
    const calls = this.#open.get(end) ?? new Map<number, Open>();
    this.#open.set(end, calls.set(n, { sight, end, dueMs: timeoutMs === undefined ? Infinity : nowMs + timeoutMs }));
  }

  #answered(sight: SightOf<'answered'>, end: End, book: Book): Finding | undefined {
    const { item } = book;
    if (item === undefined || item.how !== 'call') return undefined;
    const about = `the call n=${sight.n} '${item.name}'`;
    const where = { session: end.session };
    const call = this.#open.get(end)?.get(sight.n);
    if (call === undefined) return findingAt('I7', sight, `${about} settled twice`, where);
    this.#open.get(end)?.delete(sight.n);
    if (sight.outcome === 'ok' && item.state === 'sent')
      return findingAt('I7', sight, `${about} was answered, and it never ran`, where);
    const nowMs = call.sight.isWall === true ? sight.atMs : book.upMsOf(end, sight.atMs);
    const lateMs = nowMs - call.dueMs;
    if (lateMs > this.#toleranceMs)
      return findingAt('I7', sight, `${about} settled ${Math.round(lateMs)} ms after its deadline`, where);
    return undefined;
  }
}
