import { mkdtempDisposableSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { headlineTable, withHeadlines } from '../../bench/headlines.ts';
import { markdownOf } from '../../bench/markdown.ts';
import { type Report, load, save } from '../../bench/report.ts';
import { linesOf, ofRounds } from '../../bench/table.ts';
import { renewedPage } from '../../scripts/bench-table.ts';

const report: Report = {
  date: '2026-01-02',
  scale: 'full',
  machine: { node: 'v24.21.0', platform: 'linux x64', cores: 2, processor: 'Abacus 1', memoryGb: 4, openFiles: 1_024 },
  contestants: [{ name: 'ws', promises: 'little', settings: 'plain', packages: ['ws 8.23.0'] }],
  absent: [{ name: 'mqtt', reason: 'not installed: npm install mqtt@5.16.0' }],
  rows: {
    stream: [
      { what: 'stream', value: 1_031_000, rounds: [1e6, 1_031_000, 2e6], unit: '/s', contestant: 'homing' },
      {
        what: 'stream',
        value: 412_345,
        rounds: [400_000, 412_345, 500_000],
        unit: '/s',
        contestant: 'ws',
        ratio: { value: 2.5, rounds: [2, 2.5, 4], goal: { atLeast: 3 } },
        faults: { lost: 12, doubled: 1, reordered: 0 },
      },
    ],
    recovery: [ofRounds('recovery', [8, 9.5], 'ms', { atMost: 15 })],
  },
  failures: { storm: 'expected all, got none' },
};

describe('a report', () => {
  it('is read as it was written, also with numbers that JSON does not have', () => {
    using folder = mkdtempDisposableSync(join(tmpdir(), 'homing-report-'));
    const file = join(folder.path, 'results.json');
    const odd = ofRounds('share', [0, NaN, Infinity, -Infinity], '');
    const full = { ...report, rows: { ...report.rows, odd: [odd] } };
    save(file, full);
    expect(load(file)).toEqual(full);
    expect(readFileSync(join(folder.path, 'results.md'), 'utf8')).toBe(markdownOf(load(file)));
  });

  it('shows each contestant with its ratio, its goal and its faults in a terminal', () => {
    const [what, homing, ws] = linesOf(report.rows['stream'] ?? []).map((line) => line.trim().split(/ {2,}/));
    expect(what).toEqual(['stream']);
    expect(homing).toEqual(['homing', '1,031,000 /s', '1,000,000 to 2,000,000 in 3']);
    expect(ws?.slice(3)).toEqual([
      'homing ÷ it 2.50, 2 to 4 in 3',
      'goal at least 3: missed',
      'lost 12, doubled 1, reordered 0',
    ]);
    expect(linesOf(report.rows['recovery'] ?? []).join()).toMatch(
      /^recovery +9\.50 ms +8 to 9\.50 in 2 +goal at most 15 ms: reached$/,
    );
  });

  it('is a page with the machine, who took part, who did not, and a table for each row', () => {
    const page = markdownOf(report);
    expect(page).toContain('2 cores of Abacus 1, 4 GB,\nlinux x64, Node v24.21.0');
    expect(page).toContain('| ws         | little   | plain    | ws 8.23.0 |');
    expect(page).toContain('- mqtt was left out: not installed: npm install mqtt@5.16.0');
    expect(page).toMatch(
      /\| stream +\| ws +\| 412,345 \/s +\| .*\| 2\.50 \(2 to 4 in 3\) \| goal at least 3: missed \|/,
    );
    expect(page).toContain('\n\nstorm broke off: expected all, got none\n\n');
    expect(page).toMatch(/## recovery\n\n.*\n.*\n\| recovery \| 9\.50 ms/);
  });

  it('is one line for each question in the README', () => {
    expect(headlineTable(report).split('\n')).toEqual([
      '|             | homing | ws                  |',
      '| ----------- | ------ | ------------------- |',
      '| stream [/s] | 1.03M  | 412k (2.50) 12 lost |',
      '',
      expect.stringContaining('2026-01-02, a full run: 2 cores of Abacus 1, Node v24.21.0.'),
    ]);
  });

  it('has its place in a page, and refuses a page without one', () => {
    const page = 'a\n<!-- results: made by scripts/bench-table.ts -->\nold\n<!-- end of results -->\nb\n';
    const renewed = withHeadlines(page, report);
    expect(renewed).not.toContain('old');
    expect(renewed.split('\n').at(0)).toBe('a');
    expect(renewed).toMatch(/<!-- end of results -->\nb\n$/);
    expect(withHeadlines(renewed, report)).toBe(renewed);
    expect(() => withHeadlines('a page', report)).toThrow("expected '<!-- results");
  });

  it('of the newest results is what the README shows', () => {
    expect(readFileSync(new URL('../../README.md', import.meta.url), 'utf8')).toBe(renewedPage());
  });
});
