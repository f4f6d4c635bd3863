/** What the users of a rehearsal of the store allow, and what they take as it comes. */
import { HomingError } from '../errors.ts';

/** Every so many-th value is not allowed. */
const DENIED_EVERY = 5;

/** Whether the server's user allows this value to be written. */
export function isAllowed(value: unknown): boolean {
  const number = typeof value === 'object' && value !== null && 'n' in value ? value.n : value;
  return typeof number !== 'number' || number % DENIED_EVERY !== 0;
}

/** Does something with a store or a session. False when there was no room, or the session is over. */
export function tryTo(work: () => unknown): boolean {
  try {
    work();
    return true;
  } catch (error) {
    if (error instanceof HomingError && (error.code === 'OutboxFull' || error.code === 'Closed')) return false;
    throw error;
  }
}

/** Throws what is no sign of a session that is over, or of an epoch that was lost. */
export function expectEnd(error: unknown): void {
  if (error instanceof HomingError && (error.code === 'OutcomeUnknown' || error.code === 'Closed')) return;
  throw error;
}
