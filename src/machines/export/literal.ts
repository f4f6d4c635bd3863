/** Source text of values, laid out as Prettier would with single quotes: two spaces, quotes at keys only where they must be. */
import type { Plain } from './values.ts';

const LINE_CHARS_MAX = 100;
const STEP = '  ';

/** Text that stands in the source as it is: a call, a function. */
export class Code {
  readonly text: string;
  /** A remark for the line above it. */
  readonly remark: string | undefined;

  constructor(text: string, remark?: string) {
    this.text = text;
    this.remark = remark;
  }
}

/** What can be printed: values, and text among them. */
export type Printable = Plain | Code | readonly Printable[] | { readonly [key: string]: Printable };

/** Where a value stands: how deep, behind how many characters, and whether it, or what is in it, must be on lines of its own. */
interface Position {
  readonly indent: string;
  readonly taken: number;
  readonly isOpen: boolean;
}

/** The source text of a value. `isOpen` puts each of its properties on a line of its own, however short they are. */
export function literal(value: Printable, position: Partial<Position> = {}): string {
  const { indent = '', taken = 0, isOpen = false } = position;
  const short = inline(value);
  const fits = short !== undefined && indent.length + taken + short.length <= LINE_CHARS_MAX;
  if (short !== undefined && (!isList(value) || (fits && !isOpen))) return short;
  const inner = indent + STEP;
  if (Array.isArray(value)) {
    const lines = value.map((each: Printable) => `${inner}${literal(each, { indent: inner, taken: 1 })},`);
    return `[\n${lines.join('\n')}\n${indent}]`;
  }
  const lines = Object.entries(value as { readonly [key: string]: Printable }).map(([key, each]) => {
    const head = `${keyOf(key)}:`;
    const text = literal(each, { indent: inner, taken: head.length + 2, isOpen: isMap(key, each) });
    const isLong = typeof each === 'string' && inner.length + head.length + text.length >= LINE_CHARS_MAX;
    const gap = isLong ? `\n${inner}${STEP}` : ' ';
    const remark = each instanceof Code && each.remark !== undefined ? `${inner}// ${each.remark}\n` : '';
    return `${remark}${inner}${head}${gap}${text},`;
  });
  return lines.length === 0 ? '{}' : `{\n${lines.join('\n')}\n${indent}}`;
}

/** A name that can stand behind `const`. */
export function identifierOf(text: string): string {
  const words = text.split(/[^\p{L}\p{N}_$]+/u).filter((word) => word !== '');
  const [first = '', ...rest] = words;
  const joined = [first.charAt(0).toLowerCase() + first.slice(1), ...rest.map(capitalized)].join('');
  return /^[\p{L}_$]/u.test(joined) ? joined : `machine${capitalized(joined)}`;
}

function capitalized(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}

/** A string as source text, with the quotes that need fewer escapes. */
export function quote(text: string): string {
  const mark = text.includes("'") && !text.includes('"') ? '"' : "'";
  const escaped = text
    .replaceAll('\\', '\\\\')
    .replaceAll(mark, `\\${mark}`)
    .replaceAll('\n', '\\n')
    .replaceAll('\r', '\\r')
    .replaceAll('\t', '\\t')
    .replaceAll(/[\p{Cc}\u2028\u2029]|\p{Cs}/gu, (each) => `\\u${each.charCodeAt(0).toString(16).padStart(4, '0')}`);
  return `${mark}${escaped}${mark}`;
}

/** The states of a machine are easier to read below each other, and so is what each of them has. */
function isMap(key: string, value: Printable): boolean {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Code);
  return isObject && (key === 'states' || Object.values(value).some((each) => holdsStates(each)));
}

function holdsStates(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'states' in value;
}

function isList(value: Printable): boolean {
  if (typeof value !== 'object' || value === null || value instanceof Code || value instanceof Date) return false;
  if (value instanceof Map || value instanceof Set) return false;
  return Object.keys(value).length > 0;
}

/** The text on one line; undefined when a remark needs a line of its own. */
function inline(value: Printable): string | undefined {
  if (value instanceof Code) return value.text;
  if (typeof value === 'string') return quote(value);
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'number') return numberText(value);
  if (typeof value !== 'object' || value === null) return String(value);
  if (value instanceof Date) return `new Date(${numberText(value.getTime())})`;
  if (value instanceof Map) return `new Map(${inline([...value] as Printable) ?? '[]'})`;
  if (value instanceof Set) return `new Set(${inline([...value] as Printable) ?? '[]'})`;
  if (Array.isArray(value)) {
    const items = value.map((each: Printable) => inline(each));
    return items.includes(undefined) ? undefined : `[${items.join(', ')}]`;
  }
  const entries = Object.entries(value as { readonly [key: string]: Printable });
  if (entries.length === 0) return '{}';
  const parts = entries.map(([key, each]) => {
    const text = each instanceof Code && each.remark !== undefined ? undefined : inline(each);
    return text === undefined ? undefined : `${keyOf(key)}: ${text}`;
  });
  return parts.includes(undefined) ? undefined : `{ ${parts.join(', ')} }`;
}

function keyOf(key: string): string {
  // Written plainly it would set the prototype.
  if (key === '__proto__') return `['__proto__']`;
  return /^(?:[A-Za-z_$][\w$]*|0|[1-9]\d{0,14})$/.test(key) ? key : quote(key);
}

function numberText(value: number): string {
  if (Object.is(value, -0)) return '-0';
  const text = String(value);
  return /^-?\d{4,}$/.test(text) ? text.replaceAll(/(?<=\d)(?=(?:\d{3})+$)/g, '_') : text;
}
