/**
 * What the peer may say, checked before a handler sees it: any schema of the Standard Schema kind (standardschema.dev), by
 * event and method, over the list of arguments. What a schema makes of them is what the handler gets.
 */
import { HomingError } from '../errors.ts';
import { isThenable } from './describe.ts';

/** What this needs of a schema; zod, valibot, arktype and others make such. */
export interface Schema {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult | PromiseLike<SchemaResult>;
  };
}

/** What a schema says of a value. */
export type SchemaResult =
  { readonly value: unknown; readonly issues?: undefined } | { readonly issues: readonly SchemaIssue[] };

/** One thing that is wrong. */
export interface SchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** Schemas of the argument lists of events and methods that an end accepts; what has none is not checked. */
export interface Validate {
  readonly events?: Readonly<Record<string, Schema>> | undefined;
  readonly methods?: Readonly<Record<string, Schema>> | undefined;
}

/** Issues that are told; a sentence with hundreds of them helps nobody. */
const ISSUES_TOLD = 5;

/** The schemas of one end. */
export class Validation {
  readonly #events: ReadonlyMap<string, Schema>;
  readonly #methods: ReadonlyMap<string, Schema>;

  /** Throws `BadOption` for what is no schema. */
  constructor({ events = {}, methods = {} }: Validate) {
    this.#events = mapOf('events', events);
    this.#methods = mapOf('methods', methods);
  }

  /** The schema of an event's arguments. */
  event(name: string): Schema | undefined {
    return this.#events.get(name);
  }

  /** The schema of a method's arguments. */
  method(name: string): Schema | undefined {
    return this.#methods.get(name);
  }
}

/** The arguments as the schema gives them, at once or later. Throws, or rejects with, `InvalidInput` that names each field. */
export function checked(
  schema: Schema,
  name: string,
  args: readonly unknown[],
): readonly unknown[] | Promise<readonly unknown[]> {
  const result = schema['~standard'].validate(args);
  return isThenable(result)
    ? Promise.resolve(result).then((settled) => accepted(name, settled))
    : accepted(name, result);
}

function accepted(name: string, result: SchemaResult): readonly unknown[] {
  if (result.issues !== undefined) {
    const told = result.issues.slice(0, ISSUES_TOLD).map((issue) => `${pathOf(issue)}: ${issue.message}`);
    throw new HomingError('InvalidInput', `${name}: ${told.join('; ')}`);
  }
  if (Array.isArray(result.value)) return result.value;
  throw new HomingError('InvalidInput', `${name}: expected its schema to give a list of arguments`);
}

/** Where the fault is: `args[0].user.name`. */
function pathOf({ path = [] }: SchemaIssue): string {
  let text = 'args';
  for (const step of path) {
    const key = typeof step === 'object' ? step.key : step;
    text += typeof key === 'number' || /^\d+$/.test(String(key)) ? `[${String(key)}]` : `.${String(key)}`;
  }
  return text;
}

function mapOf(what: string, schemas: Readonly<Record<string, Schema>>): ReadonlyMap<string, Schema> {
  for (const [name, schema] of Object.entries(schemas)) {
    if (typeof schema?.['~standard']?.validate === 'function') continue;
    throw new HomingError('BadOption', `expected validate.${what}.${name} to be a Standard Schema`);
  }
  return new Map(Object.entries(schemas));
}
