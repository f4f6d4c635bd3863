// The pages under docs/ and the map against the code: tables row by row, and that every file and page they name is there.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { defaults, drainMsOf, redialOf, settingsOf, threadsOf } from '../src/actors/options.ts';
import { groupOptionsOf } from '../src/actors/selection.ts';
import { endTable, errorTable } from '../src/errors.ts';
import { pathsUnder, quoted, root, rowsOf, rowsWith, textOf } from './docs/page.ts';
import { mayImport } from './tidy/folders.ts';

const pages = [
  'README.md',
  'ARCHITECTURE.md',
  'PROTOCOL.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  ...pathsUnder('docs/'),
];

const numberIn = (cell = ''): number => Number(cell.replaceAll(',', ''));

describe('docs/errors.md', () => {
  const who = { caller: 'your code', peer: 'the peer', line: 'the line', homing: 'Homing' };

  it('has every error code with who must act, retry and meaning, and no other', () => {
    const rows = rowsWith('docs/errors.md', /^`[A-Z]\w+`$/).map((cells) => cells.slice(0, 4));
    const table = Object.entries(errorTable).map(([code, { family, retry, meaning }]) => [
      `\`${code}\``,
      who[family],
      retry ? 'yes' : 'no',
      meaning,
    ]);
    expect(rows).toEqual(table);
  });

  it('has every end code with number, who must act, class and meaning, and no other', () => {
    const rows = rowsWith('docs/errors.md', /^\d+$/).map((cells) => cells.slice(0, 5));
    const table = Object.entries(endTable).map(([code, { wire, family, meaning }]) => [
      String(wire),
      `\`${code}\``,
      who[family],
      wire < 200 ? 'retry' : 'terminal',
      meaning,
    ]);
    expect(rows).toEqual(table);
  });

  it('says what to do about each, and of which codes no error is made', () => {
    const sources = pathsUnder('src/')
      .filter((path) => path !== 'src/errors.ts')
      .map(textOf)
      .join('\n');
    for (const [code = '', ...cells] of rowsWith('docs/errors.md', /^`[A-Z]\w+`$/)) {
      const isMade = sources.includes(`'${quoted(code)}'`) || quoted(code) === 'InvariantBroken';
      expect(cells.at(-1) === 'No error of this version has this code.', code).toBe(!isMade);
      expect(cells.at(-1)?.length, code).toBeGreaterThan(10);
    }
    for (const [code, ...cells] of rowsWith('docs/errors.md', /^\d+$/))
      expect(cells.at(-1)?.length, code).toBeGreaterThan(10);
  });
});

describe('docs/options.md', () => {
  const listed = new Map(
    rowsWith('docs/options.md', /^`[\w.]+`$/).map(([name, value, range]) => [quoted(name), { value, range }]),
  );

  it('has every default of the code, and no other number', () => {
    const { heartbeat, handshakeMs, lingerMs, backoff, drainMs, limits, watchdogMs, restarts } = defaults;
    const flat = {
      ...prefixed('heartbeat', heartbeat),
      handshakeMs,
      lingerMs,
      ...prefixed('limits', limits),
      ...prefixed('backoff', backoff),
      drainMs,
      watchdogMs,
      ...prefixed('restarts', restarts),
    };
    const numbers = [...listed].filter(([, { value }]) => /^[\d,]+$/.test(value ?? ''));
    expect(Object.fromEntries(numbers.map(([name, { value }]) => [name, numberIn(value)]))).toEqual(flat);
  });

  it('names the deadline of a wait while a handler runs', () => {
    const meaning = rowsWith('docs/options.md', /^`timeoutMs`$/)[0]?.at(-1) ?? '';
    expect(meaning).toContain(defaults.turnDeadlineMs.toLocaleString('en'));
  });

  it.each([...listed].filter(([, { range }]) => / to /.test(range ?? '')))('has the range of %s', (name, { range }) => {
    const [least = 0, most = 0] = (range ?? '').split(' to ').map(numberIn);
    for (const value of [least, most]) expect(() => give(name, value), String(value)).not.toThrow();
    for (const value of [least - 1, most + 1, least + 0.5, Number.NaN]) {
      expect(() => give(name, value), String(value)).toThrow(expect.objectContaining({ code: 'BadOption' }));
    }
  });

  function prefixed(group: string, values: Readonly<Record<string, number>>): Record<string, number> {
    return Object.fromEntries(Object.entries(values).map(([name, value]) => [`${group}.${name}`, value]));
  }

  /** Gives one option of this name to the code that checks it. */
  function give(path: string, value: number): void {
    const [group = '', name] = path.split('.');
    if (/^(?:shards|watchdogMs|offloadThreads|shardHeapMb)$/.test(path)) threadsOf({ [path]: value }, true);
    else if (group === 'restarts') threadsOf({ restarts: { [name ?? '']: value } }, true);
    else if (path === 'drainMs') drainMsOf(value);
    else if (path === 'holdMs') groupOptionsOf({ holdMs: value });
    else if (group === 'backoff') redialOf({ [name ?? '']: value });
    else if (name === undefined) settingsOf({ [group]: value });
    else if (group === 'heartbeat') settingsOf({ heartbeat: { intervalMs: 0, [name]: value } });
    else settingsOf({ [group]: { [name]: value } });
  }
});

