/** What is wrong with a run: which oracle says so, about whom, and when. */
import { type EndCode, HomingError, endTable, errorTable, isErrorCode, isViolation } from '../../errors.ts';

/**
 * Who says that a run is wrong: the code of the user (`handler`, `step`, `uncaught`, `invariant`, `finally`), the oracles of
 * every run, or `world` when the simulator itself does.
 */
export type Oracle =
  | 'handler'
  | 'step'
  | 'uncaught'
  | 'invariant'
  | 'finally'
  | 'stuck'
  | 'outside'
  | 'rest'
  | 'order'
  | 'kept'
  | 'owner'
  | 'bounds'
  | 'calls'
  | 'violation'
  | 'isolation'
  | 'wire'
  | 'positions'
  | 'store'
  | 'leftover'
  | 'determinism'
  | 'world';

/** Where it went wrong, as far as is known. */
export interface Place {
  /** Whose code or session it is: `server`, `c0`, … */
  readonly who?: string | undefined;
  /** The message: `session/epoch/seq`. */
  readonly messageId?: string | undefined;
  /** Which invariant is broken, where one of the oracles says so: `I1` and so on. */
  readonly invariant?: string | undefined;
  readonly cause?: unknown;
}

/** A run that went wrong. */
export class Verdict extends Error {
  readonly oracle: Oracle;
  readonly place: Place;
  /** Virtual time; set when the run that failed is over. */
  atMs = 0;

  constructor(oracle: Oracle, sentence: string, place: Place = {}) {
    super(sentence, place.cause === undefined ? undefined : { cause: place.cause });
    this.name = 'Verdict';
    this.oracle = oracle;
    this.place = place;
  }

  /** The verdict in one line. */
  get line(): string {
    const { who, messageId, invariant } = this.place;
    const where = [invariant, who, messageId === undefined ? undefined : `message ${messageId}`].filter(
      (word) => word !== undefined,
    );
    const [sentence = ''] = this.message.split('\n');
    return `${this.oracle}: ${sentence} (${[...where, `at ${this.atMs} ms`].join(', ')})`;
  }
}

/** What a promise may reject with because of the line or a dead peer, which is weather and nobody's mistake. */
const weather = new Set(['Closed', 'OutboxFull', 'TooManyCalls', 'Aborted', 'ShardCrashed', 'HeldExpired']);

/** Whether an error says no more than that a connection, a session or a process ended, or that there was no time. */
export function isWeather(error: unknown): boolean {
  if (!(error instanceof Error) || !('code' in error)) return false;
  // An error of the peer arrives with its code and without its class.
  const { code, cause } = error;
  if (code === 'HandlerFailed' || code === 'EstablishFailed') return isWeather(cause);
  if (isErrorCode(code)) return weather.has(code) || errorTable[code].family === 'line';
  return typeof code === 'string' && Object.hasOwn(endTable, code) && !isViolation(code as EndCode);
}

/** The error of the user behind an error of ours that only carries it. */
export function innermost(error: unknown): unknown {
  if (!(error instanceof HomingError) || error.cause === undefined) return error;
  return error.code === 'HandlerFailed' || error.code === 'EstablishFailed' ? innermost(error.cause) : error;
}

/** An error as words. */
export function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error instanceof HomingError ? `${error.code}: ${error.message}` : `${error.name}: ${error.message}`;
}
