/**
 * Values of a config that are not functions (context, params, meta, output, input): what can be written down is kept, the
 * rest is left out and told. A class instance counts as the rest: nobody could make it again from its text.
 */

/** What can be written as source text. `Date`, `Map`, `Set`, `bigint`, `undefined` and `NaN` have no JSON of their own. */
export type Plain =
  | string
  | number
  | boolean
  | bigint
  | null
  | undefined
  | Date
  | readonly Plain[]
  | ReadonlyMap<Plain, Plain>
  | ReadonlySet<Plain>
  | { readonly [key: string]: Plain };

/** An object of which every property can be written. */
export type PlainObject = { readonly [key: string]: Plain };

/** Told where something had to be left out, and what it is. */
export type Lose = (place: string, what: string) => void;

/** Whether this is an object that can be written with braces. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  // An object of another realm (a `vm`, a frame) has another `Object.prototype`, which has no prototype either.
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** The value with everything that can be written; `lose` is told of the rest, which becomes undefined. */
export function plainOf(
  value: unknown,
  { place, lose, above = [] }: { place: string; lose: Lose; above?: readonly unknown[] },
): Plain {
  if (value === null || value === undefined) return value;
  if (typeof value === 'function' || typeof value === 'symbol') return left(`a ${typeof value}`);
  if (typeof value !== 'object') return value as string | number | boolean | bigint;
  if (above.includes(value)) return left('a reference to itself');
  const inner = (each: unknown, key: string): Plain =>
    plainOf(each, { place: `${place}.${key}`, lose, above: [...above, value] });
  if (Array.isArray(value)) return value.map((each, at) => inner(each, String(at)));
  if (value instanceof Date) return value;
  if (value instanceof Map) {
    return new Map([...value].map(([key, each]) => [inner(key, 'key'), inner(each, String(key))]));
  }
  if (value instanceof Set) return new Set([...value].map((each, at) => inner(each, String(at))));
  if (!isRecord(value)) return left(`an instance of ${value.constructor.name}`);
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, inner(each, key)]));

  function left(what: string): undefined {
    lose(place, what);
  }
}

/** Whether nothing of a value would be left out. */
export function isPlain(value: unknown): value is Plain {
  let isWhole = true;
  plainOf(value, { place: '', lose: () => (isWhole = false) });
  return isWhole;
}

/**
 * The value as JSON has it: `bigint` as a string of its digits, a `Date` as its ISO text, a `Map` as a list of pairs, a
 * `Set` as a list, `undefined` left out (`null` in a list), `NaN` and the infinities `null`.
 */
export function jsonOf(value: Plain): unknown {
  if (value === undefined || value === null) return value;
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'number' && !Number.isFinite(value)) return null;
  if (typeof value !== 'object') return value;
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (value instanceof Map) return [...value].map((pair: readonly Plain[]) => pair.map(jsonOf));
  if (value instanceof Set) return [...value].map((each: Plain) => jsonOf(each));
  if (Array.isArray(value)) return value.map((each: Plain) => jsonOf(each));
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, jsonOf(each as Plain)]));
}
