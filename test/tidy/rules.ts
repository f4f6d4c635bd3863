/**
 * The rules of the house as pure functions over `{ path, source }`: each finding names file, line and what to use instead.
 * Order within a file follows the rules, not the lines.
 */
import { coreFolders, folderOf, importFault } from './folders.ts';
import { blank, importsOf, lineAt, type Blanked, type Import, type SourceFile } from './source.ts';

/** One broken rule; `line` is 1-based. */
export interface Finding {
  readonly path: string;
  readonly line: number;
  readonly fault: string;
}

/** A finding as one line that editors and terminals make clickable. */
export const asLine = (finding: Finding): string => `${finding.path}:${finding.line} ${finding.fault}`;

/** Checks one file of code against the table of folders, the bans of the core and the bans that hold everywhere. */
export function checkSource(file: SourceFile): readonly Finding[] {
  const blanked = blank(file.source);
  const imports = importsOf(blanked);
  return [
    ...importFindings(file, imports),
    ...machineFindings(file, { blanked, imports }),
    ...banFindings(file, blanked),
    ...checkText(file),
  ];
}

/** Checks any text of the repository, documents and settings included: what must not stand anywhere. */
export function checkText({ path, source }: SourceFile): readonly Finding[] {
  const isCode = /\.(?:ts|js)$/.test(path);
  return [
    ...findings({
      path,
      text: source,
      pattern: machinePath,
      fault: 'a path of one machine: make it relative, or take it from os.tmpdir()',
    }),
    ...(isCode
      ? findings({
          path,
          text: source,
          pattern: openPoint,
          fault: 'an open point: do it now, or open an issue and leave the code whole',
        })
      : []),
  ];
}

/** Files over the length that asks for a reason, unless `reasons` has one; and reasons that are no longer needed. */
export function checkLengths(
  files: readonly SourceFile[],
  { linesMax, reasons }: { readonly linesMax: number; readonly reasons: Readonly<Record<string, string>> },
): readonly Finding[] {
  const lengths = new Map(files.map(({ path, source }) => [path, source.trimEnd().split('\n').length]));
  const long = [...lengths].filter(([path, lineCount]) => lineCount > linesMax && reasons[path] === undefined);
  const stale = Object.keys(reasons).filter((path) => (lengths.get(path) ?? 0) <= linesMax);
  return [
    ...long.map(([path, lineCount]) => ({
      path,
      line: linesMax + 1,
      fault: `${lineCount} lines: split it by idea, or write the reason into the table of long files`,
    })),
    ...stale.map((path) => ({
      path,
      line: 1,
      fault: `not over ${linesMax} lines: remove it from the table of long files`,
    })),
  ];
}

/** Unit tests that mirror no file of `src`: `test/unit/wire/frame.test.ts` belongs to `src/wire/frame.ts`. */
export function checkMirror(paths: readonly string[]): readonly Finding[] {
  const present = new Set(paths);
  return paths.flatMap((path) => {
    const subject = /^test\/unit\/(.+)\.test\.ts$/.exec(path)?.[1];
    if (subject === undefined || present.has(`src/${subject}.ts`) || present.has(`src/${subject}.js`)) return [];
    return [
      {
        path,
        line: 1,
        fault: `no src/${subject}.ts: name the test after the file it is about, or move it to test/property`,
      },
    ];
  });
}

interface Ban {
  readonly pattern: RegExp;
  readonly fault: string;
}

/** A global of this name, not a property or a part of another word. */
const used = (names: string): RegExp => new RegExp(String.raw`(?<![.\w$#])(?:${names})(?=\s*(?:\?\.|[.[]))`, 'g');
/** The word as such, not a property, a key, or a method that an interface declares. */
const word = (names: string): RegExp =>
  new RegExp(String.raw`(?<![.\w$#])(?!(?<=^[ \t]*)\w+\([^\n]*\): [^\n]*;$)(?:${names})(?![\w$])(?!\??\s*:)`, 'gm');

