/**
 * Tests the tests: puts one small bug after another (test/mutants) into a copy of the tree and looks whether the tests
 * that should notice do. The checkout itself is never touched. Exit code 1 when a bug survives, unless it is argued that
 * nothing can notice it, or when an entry no longer fits the source.
 *
 *   npm run mutants                      all of them
 *   npm run mutants -- store no-dedupe   those of an area, or single ones
 *   npm run mutants -- --json            the results as JSON on the standard output
 *   npm run mutants -- --jobs 2          two at a time; only where nothing else runs
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Mutant, type Selected, misfitOf, mutated, readMutants } from '../test/mutants/catalogue.ts';
import { copyTree } from '../test/mutants/tree.ts';

/** Longer than any of the tests takes by itself on a busy machine. */
const RUN_MS = 120_000;

/** A single test that takes longer hangs; properties take their time. */
const TEST_MS = 10_000;
const PROPERTY_MS = 60_000;

/** What a run of tests came to. */
interface Verdict {
  readonly type: 'passed' | 'failed' | 'hung' | 'ran-nothing';
  /** The test that failed, or what else went wrong. */
  readonly by: string;
  /** Runs of a property until it failed, where fast-check says so. */
  readonly runs: number | undefined;
}

/** What became of a mutant. */
interface Result {
  readonly id: string;
  readonly area: string;
  readonly outcome: 'caught' | 'caught by time-out' | 'equivalent' | 'SURVIVED' | 'DOES NOT APPLY';
  readonly by: string;
  readonly runs: number | undefined;
  readonly ms: number;
}

type Found = Pick<Result, 'outcome' | 'by' | 'runs'>;

const { values, positionals } = parseArgs({
  options: { json: { type: 'boolean', default: false }, jobs: { type: 'string', default: '1' } },
  allowPositionals: true,
});
const mutants = chosen(readMutants(), positionals);
const jobs = Math.max(1, Math.min(Number.parseInt(values.jobs, 10) || 1, mutants.length));

const running = new Set<ChildProcess>();
const workplace = mkdtempSync(join(tmpdir(), 'homing-mutants-'));
process.on('exit', () => {
  for (const child of running) kill(child);
  rmSync(workplace, { recursive: true, force: true });
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130));

const copies = Array.from({ length: jobs }, (_, index) => copyTree(join(workplace, `copy-${index}`)));
const results: Result[] = [];
await requireGreen(copies[0] ?? workplace);
const queue = mutants.entries();
await Promise.all(copies.map((copy) => work(copy)));
conclude();

/** The mutants with these names or in these areas; all without names. Ends the program for an unknown one. */
function chosen(all: readonly Mutant[], names: readonly string[]): readonly Mutant[] {
  const unknown = names.find((name) => !all.some(({ id, area }) => id === name || area === name));
  if (unknown !== undefined) {
    const areas = [...new Set(all.map(({ area }) => area))].join(', ');
    console.error(`mutants: no mutant and no area is called ${unknown}; areas: ${areas}`);
    process.exit(2);
  }
  return names.length === 0 ? all : all.filter(({ id, area }) => names.includes(id) || names.includes(area));
}

/** A test that fails without any bug would catch every one. Only what is asked first: the others are asked seldom. */
async function requireGreen(copy: string): Promise<void> {
  const first = mutants.flatMap(({ tests }) => tests.slice(0, 1));
  const whole = [...new Set(first.filter(({ title }) => title === undefined).map(({ file }) => file))];
  const parts = new Map(
    first.filter(({ file }) => !whole.includes(file)).map((each) => [`${each.file} ${each.title ?? ''}`, each]),
  );
  say(`the tests without a bug: ${whole.length} files and ${parts.size} parts of others`);
  const verdicts = whole.length === 0 ? [] : [await run(copy, whole, undefined, RUN_MS * 5)];
  for (const part of parts.values()) verdicts.push(await runSelected(copy, part));
  const red = verdicts.find(({ type }) => type !== 'passed');
  if (red === undefined) return;
  console.error(`mutants: the tests do not pass without a bug (${red.type}): ${red.by}`);
  process.exit(2);
}

async function work(copy: string): Promise<void> {
  for (const [index, mutant] of queue) {
    const beganAt = performance.now();
    const found = judged(mutant, await resultOf(copy, mutant));
    const result: Result = { id: mutant.id, area: mutant.area, ...found, ms: Math.round(performance.now() - beganAt) };
    results.push(result);
    const runs = result.runs === undefined ? '' : `, ${result.runs} runs`;
    say(
      `${index + 1}/${mutants.length} ${result.outcome}: ${result.area}/${result.id} (${result.ms} ms${runs}) ${result.by}`,
    );
  }
}

async function resultOf(copy: string, mutant: Mutant): Promise<Found> {
  const { file, tests, equivalent, story } = mutant;
  const path = join(copy, file);
  const source = readFileSync(path, 'utf8');
  const misfit = misfitOf(mutant, source);
  if (misfit !== undefined) return { outcome: 'DOES NOT APPLY', by: misfit, runs: undefined };
  writeFileSync(path, mutated(mutant, source));
  try {
    for (const selected of tests) {
      const { type, by, runs } = await runSelected(copy, selected);
      if (type === 'failed') return { outcome: 'caught', by, runs };
      if (type === 'hung') return { outcome: 'caught by time-out', by, runs };
      if (type === 'ran-nothing') return { outcome: 'DOES NOT APPLY', by, runs };
    }
  } finally {
    writeFileSync(path, source);
  }
  if (equivalent !== undefined) return { outcome: 'equivalent', by: equivalent, runs: undefined };
  return { outcome: 'SURVIVED', by: story, runs: undefined };
}

