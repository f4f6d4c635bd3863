/**
 * Plans in which lines hardly ever live: each is cut again a few bytes on, handshakes included, while messages are under way
 * and everything else befalls them too. A plan follows from its seed alone, so a batch is a range of seeds.
 */
import fc from 'fast-check';
import { Draws } from '../../src/testing/draws.ts';
import { faultKinds, lineKinds } from '../../src/testing/kit/faults.ts';
import type { Act, Closing, Fault, FaultAction, Plan, PlanOptions } from '../../src/testing/plan.ts';
import type { ShardsPlan } from '../../src/testing/shards-plan.ts';
import type { Toward } from '../../src/testing/sim-line.ts';
import { directDoor } from './shard-plans.ts';
import type { Saying, Task } from '../../src/testing/speaker.ts';

/** What may be lost in a plan: nothing, what a process or a shard knew, or nothing and somebody says goodbye. */
export type FlappingFamily = 'line' | 'altered' | 'memory' | 'shards' | 'shardMemory' | 'closing';

/** A plan and the family it is of. */
export interface FlappingPlan {
  readonly family: FlappingFamily;
  readonly plan: Plan;
}

const families: readonly FlappingFamily[] = [
  ...Array<FlappingFamily>(6).fill('line'),
  ...Array<FlappingFamily>(4).fill('altered'),
  ...Array<FlappingFamily>(2).fill('memory'),
  ...Array<FlappingFamily>(3).fill('shards'),
  ...Array<FlappingFamily>(3).fill('shardMemory'),
  'closing',
];

/** A handshake and a message have about as many bytes. */
const CUT_GAP_BYTES = { server: 290, client: 200 };

/** By so much more may pass until the next cut: most come in a handshake, or most when messages are on their way. */
const gapFactors = [1, 1, 2, 4];

/** How much happens in a plan. */
export interface FlappingSize {
  /** Cuts of each direction of each client's lines. */
  readonly cuts: number;
  /** Other faults. */
  readonly others: number;
  readonly acts: number;
  readonly chaosMs: number;
  readonly clientsMax: number;
}

const usual: FlappingSize = { cuts: 300, others: 48, acts: 120, chaosMs: 120_000, clientsMax: 3 };

/** Faults of each kind to choose from. */
const POOL_SIZE = 256;

/** Nobody is away for so long that a session expires. */
const LINGER_MS = 600_000;

/** The plan of a seed. */
export function flappingPlan(seed: number, size: FlappingSize = usual): FlappingPlan {
  const draws = new Draws(seed, 'flapping');
  const family = families[draws.below(families.length)] as FlappingFamily;
  const clients = 1 + draws.below(size.clientsMax);
  const faults: Fault[] = [];
  const factor = pick(draws, gapFactors);
  for (let client = 0; client < clients; client += 1) {
    for (const toward of ['server', 'client'] as const) {
      faults.push(...cutsOf({ draws, client, toward, count: size.cuts, gapBytes: CUT_GAP_BYTES[toward] * factor }));
    }
  }
  for (let count = 0; count < size.others; count += 1) {
    faults.push({ atMs: draws.below(size.chaosMs), client: draws.below(clients), ...actionOf(draws, family) });
  }
  // Where somebody awaits something, promises get their turn after each event of the world: a world without is faster.
  const awaits = draws.below(3) === 0;
  const acts = Array.from({ length: size.acts }, () => actOf(draws, clients, size.chaosMs, awaits));
  const closings = family === 'closing' ? closingsOf(draws, clients, size.chaosMs) : undefined;
  const plan = { seed, clients, weather: weatherOf(draws), options: optionsOf(draws, family), faults, acts };
  return { family, plan: { ...plan, chaosMs: size.chaosMs, ...(closings === undefined ? {} : { closings }) } };
}

interface CutsWanted {
  readonly draws: Draws;
  readonly client: number;
  readonly toward: Toward;
  readonly count: number;
  readonly gapBytes: number;
}

/** All armed at the beginning; each waits for its byte, so it comes on whichever line carries that. */
function cutsOf({ draws, client, toward, count, gapBytes }: CutsWanted): Fault[] {
  let afterBytes = 0;
  return Array.from({ length: count }, () => {
    afterBytes += 1 + draws.below(gapBytes);
    return { type: 'cut', atMs: 0, client, toward, afterBytes, by: draws.below(2) === 0 ? 'reset' : 'finish' };
  });
}

/** What may befall beside the cuts, by kind: as random plans have it, drawn once. */
const pools = new Map<FaultAction['type'], readonly FaultAction[]>(
  Object.entries({ ...faultKinds, directDoor }).map(([kind, arbitrary]) => [
    kind as FaultAction['type'],
    fc.sample(arbitrary as fc.Arbitrary<FaultAction>, { numRuns: POOL_SIZE, seed: 1 }),
  ]),
);

