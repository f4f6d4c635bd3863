/**
 * What befalls the connections of a proxy, as data: JSON, each fault at an exact byte of its connection, or at a byte of a
 * certain frame. `storm.ts` draws such plans at random.
 */
import type { FrameTrigger } from '../frame-follower.ts';

/** The way bytes go: `up` from who dialled the proxy to the target, `down` back. */
export type Direction = 'up' | 'down';

/** How a connection is cut: `reset` sends RST to both ends, `finish` FIN, as if each peer had hung up. */
export type CutHow = 'reset' | 'finish';

/** What becomes of a connection that the target never hears of: it is closed at once, or nothing answers. */
export type TurnAwayHow = CutHow | 'silence';

/** How bytes pass in a direction. What is left out is as it would be without a proxy. */
export interface Pace {
  /** Each chunk leaves this much later than it came, in milliseconds. */
  readonly latencyMs?: number | undefined;
  /** And up to this much later still, by chance; order is kept. */
  readonly jitterMs?: number | undefined;
  /** Bandwidth. 0: as fast as they come. */
  readonly bytesPerMs?: number | undefined;
  /** Bytes of one write; the next follows in a later turn of the loop. 0: as they come. */
  readonly sliceBytes?: number | undefined;
  /** Bytes that wait in the proxy before it stops reading; 262,144 unless said otherwise. */
  readonly bufferBytes?: number | undefined;
  /** The end of a connection is passed on this much later, be it a FIN or an RST. */
  readonly closeMs?: number | undefined;
}

/**
 * Where on its connection a fault comes: after so many bytes of a direction, or at a frame. A trigger decides by what has
 * come in from the sender, so that exactly the bytes before it have left; frames can be told apart only without TLS.
 */
export type Where =
  | { readonly direction: Direction; readonly afterBytes: number }
  | { readonly on: FrameTrigger & { readonly direction: Direction } };

/** A fault that waits for its place on a connection. */
export type PlacedFault = Where &
  /** Cuts; then, if asked, nobody can dial for a while. */
  (
    | { readonly type: 'cut'; readonly how: CutHow; readonly refuseMs?: number | undefined }
    /** Passes nothing in the direction of its place for a time, then goes on. */
    | { readonly type: 'stall'; readonly forMs: number }
    /** Half-open: from then on everything in `hole` vanishes, the goodbye too, and nobody is told. */
    | { readonly type: 'blackHole'; readonly hole: Direction | 'both' }
    /** Who writes in the direction `late` loses the connection; who reads gets what was on its way so much later, then a FIN. */
    | { readonly type: 'orphan'; readonly late: Direction; readonly forMs: number }
    /** The next byte in the direction of its place comes out with this bit turned over: 0, the lowest, to 7. */
    | { readonly type: 'flip'; readonly bit?: number | undefined }
    /** The last HELLO but `back` comes once more, on a connection of its own that stays so long. */
    | { readonly type: 'replay'; readonly back: number; readonly stayMs: number }
  );

/** One fault of a connection. */
export type LineFault =
  | PlacedFault
  /** Passes bytes as `pace` says, in one direction or both. */
  | ({ readonly type: 'slow'; readonly direction?: Direction | 'both' | undefined } & Pace)
  /** Accepts the connection and goes no further; the target never hears of it. */
  | { readonly type: 'turnAway'; readonly how: TurnAwayHow };

/** What befalls each connection, by its number; the first has 0. A list says nothing about those behind its end. */
export type LinePlan = readonly (readonly LineFault[])[] | ((connection: number) => readonly LineFault[]);

/** What a plan has for the connection with this number. */
export function faultsOf(plan: LinePlan | undefined, connection: number): readonly LineFault[] {
  if (plan === undefined) return [];
  return (typeof plan === 'function' ? plan(connection) : plan[connection]) ?? [];
}

/** Whether a direction is meant. */
export function covers(which: Direction | 'both', direction: Direction): boolean {
  return which === 'both' || which === direction;
}
