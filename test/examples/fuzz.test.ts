import { afterEach, describe, expect, it } from 'vitest';
import { Program, endPrograms } from './program.ts';

afterEach(endPrograms);

describe('the fuzz example', () => {
  it('finds the bug of the careless shop, makes it small, plays it again, and finds none in the careful one', async () => {
    const fuzz = new Program('fuzz/main.ts', ['150']);
    expect(await fuzz.end).toBe(0);
    const verdict = fuzz.lines[0] ?? '';
    expect(verdict).toMatch(/^finally: Error: (\d) pieces were ordered, and [2-9] are sold \(at \d+ ms\)$/);
    expect(fuzz.lines.filter((line) => / ms {2}c\d {2}fault /.test(line)).length).toBeLessThanOrEqual(3);
    expect(fuzz.lines.filter((line) => / ms {2}c\d {2}step /.test(line)).length).toBe(1);
    expect(fuzz.lines).toContain(`played again by its token: ${verdict}`);
    const [story, stories] = fuzz.lines.slice(-2);
    expect(story).toMatch(/^the careful shop, in the same story: \d+ messages were handled, and all is well$/);
    expect(stories).toMatch(/^the careful shop, in 150 stories with \d+ lost connections: all is well$/);
  });

  it('plays the same customers on real sockets and threads', async () => {
    const real = new Program('fuzz/real.ts', ['4']);
    expect(await real.end).toBe(0);
    const [virtual, threads, ...faults] = real.lines;
    expect(virtual).toMatch(/^on virtual time, 50 stories with \d+ lost connections: all is well$/);
    expect(threads).toMatch(/^on two real threads, \d+ stories with \d+ lost connections: all is well$/);
    expect(faults.join('\n')).toMatch(/^ +\d+ × (?:cut|crash|reconnect)$/m);
  });
});
