/** The results of a run for people and for programs. */
import type { Case, Group } from './steps.ts';
import type { Outcome, Result } from './suite.ts';

const outcomes: readonly Outcome[] = ['passed', 'failed', 'warned', 'skipped'];

/** How many results there are of each outcome. */
export function countsOf(results: readonly Result[]): Readonly<Record<Outcome, number>> {
  const count = (outcome: Outcome): number => results.filter((result) => result.outcome === outcome).length;
  return Object.fromEntries(outcomes.map((outcome) => [outcome, count(outcome)])) as Record<Outcome, number>;
}

/** One result as a line of words; for one that did not pass, with the step and what was wrong. */
export function lineOf({ case: each, outcome, why, step }: Result): string {
  const { id, level, section, demand } = each;
  const head = `${outcome.padEnd(7)} ${id.padEnd(5)} ${level} (section ${section}) ${demand}`;
  if (outcome === 'passed') return head;
  const at = each.steps[step - 1];
  return `${head}\n        ${at === undefined ? '' : `at ${step} of ${each.steps.length}, ${at.says}: `}${why}`;
}

/** A row for each group: how many cases it has and what became of them. */
export function tableOf(results: readonly Result[]): readonly string[] {
  const groups = [...Map.groupBy(results, ({ group }) => group), ['all', results] as const];
  const row = (name: string, cells: readonly (string | number)[]): string =>
    `${name.padEnd(15)}${cells.map((cell) => String(cell).padStart(8)).join('')}`;
  const rows = groups.map(([name, each]) => {
    const counts = countsOf(each);
    return row(name, [each.length, ...outcomes.map((outcome) => counts[outcome])]);
  });
  return [row('group', ['cases', ...outcomes]), ...rows];
}

/** The report for programs. `verdict` is `pass` when no MUST failed. */
export function reportOf(results: readonly Result[], where: string) {
  const counts = countsOf(results);
  return {
    where,
    verdict: counts.failed === 0 ? 'pass' : 'fail',
    counts,
    cases: results.map(({ case: each, group, outcome, why, step, tookMs }) => ({
      id: each.id,
      group,
      level: each.level,
      section: each.section,
      demand: each.demand,
      target: each.target === true,
      outcome,
      ...(why === '' ? {} : { why, at: each.steps[step - 1]?.says }),
      tookMs: Math.round(tookMs),
    })),
  };
}

/** What a case sends, or what it expects, step by step. */
export function stepsOf({ steps }: Case, role: 'sends' | 'expects'): string {
  return steps.flatMap((step) => (step.role === role ? [step.says] : [])).join(' · ');
}

/** A cell of a table in Markdown. */
const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('`', "'");

/** The tables of all cases in Markdown, a heading for each group. */
export function pageOf(groups: readonly Group[]): string {
  const tables = groups.map(({ name, about, cases }) => {
    const rows = cases.map((each) => {
      const level = `${each.level} §${each.section}${each.target === true ? ' T' : ''}`;
      const cells = [each.id, level, each.demand, stepsOf(each, 'sends'), stepsOf(each, 'expects')];
      return `| ${cells.map(cell).join(' | ')} |`;
    });
    const head = ['| case | demands | what | sends | expects |', '| --- | --- | --- | --- | --- |'];
    return [`### ${name}`, '', `${cases.length} cases: ${about}.`, '', ...head, ...rows].join('\n');
  });
  return tables.join('\n\n');
}
