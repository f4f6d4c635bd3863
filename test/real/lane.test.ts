/**
 * The real lane, twice: until ten thousand connections are lost, and with shards that are ended from outside. How long that
 * takes depends on the machine; what must be reached is a count.
 */
import { expect, it } from 'vitest';
import { lineOf, realLane } from './lane.ts';

const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 1_000_000_000));

it(
  '10,000 disconnects of 120 sessions in two shards: all arrive once and in order, both ways',
  { timeout: 200_000 },
  async () => {
    const report = await realLane({ seed, disconnects: 10_000, sessions: 120, shards: 2, limitMs: 180_000 });
    console.log(`real lane: ${lineOf(report)}`);
    const { counts, resumes, said, heard, gaps, landings } = report;
    expect(counts.cuts).toBeGreaterThanOrEqual(10_000);
    // Others were lost in the middle of a handshake, or in one that was altered.
    expect(resumes).toBeGreaterThan(5_000);
    expect(said).toBeGreaterThan(20_000);
    expect(heard).toBe(said);
    expect(gaps).toBe(0);
    expect(landings.atHome).toBeGreaterThan(1_000);
    expect(landings.relayed).toBeGreaterThan(1_000);
    const { resets, finishes, blackHoles, orphans, stalls, flips, replays, turnedAway, refusals } = counts;
    for (const count of [resets, finishes, blackHoles, orphans, stalls, flips, replays, turnedAway, refusals])
      expect(count).toBeGreaterThan(100);
  },
);

it('shards that are ended at random: reports account for every message', { timeout: 100_000 }, async () => {
  const options = { disconnects: 600, sessions: 24, shards: 2, terminations: 5, limitMs: 80_000 };
  const report = await realLane({ seed, ...options });
  console.log(`real lane: ${lineOf(report)}`);
  expect(report.terminations).toBe(5);
  expect(report.gaps).toBeGreaterThan(5);
  expect(report.counts.cuts).toBeGreaterThanOrEqual(600);
});
