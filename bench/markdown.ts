/** Results as a page: a table for each row, and what a reader needs to judge them. */
import type { Report } from './report.ts';
import { type Measured, showFaults, showGoal, showNumber, spreadOf } from './table.ts';

/** The page of a report. */
export function markdownOf({ date, scale, machine, contestants, absent, rows, failures = {} }: Report): string {
  const { node, platform, cores, processor, memoryGb, openFiles } = machine;
  const intro = [
    `Measured ${date}${scale === 'quick' ? ' in quick mode, which is coarse' : ''}: ${cores} cores of ${processor}, ${memoryGb} GB,`,
    `${platform}, Node ${node}, ${openFiles ?? 'unlimited'} open files. Medians; a ratio is Homing's number divided by that of the`,
    'contestant, median over rounds in which both had their turn.',
  ];
  return `${[
    '# Results',
    intro.join('\n'),
    ...(contestants.length > 0 ? ['## Contestants', contestantTable(contestants)] : []),
    ...(absent.length > 0 ? [absent.map(({ name, reason }) => `- ${name} was left out: ${reason}`).join('\n')] : []),
    ...Object.entries(failures).map(([name, reason]) => `${name} broke off: ${reason}`),
    ...Object.entries(rows).flatMap(([name, row]) => [`## ${name}`, rowTable(row)]),
  ].join('\n\n')}\n`;
}

function contestantTable(contestants: Report['contestants']): string {
  const cells = contestants.map(({ name, promises, settings, packages }) => [
    name,
    promises,
    settings,
    packages.join(', ') || 'none',
  ]);
  return tableOf(['contestant', 'promises', 'settings', 'packages'], cells);
}

function rowTable(row: readonly Measured[]): string {
  const isCompared = row.some(({ contestant }) => contestant !== undefined);
  return isCompared
    ? tableOf(['what', 'contestant', 'median', 'lowest to highest', 'homing ÷ it', 'goal', 'faults'], row.map(compared))
    : tableOf(['what', 'median', 'lowest to highest', 'goal'], row.map(single));
}

function single({ what, value, unit, rounds, goal }: Measured): readonly string[] {
  return [what, showNumber(value, unit), spreadOf(rounds), showGoal(value, goal, unit)];
}

function compared({ what, contestant = '', value, unit, rounds, ratio, faults, goal }: Measured): readonly string[] {
  return [
    what,
    contestant,
    showNumber(value, unit),
    spreadOf(rounds),
    ratio === undefined ? '' : `${showNumber(ratio.value, '')} (${spreadOf(ratio.rounds)})`,
    ratio === undefined ? showGoal(value, goal, unit) : showGoal(ratio.value, ratio.goal, ''),
    faults === undefined ? '' : showFaults(faults),
  ];
}

/** A table as prettier leaves it: columns as wide as what is in them. */
export function tableOf(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((cell, at) =>
    Math.max(3, ...[head, ...rows].map((row) => row[at]?.length ?? 0), cell.length),
  );
  const line = (cells: readonly string[]): string =>
    `| ${widths.map((width, at) => (cells[at] ?? '').padEnd(width)).join(' | ')} |`;
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  return [line(head), rule, ...rows.map(line)].join('\n');
}
