import { afterEach, describe, expect, it } from 'vitest';
import { Program, endPrograms } from './program.ts';

afterEach(endPrograms);

const numberIn = (text: string, pattern: RegExp): number => Number(pattern.exec(text)?.[1]);

describe('the rolling restart', () => {
  it('loses nothing and does nothing twice when the old server may finish', async () => {
    const run = new Program('rolling-restart/main.ts');
    expect(await run.end).toBe(0);
    expect(run.lines.at(-1)).toBe('0 lost, 0 done twice');
    const moves = run.lines.filter((line) => / moves: 0 jobs unconfirmed, \d+ go to the new server$/.test(line));
    expect(moves).toHaveLength(3);
    expect(moves.filter((line) => numberIn(line, /(\d+) go/) > 0)).toHaveLength(3);
    const [, jobs, unconfirmed, answered] =
      /^(\d+) jobs, (\d+) unconfirmed, (\d+) answered$/m.exec(run.text)?.map(Number) ?? [];
    expect([unconfirmed, answered]).toEqual([0, jobs]);
    const parts = [...run.text.matchAll(/nothing left to do, (\d+) jobs done$/gm)].map(([, count]) => Number(count));
    expect(parts).toHaveLength(2);
    expect(Math.min(...parts)).toBeGreaterThan(0);
    expect(parts.reduce((sum, count) => sum + count)).toBe(jobs);
    const [atSignal] = [...run.text.matchAll(/SIGTERM after (\d+) jobs$/gm)].map(([, count]) => Number(count));
    expect(parts[0]).toBeGreaterThan(atSignal ?? NaN);
  });

  it('counts in its reports what a second SIGTERM cuts off', async () => {
    const run = new Program('rolling-restart/main.ts', ['force']);
    expect(await run.end).toBe(0);
    expect(run.text.match(/SIGTERM after/g)).toHaveLength(3);
    const lost = numberIn(run.text, /^(\d+) lost, 0 done twice$/m);
    const unconfirmed = numberIn(run.text, /^\d+ jobs, (\d+) unconfirmed/m);
    expect(lost).toBeGreaterThan(0);
    expect(unconfirmed).toBeGreaterThanOrEqual(lost);
  });
});
