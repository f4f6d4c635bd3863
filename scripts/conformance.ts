/**
 * Writes the tables of all conformance cases into `docs/conformance.md`, from the cases themselves; a test compares them, so
 * that the page cannot fall behind.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { groups, pageOf } from '../src/conformance/index.ts';

const page = new URL('../docs/conformance.md', import.meta.url);
const MARK = '<!-- cases -->';

/** The page with the tables behind its mark. */
export function pageWithCases(text: string): string {
  const at = text.indexOf(MARK) + MARK.length;
  return `${text.slice(0, at)}\n\n<!-- prettier-ignore-start -->\n\n${pageOf(groups)}\n\n<!-- prettier-ignore-end -->\n`;
}

if (import.meta.main) writeFileSync(page, pageWithCases(readFileSync(page, 'utf8')));
