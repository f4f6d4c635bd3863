/**
 * How small failing plans become: puts one bug after another (test/mutants) into a copy of the tree, lets random plans of the
 * simulator find it, and counts how many end at three faults and three sends at most. Bugs that no plan finds are told and not
 * counted: other tests have them. Exit code 1 when fewer than nine in ten end so small.
 *
 *   npm run shrinking                     the bugs of the session, the machines and the store
 *   npm run shrinking -- store no-dedupe  those of an area, or single ones
 *   npm run shrinking -- --seconds 10 --seed 2 --json
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Mutant, misfitOf, mutated, readMutants } from '../test/mutants/catalogue.ts';
import { copyTree } from '../test/mutants/tree.ts';
import type { Finding } from './find-failure.ts';

const AREAS = ['session', 'machines', 'store'];

const FAULTS_MAX = 3;
const SENDS_MAX = 3;
const SHARE_MIN = 0.9;
const SHRINK_SECONDS = 5;
/** Beyond search and shrinking: to start, and to play a plan that goes round in circles until somebody notices. */
const SLACK_MS = 30_000;
/** Seconds of the processor may take so much longer where others compute too. */
const BUSY = 8;

const { values, positionals } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    seconds: { type: 'string', default: '15' },
    seed: { type: 'string', default: '1' },
  },
  allowPositionals: true,
});
const names = positionals.length === 0 ? AREAS : positionals;
const mutants = readMutants().filter(
  ({ id, area, equivalent }) => equivalent === undefined && (names.includes(id) || names.includes(area)),
);

const workplace = mkdtempSync(join(tmpdir(), 'homing-shrinking-'));
process.on('exit', () => rmSync(workplace, { recursive: true, force: true }));
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130));

const copy = copyTree(join(workplace, 'copy'));
const findings: (Finding & { readonly id: string })[] = [];
let unfound = 0;
for (const mutant of mutants) {
  const finding = await findingOf(mutant);
  if (finding?.isFound !== true) unfound += 1;
  else findings.push({ id: mutant.id, ...finding });
  say(`${mutant.area}/${mutant.id}: ${told(finding)}`);
}
conclude();

async function findingOf(mutant: Mutant): Promise<Finding | undefined> {
  const path = join(copy, mutant.file);
  const source = readFileSync(path, 'utf8');
  if (misfitOf(mutant, source) !== undefined) return undefined;
  writeFileSync(path, mutated(mutant, source));
  try {
    const line = await outputOf([
      '--conditions=homing-source',
      'scripts/find-failure.ts',
      values.seconds,
      String(SHRINK_SECONDS),
      values.seed,
    ]);
    return line === '' ? undefined : (JSON.parse(line) as Finding);
  } finally {
    writeFileSync(path, source);
  }
}

/** What a program writes as its last line; nothing when it fails or takes too long. */
function outputOf(args: readonly string[]): Promise<string> {
  const child = spawn(process.execPath, args, { cwd: copy, stdio: ['ignore', 'pipe', 'ignore'] });
  return new Promise((resolve) => {
    let output = '';
    const timer = setTimeout(
      () => child.kill('SIGKILL'),
      (Number(values.seconds) + SHRINK_SECONDS) * 1_000 * BUSY + SLACK_MS,
    );
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.once('close', (code) => {
      clearTimeout(timer);
      resolve(code === 0 ? (output.trim().split('\n').at(-1) ?? '') : '');
    });
  });
}

function isSmall({ faults, sends }: Finding): boolean {
  return faults <= FAULTS_MAX && sends <= SENDS_MAX;
}

function told(finding: Finding | undefined): string {
  if (finding === undefined) return 'no answer within its time';
  const { isFound, runs, faults, sends, shrinkMs, family, why } = finding;
  if (!isFound) return `not found in ${runs} runs`;
  const size = `${faults} faults, ${sends} sends${isSmall(finding) ? '' : ' (LARGE)'}`;
  return `${size} in ${shrinkMs} ms, after ${runs} runs (${family}): ${why.slice(0, 110)}`;
}

function say(line: string): void {
  if (values.json) console.error(line);
  else console.log(line);
}

function conclude(): void {
  const small = findings.filter(isSmall).length;
  const middle = (numbers: readonly number[]): number => numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? 0;
  const totals = {
    mutants: mutants.length,
    found: findings.length,
    unfound,
    small,
    share: findings.length === 0 ? 0 : Math.round((1_000 * small) / findings.length) / 1_000,
    medianFaults: middle(findings.map(({ faults }) => faults)),
    medianSends: middle(findings.map(({ sends }) => sends)),
    medianShrinkMs: middle(findings.map(({ shrinkMs }) => shrinkMs)),
    medianRuns: middle(findings.map(({ runs }) => runs)),
  };
  if (values.json) console.log(JSON.stringify({ totals, findings }, undefined, 2));
  say(
    `${small} of ${findings.length} found bugs end at ${FAULTS_MAX} faults and ${SENDS_MAX} sends at most (${(totals.share * 100).toFixed(0)} %); ` +
      `median ${totals.medianFaults} faults, ${totals.medianSends} sends, ${totals.medianShrinkMs} ms, found after ${totals.medianRuns} runs; ` +
      `${unfound} of ${mutants.length} are not for the simulator`,
  );
  process.exitCode = totals.share >= SHARE_MIN ? 0 : 1;
}
