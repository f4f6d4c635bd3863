/**
 * What befalls the connections of a proxy, as data: faults at exact bytes, and a random plan of them from a seed. Every
 * draw has its own key (seed, connection, purpose), so that one more draw somewhere changes nothing elsewhere.
 */
import type { Direction } from './pipe.ts';

/** How a connection is cut: `reset` sends RST to both ends, `finish` FIN, as if each peer had hung up. */
export type CutHow = 'reset' | 'finish';

/** One fault of a connection. `afterBytes` counts what has passed in `direction` since the connection began. */
export type Fault =
  /** Cuts; then, if asked, nobody can dial for a while. */
  | {
      readonly type: 'cut';
      readonly direction: Direction;
      readonly afterBytes: number;
      readonly how: CutHow;
      readonly refuseMs?: number;
    }
  /** Passes nothing in that direction for a time, then goes on. */
  | { readonly type: 'stall'; readonly direction: Direction; readonly afterBytes: number; readonly forMs: number }
  /** Half-open: from then on everything in `hole` vanishes, the goodbye too, and nobody is told. */
  | {
      readonly type: 'blackHole';
      readonly direction: Direction;
      readonly afterBytes: number;
      readonly hole: Direction | 'both';
    }
  /** Passes bytes late, and in slices of at most so many bytes (0: as they come). */
  | { readonly type: 'slow'; readonly latencyMs: number; readonly sliceBytes: number }
  /** Accepts the connection and closes it at once; the target never hears of it. */
  | { readonly type: 'turnAway'; readonly how: CutHow };

/** Says what befalls the connection with this number; the first has 0. */
export type LinePlan = (connection: number) => readonly Fault[];

/** What a random plan is made from. Bytes and times are the largest that are drawn. */
export interface StormOptions {
  readonly seed: number;
  /** Bytes that pass from the dialling end before a fault. */
  readonly upBytesMax: number;
  /** The same for the way back, which often carries little more than acknowledgements. */
  readonly downBytesMax: number;
  readonly stallMsMax: number;
  readonly refuseMsMax: number;
  readonly latencyMsMax: number;
}

/** About the bytes of a handshake; some faults are drawn within them. */
const HANDSHAKE_BYTES = 400;

/** A sliced connection passes one slice a turn of the loop; with more of them before its fault it would last for seconds. */
const SLICES_MAX = 2_000;

/** A plan without mercy: each connection that gets through is cut or falls silent, sooner or later. */
export function storm(options: StormOptions): LinePlan {
  return (connection) => {
    const { seed } = options;
    const chance = (purpose: string): number => draw(seed, connection, purpose);
    const pick = chance('fate');
    const how = chance('how') < 0.5 ? 'reset' : 'finish';
    if (pick < 0.08) return [{ type: 'turnAway', how }];
    const faults: Fault[] = [];
    if (chance('slow') < 0.15) {
      faults.push({
        type: 'slow',
        latencyMs: Math.floor(chance('latency') * options.latencyMsMax),
        sliceBytes: 1 + Math.floor(options.upBytesMax / SLICES_MAX + chance('slice') ** 3 * 4_096),
      });
    }
    if (pick < 0.14) faults.push({ type: 'blackHole', ...place(options, chance, 'hole'), hole: holeOf(chance('way')) });
    else faults.push({ type: 'cut', ...place(options, chance, 'cut'), how, ...refusal(options, chance) });
    if (pick > 0.88) {
      faults.push({
        type: 'stall',
        ...place(options, chance, 'stall'),
        forMs: chance('stall time') * options.stallMsMax,
      });
    }
    return faults;
  };
}

/** A number in [0, 1) that depends on nothing but the seed and the keys (FNV-1a, then the finish of MurmurHash3). */
export function draw(seed: number, connection: number, purpose: string): number {
  let hash = 2_166_136_261;
  for (const character of `${seed}/${connection}/${purpose}`) {
    hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 16_777_619);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 2_246_822_507);
  hash = Math.imul(hash ^ (hash >>> 13), 3_266_489_909);
  return ((hash ^ (hash >>> 16)) >>> 0) / 4_294_967_296;
}

type Chance = (purpose: string) => number;

function place(options: StormOptions, chance: Chance, purpose: string): { direction: Direction; afterBytes: number } {
  const direction = chance(`${purpose} direction`) < 0.7 ? 'up' : 'down';
  const within = direction === 'up' ? options.upBytesMax : options.downBytesMax;
  const bytesMax = chance(`${purpose} early`) < 0.15 ? Math.min(HANDSHAKE_BYTES, within) : within;
  return { direction, afterBytes: Math.floor(chance(`${purpose} bytes`) * (bytesMax + 1)) };
}

function holeOf(chance: number): Direction | 'both' {
  if (chance < 0.5) return 'both';
  return chance < 0.75 ? 'up' : 'down';
}

function refusal(options: StormOptions, chance: Chance): { refuseMs?: number } {
  return chance('refuse') < 0.12 ? { refuseMs: 1 + chance('refuse time') * options.refuseMsMax } : {};
}
