/** Copies of the repository in which a bug may be put; the checkout itself is never touched. */
import { cpSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { pathOf } from './catalogue.ts';

/** What a copy does not need, or has of its own. */
const notCopied = new Set(['node_modules', '.git', 'dist', 'coverage']);

/** Copies the repository to a folder that is not there yet; gives the folder. Packages are links to those of the checkout. */
export function copyTree(to: string): string {
  const from = pathOf('.');
  mkdirSync(to);
  for (const name of readdirSync(from)) {
    if (!notCopied.has(name)) cpSync(join(from, name), join(to, name), { recursive: true });
  }
  // A folder of its own with links in it: what tools keep there stays in the copy.
  mkdirSync(join(to, 'node_modules'));
  for (const name of readdirSync(join(from, 'node_modules'))) {
    if (!name.startsWith('.')) symlinkSync(join(from, 'node_modules', name), join(to, 'node_modules', name));
  }
  return to;
}