/** An argument that a test has refuted is no argument. */
function judged({ equivalent }: Mutant, found: Found): Found {
  if (equivalent === undefined || !found.outcome.startsWith('caught')) return found;
  return { ...found, outcome: 'DOES NOT APPLY', by: `argued to be equivalent, and yet caught by ${found.by}` };
}

function runSelected(copy: string, { file, title }: Selected): Promise<Verdict> {
  return run(copy, [file], title, RUN_MS);
}

/** What this file reads of the report of a run. */
interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly testResults: readonly {
    readonly message: string;
    readonly assertionResults: readonly {
      readonly fullName: string;
      readonly status: string;
      readonly failureMessages: readonly string[];
    }[];
  }[];
}

async function run(
  copy: string,
  files: readonly string[],
  title: string | undefined,
  limitMs: number,
): Promise<Verdict> {
  const testMs = files.some((file) => file.startsWith('test/property/')) ? PROPERTY_MS : TEST_MS;
  const reportFile = join(copy, 'report.json');
  rmSync(reportFile, { force: true });
  const args = ['node_modules/vitest/vitest.mjs', 'run', ...files, '--bail=1', `--testTimeout=${testMs}`];
  args.push('--reporter=json', `--outputFile=${reportFile}`);
  if (title !== undefined) args.push('-t', title.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`));
  const { isLate, code, output } = await ran(spawn(process.execPath, args, { cwd: copy, detached: true }), limitMs);
  if (isLate) return { type: 'hung', by: `nothing came of ${files.join(', ')} within ${limitMs} ms`, runs: undefined };
  return verdictOf(code, output, readReport(reportFile));
}

function verdictOf(code: number | null, output: string, report: Report | undefined): Verdict {
  const failed = report?.testResults.flatMap((file) => file.assertionResults).find(({ status }) => status === 'failed');
  if (failed !== undefined) {
    const runs = /Property failed after (\d+) tests/.exec(failed.failureMessages.join('\n'))?.[1];
    return { type: 'failed', by: `“${failed.fullName}”`, runs: runs === undefined ? undefined : Number(runs) };
  }
  const why = report?.testResults.map(({ message }) => message).find((message) => message !== '') ?? output;
  if (code === 0 && report !== undefined && report.numPassedTests > 0) {
    return { type: 'passed', by: '', runs: undefined };
  }
  if (report === undefined || report.testResults.length === 0 || code === 0) {
    return { type: 'ran-nothing', by: `no test ran: ${firstLine(why)}`, runs: undefined };
  }
  return { type: 'failed', by: `beside the tests: ${firstLine(why)}`, runs: undefined };
}

function firstLine(text: string): string {
  return (
    text
      .split('\n')
      .find((line) => /error|expected/i.test(line))
      ?.trim()
      .slice(0, 200) ?? text.slice(0, 200)
  );
}

function readReport(file: string): Report | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Report;
  } catch {
    return undefined;
  }
}

function ran(child: ChildProcess, limitMs: number): Promise<{ isLate: boolean; code: number | null; output: string }> {
  running.add(child);
  return new Promise((resolve, reject) => {
    let isLate = false;
    let output = '';
    const keep = (chunk: Buffer): void => void (output = (output + chunk.toString()).slice(-20_000));
    child.stdout?.on('data', keep);
    child.stderr?.on('data', keep);
    const timer = setTimeout(() => {
      isLate = true;
      kill(child);
    }, limitMs);
    child.once('error', reject);
    child.once('close', (code) => {
      clearTimeout(timer);
      running.delete(child);
      resolve({ isLate, code, output });
    });
  });
}

/** With all that it started: tests start programs. */
function kill({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It is gone.
  }
}

function say(line: string): void {
  if (values.json) console.error(line);
  else console.log(line);
}

function conclude(): void {
  const count = (...outcomes: Result['outcome'][]): number =>
    results.filter(({ outcome }) => outcomes.includes(outcome)).length;
  const caught = results.filter(({ outcome }) => outcome.startsWith('caught'));
  const runs = caught.flatMap((each) => each.runs ?? []).toSorted((a, b) => a - b);
  const times = caught.map(({ ms }) => ms).toSorted((a, b) => a - b);
  const totals = {
    mutants: results.length,
    caught: caught.length,
    byTimeOut: count('caught by time-out'),
    equivalent: count('equivalent'),
    survived: count('SURVIVED'),
    doNotApply: count('DOES NOT APPLY'),
    medianRuns: runs[runs.length >> 1] ?? 0,
    worstRuns: runs.at(-1) ?? 0,
    medianMs: times[times.length >> 1] ?? 0,
    worstMs: times.at(-1) ?? 0,
  };
  if (values.json) console.log(JSON.stringify({ results, totals }, undefined, 2));
  for (const { area, id, outcome, by } of results) {
    if (outcome === 'SURVIVED' || outcome === 'DOES NOT APPLY') say(`${outcome}: ${area}/${id}: ${by}`);
  }
  say(
    `${totals.caught} of ${totals.mutants} caught (${totals.byTimeOut} by time-out), ${totals.equivalent} equivalent, ` +
      `${totals.survived} survived, ${totals.doNotApply} do not apply; median ${totals.medianMs} ms, worst ${totals.worstMs} ms; ` +
      `${runs.length} by properties, after ${totals.medianRuns} runs in the median and ${totals.worstRuns} at worst`,
  );
  process.exitCode = totals.survived + totals.doNotApply > 0 ? 1 : 0;
}
