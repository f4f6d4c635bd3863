// The table of `homing top`: what it says of a process, and that it keeps within its terminal.
import { describe, expect, it } from 'vitest';
import type { RowLine, ShardLine, Snapshot } from '../../src/cli/snapshot.ts';
import { tableOf } from '../../src/cli/top.ts';

const shard: ShardLine = {
  place: '0',
  generation: 1,
  states: { accepting: { authenticating: 2, up: 7 }, dialling: { connecting: 1, up: 3, backoff: 4 } },
  sessions: 12,
  connections: 9,
  messagesIn: 1_000,
  messagesOut: 500,
  acked: 400,
  cuts: 5,
  resumes: 4,
  outboxMessages: 12_345,
  outboxBytes: 1_000_000,
};

const row: RowLine = {
  id: '0/7',
  machine: 'accepting',
  state: 'up',
  sinceMs: 90_000,
  sessionId: '0123456789abcdef',
  identityId: 'ann',
  address: '10.0.0.1:5000',
  rttMs: 1.25,
  outboxMessages: 3,
  resumes: 1,
};

function snapshot(change: Partial<Snapshot> = {}): Snapshot {
  return { atMs: 200_000, node: 'n1', shards: [shard], total: 1, rows: [row], ...change };
}

const room = { columns: 200, rows: 40 };

/** The cells of the line that begins with a word. */
function cells(table: string, first: string): string[] {
  const line = table.split('\n').find((each) => each.startsWith(first));
  return (line ?? '').split(/ {2,}/u);
}

describe('the table of top', () => {
  it('has a line for each thread: sessions, handshakes, states, outbox, cuts and resumes', () => {
    const table = tableOf(snapshot(), undefined, room);
    expect(cells(table, '0 ')).toEqual(['0', '12', '3', '10', '4', '-', '-', '-', '12.3k', '5', '4']);
  });

  it('knows rates from the second look on, and not across a thread that began again', () => {
    const before = snapshot({ atMs: 198_000, shards: [{ ...shard, messagesIn: 0, messagesOut: 300, acked: 400 }] });
    expect(cells(tableOf(snapshot(), before, room), '0 ').slice(5, 8)).toEqual(['500', '100', '0']);
    const other = snapshot({ atMs: 198_000, shards: [{ ...shard, generation: 2 }] });
    expect(cells(tableOf(snapshot(), other, room), '0 ').slice(5, 8)).toEqual(['-', '-', '-']);
  });

  it('has a line for each connection', () => {
    const table = tableOf(snapshot(), undefined, room);
    expect(cells(table, '0/7')).toEqual(['0/7', 'up', '1 min', '1.3 ms', '3', '1', '01234567', 'ann', '10.0.0.1:5000']);
    const detached = tableOf(snapshot({ rows: [{ id: 's/abc', state: 'detached' }] }), undefined, room);
    expect(cells(detached, '- ')).toEqual(['-', 'detached', '-', '-', '-', '-', '-', '-', '-']);
  });

  it('keeps within its terminal, and says what is left out', () => {
    const rows = Array.from({ length: 100 }, (_each, number) => ({ ...row, id: `0/${number}` }));
    const table = tableOf(snapshot({ rows, total: 1_000 }), undefined, { columns: 60, rows: 20 });
    const lines = table.split('\n');
    expect(lines.length).toBeLessThanOrEqual(20);
    expect(lines.at(-1)).toBe(`… and ${1_000 - (lines.length - 7)} more`);
    // oxlint-disable-next-line no-control-regex -- the heads are bold where the terminal has it
    for (const line of lines.slice(2)) expect(line.replaceAll(/\u{1b}\[\d+m/gu, '').length).toBeLessThanOrEqual(60);
  });
});
