// Real programs, killed and stood still at random moments; what each of them saw is judged by the oracles of the simulator.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { SightLog, readSights } from '../../src/testing/sight-log.ts';
import { runLane } from './lane.ts';

describe('a server and three clients', () => {
  it(
    'keep every promise while each of them is killed and stood still at random moments',
    { timeout: 150_000 },
    async () => {
      const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 1_000_000_000));
      const { kills, stops, longStops, sights } = await runLane({ seed, kills: 60, stops: 20, seconds: 0 });
      expect(kills).toBeGreaterThanOrEqual(60);
      expect(stops).toBeGreaterThanOrEqual(20);
      expect(longStops).toBeGreaterThan(0);
      expect(sights.started).toBeGreaterThan(500);
      // A server that dies takes its sessions along: those who come back begin anew, with or without something to lose.
      expect(sights.up).toBeGreaterThan(60);
    },
  );
});

describe('the log of a process', () => {
  it('loses a torn last line, and nothing else', () => {
    const folder = mkdtempSync(join(tmpdir(), 'homing-log-'));
    const [first, second] = [join(folder, 'a'), join(folder, 'b')];
    {
      using log = new SightLog(first);
      log.tell({ type: 'begins', who: 'c0', life: 1, atMs: 2 });
      log.tell({ type: 'rest', who: 'c0', life: 1, atMs: 5 });
    }
    writeFileSync(first, '{"type":"ends","who"', { flag: 'a' });
    {
      using log = new SightLog(second);
      log.tell({ type: 'begins', who: 'server', life: 1, atMs: 3 });
    }
    const sights = readSights([first, second]);
    expect(sights.map(({ who, atMs }) => [who, atMs])).toEqual([
      ['c0', 2],
      ['server', 3],
      ['c0', 5],
    ]);
    writeFileSync(second, '{"torn\n{"type":"rest"}\n');
    expect(() => readSights([second])).toThrow(SyntaxError);
    rmSync(folder, { recursive: true });
  });
});
