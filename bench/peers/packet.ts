/** What the contestants that bring no protocol of their own put on the wire: arrays that begin with their kind. */
import type { Message } from './contestant.ts';

/** A message, a call with its number, or the answer to one. */
export type Packet =
  | readonly [kind: 'message', message: Message]
  | readonly [kind: 'call', id: number, left: number, right: number]
  | readonly [kind: 'result', id: number, sum: number];
