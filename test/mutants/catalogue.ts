/**
 * The mutants: bugs of one line each that our tests must notice, kept as data, one file an area. The sources know nothing
 * of them; `scripts/mutants.ts` applies them to a copy of the tree. A line is named by its exact text, not by its number:
 * an entry whose line has changed no longer applies and has to be looked at.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The repository. */
const root = new URL('../../', import.meta.url);

/** A bug of one line. */
export interface Mutant {
  /** Unique among all areas. */
  readonly id: string;
  /** The file of data it stands in, without its ending. */
  readonly area: string;
  /** Relative to the repository. */
  readonly file: string;
  /** The text of the one line that is replaced, without the space around it. */
  readonly line: string;
  /** What stands there instead; an empty text: nothing. */
  readonly replacement: string;
  /** What goes wrong, in a sentence. */
  readonly story: string;
  /** The tests that should notice, cheapest first. */
  readonly tests: readonly Selected[];
  /** Why nothing can notice it, where that is so. */
  readonly equivalent: string | undefined;
}

/** A test file, and words of the titles to run in it; all of them without. */
export interface Selected {
  readonly file: string;
  readonly title: string | undefined;
}

/** Between a file and the words of a title. */
const TITLE_MARK = ' :: ';

/** All mutants, area by area. Throws for a file that is not what it should be. */
export function readMutants(): readonly Mutant[] {
  const folder = new URL('test/mutants/', root);
  const files = readdirSync(folder).filter((name) => name.endsWith('.json'));
  return files.toSorted().flatMap((name) => {
    const entries: unknown = JSON.parse(readFileSync(new URL(name, folder), 'utf8'));
    if (!Array.isArray(entries)) throw new TypeError(`expected a list of mutants in ${name}`);
    return entries.map((entry, index) => mutantOf(name.replace('.json', ''), entry, `${name}, entry ${index + 1}`));
  });
}

/** The sentence that says why this mutant does not apply to the source of its file; undefined when it does. */
export function misfitOf({ line, replacement }: Mutant, source: string): string | undefined {
  const found = source.split('\n').filter((text) => text.trim() === line).length;
  if (found !== 1) return `expected its line once, found it ${found} times`;
  return replacement.trim() === line ? 'its replacement is the line itself' : undefined;
}

/** The source of its file with the bug in it; the caller has asked `misfitOf`. */
export function mutated({ line, replacement }: Mutant, source: string): string {
  return source
    .split('\n')
    .map((text) => (text.trim() === line ? text.replace(line, () => replacement) : text))
    .join('\n');
}

/** The path of a file of the repository. */
export function pathOf(file: string, from: URL = root): string {
  return fileURLToPath(new URL(file, from));
}

const texts = ['id', 'file', 'line', 'replacement', 'story'] as const;

function mutantOf(area: string, entry: unknown, where: string): Mutant {
  if (typeof entry !== 'object' || entry === null) throw new TypeError(`expected a mutant in ${where}`);
  const fields = entry as Readonly<Record<string, unknown>>;
  const { tests, equivalent, ...others } = fields;
  for (const name of texts) if (typeof fields[name] !== 'string') throw new TypeError(`expected ${name} in ${where}`);
  const unknown = Object.keys(others).find((name) => !texts.some((known) => known === name));
  if (unknown !== undefined) throw new TypeError(`unknown field ${unknown} in ${where}`);
  if (equivalent !== undefined && typeof equivalent !== 'string') throw new TypeError(`expected a reason in ${where}`);
  if (!Array.isArray(tests) || !tests.every((test) => typeof test === 'string')) {
    throw new TypeError(`expected tests in ${where}`);
  }
  const { id, file, line, replacement, story } = fields as Record<(typeof texts)[number], string>;
  return { id, area, file, line, replacement, story, tests: tests.map(selectedOf), equivalent };
}

function selectedOf(text: string): Selected {
  const [file = '', title] = text.split(TITLE_MARK);
  return { file, title };
}
