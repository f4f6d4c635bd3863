/** Feeds every sight of a run to all oracles, and reports the first thing that one of them finds. */
import type { Sight } from '../sights.ts';
import { Book } from './book.ts';
import { Bounds } from './bounds.ts';
import { Calls } from './calls.ts';
import { Determinism } from './determinism.ts';
import type { Finding, Oracle } from './finding.ts';
import { Isolation } from './isolation.ts';
import { Kept } from './kept.ts';
import { Legality, type LegalityOptions } from './legality.ts';
import { Liveness } from './liveness.ts';
import { Order } from './order.ts';
import { Owner } from './owner.ts';

/** What all oracles of a run are made with. */
export interface JudgeOptions extends LegalityOptions {
  /** How late a deadline may be told: as long as a process may stand still. */
  readonly toleranceMs?: number;
  /** The hash of an earlier run of the same plan. */
  readonly expected?: string | undefined;
  /** Told of the first finding, at once. */
  readonly found?: (finding: Finding) => void;
}

/** All oracles of one run. */
export class Judge {
  readonly book = new Book();
  /** What was found first. */
  finding: Finding | undefined;
  readonly #determinism: Determinism;
  readonly #oracles: readonly Oracle[];
  readonly #byType = new Map<string, readonly Oracle[]>();
  readonly #found: ((finding: Finding) => void) | undefined;

  constructor({ toleranceMs = 0, expected, found, ...legality }: JudgeOptions = {}) {
    this.#found = found;
    this.#determinism = new Determinism(expected);
    this.#oracles = [
      new Order(),
      new Kept(),
      new Owner(),
      new Calls({ toleranceMs }),
      new Legality(legality),
      new Isolation(),
      new Bounds(),
      new Liveness(),
      this.#determinism,
    ];
  }

  /** The sights so far as a hash. */
  get hash(): string {
    return this.#determinism.hash;
  }

  /** Takes the next sight of the run. Once something is found, the rest is not looked at. */
  take(sight: Sight): void {
    if (this.finding !== undefined) return;
    this.book.take(sight);
    for (const oracle of this.#thoseFor(sight.type)) {
      const finding = oracle.take(sight, this.book);
      if (finding !== undefined) return this.#report(finding);
    }
  }

  /** The run is over. Gives the first finding, if there is one. */
  end(): Finding | undefined {
    for (const oracle of this.#oracles) {
      const finding = this.finding === undefined ? oracle.end?.(this.book) : undefined;
      if (finding !== undefined) this.#report(finding);
    }
    return this.finding;
  }

  #thoseFor(type: Sight['type']): readonly Oracle[] {
    const known = this.#byType.get(type);
    if (known !== undefined) return known;
    const oracles = this.#oracles.filter(({ types }) => types === undefined || types.includes(type));
    this.#byType.set(type, oracles);
    return oracles;
  }

  #report(finding: Finding): void {
    this.finding = finding;
    this.#found?.(finding);
  }
}
