/** I8: between honest ends no connection ends with the code of a violation, and nothing is thrown that nobody catches. */
import { type EndCode, endTable, isViolation } from '../../errors.ts';
import type { Sight } from '../sights.ts';
import { type Finding, type Oracle, findingAt } from './finding.ts';

/** What the oracle of legality is made with. */
export interface LegalityOptions {
  /** Codes that altered bytes may come to in this run. */
  readonly allows?: (code: string) => boolean;
}

/** The oracle of legality. */
export class Legality implements Oracle {
  readonly invariant = 'I8';
  readonly types = ['uncaught', 'down', 'redials', 'closed'] as const;
  readonly #allows: (code: string) => boolean;

  constructor({ allows = () => false }: LegalityOptions = {}) {
    this.#allows = allows;
  }

  take(sight: Sight): Finding | undefined {
    if (sight.type === 'uncaught') return findingAt('I8', sight, `uncaught: ${sight.words}`);
    if (sight.type !== 'down' && sight.type !== 'redials' && sight.type !== 'closed') return undefined;
    const { code } = sight;
    if (!Object.hasOwn(endTable, code) || !isViolation(code as EndCode) || this.#allows(code)) return undefined;
    return findingAt('I8', sight, `a connection ended with ${code}`);
  }
}
