/**
 * Forms of plain data: each takes what JSON gave and returns it as what it is, or throws `BadOption` with the place, what was
 * expected there, and what came. A key that a form does not know is refused, as is any word that is not in its list.
 */
import { HomingError } from '../errors.ts';

/** Checks a value; `at` is its place, for the sentence. */
export type Form<Value> = (value: unknown, at: string) => Value;

/** What the form of a record is made of, and what it gives. */
type Forms = Readonly<Record<string, Form<unknown>>>;
type Keys<Shape extends Forms, Wanted> = {
  [Key in keyof Shape]: undefined extends ReturnType<Shape[Key]>
    ? Wanted extends 'maybe'
      ? Key
      : never
    : Wanted extends 'maybe'
      ? never
      : Key;
}[keyof Shape];
type RecordOf<Shape extends Forms> = { readonly [Key in Keys<Shape, 'always'>]: ReturnType<Shape[Key]> } & {
  readonly [Key in Keys<Shape, 'maybe'>]?: ReturnType<Shape[Key]>;
};

/** Refuses what came. */
export function refuse(at: string, expected: string, value: unknown): never {
  const words = JSON.stringify(value) ?? String(value);
  const short = words.length > 60 ? `${words.slice(0, 60)}…` : words;
  throw new HomingError('BadOption', `expected ${at} to be ${expected}, got ${short}`);
}

/** A number of at least `least`. */
export function numberForm(least = 0): Form<number> {
  return (value, at) =>
    typeof value === 'number' && value >= least ? value : refuse(at, `a number of at least ${least}`, value);
}

/** A whole number of at least `least`. */
export function wholeForm(least = 0): Form<number> {
  return (value, at) =>
    Number.isSafeInteger(value) && (value as number) >= least
      ? (value as number)
      : refuse(at, `a whole number of at least ${least}`, value);
}

/** True or false. */
export const yesNoForm: Form<boolean> = (value, at) =>
  typeof value === 'boolean' ? value : refuse(at, 'true or false', value);

/** A text that is not empty. */
export const textForm: Form<string> = (value, at) =>
  typeof value === 'string' && value !== '' ? value : refuse(at, 'a text', value);

/** One of these words or numbers. */
export function wordForm<Word extends string | number>(...words: readonly Word[]): Form<Word> {
  return (value, at) => words.find((word) => word === value) ?? refuse(at, `one of ${words.join(', ')}`, value);
}

/** Anything. */
export const anyForm: Form<unknown> = (value) => value;

/** Something that may be left out. */
export function maybeForm<Value>(form: Form<Value>): Form<Value | undefined> {
  return (value, at) => (value === undefined ? undefined : form(value, at));
}

/** A list. */
export function listForm<Value>(form: Form<Value>): Form<readonly Value[]> {
  return (value, at) =>
    Array.isArray(value) ? value.map((each, index) => form(each, `${at}[${index}]`)) : refuse(at, 'a list', value);
}

/** A record with these keys and no others. */
export function recordForm<const Shape extends Forms>(shape: Shape): Form<RecordOf<Shape>> {
  return (value, at) => {
    if (!isRecord(value)) return refuse(at, 'an object', value);
    const strange = Object.keys(value).find((key) => !Object.hasOwn(shape, key));
    if (strange !== undefined)
      return refuse(at, `an object of ${Object.keys(shape).join(', ')}`, { [strange]: value[strange] });
    const entries = Object.entries(shape).map(([key, form]) => [key, form(value[key], `${at}.${key}`)] as const);
    return Object.fromEntries(entries.filter(([, each]) => each !== undefined)) as RecordOf<Shape>;
  };
}

/** One of several records, told apart by their `type`; `common` are the keys that all of them have. */
export function unionForm<const Common extends Forms, const Shapes extends Readonly<Record<string, Forms>>>(
  common: Common,
  shapes: Shapes,
): Form<
  { [Type in keyof Shapes & string]: RecordOf<Common & Shapes[Type] & { readonly type: Form<Type> }> }[keyof Shapes &
    string]
> {
  const types = Object.keys(shapes);
  return (value, at) => {
    if (!isRecord(value)) return refuse(at, 'an object', value);
    const type = wordForm(...types)(value['type'], `${at}.type`);
    return recordForm({ ...common, ...shapes[type], type: wordForm(type) })(value, at) as never;
  };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
