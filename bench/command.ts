/** The benchmark as a command: which rows and contestants, what is said meanwhile, what is printed and written. */
import type { PeerRow, Run } from './peers/contest.ts';
import { contestantNames, contestantOf, obstacleOf, packagesOf, quickNames } from './peers/registry.ts';
import { peerRows, quickRows } from './peers/rows.ts';
import { machine } from './machine.ts';
import { type Absent, type Participant, type Report, save } from './report.ts';
import { type Measured, linesOf } from './table.ts';

/** What is asked for. */
export interface BenchOrder {
  /** Names of rows and of groups of them; none: all. */
  readonly rows: readonly string[];
  /** Fewer and shorter rounds, and without names only the rows that matter most: two minutes. */
  readonly isQuick: boolean;
  /** Prints the report as JSON instead of lines. */
  readonly isJson: boolean;
  /** Who is to be measured beside Homing; undefined: everybody. */
  readonly contestants: readonly string[] | undefined;
}

type Rows = Readonly<Record<string, PeerRow>>;

/** What there is besides the peers' rows. */
export interface Surroundings {
  /** More rows, by group and name. */
  readonly groups: Readonly<Record<string, Rows>>;
  /** Rows that take minutes: they are measured when they are named, and not else. */
  readonly long?: Rows | undefined;
  /** Where the results of a full run are kept, a folder that ends in a slash; undefined: nowhere. */
  readonly results: string | undefined;
}

/**
 * Runs rows. Resolves to the exit code: 1 when one broke off, 2 for a name that is not known. With BENCH_OUT=file the report
 * is written there, after each row, so that a run that is cut short keeps what it has; beside a `.json` as Markdown too.
 */
export async function runBench(order: BenchOrder, { groups, long = {}, results }: Surroundings): Promise<number> {
  const plan = planOf(order, { peers: peerRows, ...groups }, long);
  if ('complaint' in plan) {
    say(plan.complaint);
    return 2;
  }
  const { present, absent } = await muster(plan.contestants);
  const head: Omit<Report, 'rows' | 'failures'> = {
    date: new Date().toISOString().slice(0, 10),
    scale: order.isQuick ? 'quick' : 'full',
    machine: machine(),
    contestants: present,
    absent,
  };
  const files = [process.env['BENCH_OUT'], plan.isFull && results !== undefined ? `${results}${head.date}.json` : ''];
  const print = (text: string): void => (order.isJson ? undefined : console.log(text));
  const rows: Record<string, readonly Measured[]> = {};
  const failures: Record<string, string> = {};
  print(headOf(head));
  for (const [name, row] of plan.rows) {
    try {
      rows[name] = await row(runOf(name, order, present));
      clearProgress();
      print(`\n${[name, ...linesOf(rows[name])].join('\n  ')}`);
    } catch (error) {
      failures[name] = error instanceof Error ? error.message : String(error);
      clearProgress();
      say(`!!! ${name} BROKE OFF: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    }
    for (const file of files) if (file !== undefined && file !== '') save(file, { ...head, rows, failures });
  }
  if (order.isJson) console.log(JSON.stringify({ ...head, rows, failures } satisfies Report, undefined, 2));
  return Object.keys(failures).length === 0 ? 0 : 1;
}

interface Plan {
  readonly rows: readonly (readonly [name: string, row: PeerRow])[];
  /** Who is to take part; empty when no row compares. */
  readonly contestants: readonly string[];
  /** Whether it is all there is to measure. */
  readonly isFull: boolean;
}

function planOf(
  { rows: given, isQuick, contestants }: BenchOrder,
  groups: Readonly<Record<string, Rows>>,
  long: Rows,
): Plan | { readonly complaint: string } {
  const all = Object.assign({}, ...Object.values(groups), long) as Rows;
  const named = given.flatMap((name) => Object.keys(groups[name] ?? { [name]: true }));
  const strange = [
    ...named.filter((name) => all[name] === undefined),
    ...(contestants ?? []).filter((name) => !contestantNames.includes(name)),
  ];
  if (strange.length > 0) {
    const known = [...Object.keys(groups), ...Object.keys(all)].join(', ');
    return { complaint: `unknown: ${strange.join(', ')}\nrows: ${known}\ncontestants: ${contestantNames.join(', ')}` };
  }
  const wanted = named.length > 0 ? named : isQuick ? quickRows : Object.values(groups).flatMap(Object.keys);
  const rows = wanted.flatMap((name) => (all[name] === undefined ? [] : [[name, all[name]] as const]));
  const isCompared = wanted.some((name) => peerRows[name] !== undefined);
  return {
    rows,
    contestants: isCompared ? ['homing', ...(contestants ?? (isQuick ? quickNames : contestantNames))] : [],
    isFull: named.length === 0 && !isQuick && contestants === undefined,
  };
}

/** Who can take part; who cannot is told of loudly. */
async function muster(wanted: readonly string[]) {
  const present: Participant[] = [];
  const absent: Absent[] = [];
  for (const name of contestantNames) {
    if (!wanted.includes(name)) continue;
    const reason = await obstacleOf(name);
    if (reason === undefined) {
      const { promises, settings } = await contestantOf(name);
      present.push({ name, promises, settings, packages: packagesOf(name) });
    } else {
      absent.push({ name, reason });
      say(`!!! ${name} IS LEFT OUT: ${reason}`);
    }
  }
  return { present, absent };
}

function runOf(row: string, { isQuick }: BenchOrder, present: readonly Participant[]): Run {
  return {
    contestants: present.map(({ name }) => name),
    scale: isQuick ? 'quick' : 'full',
    tell: (progress) => showProgress(`${row}: ${progress}`),
  };
}

function headOf({ scale, machine: { node, platform, cores, openFiles }, contestants }: Omit<Report, 'rows'>): string {
  const head = `Node ${node}, ${platform}, ${cores} cores, ${openFiles ?? 'unlimited'} open files, ${scale}`;
  const lines = contestants.map(
    ({ name, promises, settings }) => `  ${name.padEnd(16)}  ${promises}\n${' '.repeat(20)}${settings}`,
  );
  return [head, ...lines].join('\n');
}

/** One line that renews itself on a terminal; elsewhere a line for each. */
function showProgress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u{1b}[2K${text}`);
  else say(text);
}

function clearProgress(): void {
  if (process.stderr.isTTY) process.stderr.write('\r\u{1b}[2K');
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}
