/**
 * A TypeScript file as the tidy checks see it: its comments and strings blanked in place, and its imports.
 * This is a reader for our own formatted sources, not a parser: offsets and line numbers stay those of the file.
 */

/** One file to check; the path is relative to the repository and uses forward slashes. */
export interface SourceFile {
  readonly path: string;
  readonly source: string;
}

/** The same file twice, at equal length: `code` without comments and string contents, `text` without comments only. */
export interface Blanked {
  readonly code: string;
  readonly text: string;
}

/** One import, re-export or dynamic import of a file. */
export interface Import {
  readonly line: number;
  readonly specifier: string;
  readonly isTypeOnly: boolean;
  readonly names: readonly string[];
}

/** The 1-based line of an offset. */
export function lineAt(source: string, offset: number): number {
  return source.slice(0, offset).split('\n').length;
}

/** Blanks comments, and in `code` also the contents of strings, templates and regular expressions. */
export function blank(source: string): Blanked {
  const code = source.split('');
  const text = source.split('');
  const hide = (target: string[], from: number, to: number): void => {
    for (let at = from; at < to; at++) if (target[at] !== '\n') target[at] = ' ';
  };
  // Depth of braces inside each open `${`, so that its closing brace is told from an object's.
  const openTemplates: number[] = [];
  let at = 0;
  while (at < source.length) {
    const token = tokenAt(source, at, code);
    if (token === 'comment') {
      const end = commentEnd(source, at);
      hide(code, at, end);
      hide(text, at, end);
      at = end;
    } else if (token === 'string' || token === 'regex') {
      const end = token === 'string' ? stringEnd(source, at) : regexEnd(source, at);
      hide(code, at + 1, end - 1);
      at = end;
    } else if (token === 'template' || (source[at] === '}' && openTemplates.at(-1) === 0)) {
      if (token !== 'template') openTemplates.pop();
      const end = templatePartEnd(source, at + 1);
      const isOpen = source[end - 1] === '{';
      hide(code, at + 1, isOpen ? end - 2 : end - 1);
      if (isOpen) openTemplates.push(0);
      at = end;
    } else {
      countBrace(source[at], openTemplates);
      at++;
    }
  }
  return { code: code.join(''), text: text.join('') };
}

/** All imports of a file in reading order, `export … from` and `import('…')` included. */
export function importsOf(blanked: Blanked): readonly Import[] {
  const found: (Import & { readonly offset: number })[] = [];
  for (const pattern of importPatterns) {
    for (const match of blanked.text.matchAll(pattern)) {
      const { kind = '', clause = '', specifier = '' } = match.groups ?? {};
      const isInCode = /^(?:import|export)/.test(blanked.code.slice(match.index));
      if (!isInCode) continue;
      const names = namesOf(clause);
      const isTypeOnly =
        kind.trim() === 'type' || (names.length > 0 && names.every((name) => name.startsWith('type ')));
      const line = lineAt(blanked.text, match.index);
      found.push({
        offset: match.index,
        line,
        specifier,
        isTypeOnly,
        names: names.map((n) => n.replace(/^type /, '')),
      });
    }
  }
  return found.sort((a, b) => a.offset - b.offset);
}

const quoted = String.raw`(?<quote>['"\`])(?<specifier>[^'"\`\n]+)\k<quote>`;
const clauses = String.raw`(?<clause>(?:[\w$]+\s*,?\s*)?(?:\{[\w\s,$]*\}|\*(?:\s+as\s+[\w$]+)?)?)`;
const importPatterns = [
  new RegExp(String.raw`\b(?:import|export)\s+(?<kind>type\s+(?!from\b))?${clauses}\s*\bfrom\s*${quoted}`, 'g'),
  new RegExp(String.raw`\bimport\s*${quoted}`, 'g'),
  new RegExp(String.raw`\bimport\s*\(\s*${quoted}`, 'g'),
];

function namesOf(clause: string): readonly string[] {
  const names = clause.replace(/[{}]/g, ',').split(',');
  return names.map((name) => name.trim().replace(/\s+/g, ' ')).filter((name) => name !== '');
}

function tokenAt(
  source: string,
  at: number,
  code: readonly string[],
): 'comment' | 'string' | 'template' | 'regex' | 'code' {
  const character = source[at];
  if (character === "'" || character === '"') return 'string';
  if (character === '`') return 'template';
  if (character !== '/') return 'code';
  if (source[at + 1] === '/' || source[at + 1] === '*') return 'comment';
  return isRegexAllowed(code, at) ? 'regex' : 'code';
}

// A slash divides after a value and opens a regular expression after anything else.
function isRegexAllowed(code: readonly string[], at: number): boolean {
  const before = code
    .slice(Math.max(0, at - 200), at)
    .join('')
    .trimEnd();
  if (/\b(?:return|typeof|case|in|of|delete|void|throw|new|else|do|yield|await)$/.test(before)) return true;
  return !/[\w$)\]}'"`]$/.test(before);
}

function commentEnd(source: string, at: number): number {
  const isLine = source[at + 1] === '/';
  const end = source.indexOf(isLine ? '\n' : '*/', at + 2);
  if (end === -1) return source.length;
  return isLine ? end : end + 2;
}

function stringEnd(source: string, start: number): number {
  let at = start + 1;
  while (at < source.length && source[at] !== source[start] && source[at] !== '\n') at += source[at] === '\\' ? 2 : 1;
  return Math.min(at + 1, source.length);
}

function regexEnd(source: string, start: number): number {
  let isInClass = false;
  let at = start + 1;
  while (at < source.length && source[at] !== '\n' && (isInClass || source[at] !== '/')) {
    if (source[at] === '[') isInClass = true;
    if (source[at] === ']') isInClass = false;
    at += source[at] === '\\' ? 2 : 1;
  }
  return Math.min(at + 1, source.length);
}

function templatePartEnd(source: string, start: number): number {
  let at = start;
  while (at < source.length && source[at] !== '`') {
    if (source[at] === '$' && source[at + 1] === '{') return at + 2;
    at += source[at] === '\\' ? 2 : 1;
  }
  return Math.min(at + 1, source.length);
}

function countBrace(character: string | undefined, openTemplates: number[]): void {
  const last = openTemplates.length - 1;
  const depth = openTemplates[last];
  if (depth === undefined) return;
  if (character === '{') openTemplates[last] = depth + 1;
  if (character === '}') openTemplates[last] = depth - 1;
}
