// A planted bug is found, made small, and played again from what its failure says.
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type KitPlan, type SimulationFailed, check, faults, replay, torture } from 'homing/testing';
import { type Sell, failureOf, sell, shopOf } from './shop.ts';

/** Says nothing to a customer whose connection is down at that moment, as if nobody were there. */
const forgetful: Sell = async (pieces, notes, session) => {
  await new Promise((resolve) => setTimeout(resolve, 5));
  notes.sold += pieces;
  if (session.connection.state === 'up') session.send('confirmed', pieces);
};

afterEach(() => {
  delete process.env['HOMING_REPLAY'];
});

const once = { seed: 5, runs: 400, saveTo: false } as const;

let found: SimulationFailed;
let folder = '';

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'homing-kit-'));
  found = await failureOf(check(shopOf(forgetful), { ...once, saveTo: folder }));
});

afterAll(() => rmSync(folder, { recursive: true }));

describe('check', () => {
  it('tells how much has happened when nothing is wrong, with shards as without', async () => {
    const report = await check(shopOf(sell), { ...once, runs: 40 });
    expect(report.runs).toBe(40);
    expect(report.disconnects).toBeGreaterThan(40);
    expect(report.messages).toBeGreaterThan(100);
    expect(report.virtualMs).toBeGreaterThan(40_000);
    expect(await check(shopOf(sell), { ...once, runs: 40 })).toEqual(report);
    expect((await check(shopOf(sell, { shards: 2 }), { ...once, runs: 20 })).runs).toBe(20);
  });

  it('finds a planted bug, and makes its plan as small as can be', () => {
    const { verdict, plan, message, picture } = found;
    expect(verdict.oracle).toBe('finally');
    expect(verdict.line).toMatch(/^finally: Error: \d were ordered, 0 are confirmed \(at \d+ ms\)$/);
    expect(plan.faults.length).toBe(1);
    expect(plan.steps).toEqual([{ atMs: expect.any(Number), client: 0, name: 'order', value: 1 }]);
    expect(message.split('\n')[0]).toBe(verdict.line);
    expect(message).toMatch(/c0 {2}step {3}order 1\n/);
    expect(message).toContain('test/kit/shop.ts');
    for (const line of [/c0 +\|-- HELLO -+> server/, /<-+ WELCOME --\| server/, /\|-- EVENT #1 order -+> server/])
      expect(picture).toMatch(line);
    expect(picture).toMatch(/c0 +is down: .*\n/);
  });

  it('prints a token that gives the same verdict, in replay as in the environment', async () => {
    const { token, verdict, plan, picture } = found;
    const again = await failureOf(replay(shopOf(forgetful), token));
    expect([again.verdict.line, again.plan, again.picture]).toEqual([verdict.line, plan, picture]);
    process.env['HOMING_REPLAY'] = token;
    const asked = await failureOf(check(shopOf(forgetful), { seed: 77 }));
    expect([asked.verdict.line, asked.token]).toEqual([verdict.line, token]);
    expect((await check(shopOf(sell))).runs).toBe(1);
  });

  it('leaves scenarios alone that a token is not of, and refuses what is no token', async () => {
    const { token } = found;
    const other = shopOf(sell, { shards: 1 });
    process.env['HOMING_REPLAY'] = token;
    expect((await check(other, { ...once, runs: 3 })).runs).toBe(3);
    await expect(replay(other, token)).rejects.toThrow('the token is of a scenario with other steps');
    await expect(replay(other, '1.nothing')).rejects.toMatchObject({ code: 'BadOption' });
  });

  it('saves the plan of a failure, which plays it again too', async () => {
    const { verdict, message } = found;
    const [file = ''] = readdirSync(folder);
    expect(message).toContain(file);
    const saved = JSON.parse(readFileSync(join(folder, file), 'utf8')) as { plan: KitPlan; verdict: string };
    expect(saved.verdict).toBe(verdict.line);
    expect((await failureOf(replay(shopOf(forgetful), saved.plan))).verdict.line).toBe(verdict.line);
  });

  it.each(['hostileNetwork', 'crashy', 'shards', 'all'] as const)('blames nobody for %s', async (preset) => {
    const { scenario } = shopOf(sell, { shards: preset === 'shards' ? 2 : 0 });
    const befallen = { ...scenario, faults: faults[preset](), finally: () => {} };
    expect((await check({ scenario: befallen }, { seed: 9, runs: 50 })).runs).toBe(50);
  });

  it('begins no new run when its time is over', async () => {
    const report = await check(shopOf(sell), { runs: 1_000_000, timeMs: 100 });
    expect(report.runs).toBeGreaterThan(0);
    expect(report.runs).toBeLessThan(10_000);
  });
});

describe('torture', () => {
  const steps = [{ name: 'order', value: 3 }] as const;

  it('cuts the line at every byte in both directions, and crashes both ends at every moment', async () => {
    const one = shopOf(sell);
    const cuts = await torture(one, { steps, by: 'byte', saveTo: false });
    expect(cuts.runs).toBeGreaterThan(300);
    expect(cuts.disconnects).toBe(cuts.runs - 1);
  });

  it('finds the place where a bug shows, and its token finds it again', async () => {
    const found = await failureOf(torture(shopOf(sell), { steps, by: 'crash', saveTo: false }));
    expect(found.verdict.line).toContain('were ordered');
    expect(found.plan.faults).toMatchObject([{ type: 'crash' }]);
    const again = await failureOf(replay(shopOf(sell), found.token));
    expect(again.verdict.line).toBe(found.verdict.line);
    process.env['HOMING_REPLAY'] = found.token;
    const asked = await failureOf(torture(shopOf(sell), { steps, by: 'crash', saveTo: false }));
    expect(asked.plan.faults).toEqual(found.plan.faults);
  });
});
