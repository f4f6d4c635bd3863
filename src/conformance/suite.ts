/** Runs cases, several at a time, each with connections, a session and a deadline of its own. */
import { Failed, Skipped } from './bytes.ts';
import { Scene, type Where } from './scene.ts';
import type { Case, Group } from './steps.ts';

/** What became of a case; `warned`: a SHOULD that does not hold. */
export type Outcome = 'passed' | 'failed' | 'warned' | 'skipped';

/** A case and what became of it. */
export interface Result {
  readonly case: Case;
  readonly group: string;
  readonly outcome: Outcome;
  /** What was wrong, or why it was left out; empty when it passed. */
  readonly why: string;
  /** The step at which it stopped, from 1; 0 when it passed or never began. */
  readonly step: number;
  readonly tookMs: number;
}

/** How to run. */
export interface RunOptions extends Where {
  /** Leave out what needs the target behavior. */
  readonly plain?: boolean | undefined;
  /** Ids or beginnings of them (`F`, `H-0`); without it, all. */
  readonly only?: readonly string[] | undefined;
  /** Cases at a time. */
  readonly jobs?: number | undefined;
  /** Multiplies every deadline. */
  readonly patience?: number | undefined;
  /** Told of each result as it is known. */
  readonly onResult?: ((result: Result) => void) | undefined;
}

const WITHIN_MS = 5_000;
const JOBS = 8;

/** The cases that these words name: all of a group by its letter, or each by its id. */
export function chosen(groups: readonly Group[], only: readonly string[] | undefined): readonly Group[] {
  if (only === undefined) return groups;
  return groups.flatMap((group) => {
    const cases = group.cases.filter(({ id }) => only.some((word) => id === word || id.startsWith(`${word}-`)));
    return cases.length === 0 ? [] : [{ ...group, cases }];
  });
}

/** Runs the cases of these groups. Resolves to the results in the order of the cases; nothing a server does rejects. */
export async function runCases(groups: readonly Group[], options: RunOptions): Promise<readonly Result[]> {
  const all = chosen(groups, options.only).flatMap(({ name, cases }) => cases.map((each) => ({ group: name, each })));
  const results = new Map<Case, Result>();
  // The long ones first, or the last of them would be waited for alone.
  const waiting = all.toSorted((one, other) => withinMs(other.each) - withinMs(one.each));
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const result = await runCase(next.each, next.group, options);
      results.set(next.each, result);
      options.onResult?.(result);
    }
  };
  await Promise.all(Array.from({ length: options.jobs ?? JOBS }, work));
  return all.flatMap(({ each }) => results.get(each) ?? []);
}

const withinMs = (each: Case): number => each.withinMs ?? WITHIN_MS;

async function runCase(each: Case, group: string, options: RunOptions): Promise<Result> {
  const begunMs = performance.now();
  const done = (outcome: Outcome, why: string, step: number): Result => {
    return { case: each, group, outcome, why, step, tookMs: performance.now() - begunMs };
  };
  if (options.plain === true && each.target === true) return done('skipped', 'it needs the target behavior', 0);
  const scene = new Scene(options, withinMs(each) * (options.patience ?? 1));
  let step = 0;
  try {
    for (const { run } of each.steps) {
      step += 1;
      await run(scene);
    }
    return done('passed', '', 0);
  } catch (error) {
    if (error instanceof Skipped) return done('skipped', error.message, step);
    const why = error instanceof Failed ? error.message : `a fault of the suite: ${String(error)}`;
    return done(each.level === 'MUST' ? 'failed' : 'warned', why, step);
  } finally {
    scene.end();
  }
}
