/** Errors in plain facts, on their way to the peer and back, and whether something answers later. */
import { HomingError } from '../errors.ts';

const ERROR_TEXT_MAX = 1_024;

/** The three plain facts of an error that may leave this process, cut to a bound. */
export function describeError(error: unknown): { name: string; message: string; code: string | undefined } {
  try {
    if (!(error instanceof Error)) return { name: 'Error', message: plainText(error), code: undefined };
    const code = 'code' in error && typeof error.code === 'string' ? plainText(error.code) : undefined;
    return { name: plainText(error.name), message: plainText(error.message), code };
  } catch {
    return { name: 'Error', message: 'an error that cannot be read', code: undefined };
  }
}

function plainText(value: unknown): string {
  return String(value).slice(0, ERROR_TEXT_MAX).toWellFormed();
}

/** Whether a handler, or a hook, answers later. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';
}

/** The error that a failed receipt stands for; what the peer sent instead of texts is left out. */
export function remoteError(what: string, values: unknown): HomingError {
  const [name, message, code] = Array.isArray(values) ? (values as unknown[]) : [];
  const sentence = typeof message === 'string' ? message : 'an error that cannot be read';
  const facts = { name: typeof name === 'string' ? name : 'Error', ...(typeof code === 'string' ? { code } : {}) };
  const cause = Object.assign(new Error(sentence), facts);
  return new HomingError('HandlerFailed', `the peer's handler of ${what} threw: ${sentence}`, { cause });
}
