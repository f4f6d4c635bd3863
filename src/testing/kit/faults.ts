/**
 * Random faults. Kinds stand from mild to severe and numbers shrink to 0, so what is left of a failing plan is the mildest
 * that still does it.
 */
import fc from 'fast-check';
import type { Fault } from '../plan.ts';

/** A fault without its time and its victim. */
export type BareFault = Omit<Fault, 'atMs' | 'client'>;

/** Until when faults come and users act, in virtual milliseconds. */
export const CHAOS_MS = 4_000;

/** How a line is on the whole, in what it differs from a good one. */
export const weather = fc.record(
  {
    latencyMs: fc.nat({ max: 40 }),
    jitterMs: fc.nat({ max: 20 }),
    chunkBytes: fc.constantFrom(0, 1_460, 40),
    bufferBytes: fc.constantFrom(262_144, 16_384, 1_000),
  },
  { requiredKeys: [] },
);

const toward = fc.constantFrom('server' as const, 'client' as const);
const bytes = fc.oneof(
  { weight: 3, arbitrary: fc.nat({ max: 700 }) },
  { weight: 1, arbitrary: fc.nat({ max: 60_000 }) },
);

const which = fc.constantFrom('home' as const, 'landing' as const);

/** One arbitrary for each kind of fault, mild ones first; those of shards strike nobody in a server without. */
export const faultKinds = {
  reconnect: fc.record({ type: fc.constant('reconnect' as const) }),
  stall: fc.record({ type: fc.constant('stall' as const), toward, forMs: fc.nat({ max: 2_500 }) }),
  cut: fc.record({
    type: fc.constant('cut' as const),
    toward,
    afterBytes: bytes,
    by: fc.constantFrom('reset' as const, 'finish' as const),
  }),
  flap: fc.record({
    type: fc.constant('flap' as const),
    everyMs: fc.integer({ min: 1, max: 200 }),
    times: fc.nat({ max: 30 }),
  }),
  orphan: fc.record({ type: fc.constant('orphan' as const), toward, forMs: fc.nat({ max: 1_500 }) }),
  disconnect: fc.record({ type: fc.constant('disconnect' as const), forMs: fc.nat({ max: 1_500 }) }),
  replay: fc.record({ type: fc.constant('replay' as const), back: fc.nat({ max: 3 }), stayMs: fc.nat({ max: 900 }) }),
  freeze: fc.record({ type: fc.constant('freeze' as const), side: toward, forMs: fc.nat({ max: 2_500 }) }),
  swallow: fc.record({
    type: fc.constant('swallow' as const),
    toward: fc.constantFrom('server' as const, 'client' as const, 'both' as const),
  }),
  door: fc.record({
    type: fc.constant('door' as const),
    door: fc.constantFrom('refuses' as const, 'closesAtOnce' as const, 'staysSilent' as const, 'neverAnswers' as const),
    forMs: fc.nat({ max: 2_500 }),
  }),
  weather: fc.record({
    type: fc.constant('weather' as const),
    toward,
    change: fc.oneof(
      fc.record({ latencyMs: fc.nat({ max: 400 }) }),
      fc.record({ bytesPerMs: fc.integer({ min: 1, max: 300 }) }),
      fc.record({ bufferBytes: fc.nat({ max: 4_096 }) }),
    ),
  }),
  /** A byte that a middlebox alters; only with the checksum on. */
  flip: fc.record({ type: fc.constant('flip' as const), toward, afterBytes: bytes }),
  shardPause: fc.record({ type: fc.constant('shardPause' as const), which, forMs: fc.nat({ max: 1_500 }) }),
  shardCrash: fc.record({ type: fc.constant('shardCrash' as const), which, isSilent: fc.boolean() }),
  /** A process that dies and comes back without memory. */
  crash: fc.record({
    type: fc.constant('crash' as const),
    side: toward,
    isSilent: fc.boolean(),
    forMs: fc.nat({ max: 1_500 }),
  }),
};

/** A kind of fault. */
export type FaultKind = keyof typeof faultKinds;

/** Kinds that end or hold up connections and nothing else. */
const reconnectKinds: readonly FaultKind[] = ['reconnect', 'stall', 'cut', 'flap', 'disconnect'];

/** Kinds that leave both processes and their memory as they are, and every byte as it was. */
export const lineKinds: readonly FaultKind[] = [
  ...reconnectKinds.slice(0, 4),
  'orphan',
  'disconnect',
  'replay',
  'freeze',
  'swallow',
  'door',
  'weather',
];

/** One fault of one of these kinds, without its time and its victim; it shrinks to a fault of the first kind. */
export function faultOf(kinds: readonly FaultKind[]): fc.Arbitrary<BareFault> {
  return fc.oneof(...(kinds.map((kind) => faultKinds[kind]) as fc.Arbitrary<BareFault>[]));
}

/** What random faults are like. */
export interface FaultPlanOptions {
  /** Which kinds may come, mild ones first. */
  readonly kinds?: readonly FaultKind[] | undefined;
  /** How many at most; 14 unless said otherwise. */
  readonly max?: number | undefined;
  /** Clients with a number below this one are struck; a scenario with fewer maps the number to one of its own. */
  readonly clients?: number | undefined;
  /** The last moment at which one comes, in virtual milliseconds; 4,000 unless said otherwise. */
  readonly untilMs?: number | undefined;
}

/** An arbitrary of lists of faults for `Scenario.faults`. */
export function faultPlan(options: FaultPlanOptions = {}): fc.Arbitrary<readonly Fault[]> {
  const { kinds = lineKinds, max = 14, clients = 8, untilMs = CHAOS_MS } = options;
  const each = fc.tuple(fc.nat({ max: untilMs }), fc.nat({ max: clients - 1 }), faultOf(kinds));
  return fc
    .array(each, { maxLength: max })
    .map((list) => list.map(([atMs, client, fault]) => ({ atMs, client, ...fault }) as Fault));
}

type Preset = (options?: Omit<FaultPlanOptions, 'kinds'>) => fc.Arbitrary<readonly Fault[]>;

const preset =
  (kinds: readonly FaultKind[]): Preset =>
  (options = {}) =>
    faultPlan({ ...options, kinds });

/**
 * Ready-made arbitraries of faults. `reconnect`: connections are cut at any byte, held up, given up and made again.
 * `hostileNetwork`: beside that half-open lines, one-way black holes, replays, refusals, slow and altered bytes, processes that
 * stand still. `crashy`: connections are cut and processes of both sides die and lose their memory. `shards`: shards stand still
 * and die. `all`: everything, except what is about shards alone.
 */
export const faults = {
  reconnect: preset(reconnectKinds),
  hostileNetwork: preset([...lineKinds, 'flip']),
  crashy: preset(['reconnect', 'cut', 'freeze', 'crash']),
  shards: preset(['reconnect', 'cut', 'shardPause', 'shardCrash']),
  all: preset([...lineKinds, 'flip', 'crash']),
} as const;
