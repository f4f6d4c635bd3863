/**
 * Tokens that play a failure again: `1.` and base64url of JSON. That of a random run says how to draw its plan again and what
 * of it to keep, because values of steps may be anything; that of an enumerated run has the faults, and the steps where
 * these are JSON.
 */
import { isDeepStrictEqual } from 'node:util';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { HomingError } from '../../errors.ts';
import { entityOf } from '../draws.ts';
import type { KitPlan } from './plan.ts';
import { ticketForm } from './plan-form.ts';
import type { Kept } from './plans.ts';
import type { AnyScenario } from './scenario.ts';

/** What a token stands for. */
export type Ticket =
  | { readonly type: 'drawn'; readonly seed: number; readonly path: string; readonly kept: Kept | undefined }
  | { readonly type: 'listed'; readonly plan: Omit<KitPlan, 'steps'> & Partial<Pick<KitPlan, 'steps'>> };

const VERSION = '1.';

/** The token of a ticket for this scenario. */
export function tokenOf(scenario: AnyScenario, ticket: Ticket): string {
  const text = JSON.stringify({ of: markOf(scenario), ...ticket });
  return VERSION + deflateRawSync(text).toString('base64url');
}

/** What a token stands for; undefined when it is of another scenario. Throws `BadOption` for something else. */
export function ticketOf(scenario: AnyScenario, token: string): Ticket | undefined {
  try {
    if (!token.startsWith(VERSION)) throw new Error(`expected it to begin with ${VERSION}`);
    const text = inflateRawSync(Buffer.from(token.slice(VERSION.length), 'base64url')).toString();
    const { of, ...ticket } = ticketForm(JSON.parse(text), 'the token');
    return of === markOf(scenario) ? ticket : undefined;
  } catch (error) {
    throw new HomingError(
      'BadOption',
      `expected a token that a failed check printed (${error instanceof Error ? error.message : String(error)}), got ${token}`,
      { cause: error },
    );
  }
}

/** Whether a plan is the same after it went through JSON. */
export function isJson({ steps }: KitPlan): boolean {
  return steps.every(({ value }) => {
    if (value === undefined) return true;
    try {
      return isDeepStrictEqual(JSON.parse(JSON.stringify(value)), value);
    } catch {
      return false;
    }
  });
}

/** Scenarios with the same clients, shards and steps have the same mark. */
function markOf({ clients = 2, shards = 0, steps }: AnyScenario): number {
  return entityOf([clients, shards, ...Object.keys(steps)].join(' ')) >>> 0;
}
