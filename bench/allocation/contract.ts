/** What both ends of the allocation row say to each other, and what they are told and asked by the row. */
import type { Message } from '../peers/contestant.ts';
import type { Look } from './watch.ts';

/** Messages in both directions. */
export type BothWays = {
  server: { events: { sample: [value: Message] } };
  client: { events: { sample: [value: Message] } };
};

/** Sessions that stream at the same time; while one is cut the others go on. */
export const SESSIONS = 4;

/**
 * `rest`: stop sending and wait until the peer has processed everything; answered with `resting`. `look`: collect and say what
 * is held, answered with a Look. `stream`: go on, answered with `streaming`. A number: watch the collector for so many
 * milliseconds, answered with the bytes of heap that each message took.
 */
export type Order = 'rest' | 'look' | 'stream' | number;

/** The answer to each order. */
export type Answer = 'resting' | Look | 'streaming' | number;
