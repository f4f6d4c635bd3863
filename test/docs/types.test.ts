// Every program of the README and of the pages under docs/ as a compiler sees it: in a folder of the repository, where it
// finds the package and its types.
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pathsUnder, root, textOf } from './page.ts';

const run = promisify(execFile);
const compiler = fileURLToPath(new URL('node_modules/typescript/bin/tsc', root));
const pages = ['README.md', ...pathsUnder('docs/')];

let folder = '';

beforeAll(async () => {
  const coverage = fileURLToPath(new URL('coverage/', root));
  await mkdir(coverage, { recursive: true });
  folder = await mkdtemp(join(coverage, 'types-'));
});

afterAll(() => rm(folder, { recursive: true }));

/** Writes the programs of a page, each under the name that the page gives it, or a number. Returns their paths. */
async function write(page: string, text: string): Promise<string[]> {
  const blocks = [...text.matchAll(/^```ts *(\S*)\n([\s\S]*?)^```$/gm)];
  const paths = blocks.map(([, name], at) =>
    join(folder, basename(page, '.md'), name === '' ? `${at + 1}.ts` : (name ?? '')),
  );
  for (const [at, path] of paths.entries()) {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, blocks[at]?.[2] ?? '');
  }
  return paths;
}

/** What the compiler says of them; nothing when all is well. */
async function compile(paths: readonly string[]): Promise<string> {
  const settings = {
    extends: '../../tsconfig.json',
    compilerOptions: { noUnusedLocals: false, noUnusedParameters: false },
    include: [],
    files: paths,
  };
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(settings));
  const failed = (error: Error & { stdout?: string }): { stdout: string } => ({
    stdout: error.stdout ?? error.message,
  });
  const { stdout } = await run(process.execPath, [compiler, '--noEmit', '-p', folder]).catch(failed);
  return stdout;
}

describe('the programs of the pages', { timeout: 120_000 }, () => {
  it('compile as they stand', async () => {
    const paths = (await Promise.all(pages.map((page) => write(page, textOf(page))))).flat();
    expect(paths.length).toBeGreaterThan(15);
    expect(await compile(paths)).toBe('');
  });

  it('would not with a wrong line', async () => {
    const wrong = textOf('docs/coming-from.md').replaceAll("client.send('hello', 'world')", "client.send('hello', 5)");
    expect(await compile(await write('wrong.md', wrong))).toContain("'number' is not assignable");
  });
});
