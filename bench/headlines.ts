/** The short table of results that the README shows: a line for each question a reader has, contestants as columns. */
import { tableOf } from './markdown.ts';
import type { Report } from './report.ts';
import type { Measured } from './table.ts';

/** Rows in the table, each by the first number that it compares. */
const headlines: readonly string[] = ['stream', 'call', 'many-calls', 'fan-out', 'idle', 'storm', 'cut'];

/** Between these the table stands in a page. */
const BEGIN = '<!-- results: made by scripts/bench-table.ts -->';
const END = '<!-- end of results -->';

/** The table of a report, with a line below that says what a reader needs to judge it. */
export function headlineTable({ date, scale, machine, rows }: Report): string {
  const shown = headlines.flatMap((name) => {
    const what = rows[name]?.find(({ contestant }) => contestant !== undefined)?.what;
    return what === undefined ? [] : [(rows[name] ?? []).filter((one) => one.what === what)];
  });
  const names = [...new Set(shown.flat().map(({ contestant = '' }) => contestant))];
  const cells = shown.map((row) => [
    labelOf(row[0]),
    ...names.map((name) => cellOf(row.find(({ contestant }) => contestant === name))),
  ]);
  const run = scale === 'quick' ? 'a quick run, which is coarse' : 'a full run';
  const where = `${machine.cores} cores of ${machine.processor}, Node ${machine.node}`;
  return [
    tableOf(['', ...names], cells),
    `In parentheses: Homing's number divided by that one, the median of rounds in turn. ${date}, ${run}: ${where}.`,
  ].join('\n\n');
}

/** A page with the table between its marks. Throws when the page has no marks. */
export function withHeadlines(page: string, report: Report): string {
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`expected '${BEGIN}' and '${END}' in the page, found them not`);
  return `${page.slice(0, begin)}${BEGIN}\n\n${headlineTable(report)}\n\n${page.slice(end)}`;
}

function labelOf(one: Measured | undefined): string {
  const { what = '', unit = '' } = one ?? {};
  return unit === '' ? what : `${what} [${unit}]`;
}

function cellOf(one: Measured | undefined): string {
  if (one === undefined) return '';
  const { value, ratio, faults } = one;
  const words = [shortNumber(value)];
  if (ratio !== undefined) words.push(`(${shortNumber(ratio.value)})`);
  if (faults !== undefined && faults.lost > 0) words.push(`${shortNumber(faults.lost)} lost`);
  return words.join(' ');
}

/** `412k`, `1.03M`, `26.0`, `0.92`. */
function shortNumber(value: number): string {
  if (value >= 1e6) return `${(value / 1e6).toFixed(2)}M`;
  if (value >= 1e4) return `${(value / 1e3).toFixed(0)}k`;
  if (value >= 1e3) return `${(value / 1e3).toFixed(1)}k`;
  return Number.isInteger(value) ? String(value) : value.toFixed(value >= 10 ? 1 : 2);
}