/** Of those that make a family what it is there is one in two. */
const own: Readonly<Record<FlappingFamily, readonly FaultAction['type'][]>> = {
  line: [],
  altered: ['flip', 'acks'],
  memory: ['crash'],
  shards: ['shardPause', 'directDoor'],
  shardMemory: ['crash', 'shardCrash', 'shardCrash', 'shardCrash', 'shardCrash', 'shardPause', 'directDoor'],
  closing: [],
};

const ofLines = lineKinds.filter((kind) => kind !== 'cut');
/** Whoever has said goodbye does not come back. */
const ofClosing = ofLines.filter((kind) => kind !== 'reconnect' && kind !== 'disconnect');

function actionOf(draws: Draws, family: FlappingFamily): FaultAction {
  const mine = own[family];
  const others = family === 'closing' ? ofClosing : ofLines;
  const kind = pick(draws, mine.length > 0 && draws.below(2) === 0 ? mine : others);
  return pick(draws, pools.get(kind) ?? []);
}

function actOf(draws: Draws, clients: number, chaosMs: number, awaits: boolean): Act {
  const at = { atMs: draws.below(chaosMs), client: draws.below(clients), by: towardOf(draws) };
  if (awaits && draws.below(12) === 0) return { ...at, type: 'flush' };
  return { ...at, type: 'say', count: 1 + draws.below(6), saying: sayingOf(draws, awaits) };
}

function sayingOf(draws: Draws, awaits: boolean): Saying {
  const bytes = draws.below(20) === 0 ? 2_048 : draws.below(90);
  if (!awaits || draws.below(4) > 0) return { how: 'send', bytes, task: { type: 'nothing' } };
  const patienceMs = draws.below(4) === 0 ? 1 + draws.below(3_000) : undefined;
  return { how: 'deliver', bytes, task: taskOf(draws), patienceMs };
}

function taskOf(draws: Draws): Task {
  switch (draws.below(5)) {
    case 0:
      return { type: 'works', forMs: draws.below(100) };
    case 1:
      return { type: 'throws', afterMs: draws.below(2) * 5 };
    case 2:
      return { type: 'asksBack', patienceMs: 1 + draws.below(600) };
    default:
      return { type: 'nothing' };
  }
}

function closingsOf(draws: Draws, clients: number, chaosMs: number): readonly Closing[] {
  const who = draws.below(2) === 0 ? 'server' : draws.below(clients);
  return [{ who, atMs: draws.below(chaosMs), drainMs: pick(draws, [30_000, 3_000, 100, 0]) }];
}

function optionsOf(draws: Draws, family: FlappingFamily): PlanOptions {
  const isSharded = family === 'shards' || family === 'shardMemory';
  return {
    checksum: family === 'altered' || draws.below(2) === 0,
    lingerMs: LINGER_MS,
    mailboxMessages: pick(draws, [1_024, 1_024, 16, 3, 1]),
    mailboxBytes: pick(draws, [1_048_576, 1_048_576, 8_192, 100]),
    outboxMessages: pick(draws, [10_000, 10_000, 40]),
    outboxBytes: pick(draws, [16_777_216, 16_777_216, 5_000]),
    authMs: draws.below(6) === 0 ? draws.below(300) : undefined,
    resends: family !== 'line' && draws.below(2) === 0,
    discards: family !== 'line' && draws.below(2) === 0,
    shards: isSharded ? shardsOf(draws) : undefined,
  };
}

function shardsOf(draws: Draws): ShardsPlan {
  return {
    count: 2 + draws.below(3),
    door: pick(draws, ['public', 'spreads', 'fixedPorts', 'freshPorts'] as const),
    landing: pick(draws, ['any', 'least'] as const),
    channelMs: pick(draws, [0.5, 5]),
    startMs: pick(draws, [5, 300]),
    goneMs: pick(draws, [5, 200]),
    watchdogMs: 10_000,
    restarts: { max: 1_000, withinMs: 60_000 },
  };
}

function weatherOf(draws: Draws): Plan['weather'] {
  return pick(draws, [{}, {}, { latencyMs: 5, jitterMs: 5 }, { chunkBytes: 40 }, { jitterMs: 20, bufferBytes: 1_000 }]);
}

function towardOf(draws: Draws): Toward {
  return draws.below(2) === 0 ? 'server' : 'client';
}

function pick<Each>(draws: Draws, from: readonly Each[]): Each {
  return from[draws.below(from.length)] as Each;
}
