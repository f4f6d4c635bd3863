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

/** What there is besides the peers' rows. */
export interface Surroundings {
  /** More rows, by group and name. */
  readonly groups: Readonly<Record<string, Readonly<Record<string, PeerRow>>>>;
  /** Rows that take minutes: they are measured when they are named, and not else. */
  readonly long?: Readonly<Record<string, PeerRow>> | undefined;
  /** Where the results of a full run are kept, a folder that ends in a slash; undefined: nowhere. */
  readonly results: string | undefined;
}

/**
 * Runs rows. Resolves to the exit code: 2 for a name that is not known. With BENCH_OUT=file the report is written there,
 * after each row, so that a run that is cut short keeps what it has; beside a `.json` as Markdown too.
 */
export async function runBench(order: BenchOrder, { groups, long = {}, results }: Surroundings): Promise<number> {
  const all: Readonly<Record<string, Readonly<Record<string, PeerRow>>>> = { peers: peerRows, ...groups };
  const rows = Object.assign({}, ...Object.values(all), long) as Readonly<Record<string, PeerRow>>;
  const names = order.rows.flatMap((name) => Object.keys(all[name] ?? { [name]: true }));
  const strange = [
    ...names.filter((name) => rows[name] === undefined),
    ...(order.contestants ?? []).filter((name) => !contestantNames.includes(name)),
  ];
  if (strange.length > 0) {
    const known = [...Object.keys(all), ...Object.keys(rows)];
    say(`unknown: ${strange.join(', ')}\nrows: ${known.join(', ')}\ncontestants: ${contestantNames.join(', ')}`);
    return 2;
  }
  const isFull = names.length === 0 && !order.isQuick && order.contestants === undefined;
  const wanted =
    names.length > 0 ? names : order.isQuick ? quickRows : Object.keys(rows).filter((name) => long[name] === undefined);
  const needsPeers = wanted.some((name) => peerRows[name] !== undefined);
  const { present, absent } = needsPeers
    ? await muster(order.contestants ?? (order.isQuick ? quickNames : contestantNames))
    : { present: [], absent: [] };
  const report = (done: Record<string, readonly Measured[]>): Report => ({
    date: new Date().toISOString().slice(0, 10),
    scale: order.isQuick ? 'quick' : 'full',
    machine: machine(),
    contestants: present,
    absent,
    rows: done,
  });
  const files = [
    process.env['BENCH_OUT'],
    isFull && results !== undefined ? `${results}${report({}).date}.json` : undefined,
  ];
  const done: Record<string, readonly Measured[]> = {};
  if (!order.isJson) console.log(headOf(report({})));
  for (const name of wanted) {
    done[name] = (await rows[name]?.(runOf(name, order, present))) ?? [];
    clearProgress();
    if (!order.isJson)
      console.log(
        `\n${name}\n${linesOf(done[name])
          .map((line) => `  ${line}`)
          .join('\n')}`,
      );
    for (const file of files) if (file !== undefined) save(file, report(done));
  }
  if (order.isJson) console.log(JSON.stringify(report(done), undefined, 2));
  return 0;
}

/** Who can take part; who cannot is told of loudly. */
async function muster(wanted: readonly string[]) {
  const present: Participant[] = [];
  const absent: Absent[] = [];
  for (const name of contestantNames) {
    if (name !== 'homing' && !wanted.includes(name)) continue;
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

function headOf({ scale, machine: { node, platform, cores, openFiles }, contestants }: Report): string {
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
