/** `homing top`: the threads and connections of a process, as a table that renews itself; one table where nobody looks on. */
import { setTimeout as sleep } from 'node:timers/promises';
import { styleText } from 'node:util';
import { type RowLine, type ShardLine, type Snapshot, snapshotOf } from './snapshot.ts';

/** What may be asked. */
export interface TopOptions {
  /** One snapshot as JSON, and nothing else. */
  readonly json?: boolean;
  /** Seconds between two looks. */
  readonly every: number;
  /** Ends after so many looks; undefined: goes on until it is interrupted, once where the output is no terminal. */
  readonly times?: number;
  readonly token?: string;
}

const CLEAR = '\u{1b}[H\u{1b}[2J';
const ROWS_UNLIMITED = 50;

/** Shows the table. Resolves to the exit code: 1 if the inspector does not answer (any more). */
export async function top(url: URL, { json, every, times, token }: TopOptions): Promise<number> {
  const isLive = process.stdout.isTTY && json !== true;
  const looks = times ?? (isLive ? Infinity : 1);
  let before: Snapshot | undefined;
  try {
    for (let look = 1; look <= looks; look += 1) {
      const now = await snapshotOf(url, token);
      if (json === true) process.stdout.write(`${JSON.stringify(now, undefined, 2)}\n`);
      else process.stdout.write(`${isLive ? CLEAR : ''}${tableOf(now, before, sizeOf(process.stdout))}\n`);
      before = now;
      if (look < looks) await sleep(every * 1_000);
    }
    return 0;
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    return 1;
  }
}

/** How much room there is. */
export interface Room {
  readonly columns: number;
  readonly rows: number;
}

function sizeOf(stream: NodeJS.WriteStream): Room {
  return stream.isTTY ? { columns: stream.columns, rows: stream.rows } : { columns: 120, rows: ROWS_UNLIMITED };
}

/** The table as text; rates need a look before this one. */
export function tableOf(now: Snapshot, before: Snapshot | undefined, { columns, rows }: Room): string {
  const seconds = before === undefined ? 0 : (now.atMs - before.atMs) / 1_000;
  const shards = now.shards.map((shard) => {
    const last = before?.shards.find(
      ({ place, generation }) => place === shard.place && generation === shard.generation,
    );
    return shardCells(shard, last, seconds);
  });
  const head = `process ${now.node} · ${new Date(now.atMs).toISOString().slice(11, 19)} UTC · ${now.total} connections and detached sessions`;
  const upper = [head, '', ...lines(shardHeads, shards, columns), ''];
  const room = Math.max(3, rows - upper.length - 3);
  const shown = now.rows.slice(0, room).map((row) => rowCells(row, now.atMs));
  const lower = lines(rowHeads, shown, columns);
  const more = now.total > shown.length ? [`… and ${now.total - shown.length} more`] : [];
  return [...upper, ...lower, ...more].join('\n');
}

const shardHeads = [
  'thread',
  'sessions',
  'handshakes',
  'up',
  'backoff',
  'in/s',
  'out/s',
  'acked/s',
  'outbox',
  'cuts',
  'resumes',
];

function shardCells(shard: ShardLine, last: ShardLine | undefined, seconds: number): string[] {
  const { accepting = {}, dialling = {} } = shard.states;
  const rate = (name: 'messagesIn' | 'messagesOut' | 'acked'): string =>
    last === undefined || seconds <= 0 ? '-' : short((shard[name] - last[name]) / seconds);
  return [
    shard.place,
    String(shard.sessions),
    String((accepting['authenticating'] ?? 0) + (dialling['authenticating'] ?? 0) + (dialling['connecting'] ?? 0)),
    String((accepting['up'] ?? 0) + (dialling['up'] ?? 0)),
    String(dialling['backoff'] ?? 0),
    rate('messagesIn'),
    rate('messagesOut'),
    rate('acked'),
    short(shard.outboxMessages),
    String(shard.cuts),
    String(shard.resumes),
  ];
}

const rowHeads = ['connection', 'state', 'for', 'rtt', 'outbox', 'resumes', 'session', 'who', 'address'];

function rowCells(row: RowLine, nowMs: number): string[] {
  return [
    row.id.startsWith('s/') ? '-' : row.id,
    row.state,
    row.sinceMs === undefined ? '-' : timeOf(nowMs - row.sinceMs),
    row.rttMs === undefined ? '-' : `${row.rttMs.toFixed(1)} ms`,
    row.outboxMessages === undefined ? '-' : short(row.outboxMessages),
    row.resumes === undefined ? '-' : String(row.resumes),
    row.sessionId?.slice(0, 8) ?? '-',
    row.identityId ?? '-',
    row.address ?? '-',
  ];
}

/** Columns as wide as what is in them, cut where the terminal ends. */
function lines(heads: readonly string[], rows: readonly (readonly string[])[], columns: number): string[] {
  const widths = heads.map((head, at) => Math.max(head.length, ...rows.map((row) => row[at]?.length ?? 0)));
  const lineOf = (cells: readonly string[]): string =>
    cells
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd()
      .slice(0, columns);
  return [styleText('bold', lineOf(heads), { stream: process.stdout }), ...rows.map(lineOf)];
}

function short(value: number): string {
  if (value >= 1_000_000) return `${(value / 1_000_000).toFixed(1)}M`;
  return value >= 10_000 ? `${(value / 1_000).toFixed(1)}k` : String(Math.round(value));
}

function timeOf(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min`;
  return `${Math.floor(seconds / 3_600)} h ${Math.floor((seconds % 3_600) / 60)} min`;
}
