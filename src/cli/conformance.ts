/** `homing conformance`: tries a server that listens, whoever wrote it, against PROTOCOL.md, case by case. */
import { writeFile } from 'node:fs/promises';
import { styleText } from 'node:util';
import {
  type Outcome,
  type Result,
  chosen,
  groups,
  junitOf,
  lineOf,
  reportOf,
  runCases,
  tableOf,
} from '../conformance/index.ts';
import { writtenAddress } from './address.ts';

/** What may be asked beyond the port. */
export interface ConformanceOptions {
  readonly port: number;
  readonly host: string;
  /** Leave out what needs the target behavior. */
  readonly plain?: boolean;
  /** Groups by letter and cases by id. */
  readonly only?: readonly string[];
  /** Cases at a time. */
  readonly jobs?: number;
  /** Multiplies every deadline. */
  readonly patience?: number;
  /** One JSON object at the end instead of lines. */
  readonly json?: boolean;
  /** A file to write JUnit XML to. */
  readonly junit?: string;
  /** A line for each case, also for those that pass. */
  readonly all?: boolean;
}

/** What a command line ends with when it could not be understood. */
const USAGE_CODE = 2;

const colors = { passed: 'green', failed: 'red', warned: 'yellow', skipped: 'cyan' } as const;

/** Runs the cases and prints what they found. Resolves to the exit code: 1 if a MUST does not hold, 2 if a case is asked for that there is not, or a file that cannot be written. */
export async function conformance(options: ConformanceOptions): Promise<number> {
  const { json, junit, only } = options;
  const unknown = only?.find((word) => chosen(groups, [word]).length === 0);
  if (unknown !== undefined) {
    process.stderr.write(`error: no group and no case is called '${unknown}'; docs/conformance.md lists them\n`);
    return USAGE_CODE;
  }
  const total = chosen(groups, only).reduce((sum, { cases }) => sum + cases.length, 0);
  const progress = new Progress(total, json !== true);
  const results = await runCases(groups, { ...options, onResult: (result) => progress.count(result) });
  progress.clear();
  const report = reportOf(results, writtenAddress(options));
  if (json === true) process.stdout.write(`${JSON.stringify(report, undefined, 2)}\n`);
  else print(results, options);
  if (junit !== undefined && !(await hasWritten(junit, junitOf(results, report.where)))) return USAGE_CODE;
  return report.verdict === 'pass' ? 0 : 1;
}

async function hasWritten(file: string, text: string): Promise<boolean> {
  try {
    await writeFile(file, text);
    return true;
  } catch (error) {
    process.stderr.write(`error: cannot write ${file}: ${error instanceof Error ? error.message : String(error)}\n`);
    return false;
  }
}

function print(results: readonly Result[], { all, plain }: ConformanceOptions): void {
  const shown = results.filter(({ outcome, case: each }) => {
    if (all === true) return true;
    return outcome !== 'passed' && !(plain === true && each.target === true);
  });
  for (const result of shown) process.stdout.write(`${painted(lineOf(result), result.outcome)}\n`);
  process.stdout.write(`${shown.length > 0 ? '\n' : ''}${tableOf(results).join('\n')}\n`);
  const skipped = results.filter(({ outcome }) => outcome === 'skipped').length;
  if (plain === true) {
    const sentence = `${skipped} of ${results.length} cases were NOT run: without --plain the server needs the target behavior`;
    process.stdout.write(`${painted(sentence, 'skipped')}\n`);
  }
}

function painted(text: string, outcome: Outcome): string {
  return text.replace(/^\S+/, (word) => styleText(colors[outcome], word, { stream: process.stdout }));
}

/** One line that says how far the run is; on a terminal only, where it can be written over. */
class Progress {
  readonly #total: number;
  readonly #isShown: boolean;
  #count = 0;
  #failed = 0;

  constructor(total: number, isWanted: boolean) {
    this.#total = total;
    this.#isShown = isWanted && process.stdout.isTTY;
  }

  count({ outcome, case: { id } }: Result): void {
    this.#count += 1;
    if (outcome === 'failed') this.#failed += 1;
    const text = `${this.#count} of ${this.#total}, ${this.#failed} failed (${id})`;
    if (this.#isShown) process.stdout.write(`\r${text.padEnd(60)}`);
  }

  clear(): void {
    if (this.#isShown) process.stdout.write(`\r${' '.repeat(60)}\r`);
  }
}
