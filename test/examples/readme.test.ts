import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const examples = new URL('../../examples/', import.meta.url);
const page = readFileSync(new URL('README.md', examples), 'utf8');

describe('the page about the examples', () => {
  it('has a row for each of them, and each is run by a test', () => {
    const folders = readdirSync(examples, { withFileTypes: true }).flatMap((entry) =>
      entry.isDirectory() ? [entry.name] : [],
    );
    const rows = [...page.matchAll(/^\| \[[^\]]+\]\(([\w-]+)\)/gm)].map(([, folder]) => folder);
    expect(new Set(rows)).toEqual(new Set(folders));
    for (const folder of folders) expect(existsSync(new URL(`${folder}.test.ts`, import.meta.url)), folder).toBe(true);
  });

  it('names files that are there', () => {
    const named = [...page.matchAll(/[\w-]+\/\w+\.ts/g)].map(([path]) => path);
    expect(named.length).toBeGreaterThan(10);
    for (const path of named) expect(existsSync(new URL(path, examples)), path).toBe(true);
  });
});
