// What the file that npm links as `homing` does before anything else: it looks at the version of Node.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { blank } from '../tidy/source.ts';
import { homing } from './program.ts';

/** Lets a process believe that it runs on another Node. */
const pretending = (version: string): string[] => [
  '--import',
  `data:text/javascript,Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${version}' } })`,
];

describe('the file that starts the command line', () => {
  it.each(['0.10.48', '8.17.0', '22.99.0', '24.19.9'])('explains itself to Node %s and ends', async (version) => {
    const { code, out, complaint } = await homing(['demo', '--cuts', '3'], { flags: pretending(version) });
    expect(out).toBe('');
    const lines = complaint.trim().split('\n');
    expect(lines).toHaveLength(3);
    expect(lines[0]).toBe(`homing needs Node 24.20 or later, this is ${version}.`);
    expect(lines[1]).toContain('npx -p node@24 -p homing homing demo --cuts 3');
    expect(lines[2]).toMatch(/nvm install 24.*nodejs\.org/);
    expect(code).toBe(1);
  });

  it.each(['24.20.0', '24.100.0-nightly2026', '25.0.0', '100.1.0'])('goes on in Node %s', async (version) => {
    const { code, out, complaint } = await homing(['--version'], { flags: pretending(version) });
    expect(complaint).toBe('');
    expect(out).toMatch(/^\d+\.\d+\.\d+\n$/);
    expect(code).toBe(0);
  });

  it('has no syntax that an old Node could not read', () => {
    const { code } = blank(readFileSync(new URL('../../bin/homing.cjs', import.meta.url), 'utf8'));
    expect(code).toContain('var needed');
    for (const newer of [
      /=>/,
      /`/,
      /\b(?:let|const|class|async|await|import|of|yield)\b/,
      /\?\.|\?\?|\.\.\.|\*\*/,
      /,\s*[)\]}]/,
    ])
      expect(code).not.toMatch(newer);
  });
});
