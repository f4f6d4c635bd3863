/**
 * How many disconnects a simulated world survives in a second of one core: the real client, server, machines, session and
 * codec; every line is cut after some random byte, handshakes included, and every message is checked by the ledger.
 */
import { Cast, type Pair } from '../src/testing/cast.ts';
import { Draws } from '../src/testing/draws.ts';
import { inspect, unrest } from '../src/testing/inspection.ts';
import type { Plan } from '../src/testing/plan.ts';

/** What was measured. */
export interface SimulatorRates {
  /** Lost connections, those in the middle of a handshake included, in a second of wall time and of processor time. */
  readonly disconnectsPerSecond: number;
  readonly disconnectsPerCpuSecond: number;
  readonly resumesPerSecond: number;
  readonly messagesPerSecond: number;
  /** Virtual time that passed in one unit of real time. */
  readonly timeRatio: number;
}

const plan: Plan = {
  seed: 1,
  clients: 10,
  weather: {},
  options: {
    checksum: true,
    lingerMs: 120_000,
    mailboxMessages: 1_024,
    mailboxBytes: 1_048_576,
    outboxMessages: 10_000,
    outboxBytes: 16_777_216,
    resends: false,
    discards: false,
  },
  chaosMs: 0,
  faults: [],
  acts: [],
};

/** A line is cut after so many bytes at most; a handshake and a message have about as many. */
const CUT_BYTES_MAX = { server: 290, client: 200 };
const STEP_MS = 1_000;

/** Lets worlds run for about this long. Throws when one breaks a promise. */
export async function measureSimulator(forMs: number): Promise<SimulatorRates> {
  const { stackTraceLimit } = Error;
  // Each lost connection makes an error for its user; nobody reads a stack here.
  Error.stackTraceLimit = 0;
  try {
    await survive(forMs / 4, 1);
    return await survive(forMs, 2);
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

async function survive(forMs: number, seed: number): Promise<SimulatorRates> {
  const cast = new Cast({ ...plan, seed });
  const { world, pairs, ledger } = cast;
  const draws = new Draws(seed, 'cuts');
  const lossCounts = new Map(pairs.map((pair) => [pair, -1]));
  let resumes = 0;
  const pairOf = new Map(pairs.map((pair) => [pair.node, pair]));
  world.onTouch = (node) => {
    const pair = pairOf.get(node);
    if (pair === undefined) return;
    inspect(cast, pair, plan.options);
    if (lossCounts.get(pair) !== node.path.lossCount) provoke(pair);
  };
  function provoke(pair: Pair): void {
    const { path } = pair.node;
    lossCounts.set(pair, path.lossCount);
    const [toward, by] = [
      draws.below(2) === 0 ? 'server' : 'client',
      draws.below(2) === 0 ? 'reset' : 'finish',
    ] as const;
    path.cutAfter(toward, 1 + draws.below(CUT_BYTES_MAX[toward]), by);
    pair.client?.say({ how: 'send', bytes: 20, task: { type: 'nothing' } });
  }
  for (const { node } of pairs) node.client.connection.on('up', () => (resumes += 1));
  const cpu = process.cpuUsage();
  const begin = performance.now();
  while (performance.now() - begin < forMs) await world.run(STEP_MS);
  const seconds = (performance.now() - begin) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  const virtualMs = world.nowMs;
  await expectRest(cast);
  const disconnects = pairs.reduce((sum, { node }) => sum + node.path.lossCount, 0);
  return {
    disconnectsPerSecond: disconnects / seconds,
    disconnectsPerCpuSecond: disconnects / ((user + system) / 1e6),
    resumesPerSecond: resumes / seconds,
    messagesPerSecond: ledger.deliveredCount / seconds,
    timeRatio: virtualMs / seconds / 1_000,
  };
}

async function expectRest(cast: Cast): Promise<void> {
  cast.world.heal();
  const isAtRest = await cast.world.until(() => unrest(cast) === undefined, 60_000);
  if (!isAtRest) throw new Error(`expected rest after the last cut: ${unrest(cast)}`);
}

if (import.meta.main) {
  const rates = await measureSimulator(Number(process.argv[2] ?? 5_000));
  const rounded = Object.entries<number>({ ...rates }).map(
    ([name, rate]) => `${name} ${Math.round(rate).toLocaleString('en')}`,
  );
  console.log(`simulator: ${rounded.join(', ')}`);
}
