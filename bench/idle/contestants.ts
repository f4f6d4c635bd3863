/**
 * Who holds the idle connections of this row: bare sockets and `ws` for the floor, and a server of Homing on the calling thread or
 * with one shard. Each is asked to let very many clients come, say nothing or one word, and stay.
 */

/** A server of this row, by name. */
export const idleNames = ['net', 'ws', 'inline', 'shard'] as const;

/** One of them. */
export type IdleName = (typeof idleNames)[number];

/** What a client says after it has connected: nothing, or one message that is answered with one. */
export const idleUses = ['silent', 'spoken'] as const;

/** One of them. */
export type IdleUse = (typeof idleUses)[number];

/** What one thread, and the whole process, holds after everything that nobody needs is gone. */
export interface IdleWeight {
  readonly heap: number;
  /** Outside of the heap, buffers included. */
  readonly external: number;
  readonly arrayBuffers: number;
  readonly rss: number;
  /** Maps, Sets and WeakMaps. */
  readonly tables: number;
}
