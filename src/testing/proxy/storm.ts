/**
 * A random plan for a proxy from a seed. Every draw has its own key (seed, connection, purpose), so that one more draw
 * somewhere changes nothing elsewhere.
 */
import type { FrameName } from '../frame-follower.ts';
import type { Direction, LineFault, Where } from './plan.ts';

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
  /** Bytes are altered too: only for ends that check each frame. */
  readonly flips?: boolean | undefined;
  /** What is left out of 1 falls into no black hole: those cost both ends a whole timeout. 1 unless said otherwise. */
  readonly holes?: number | undefined;
}

/** About the bytes of a handshake; some faults are drawn within them. */
const HANDSHAKE_BYTES = 400;

/** A sliced connection passes one slice a turn of the loop; with more of them before its fault it would last for seconds. */
const SLICES_MAX = 2_000;

/** With a bounded bandwidth the bytes before a fault take no longer. */
const BOUNDED_MS_MAX = 300;

/** Frames that come on most connections, and the direction in which they do. */
const triggers: readonly (readonly [FrameName, Direction])[] = [
  ['HELLO', 'up'],
  ['WELCOME', 'down'],
  ['ACK', 'up'],
  ['ACK', 'down'],
  ['ORDERED', 'up'],
  ['ORDERED', 'down'],
];

/** A plan without mercy: each connection that gets through is cut or falls silent, sooner or later. */
export function storm(options: StormOptions): (connection: number) => readonly LineFault[] {
  return (connection) => {
    const chance = (purpose: string): number => draw(options.seed, connection, purpose);
    const { holes = 1 } = options;
    const pick = chance('fate');
    const how = chance('how') < 0.5 ? 'reset' : 'finish';
    if (pick < 0.08) return [{ type: 'turnAway', how: chance('silence') < 0.1 * holes ? 'silence' : how }];
    const faults: LineFault[] = [];
    if (chance('slow') < 0.15) faults.push(slowness(options, chance));
    if (pick < 0.08 + 0.06 * holes) {
      faults.push({ type: 'blackHole', ...place(options, chance, 'hole'), hole: holeOf(chance('way')) });
    } else if (pick < 0.2) {
      const late = chance('late') < 0.5 ? 'up' : 'down';
      faults.push({
        type: 'orphan',
        ...place(options, chance, 'orphan'),
        late,
        forMs: stallMs(options, chance, 'late time'),
      });
    } else faults.push({ type: 'cut', ...place(options, chance, 'cut'), how, ...refusal(options, chance) });
    if (pick > 0.88) {
      faults.push({ type: 'stall', ...place(options, chance, 'stall'), forMs: stallMs(options, chance, 'stall time') });
    }
    // Beside the other one: the frame may never come.
    if (chance('frame') < 0.15) faults.push({ type: 'cut', ...frame(chance), how });
    if (chance('replay') < 0.05) {
      const stayMs = stallMs(options, chance, 'stay');
      faults.push({
        type: 'replay',
        ...place(options, chance, 'replay'),
        back: Math.floor(chance('back') * 3),
        stayMs,
      });
    }
    if (options.flips === true && chance('flip') < 0.05) {
      faults.push({ type: 'flip', ...place(options, chance, 'flip'), bit: Math.floor(chance('bit') * 8) });
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

function slowness(options: StormOptions, chance: Chance): LineFault {
  const latencyMs = Math.floor(chance('latency') * options.latencyMsMax);
  const by = chance('slowness');
  if (by < 0.25) return { type: 'slow', latencyMs, jitterMs: Math.ceil(chance('jitter') * options.latencyMsMax) };
  if (by < 0.5) {
    const bytesPerMs = Math.ceil(options.upBytesMax / (BOUNDED_MS_MAX * (0.1 + 0.9 * chance('bandwidth'))));
    return { type: 'slow', latencyMs, bytesPerMs, direction: holeOf(chance('slow way')) };
  }
  if (by < 0.6) return { type: 'slow', latencyMs, closeMs: Math.ceil(chance('close') * options.stallMsMax) };
  const sliceBytes = 1 + Math.floor(options.upBytesMax / SLICES_MAX + chance('slice') ** 3 * 4_096);
  return { type: 'slow', latencyMs, sliceBytes };
}

function place(options: StormOptions, chance: Chance, purpose: string): { direction: Direction; afterBytes: number } {
  const direction = chance(`${purpose} direction`) < 0.7 ? 'up' : 'down';
  const within = direction === 'up' ? options.upBytesMax : options.downBytesMax;
  const bytesMax = chance(`${purpose} early`) < 0.15 ? Math.min(HANDSHAKE_BYTES, within) : within;
  return { direction, afterBytes: Math.floor(chance(`${purpose} bytes`) * (bytesMax + 1)) };
}

function frame(chance: Chance): Where {
  const [name, direction] = triggers[Math.floor(chance('frame name') * triggers.length)] ?? ['ACK', 'down'];
  const nth = name === 'HELLO' || name === 'WELCOME' ? 1 : 1 + Math.floor(chance('frame nth') * 5);
  return { on: { frame: name, nth, direction, afterBytes: Math.floor(chance('frame bytes') * 50) } };
}

function holeOf(chance: number): Direction | 'both' {
  if (chance < 0.5) return 'both';
  return chance < 0.75 ? 'up' : 'down';
}

function stallMs(options: StormOptions, chance: Chance, purpose: string): number {
  return chance(purpose) * options.stallMsMax;
}

function refusal(options: StormOptions, chance: Chance): { refuseMs?: number } {
  return chance('refuse') < 0.12 ? { refuseMs: 1 + chance('refuse time') * options.refuseMsMax } : {};
}
