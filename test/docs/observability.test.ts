// docs/observability.md against the code: every channel with its fields, every metric, every line of the log.
import { describe, expect, it } from 'vitest';
import { type SessionFacts, channels } from '../../src/actors/channels.ts';
import { logLines } from '../../src/actors/log.ts';
import { METRICS_TYPE, metrics } from '../../src/inspect/metrics.ts';
import { messageFields } from '../telemetry/message-fields.ts';
import { quoted, rowsWith, textOf } from './page.ts';

const page = 'docs/observability.md';
const named = (cell = ''): string[] => [...cell.matchAll(/`(\w+)`/gu)].map(([, name = '']) => name);

describe('docs/observability.md', () => {
  it('has every channel with every field of its messages, in order, and no other', () => {
    const rows = rowsWith(page, /^`homing:[\w:]+`$/u).map(([name, , fields]) => [quoted(name), named(fields)]);
    expect(rows).toEqual(Object.entries(messageFields).map(([name, fields]) => [name, Object.keys(fields)]));
    expect(rows.map(([name]) => name)).toEqual(Object.keys(channels));
  });

  it('has every fact of a session', () => {
    const facts: Record<keyof SessionFacts, true> = {
      id: true,
      epoch: true,
      shard: true,
      identityId: true,
      dialled: true,
    };
    const text = textOf(page);
    const from = text.indexOf('| field of `session`');
    const table = text.slice(from, text.indexOf('\n\n', from)).split('\n').slice(2);
    expect(table.map((row) => named(row.split('|')[1])[0])).toEqual(Object.keys(facts));
  });

  it('has every metric with type, labels and meaning, and no other', () => {
    const rows = rowsWith(page, /^`homing_\w+`$/u).map(([name, type, labels, help]) => ({
      name: quoted(name),
      type,
      help,
      labels: named(labels),
    }));
    expect(rows).toEqual(metrics);
    expect(textOf(page)).toContain(`\`${METRICS_TYPE}\``);
  });

  it('has every line of the log with its level, and no other', () => {
    const rows = rowsWith(page, /^`(?:debug|info|warn|error)`$/u).map(([level, message]) => [quoted(level), message]);
    expect(rows).toEqual(Object.values(logLines));
  });
});
