/**
 * Writes the newest results of `bench/results` into the README's table. `--check` writes nothing and exits with 1 when the
 * table is another one.
 */
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { withHeadlines } from '../bench/headlines.ts';
import { load } from '../bench/report.ts';

const page = new URL('../README.md', import.meta.url);
const results = new URL('../bench/results/', import.meta.url);

/** The README as it should be. */
export function renewedPage(): string {
  const newest = readdirSync(results)
    .filter((name) => name.endsWith('.json'))
    .toSorted()
    .at(-1);
  if (newest === undefined) throw new Error('expected results in bench/results, found none: npm run bench');
  return withHeadlines(readFileSync(page, 'utf8'), load(new URL(newest, results)));
}

if (import.meta.main) {
  const renewed = renewedPage();
  if (!process.argv.includes('--check')) writeFileSync(page, renewed);
  else if (renewed !== readFileSync(page, 'utf8')) {
    console.error("the README's table is not that of the newest results: npm run bench:table");
    process.exitCode = 1;
  }
}
