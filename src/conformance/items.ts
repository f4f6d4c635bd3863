/**
 * Values as PROTOCOL.md section 10 has them: a small writer, and a reader that takes nothing outside of the profile. Texts,
 * numbers, booleans, null, undefined, byte strings, arrays and objects are what they are in JavaScript; a tag is a `Tagged`.
 */
import { Failed, Fields, join, u16, u32, u64, u8 } from './bytes.ts';

/** A value behind a tag. */
export class Tagged {
  readonly tag: number;
  readonly item: Item;

  constructor(tag: number, item: Item) {
    this.tag = tag;
    this.item = item;
  }
}

/** What a payload may hold. */
export type Item =
  | undefined
  | null
  | boolean
  | number
  | string
  | Uint8Array
  | Tagged
  | readonly Item[]
  | { readonly [key: string]: Item };

/** Tags by what they stand for. */
export const tags = {
  date: 40_000,
  map: 40_001,
  set: 40_002,
  bigint: 40_003,
  error: 40_004,
  link: 40_005,
  function: 40_006,
  stream: 40_007,
} as const;

/** A head with its argument, as short as it can be. */
export function head(major: number, argument: number): Buffer {
  const first = major << 5;
  if (argument < 24) return u8(first | argument);
  if (argument < 0x100) return join(u8(first | 24), u8(argument));
  if (argument < 0x1_0000) return join(u8(first | 25), u16(argument));
  if (argument < 0x1_0000_0000) return join(u8(first | 26), u32(argument));
  return join(u8(first | 27), u64(argument));
}

/** The bytes of a value. */
export function write(item: Item): Buffer {
  switch (typeof item) {
    case 'undefined':
      return u8(0xf7);
    case 'boolean':
      return u8(item ? 0xf5 : 0xf4);
    case 'string':
      return join(head(3, Buffer.byteLength(item)), Buffer.from(item));
    case 'number':
      return writeNumber(item);
    default:
      return writeObject(item);
  }
}

function writeNumber(value: number): Buffer {
  if (Number.isSafeInteger(value) && !Object.is(value, -0)) return value < 0 ? head(1, -1 - value) : head(0, value);
  const bytes = Buffer.alloc(9, 0xfb);
  bytes.writeDoubleBE(value, 1);
  return bytes;
}

function writeObject(item: Exclude<Item, undefined | boolean | string | number>): Buffer {
  if (item === null) return u8(0xf6);
  if (item instanceof Uint8Array) return join(head(2, item.length), item);
  if (item instanceof Tagged) return join(head(6, item.tag), write(item.item));
  if (isArray(item)) return join(head(4, item.length), ...item.map(write));
  const entries = Object.entries(item);
  return join(head(5, entries.length), ...entries.flatMap(([key, value]) => [write(key), write(value)]));
}

function isArray(item: object): item is readonly Item[] {
  return Array.isArray(item);
}

/** The elements of an array; none for what is no array. */
export function elementsOf(item: Item): readonly Item[] {
  return typeof item === 'object' && item !== null && isArray(item) ? item : [];
}

/** Reads the one value that `bytes` must hold; throws `Failed` for anything outside of the profile. */
export function read(bytes: Uint8Array, what: string): Item {
  const fields = new Fields(bytes, `${what}:`);
  const item = readItem(fields, 0);
  fields.end();
  return item;
}

function readItem(fields: Fields, depth: number): Item {
  const first = fields.u8();
  const major = first >> 5;
  if (major === 7) return readSimple(fields, first);
  const argument = readArgument(fields, first);
  switch (major) {
    case 0:
      return argument;
    case 1:
      return -1 - argument;
    case 2:
      return Buffer.from(fields.bytes(argument));
    case 3:
      return readText(fields, argument);
    case 4:
      return Array.from({ length: enter(fields, depth, argument) }, () => readItem(fields, depth + 1));
    case 5:
      return readMap(fields, depth, enter(fields, depth, argument));
    default:
      if (argument < tags.date || argument > tags.stream) fields.fail(`has the tag ${argument}, which there is not`);
      return new Tagged(argument, readItem(fields, depth));
  }
}

function enter(fields: Fields, depth: number, count: number): number {
  if (depth >= 128 || count > 65_536) fields.fail('is too deep or too long');
  return count;
}

function readArgument(fields: Fields, first: number): number {
  const short = first & 31;
  if (short < 24) return short;
  if (short > 27) return fields.fail(`has the head ${first}, which is not allowed`);
  const least = [24, 0x100, 0x1_0000, 0x1_0000_0000][short - 24] ?? 0;
  const argument = [() => fields.u8(), () => fields.u16(), () => fields.u32(), () => fields.u64()][short - 24]?.() ?? 0;
  const isMap = first === 0xb9;
  if (argument < least && !isMap) fields.fail(`has the head ${first} for ${argument}, which is not minimal`);
  return argument;
}

function readSimple(fields: Fields, first: number): Item {
  switch (first) {
    case 0xf4:
      return false;
    case 0xf5:
      return true;
    case 0xf6:
      return null;
    case 0xf7:
      return undefined;
    case 0xf9:
      return halfOf(fields.u16());
    case 0xfa:
      return fields.bytes(4).readFloatBE();
    case 0xfb:
      return fields.bytes(8).readDoubleBE();
    default:
      return fields.fail(`has the simple value ${first}`);
  }
}

/** A float of 16 bits (RFC 8949, appendix D). */
function halfOf(half: number): number {
  const exponent = (half >> 10) & 31;
  const fraction = half & 0x3ff;
  const size =
    exponent === 0
      ? fraction * 2 ** -24
      : exponent < 31
        ? (fraction + 1_024) * 2 ** (exponent - 25)
        : fraction === 0
          ? Infinity
          : Number.NaN;
  return half >> 15 === 0 ? size : -size;
}

function readText(fields: Fields, length: number): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(fields.bytes(length));
  } catch (error) {
    if (error instanceof Failed) throw error;
    return fields.fail('has a text that is not UTF-8');
  }
}

function readMap(fields: Fields, depth: number, count: number): Item {
  const entries = new Map<string, Item>();
  for (let index = 0; index < count; index += 1) {
    const key = readItem(fields, depth + 1);
    if (typeof key !== 'string') return fields.fail('has a key that is no text');
    if (/^(?:__proto__|prototype|constructor)$/.test(key) || entries.has(key)) fields.fail(`has the key ${key}`);
    entries.set(key, readItem(fields, depth + 1));
  }
  return Object.fromEntries(entries);
}

/** A value as a person reads it, cut where it is long; numbers that go into headers may be bigints. */
export function show(item: Item | bigint): string {
  const text = shown(item);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

function shown(item: Item | bigint): string {
  if (item instanceof Uint8Array) return `h'${Buffer.from(item.subarray(0, 16)).toString('hex')}'`;
  if (item instanceof Tagged) return `${item.tag}(${shown(item.item)})`;
  if (typeof item === 'string') return JSON.stringify(item.slice(0, 60));
  if (typeof item !== 'object' || item === null) return Object.is(item, -0) ? '-0' : String(item);
  if (isArray(item)) return `[${item.slice(0, 16).map(shown).join(', ')}]`;
  const entries = Object.entries(item).slice(0, 16);
  return `{${entries.map(([key, value]) => `${key}: ${shown(value)}`).join(', ')}}`;
}
