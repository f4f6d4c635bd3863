// homing fuzz: what it plays, what it says, and what it ends with.
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { loadSimulation } from '../../src/cli/fuzz-module.ts';
import { FuzzProgress } from '../../src/cli/fuzz-progress.ts';
import { homing } from './program.ts';

const folder = mkdtempSync(join(tmpdir(), 'homing-fuzz-'));
afterAll(() => rmSync(folder, { recursive: true }));

const shop = (name: string): string => fileURLToPath(new URL(`../kit/programs/${name}`, import.meta.url));
const branch = fileURLToPath(new URL('../../examples/fuzz/branch.ts', import.meta.url));

describe('homing fuzz', () => {
  it('finds what is wrong, prints it with its picture, and plays it again by its token', async () => {
    const { code, out } = await homing(['fuzz', shop('forgetful.ts'), '--runs', '400', '--seed', '3'], { folder });
    expect(code).toBe(1);
    expect(out).toMatch(/^failed: finally: Error: \d+ were ordered, \d+ are confirmed/);
    expect(out).toMatch(/c0 +\|-- EVENT #1 order -+> server/);
    const [, again = ''] = /--replay (\S+)\n$/.exec(out) ?? [];
    expect(readdirSync(join(folder, '.sim-failures'))).toHaveLength(1);

    const replayed = await homing(['fuzz', shop('forgetful.ts'), '--replay', again, '--json'], { folder });
    expect(replayed).toMatchObject({ code: 1, complaint: '' });
    expect(JSON.parse(replayed.out)).toMatchObject({ verdict: 'failed', oracle: 'finally', token: again });
    const honest = await homing(['fuzz', shop('honest.ts')], { folder, environment: { HOMING_REPLAY: again } });
    expect(honest).toMatchObject({ code: 0, out: expect.stringMatching(/^held: 1 runs, /) });
  });

  it('says how much has held, on virtual time as on real sockets', async () => {
    const { code, out } = await homing(['fuzz', shop('honest.ts'), '--runs', '8', '--seed', '3', '--json']);
    expect([code, JSON.parse(out)]).toEqual([0, expect.objectContaining({ verdict: 'held', seed: 3, runs: 8 })]);
    const real = await homing(['fuzz', shop('honest.ts'), '--real', '--seconds', '0.2', '--seed', '19']);
    expect(real).toMatchObject({ code: 0, complaint: '' });
    expect(real.out).toMatch(/^held: \d+ runs, .*\n +[\d.]+ s on real sockets, seed 19\n +faults: \w+ \d/);
  });

  it('has nothing to play in a module without a simulation, and says what it needs', async () => {
    const { code, out, complaint } = await homing(['fuzz', 'nowhere.ts'], { folder });
    expect([code, out]).toEqual([2, '']);
    expect(complaint).toContain('error: nowhere.ts cannot be loaded: Cannot find module');
    await expect(loadSimulation(branch)).rejects.toThrow('exports a behavior, which does not say what its clients do');
    const empty = join(folder, 'empty.mjs');
    writeFileSync(empty, 'export const one = 1;');
    await expect(loadSimulation(empty)).rejects.toThrow('has no simulation, its exports are: one; export a simulation');
    expect((await loadSimulation(shop('honest.ts'))).scenario.steps).toHaveProperty('order');
  });

  it('says so when fast-check is not installed', async () => {
    const hook = join(folder, 'without.mjs');
    writeFileSync(
      hook,
      `import { registerHooks } from 'node:module';
      registerHooks({
        resolve(specifier, context, next) {
          if (specifier !== 'fast-check') return next(specifier, context);
          throw Object.assign(new Error("Cannot find package 'fast-check'"), { code: 'ERR_MODULE_NOT_FOUND' });
        },
      });`,
    );
    const { code, complaint } = await homing(['fuzz', 'any.ts'], { folder, flags: ['--import', hook] });
    const sentence = 'homing fuzz needs fast-check, which is not installed here: npm install --save-dev fast-check';
    expect([code, complaint]).toEqual([2, `error: ${sentence}\n`]);
  });
});

describe('the progress of a fuzz', () => {
  const shown = (isTTY: boolean): { told: string[]; tell: (atMs: number, runs: number) => void; clear: () => void } => {
    let nowMs = 0;
    const told: string[] = [];
    const write = (text: string | Uint8Array): boolean => told.push(String(text)) > 0;
    const progress = new FuzzProgress(true, { write, isTTY }, () => nowMs);
    const tell = (atMs: number, runs: number): void => {
      nowMs = atMs;
      progress.tell({ runs, disconnects: runs * 2 }, runs === 9);
    };
    return { told, tell, clear: () => progress.clear() };
  };

  it('is one line on a terminal, written over and taken back', () => {
    const { told, tell, clear } = shown(true);
    for (const [atMs, runs] of [
      [50, 1],
      [120, 2],
      [150, 3],
      [900, 9],
    ] as const)
      tell(atMs, runs);
    clear();
    expect(told.slice(0, 2)).toEqual([
      '\r2 runs, 4 disconnects (0 s)',
      '\rrun 10 failed, making its plan smaller (1 s)',
    ]);
    expect(told[2]).toMatch(/^\r {44}\r$/);
  });

  it('is a line every five seconds elsewhere', () => {
    const { told, tell, clear } = shown(false);
    for (const atMs of [100, 4_999, 5_000, 9_000, 10_100]) tell(atMs, 3);
    clear();
    expect(told).toEqual(['3 runs, 6 disconnects (5 s)\n', '3 runs, 6 disconnects (10 s)\n']);
  });
});
