/** Which sessions a group send is for: one by its id, those whose store has certain values, or all. */
import { HomingError } from '../errors.ts';
import type { Plain } from '../session/store.ts';

/** A checked selector, as plain data. */
export type Selection =
  | { readonly type: 'all' }
  | { readonly type: 'id'; readonly id: string }
  | { readonly type: 'values'; readonly values: readonly (readonly [key: string, value: Plain])[] };

/** Everybody. */
export const ALL: Selection = { type: 'all' };

/** Keys that a selector names at most. */
const KEYS_MAX = 32;

/** Checks a selector. Throws `BadOption` for one that names nobody: `{}`, null, an empty text, a value that is not plain. */
export function selectionOf(selector: unknown): Selection {
  if (typeof selector === 'string' && selector.length > 0) return { type: 'id', id: selector };
  if (typeof selector !== 'object' || selector === null || Array.isArray(selector)) throw bad(selector);
  const values = Object.entries(selector as Readonly<Record<string, unknown>>);
  if (values.length === 0 || values.length > KEYS_MAX) throw bad(selector);
  for (const [key, value] of values) if (!isPlain(value)) throw bad(selector, `${key}: ${typeof value}`);
  return { type: 'values', values: values as [string, Plain][] };
}

/** Checks the options of a group send. Throws `BadOption`. */
export function groupOptionsOf(options: unknown): { except: string | undefined; holdMs: number | undefined } {
  const { except, holdMs } = (options ?? {}) as { except?: unknown; holdMs?: unknown };
  if (except !== undefined && typeof except !== 'string') {
    throw new HomingError('BadOption', `expected except to be the id of a session, got ${typeof except}`);
  }
  if (holdMs === undefined) return { except, holdMs };
  if (typeof holdMs === 'number' && Number.isInteger(holdMs) && holdMs >= 1 && holdMs <= HOLD_MS_MAX) {
    return { except, holdMs };
  }
  throw new HomingError('BadOption', `expected holdMs to be an integer from 1 to ${HOLD_MS_MAX}`);
}

/** A day; what waits longer belongs in a database. */
const HOLD_MS_MAX = 86_400_000;

function isPlain(value: unknown): value is Plain {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}

function bad(selector: unknown, detail = JSON.stringify(selector)?.slice(0, 100)): HomingError {
  const sentence = 'expected the id of a session, or an object with 1 to 32 texts, numbers or booleans';
  return new HomingError('BadOption', `${sentence}, got ${detail ?? typeof selector} (everybody is toAll())`);
}