describe('docs/numbers.md', () => {
  it('is what the README shows, as far as its first table goes', () => {
    const isHead = ([what, goal]: readonly (string | undefined)[]): boolean => what === 'what' && goal === 'goal';
    const all = rowsOf('docs/numbers.md');
    // Tables of later sections stand there alone.
    const next = all.findIndex((row, index) => index > 0 && isHead(row));
    const rows = all.slice(0, next < 0 ? undefined : next);
    const shown = rowsOf('README.md');
    const from = shown.findIndex(isHead);
    expect(rows.length).toBeGreaterThan(4);
    expect(shown.slice(from, from + rows.length)).toEqual(rows);
  });
});

describe('ARCHITECTURE.md', () => {
  it('has the table of folders that the tidy test checks', () => {
    const rows = rowsWith('ARCHITECTURE.md', /^`src\/[\w-]+`$/).map(([folder, names = '']) => [
      quoted(folder).slice('src/'.length),
      [...names.matchAll(/`([^`]+)`/g)].map(([, name]) => name),
    ]);
    expect(Object.fromEntries(rows)).toEqual(mayImport);
  });

  it('has a paragraph for every folder of src', () => {
    const folders = readdirSync(new URL('src/', root), { withFileTypes: true }).filter((entry) => entry.isDirectory());
    const page = textOf('ARCHITECTURE.md');
    const headed = [...page.matchAll(/^\*\*(.+?)\*\*/gm)].map(([, names]) => names).join(' ');
    for (const { name } of folders) expect(headed).toContain(`src/${name}\``);
  });

  it('names the files of a folder in its paragraph, and only those that are there', () => {
    const page = textOf('ARCHITECTURE.md');
    const paragraphs = [...page.matchAll(/^\*\*`src\/(\w+)`(?:, `src\/(\w+)`)?\*\*([\s\S]*?)\n\n/gm)];
    expect(paragraphs.length).toBeGreaterThan(6);
    for (const [, folder = '', other = folder, text = ''] of paragraphs) {
      for (const [, file = ''] of text.matchAll(/`([\w-]+\.ts)`/g)) {
        const isThere =
          existsSync(new URL(`src/${folder}/${file}`, root)) || existsSync(new URL(`src/${other}/${file}`, root));
        expect(isThere, `${file} in src/${folder}`).toBe(true);
      }
    }
  });
});

describe.each(pages)('%s', (path) => {
  const text = textOf(path);

  it('links to pages and headings that are there', () => {
    for (const [, target = ''] of text.matchAll(/\]\((?!https?:)([^)\s]+)\)/g)) {
      const [file = '', heading] = target.split('#');
      const page = new URL(file === '' ? path : file, new URL(path, root));
      expect(existsSync(file === '' ? new URL(path, root) : page), target).toBe(true);
      if (heading === undefined) continue;
      const there = readFileSync(file === '' ? new URL(path, root) : page, 'utf8');
      const anchors = [...there.matchAll(/^#+ (.+)$/gm)].map(([, title = '']) => anchorOf(title));
      expect(anchors, target).toContain(heading);
    }
  });

  it('names files of the repository that are there', () => {
    for (const [, file = ''] of text.matchAll(/`((?:src|test|docs|scripts|bench|examples)\/[\w/.-]+\.(?:ts|md))`/g)) {
      expect(existsSync(new URL(file, root)), file).toBe(true);
    }
  });
});

/** The anchor that a heading gets: lower case, words joined by dashes, marks left out. */
function anchorOf(title: string): string {
  return title
    .toLowerCase()
    .replaceAll(/[^\w\- ]/g, '')
    .replaceAll(' ', '-');
}
