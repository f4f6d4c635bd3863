/** Branded ids and numbers: a value of one kind is never passed where another is meant. */

declare const brand: unique symbol;

/** Public name of a session; drawn by the accepting end, never a credential. */
export type SessionId = string & { readonly [brand]: 'SessionId' };

/** Marks a string as a session id; the caller has checked or drawn it. */
export const sessionId = (text: string): SessionId => text as SessionId;

/** Epochs above this are refused, so that they stay far from the end of safe integers (DESIGN: contract 6). */
export const EPOCH_MAX = 2 ** 32;

/** Longest session id in bytes of ASCII that the wire carries. */
export const SESSION_ID_BYTES_MAX = 64;
