/** The results of a run as a file: what was measured, of whom, on which machine and day. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Machine } from './machine.ts';
import { markdownOf } from './markdown.ts';
import type { Measured } from './table.ts';

/** Who took part. */
export interface Participant {
  readonly name: string;
  /** What its users may rely on across a cut. */
  readonly promises: string;
  readonly settings: string;
  /** `ws 8.23.0`, as installed. */
  readonly packages: readonly string[];
}

/** Who did not, and why. */
export interface Absent {
  readonly name: string;
  readonly reason: string;
}

/** All results of a run. */
export interface Report {
  /** `2026-11-22`. */
  readonly date: string;
  /** Quick runs are for trying: their numbers are coarse. */
  readonly scale: 'full' | 'quick';
  readonly machine: Machine;
  readonly contestants: readonly Participant[];
  readonly absent: readonly Absent[];
  readonly rows: Readonly<Record<string, readonly Measured[]>>;
  /** Rows that broke off, with the reason of each. */
  readonly failures?: Readonly<Record<string, string>>;
}

/** Writes a report into a file, `….json`, and as Markdown beside it. Makes the folder if it is not there. */
export function save(file: string, report: Report): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(report, (_key, value: unknown) => writable(value), 2)}\n`);
  if (file.endsWith('.json')) writeFileSync(file.replace(/json$/, 'md'), markdownOf(report));
}

/** Reads a report that `save` has written. */
export function load(file: string | URL): Report {
  return JSON.parse(readFileSync(file, 'utf8'), (_key, value: unknown) => ODD.get(value) ?? value) as Report;
}

/** What JSON has no numbers for: a share of nothing, a ratio to a contestant that got nothing through. */
const ODD = new Map<unknown, number>([NaN, Infinity, -Infinity].map((number) => [String(number), number]));

function writable(value: unknown): unknown {
  return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
}