const coreBans: readonly Ban[] = [
  { pattern: /(?<![.\w$])Date\s*\.\s*now\b/g, fault: 'a clock in the core: take nowMs as an argument' },
  {
    pattern: /(?<![.\w$])(?:new\s+Date\b(?!\s*\(\s*[^\s)])|Date\s*\(\s*\))/g,
    fault: 'a clock in the core: take nowMs as an argument',
  },
  { pattern: used('performance'), fault: 'a clock in the core: take nowMs as an argument' },
  { pattern: /(?<![.\w$])Math\s*\.\s*random\b/g, fault: 'chance in the core: take the drawn number as an argument' },
  { pattern: used('crypto'), fault: 'chance in the core: take the drawn bytes, or the finished hash, as an argument' },
  {
    pattern: word('setTimeout|setInterval|setImmediate|queueMicrotask|clearTimeout|clearInterval|clearImmediate'),
    fault: 'a timer in the core: hand out a deadline and let the driver arm it (a machine names a delay)',
  },
  { pattern: word('async|await'), fault: 'a promise in the core: hand out an output; async begins in src/actors' },
  { pattern: used('console'), fault: 'console in the core: hand out an event' },
  { pattern: used('process'), fault: 'process in the core: take what is needed as an argument' },
  { pattern: word('globalThis'), fault: 'a global in the core: take what is needed as an argument' },
];

const promiseValue = /(?<![.\w$])(?:new\s+Promise\b|Promise\s*\.)/g;
const promiseFault = 'a promise in the core: hand out an output; async begins in src/actors';

const everywhereBans: readonly Ban[] = [
  {
    pattern: /(?<![.\w$])(?:it|test|describe|suite|bench)\s*(?:\.\s*\w+\s*)*\.\s*(?:only|skip|todo)\b/g,
    fault: 'a test that is alone or never runs: run it, or remove it',
  },
];

// Built from parts, so that this file does not find itself.
const machinePath = new RegExp(
  String.raw`(?<![\w.:/$}*-])/(?:${['home', 'root', 'Users', 'tmp', 'var', 'opt', 'mnt', 'work', 'workspace', 'builds'].join('|')})/[\w.*]|\b[A-Z]:\\{1,2}\w`,
  'g',
);
const openPoint = new RegExp(
  String.raw`\b(?:${['TO' + 'DO', 'FIX' + 'ME', 'X' + 'XX', 'HA' + 'CK'].join('|')})\b`,
  'g',
);

function importFindings({ path }: SourceFile, imports: readonly Import[]): readonly Finding[] {
  return imports.flatMap((entry) => {
    const fault = importFault(path, entry);
    return fault === undefined ? [] : [{ path, line: entry.line, fault }];
  });
}

/** The files that run machines. */
const runners = ['src/machines/runner.ts', 'src/machines/live.ts'];

function machineFindings(
  { path }: SourceFile,
  { blanked, imports }: { readonly blanked: Blanked; readonly imports: readonly Import[] },
): readonly Finding[] {
  if (folderOf(path) !== 'machines' || runners.includes(path)) return [];
  const fromXstate = imports.filter((entry) => entry.specifier === 'xstate' && !entry.isTypeOnly);
  const found: Finding[] = [];
  for (const { line, names } of fromXstate) {
    const running = names.find((name) =>
      /^(?:\*|(?:createActor|interpret|transition|initialTransition|getNextSnapshot|getInitialSnapshot)\b)/.test(name),
    );
    if (running !== undefined)
      found.push({ path, line, fault: `'${running}' of xstate: only ${runners.join(' and ')} run a machine` });
  }
  const creation = /\bcreateMachine\s*\(/.exec(blanked.code);
  if (creation !== null && imports.length !== 1) {
    const line = imports[1]?.line ?? lineAt(blanked.code, creation.index);
    found.push({
      path,
      line,
      fault: `a machine has exactly one import, xstate, and this file has ${imports.length}: write its config out`,
    });
  }
  return found;
}

function banFindings({ path }: SourceFile, { code }: Blanked): readonly Finding[] {
  const isCore = coreFolders.some((folder) => folder === folderOf(path));
  const bans = isCore ? [...coreBans, promiseBan(path), ...everywhereBans] : everywhereBans;
  return bans.flatMap((ban) => findings({ path, text: code, pattern: ban.pattern, fault: ban.fault }));
}

// The contract describes methods that answer later, so there the type may stand; the value stands nowhere in the core.
function promiseBan(path: string): Ban {
  return { pattern: path === 'src/contract.ts' ? promiseValue : word('Promise'), fault: promiseFault };
}

function findings({
  path,
  text,
  pattern,
  fault,
}: {
  path: string;
  text: string;
  pattern: RegExp;
  fault: string;
}): readonly Finding[] {
  return [...text.matchAll(pattern)].map((match) => ({
    path,
    line: lineAt(text, match.index),
    fault: `'${match[0].trim()}': ${fault}`,
  }));
}
