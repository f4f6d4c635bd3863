/** What a row measured, as a line of the table and as JSON. */
import { writeFileSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
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

/** A line of the table: the value, the lowest and highest round, the goal and whether it is reached. */
export function lineOf({ what, value, rounds, unit, goal }: Measured): string {
  const spread =
    rounds.length < 2 ? '' : `${text(Math.min(...rounds), '')} to ${text(Math.max(...rounds), '')} in ${rounds.length}`;
  return `${what.padEnd(58)}${text(value, unit).padStart(12)}   ${spread.padEnd(26)}${goalText(value, goal, unit)}`.trimEnd();
}

function goalText(value: number, goal: Goal | undefined, unit: string): string {
  if (goal === undefined) return '';
  const isReached = 'atMost' in goal ? value <= goal.atMost : value >= goal.atLeast;
  const words = 'atMost' in goal ? `at most ${text(goal.atMost, unit)}` : `at least ${text(goal.atLeast, unit)}`;
  return `goal ${words}${isReached ? '' : ': missed'}`;
}

function text(value: number, unit: string): string {
  const digits = value >= 1_000 ? 0 : value >= 10 ? 1 : 2;
  const number = value.toLocaleString('en', { maximumFractionDigits: digits, minimumFractionDigits: digits });
  return unit === '' ? number : `${number} ${unit}`;
}

/** What a reader must know of the machine; nothing that tells whose it is. */
export function machine() {
  return {
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    cores: availableParallelism(),
    memoryGb: Math.round(totalmem() / 1e9),
    openFiles: openFilesMax(),
    date: new Date().toISOString().slice(0, 10),
  };
}

function openFilesMax(): number | undefined {
  const { userLimits } = process.report.getReport() as {
    readonly userLimits?: Record<string, { readonly soft: number }>;
  };
  return userLimits?.['open_files']?.soft;
}

/** Writes all results, by row, into the file that BENCH_OUT names, if it does. */
export function save(rows: Readonly<Record<string, readonly Measured[]>>): void {
  const file = process.env['BENCH_OUT'];
  if (file !== undefined) writeFileSync(file, `${JSON.stringify({ machine: machine(), rows }, undefined, 2)}\n`);
}
