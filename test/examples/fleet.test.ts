import { afterEach, describe, expect, it } from 'vitest';
import { Program, endPrograms } from './program.ts';

afterEach(endPrograms);

describe('the dialling fleet', () => {
  it('dials from two shards, resumes every session after all lines were cut, and misses nothing', async () => {
    const run = new Program('fleet/main.ts', ['60', '0.3']);
    expect(await run.end).toBe(0);
    const row = (what: string): string => run.lines.find((line) => line.startsWith(what))?.slice(26) ?? '';
    const inShard = row('sessions, by shard').split(' + ').map(Number);
    expect(inShard).toHaveLength(2);
    expect(Math.min(...inShard)).toBeGreaterThan(15);
    expect(inShard.reduce((sum, count) => sum + count)).toBe(60);
    expect(row('lines cut at once')).toBe('60');
    expect(row('until all were up again')).toMatch(/^\d+\.\d\d s$/);
    const [asked, reported] = row('asked and reported').split(' and ').map(Number);
    expect(asked).toBeGreaterThan(60);
    expect(reported).toBe(asked);
    expect(row('twice or not in order')).toBe('0');
  });
});
