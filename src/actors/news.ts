/**
 * What the shards tell the handle of their server: plain facts that may cross threads. An error crosses as its parts,
 * because a copy between threads keeps neither its class nor its code.
 */
import { type EndCode, type ErrorCode, HomingError, type Outcome } from '../errors.ts';
import type { SessionInfo } from './hosted-session.ts';

/** Something that happened to a session of a shard, or went wrong there. */
export type ShardNews<Info = SessionInfo> =
  /** A session became visible: its `start` has run. */
  | { readonly type: 'session'; readonly info: Info }
  | { readonly type: 'up'; readonly info: Info; readonly resumed: boolean }
  | { readonly type: 'down'; readonly info: Info; readonly code: EndCode }
  /** History was lost. A dialled session lives on with the new id in `info`; it was `oldId` before. */
  | {
      readonly type: 'gap';
      readonly info: Info;
      readonly oldId: string;
      readonly unconfirmed: number;
      readonly carried: number;
    }
  | {
      readonly type: 'end';
      readonly info: Info;
      readonly code: EndCode;
      readonly unconfirmed: number;
      readonly carried: number;
    }
  | { readonly type: 'error'; readonly error: HomingError; readonly info: Info | undefined };

/** An error in parts that survive a copy between threads. */
export interface PlainError {
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  /** Of whatever error has one as text. */
  readonly code: string | undefined;
  readonly cause: PlainError | undefined;
  /** What only our own errors have. */
  readonly ours: { readonly retry: boolean; readonly outcome?: Outcome; readonly messageId?: string } | undefined;
}

/** Errors inside each other that are kept; what lies deeper is dropped. */
const CAUSES_MAX = 4;

/** Takes an error apart. */
export function plainError(error: unknown, depth = 0): PlainError {
  if (!(error instanceof Error)) {
    return {
      name: 'Error',
      message: String(error),
      stack: undefined,
      code: undefined,
      cause: undefined,
      ours: undefined,
    };
  }
  const { name, message, stack } = error;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  const cause = error.cause === undefined || depth >= CAUSES_MAX ? undefined : plainError(error.cause, depth + 1);
  return { name, message, stack, code, cause, ours: error instanceof HomingError ? oursOf(error) : undefined };
}

function oursOf({ retry, outcome, messageId }: HomingError): PlainError['ours'] {
  return { retry, ...(outcome === undefined ? {} : { outcome }), ...(messageId === undefined ? {} : { messageId }) };
}

/** Puts an error together again. */
export function wholeError(plain: PlainError): Error {
  const { name, message, stack, code, ours } = plain;
  const caused = plain.cause === undefined ? {} : { cause: wholeError(plain.cause) };
  const error =
    ours === undefined
      ? Object.assign(new Error(message, caused), code === undefined ? {} : { code })
      : new HomingError(code as ErrorCode | EndCode, message, { ...caused, ...ours });
  error.name = name;
  if (stack !== undefined) error.stack = stack;
  return error;
}
