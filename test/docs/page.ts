/** The pages of this repository as a test reads them: their text and the rows of their tables. */
import { readFileSync, readdirSync } from 'node:fs';

/** The root of the repository. */
export const root = new URL('../../', import.meta.url);

/** The paths of all files under a folder. */
export function pathsUnder(folder: string): string[] {
  return readdirSync(new URL(folder, root), { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? pathsUnder(`${folder}${entry.name}/`) : [`${folder}${entry.name}`],
  );
}

/** The text of a file. */
export function textOf(path: string): string {
  return readFileSync(new URL(path, root), 'utf8');
}

/** The cells of all rows of a page, tables in order, without the lines under the heads. */
export function rowsOf(path: string): string[][] {
  const rows = textOf(path)
    .split('\n')
    .filter((line) => line.startsWith('|') && !/^\|[ :|-]+\|$/.test(line));
  return rows.map((row) =>
    row
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim()),
  );
}

/** The rows whose first cell is of this form. */
export function rowsWith(path: string, first: RegExp): string[][] {
  return rowsOf(path).filter(([cell = '']) => first.test(cell));
}

/** What stands between backticks. */
export function quoted(cell = ''): string {
  return /`([^`]+)`/.exec(cell)?.[1] ?? '';
}
