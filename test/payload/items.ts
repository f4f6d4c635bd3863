/** CBOR written by hand, so that a test can say what no encoder would: wrong lengths, long heads, foreign tags. */

const utf8 = new TextEncoder();

/** The head of an item. `width` is the number of argument bytes; without it the shortest form. */
export function head(major: number, argument: number, width?: 0 | 1 | 2 | 4 | 8): number[] {
  const bytes =
    width ?? (argument < 24 ? 0 : argument < 256 ? 1 : argument < 65_536 ? 2 : argument < 4_294_967_296 ? 4 : 8);
  if (bytes === 0) return [(major << 5) | argument];
  const first = (major << 5) | (24 + Math.log2(bytes));
  const rest: number[] = [];
  for (let i = bytes - 1; i >= 0; i--) rest.push(Math.floor(argument / 256 ** i) % 256);
  return [first, ...rest];
}

/** A non-negative integer. */
export const uint = (value: number): number[] => head(0, value);

/** A text; what it declares can be set apart from what follows. */
export function text(value: string, declared?: number): number[] {
  const bytes = utf8.encode(value);
  return [...head(3, declared ?? bytes.length), ...bytes];
}

/** A byte string. */
export const bytes = (...values: readonly number[]): number[] => [...head(2, values.length), ...values];

/** An array of items that are already written. */
export const array = (...items: readonly (readonly number[])[]): number[] => [
  ...head(4, items.length),
  ...items.flat(),
];

/** A map of keys and values that are already written, in turn. */
export const map = (...items: readonly (readonly number[])[]): number[] => [
  ...head(5, items.length / 2),
  ...items.flat(),
];

/** An item behind a tag. */
export const tag = (number: number, item: readonly number[]): number[] => [...head(6, number), ...item];

/** The same bytes, many times. */
export function repeat(item: readonly number[], count: number): number[] {
  const all: number[] = [];
  for (let i = 0; i < count; i++) all.push(...item);
  return all;
}

/** An array of the same item, many times. */
export const list = (count: number, item: readonly number[]): number[] => [...head(4, count), ...repeat(item, count)];

/** The bytes of a list of numbers. */
export const of = (numbers: readonly number[]): Uint8Array => Uint8Array.from(numbers);
