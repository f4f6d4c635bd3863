/** What a row measured, and how a terminal shows it. */
import { median, percentile } from './statistics.ts';

/** One number that was measured. */
export interface Measured {
  readonly what: string;
  /** The median of the rounds, or what a share of all single values of all rounds lies below. */
  readonly value: number;
  /** The same of each round. */
  readonly rounds: readonly number[];
  /** `ms`, `/s`, `MB`; '' for a ratio or a count. */
  readonly unit: string;
  /** What to reach. */
  readonly goal?: Goal | undefined;
  /** Whose number it is, in a row that compares; `what` is the same for all of them. */
  readonly contestant?: string | undefined;
  /** Homing's value divided by this one; undefined of Homing's own. */
  readonly ratio?: Ratio | undefined;
  /** What did not arrive as it was sent, over all rounds. */
  readonly faults?: Faults | undefined;
}

/** How two contestants compare. */
export interface Ratio {
  /** The median of the rounds: both had their turn in each. */
  readonly value: number;
  readonly rounds: readonly number[];
  readonly goal?: Goal | undefined;
}

/** Messages, counted by their ids at the receiver. */
export interface Faults {
  readonly lost: number;
  readonly doubled: number;
  readonly reordered: number;
}

/** A number to stay below, or to get above. */
export type Goal = { readonly atMost: number } | { readonly atLeast: number };

/** The median of rounds. */
export function ofRounds(what: string, rounds: readonly number[], unit: string, goal?: Goal): Measured {
  return { what, value: median(rounds), rounds, unit, goal };
}

/** A share of all single values; each round has several. */
export function ofShare(
  what: string,
  share: number,
  rounds: readonly (readonly number[])[],
  unit: string,
  goal?: Goal,
): Measured {
  const value = percentile(rounds.flat(), share);
  return { what, value, rounds: rounds.map((values) => percentile(values, share)), unit, goal };
}

/** The lines of a row: value, spread, goal of each number; in a row that compares, one for each contestant. */
export function linesOf(row: readonly Measured[]): readonly string[] {
  return row.flatMap((one, index) => {
    if (one.contestant === undefined) return [lineOf(one)];
    const line = compared(one, one.contestant);
    return row[index - 1]?.what === one.what ? [line] : [one.what, line];
  });
}

function lineOf({ what, value, rounds, unit, goal }: Measured): string {
  const cells = [what.padEnd(58), showNumber(value, unit).padStart(12), '  ', spreadOf(rounds).padEnd(26)];
  return `${cells.join('')}${showGoal(value, goal, unit)}`.trimEnd();
}

function compared({ value, rounds, unit, ratio, faults }: Measured, contestant: string): string {
  const cells = [
    `  ${contestant.padEnd(16)}`,
    showNumber(value, unit).padStart(14),
    spreadOf(rounds).padEnd(26),
    (ratio === undefined ? '' : `homing ÷ it ${showNumber(ratio.value, '')}, ${spreadOf(ratio.rounds)}`).padEnd(36),
    ratio === undefined ? '' : showGoal(ratio.value, ratio.goal, ''),
    faults === undefined ? '' : showFaults(faults),
  ];
  return cells.join('  ').trimEnd();
}

/** `lost 0, doubled 0, reordered 0`. */
export function showFaults({ lost, doubled, reordered }: Faults): string {
  return `lost ${showNumber(lost, '')}, doubled ${showNumber(doubled, '')}, reordered ${showNumber(reordered, '')}`;
}

/** The lowest and the highest round; '' of less than two. */
export function spreadOf(rounds: readonly number[]): string {
  if (rounds.length < 2) return '';
  return `${showNumber(Math.min(...rounds), '')} to ${showNumber(Math.max(...rounds), '')} in ${rounds.length}`;
}

/** The goal in words, and whether it is reached; '' of none. */
export function showGoal(value: number, goal: Goal | undefined, unit: string): string {
  if (goal === undefined) return '';
  const words =
    'atMost' in goal ? `at most ${showNumber(goal.atMost, unit)}` : `at least ${showNumber(goal.atLeast, unit)}`;
  return `goal ${words}: ${isReached(value, goal) ? 'reached' : 'missed'}`;
}

function isReached(value: number, goal: Goal): boolean {
  return 'atMost' in goal ? value <= goal.atMost : value >= goal.atLeast;
}

/** A number with three or four digits that say something, and its unit. */
export function showNumber(value: number, unit: string): string {
  const digits = Number.isInteger(value) || value >= 1_000 ? 0 : value >= 10 ? 1 : 2;
  const number = value.toLocaleString('en', { maximumFractionDigits: digits, minimumFractionDigits: digits });
  return unit === '' ? number : `${number} ${unit}`;
}
