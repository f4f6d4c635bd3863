/** I11: the same plan gives the same sights. Two runs are compared by the hash of what was seen. */
import type { Sight } from '../sights.ts';
import { Trace } from '../trace.ts';
import { type Finding, type Oracle, findingAt } from './finding.ts';

/** The oracle of determinism; `expected` is the hash of an earlier run, if there was one. */
export class Determinism implements Oracle {
  readonly invariant = 'I11';
  readonly #trace = new Trace();
  readonly #expected: string | undefined;
  #lastMs = 0;

  constructor(expected?: string) {
    this.#expected = expected;
  }

  /** The sights so far as a hash. */
  get hash(): string {
    return this.#trace.hash;
  }

  take(sight: Sight): Finding | undefined {
    const { type, who, atMs, life } = sight;
    this.#lastMs = atMs;
    this.#trace.add(type.length * 32 + type.charCodeAt(0), atMs, who.charCodeAt(who.length - 1));
    if (type === 'started' || type === 'ended') {
      // The session, the end of the seq, and the content if there is one.
      const { message } = sight;
      this.#trace.add(message.charCodeAt(0) * 128 + message.charCodeAt(message.length - 1), life, message.length);
      if ('digest' in sight) this.#trace.add(sight.digest?.charCodeAt(0) ?? 0, life, sight.worker);
    } else if ('n' in sight) this.#trace.add(sight.n, atMs, life);
    else if ('code' in sight) this.#trace.add(sight.code.length, atMs, life);
    return undefined;
  }

  end(): Finding | undefined {
    if (this.#expected === undefined || this.#expected === this.hash) return undefined;
    const sentence = `the same plan gave other sights: ${this.#expected} and then ${this.hash}`;
    return findingAt('I11', { who: 'everybody', atMs: this.#lastMs }, sentence);
  }
}
