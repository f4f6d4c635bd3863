/**
 * Random faults. Kinds stand from mild to severe and numbers shrink to 0, so what is left of a failing plan is the mildest
 * that still does it.
 */
import fc from 'fast-check';
import type { Fault, FaultAction, When } from '../plan.ts';
import type { PlanTrigger } from '../triggers.ts';

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
  clog: fc.record({ type: fc.constant('clog' as const), toward }),
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
  /** A peer that acknowledges wrongly. */
  acks: fc.record({
    type: fc.constant('acks' as const),
    toward,
    how: fc.constantFrom('byOne' as const, 'withheld' as const, 'back' as const, 'beyond' as const),
  }),
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
  'clog',
  'swallow',
  'door',
  'weather',
];

/** Kinds that alter what the ends say; a flipped byte is found only with the checksum on. */
export const alteringKinds: readonly FaultKind[] = ['acks', 'flip'];

/** Frames that a fault may wait for, and where they go. */
const frames = fc.constantFrom(
  ...(['server', 'client'] as const).flatMap((way) =>
    (['ORDERED', 'ACK', 'DIRECT', 'ASK', 'PING', 'PONG'] as const).map((frame) => ({ frame, toward: way })),
  ),
  { frame: 'HELLO' as const, toward: 'server' as const },
  { frame: 'WELCOME' as const, toward: 'client' as const },
  { frame: 'GOAWAY' as const, toward: 'client' as const },
  { frame: 'GOAWAY' as const, toward: 'server' as const },
  { frame: 'CLOSE' as const, toward: 'client' as const },
  { frame: 'REFUSED' as const, toward: 'client' as const },
);

const trigger: fc.Arbitrary<PlanTrigger> = fc
  .tuple(frames, fc.integer({ min: 1, max: 8 }), fc.oneof(fc.nat({ max: 20 }), fc.nat({ max: 150 })))
  .map(([place, nth, afterBytes]) => ({ ...place, nth, afterBytes }));

/** When a fault comes: two of three at a time, one on a frame. */
function whenOf(untilMs: number): fc.Arbitrary<When> {
  return fc.oneof(
    { weight: 2, arbitrary: fc.nat({ max: untilMs }).map((atMs): When => ({ atMs })) },
    { weight: 1, arbitrary: trigger.map((on): When => ({ on })) },
  );
}

/** On a frame, what counts bytes counts them from there: it comes true at exactly that byte. */
function faultAt(when: When, client: number, action: FaultAction): Fault {
  const { on } = when;
  if (on === undefined) return { ...when, client, ...action };
  return 'afterBytes' in action
    ? { ...when, client, ...action, toward: on.toward, afterBytes: 0 }
    : { ...when, client, ...action };
}

/** One of the kinds of faults that may come, and how often, compared with the others. */
export interface FaultChoice {
  readonly weight: number;
  readonly arbitrary: fc.Arbitrary<FaultAction>;
}

/** One choice for each kind, all equally often. */
export function choicesOf(kinds: readonly FaultKind[]): readonly FaultChoice[] {
  return kinds.map((kind) => ({ weight: 1, arbitrary: faultKinds[kind] }));
}

/** How many faults, whom they strike, and until when. */
export interface FaultSpread {
  readonly max: number;
  readonly clients: number;
  readonly untilMs: number;
}

/**
 * Lists of faults. Half of them draw from all choices, half from a random part of these: what one kind hides from another
 * is found without it (swarm testing, Groce et al. 2012). The part does not shrink, what is drawn from it does.
 */
export function faultLists(choices: readonly FaultChoice[], spread: FaultSpread): fc.Arbitrary<readonly Fault[]> {
  const all = listOf(choices, spread);
  if (choices.length < 2) return all;
  const swarm = fc.noShrink(fc.subarray([...choices.keys()], { minLength: 1 })).chain((part) =>
    listOf(
      choices.filter((_choice, index) => part.includes(index)),
      spread,
    ),
  );
  return fc.oneof(all, swarm);
}

function listOf(
  choices: readonly FaultChoice[],
  { max, clients, untilMs }: FaultSpread,
): fc.Arbitrary<readonly Fault[]> {
  const each = fc.tuple(whenOf(untilMs), fc.nat({ max: clients - 1 }), fc.oneof(...choices));
  return fc
    .array(each, { maxLength: max })
    .map((list) => list.map(([when, client, action]) => faultAt(when, client, action)));
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
  return faultLists(choicesOf(kinds), { max, clients, untilMs });
}

type Preset = (options?: Omit<FaultPlanOptions, 'kinds'>) => fc.Arbitrary<readonly Fault[]>;

const preset =
  (kinds: readonly FaultKind[]): Preset =>
  (options = {}) =>
    faultPlan({ ...options, kinds });

/**
 * Ready-made arbitraries of faults. `reconnect`: connections are cut at any byte, held up, given up and made again.
 * `hostileNetwork`: beside that half-open lines, one-way black holes, replays, refusals, slow and altered bytes, peers that acknowledge
 * wrongly or do not read, processes that stand still. `crashy`: connections are cut and processes of both sides die and lose their memory. `shards`: shards stand still
 * and die. `all`: everything, except what is about shards alone.
 */
export const faults = {
  reconnect: preset(reconnectKinds),
  hostileNetwork: preset([...lineKinds, ...alteringKinds]),
  crashy: preset(['reconnect', 'cut', 'freeze', 'crash']),
  shards: preset(['reconnect', 'cut', 'shardPause', 'shardCrash']),
  all: preset([...lineKinds, ...alteringKinds, 'crash']),
} as const;
