// docs/cli.md against the program: every command line of its shell blocks is run, its options and checks are those there are.
import { describe, expect, it } from 'vitest';
import { quoted, rowsWith, textOf } from '../docs/page.ts';
import { homing } from './program.ts';

const page = textOf('docs/cli.md');
const commands = [...page.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].flatMap(([, block = '']) => block.trim().split('\n'));

describe('docs/cli.md', () => {
  it.each(commands)('has a command line that is understood: %s', async (line) => {
    const [npx, name, ...words] = line.split(' ');
    expect([npx, name]).toEqual(['npx', 'homing']);
    const { code, complaint } = await homing(words);
    expect(complaint).toBe('');
    expect(code).toBeLessThanOrEqual(line.includes('--connect') ? 1 : 0);
  });

  it('has enough of them', () => {
    expect(commands.length).toBeGreaterThan(5);
  });

  it('lists the options of the doctor, each', async () => {
    const { out } = await homing(['doctor', '--help']);
    const options = [...out.matchAll(/^ {2}(--\S+(?: <\w+>)?)/gm)].map(([, option]) => option);
    expect(rowsWith('docs/cli.md', /^`--/).map(([cell]) => quoted(cell))).toEqual(options);
    expect(options.length).toBeGreaterThan(2);
  });

  it('shows the checks of the doctor in their order', async () => {
    const shown = [...page.matchAll(/^(?:ok|warn) +(\S+(?: \S+)?) {2,}\S/gm)].map(([, check]) => check);
    const { findings } = JSON.parse((await homing(['doctor', '--json'])).out) as { findings: { check: string }[] };
    expect(findings.map(({ check }) => check)).toEqual(shown);
  });
});
