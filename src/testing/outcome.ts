/** What a promise of a message came to, in the words of sights. */
import { HomingError } from '../errors.ts';
import type { Outcome } from './sights.ts';

/** What a rejected promise of a message says of it. */
export function outcomeOf(error: unknown): Outcome {
  if (!(error instanceof HomingError)) return 'failed';
  const { code, outcome } = error;
  if (outcome === 'never-sent') return 'never-sent';
  switch (code) {
    case 'HandlerFailed':
      return 'failed';
    case 'NoHandler':
    case 'NoMethod':
      return 'unheard';
    case 'OutcomeUnknown':
    case 'SessionLost':
      return 'unknown';
    case 'Deadline':
    case 'Aborted':
    case 'TooManyCalls':
      return 'given-up';
    default:
      return 'never-sent';
  }
}
