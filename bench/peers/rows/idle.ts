/**
 * What connections cost that nobody uses: contestants in turn, each with processes of its own and alone on the machine. The
 * memory is that of the process which holds the connections, after a collection, less what it had with a few of them.
 */
import { machine } from '../../machine.ts';
import type { Goal, Measured } from '../../table.ts';
import { type Figure, type PeerRow, type Rounds, compare } from '../contest.ts';
import { goals } from '../goals.ts';
import { Pair } from '../pair.ts';
import type { Usage } from '../usage.ts';

/** What 5,000 connections cost. */
interface Idle {
  /** Until all of them were up, some at a time. */
  readonly connectMs: number;
  /** Bytes of one connection; undefined of a broker, whose heap cannot be read. */
  readonly residentBytes: number;
  readonly heapBytes: number | undefined;
  readonly externalBytes: number | undefined;
}

const scales = { full: { rounds: 3, connections: 5_000 }, quick: { rounds: 1, connections: 1_000 } };

/** Opened before the baseline is taken, so that it has the code and what is there once. */
const WARM_CONNECTIONS = 100;

/** Files that a process needs besides its connections. */
const OTHER_FILES = 200;

/** Homing's own bound, machine and session included. */
const heapGoal: Goal = { atMost: 8 * 1_024 };

/** A durable consumer for each client is a store of its own in the broker, not a connection. */
const leftOut: readonly string[] = ['jetstream'];

/** Memory of one connection, and the time until all were up. */
export const idle: PeerRow = async (run): Promise<readonly Measured[]> => {
  const { rounds, connections: wanted } = scales[run.scale];
  const connections = allowed(wanted);
  const names = run.contestants.filter((name) => !leftOut.includes(name));
  const reached = new Map<string, Idle[]>(names.map((name) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const name of names) {
      run.tell(`${name}: round ${round + 1} of ${rounds}`);
      reached.get(name)?.push(await open(name, connections));
    }
  }
  const figure = (of: string, unit: string): Figure => ({ what: `${connections} idle connections, ${of}`, unit });
  return [
    ...compare({ ...figure('resident bytes of one', 'B'), goals: goals.idle }, reached, {
      value: ({ residentBytes }) => residentBytes,
    }),
    ...ofProcesses(figure('heap of one', 'B'), reached, ({ heapBytes }) => heapBytes, heapGoal),
    ...ofProcesses(figure('heap and buffers of one', 'B'), reached, ({ heapBytes, externalBytes }) =>
      heapBytes === undefined || externalBytes === undefined ? undefined : heapBytes + externalBytes,
    ),
    ...compare(figure('until all were up', 'ms'), reached, { value: ({ connectMs }) => connectMs }),
  ];
};

async function open(name: string, connections: number): Promise<Idle> {
  await using pair = await Pair.open(name);
  await pair.connect(WARM_CONNECTIONS);
  const before = await settled(pair);
  const { milliseconds: connectMs } = await pair.connect(connections);
  const after = await settled(pair);
  const share = (late: number | undefined, early: number | undefined): number | undefined =>
    late === undefined || early === undefined ? undefined : (late - early) / connections;
  return {
    connectMs,
    residentBytes: (after.residentBytes - before.residentBytes) / connections,
    heapBytes: share(after.heapBytes, before.heapBytes),
    externalBytes: share(after.externalBytes, before.externalBytes),
  };
}

/** The second collection takes what the first one's finalizers have let go. */
async function settled(pair: Pair): Promise<Usage> {
  await pair.usage();
  return pair.usage();
}

/** Only those whose process is Node's own; the goal is Homing's. */
function ofProcesses(
  figure: Figure,
  reached: Rounds<Idle>,
  value: (one: Idle) => number | undefined,
  goal?: Goal,
): readonly Measured[] {
  const known = new Map([...reached].filter(([, all]) => all.every((one) => value(one) !== undefined)));
  const compared = compare(figure, known, { value: (one) => value(one) ?? NaN });
  return compared.map((one) => (one.contestant === 'homing' ? { ...one, goal } : one));
}

/** So many connections as the machine lets one process have; fewer than wanted are told loudly. */
function allowed(wanted: number): number {
  const { openFiles } = machine();
  const most = openFiles === undefined ? wanted : Math.max(1, openFiles - WARM_CONNECTIONS - OTHER_FILES);
  if (most >= wanted) return wanted;
  console.error(
    `!!! ONLY ${most} IDLE CONNECTIONS INSTEAD OF ${wanted}: a process may open ${openFiles} files (ulimit -n)`,
  );
  return most;
}
