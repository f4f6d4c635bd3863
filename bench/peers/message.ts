/** The message that all rows send, in three sizes that differ by the length of its text alone. */
import type { Message } from './contestant.ts';

/** Encoded as CBOR a message has about so many bytes besides its text. */
const OTHER_BYTES = 57;

const WORDS = 'the quick brown fox jumps over it ';

/** A text that makes a message of about so many bytes, at least one word. */
export function textFor(bytes: number): string {
  const length = Math.max(1, bytes - OTHER_BYTES);
  return WORDS.repeat(Math.ceil(length / WORDS.length)).slice(0, length);
}

/** A message with its number in it, so that no two of a sender are equal; `isLast`: the last one of a stream. */
export function messageOf(id: number, user: string, text: string, isLast = false): Message {
  return { id, user, text, at: 1_700_000_000_000 + id, ok: !isLast };
}

/** The name of one of several senders; as long as that of any other. */
export function userOf(index: number): string {
  return `user-${String(index).padStart(8, '0')}`;
}
