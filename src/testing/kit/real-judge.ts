/** Judges a run on real sockets by what its ends and the user's code come to. The first verdict ends the run. */
import { type EndCode, endTable, isViolation } from '../../errors.ts';
import type { JobHost } from './work.ts';
import type { AnyScenario } from './scenario.ts';
import { Verdict, innermost, isWeather, wordsOf } from './verdict.ts';

/** A process of a run; what a dead one comes to does not count. */
export type RealHost = JobHost & { isAlive: boolean };

/** The judge of one run. */
export class RealJudge {
  readonly #scenario: AnyScenario;
  readonly #isAltered: boolean;
  readonly #now: () => number;
  readonly #failed = Promise.withResolvers<never>();
  #verdict: Verdict | undefined;

  /** `isAltered`: bytes are altered on the way, so that ends may find fault with each other's frames. */
  constructor(scenario: AnyScenario, isAltered: boolean, now: () => number) {
    this.#scenario = scenario;
    this.#isAltered = isAltered;
    this.#now = now;
    this.#failed.promise.catch(() => {});
  }

  /** A new process. */
  host(name: string): RealHost {
    return { name, isAlive: true, clock: { now: this.#now } };
  }

  /** Something is wrong. */
  fail(error: unknown): void {
    this.#verdict ??= error instanceof Verdict ? error : new Verdict('world', wordsOf(error), { cause: error });
    this.#failed.reject(this.#verdict);
  }

  /** What the user's code came to: weather, allowed, or the end of the run. */
  judge(oracle: 'handler' | 'step', error: unknown, host: RealHost, messageId: string | undefined): void {
    if (!host.isAlive || isWeather(error)) return;
    const inner = innermost(error);
    if (this.#scenario.allowErrors?.(inner) === true) return;
    this.fail(new Verdict(oracle, wordsOf(inner), { who: host.name, messageId, cause: inner }));
  }

  /** Whether a connection may end with this code: honest ends find no fault with each other's frames. */
  allows(_code: string): boolean {
    return this.#isAltered;
  }

  /** Two honest ends find no fault with each other's frames. */
  expectNoViolation(who: string, code: string): void {
    if (this.#isAltered || !Object.hasOwn(endTable, code) || !isViolation(code as EndCode)) return;
    this.fail(new Verdict('violation', `a connection ended with ${code}`, { who }));
  }

  /** Waits for work, or for a verdict that comes before its end. */
  async race<Value>(work: Promise<Value>): Promise<Value> {
    const value = await Promise.race([this.#failed.promise, work]);
    if (this.#verdict !== undefined) throw this.#verdict;
    return value;
  }
}
