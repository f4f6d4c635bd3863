// Small stories, told again for everything that can strike once: their lines are cut, by RST and by FIN, after every byte of each
// direction, or fall silent, and each process and each shard dies after every event. Then some of it twice.
import { setImmediate as breathe } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { befall } from '../../src/testing/befall.ts';
import { Draws } from '../../src/testing/draws.ts';
import type { FaultAction } from '../../src/testing/plan.ts';
import type { Toward } from '../../src/testing/sim-line.ts';
import type { World } from '../../src/testing/world.ts';
import { type Story, type Strike, stories } from './stories.ts';

const PAIRS = 60;
const DOWN_MS = 5;
const LONG_MS = 600_000;

/** Where frames of the message in fragments end, about, and how many bytes around it are all tried. */
const FRAGMENT_BYTES = 65_560;
const AROUND_BYTES = 60;

const directions = ['server', 'client'] as const;
const silences = ['cut', 'finish', 'hole'] as const;
type Silence = (typeof silences)[number];

/** How many stories were told, by what struck in them. */
const runs = { cut: 0, hole: 0, death: 0, shardDeath: 0, pair: 0 };

afterAll(() => {
  const counts = Object.entries(runs).map(([name, count]) => `${name} ${count.toLocaleString('en')}`);
  console.log(`torture: ${Object.keys(stories).length} stories, told with ${counts.join(', ')}`);
});

/** What a story is like when nothing strikes: bytes by client and direction, and events, until its users have done everything. */
interface Measure {
  readonly bytes: readonly Readonly<Record<Toward, number>>[];
  readonly steps: number;
}

async function measure({ tell, forMs }: Story): Promise<Measure> {
  let measured: Measure = { bytes: [], steps: 0 };
  await tell((world) =>
    world.loop.clock.at(forMs, () => {
      const bytes = world.clients.map(({ path }) => ({
        server: path.passedBytes('server'),
        client: path.passedBytes('client'),
      }));
      measured = { bytes, steps: world.loop.stepCount };
    }),
  );
  return measured;
}

/** Tells a story in which that strikes; names it when a promise is broken. */
async function told({ tell }: Story, name: string, strike: Strike): Promise<void> {
  try {
    await tell(strike);
  } catch (error) {
    throw new Error(`with ${name}`, { cause: error });
  }
}

function silence(what: Silence, toward: Toward, afterBytes: number): Strike {
  return ({ clients: [node] }) => {
    if (what === 'hole') node?.path.swallow(toward, afterBytes);
    else node?.path.cutAfter(toward, afterBytes, what === 'cut' ? 'reset' : 'finish');
  };
}

/** Strikes once so many events are over, if that is before the end of chaos. */
function atStep(step: number, action: FaultAction): Strike {
  return (world) => {
    const { loop } = world;
    const look = loop.onStep;
    loop.onStep = () => {
      look?.();
      if (loop.stepCount === step && !world.isHealed) befall(world, { atMs: 0, client: 0, ...action });
    };
  };
}

/** What strikes after this byte: every cut, and a black hole after every third; one of the three where a telling takes long. */
function whatIn({ isCostly = false }: Story, afterBytes: number): readonly Silence[] {
  const inTurn = silences[afterBytes % silences.length];
  return silences.filter((what) => what === inTurn || (!isCostly && what !== 'hole'));
}

function* placesIn(length: number, { strideBytes }: Story): Generator<number> {
  for (let afterBytes = 1; afterBytes <= length; afterBytes += 1) {
    const isNearEdge = (afterBytes + AROUND_BYTES) % FRAGMENT_BYTES < 3 * AROUND_BYTES;
    if (strideBytes === undefined || isNearEdge || afterBytes % strideBytes === 0) yield afterBytes;
  }
}

describe.each(Object.entries(stories))('%s', (_title, story) => {
  it.each(directions)(
    'survives a cut by RST and by FIN after every byte toward the %s, and a black hole after every third',
    async (toward) => {
      const { bytes } = await measure(story);
      const length = bytes[0]?.[toward] ?? 0;
      expect(length).toBeGreaterThan(140);
      for (const afterBytes of placesIn(length, story)) {
        for (const what of whatIn(story, afterBytes)) {
          await told(
            story,
            `${what} after ${afterBytes} bytes toward the ${toward}`,
            silence(what, toward, afterBytes),
          );
          runs[what === 'hole' ? 'hole' : 'cut'] += 1;
        }
        if (afterBytes % 50 === 0) await breathe();
      }
    },
    LONG_MS,
  );

  it.skipIf(story.isDeathless === true).each(directions)(
    'survives a death of the %s after every event, with and without a word of its machine',
    async (side) => {
      const { steps } = await measure(story);
      expect(steps).toBeGreaterThan(9);
      for (let step = 1; step <= steps; step += 1) {
        for (const isSilent of [false, true]) {
          const crash: FaultAction = { type: 'crash', side, isSilent, forMs: DOWN_MS };
          await told(story, `a death of the ${side} after event ${step}, silent: ${isSilent}`, atStep(step, crash));
          runs.death += 1;
        }
      }
    },
    LONG_MS,
  );

  it.runIf(story.hasShards === true).each(['home', 'landing'] as const)(
    'survives a death of the shard at its %s after every event',
    async (which) => {
      const { steps } = await measure(story);
      for (let step = 1; step <= steps; step += 1) {
        const crash: FaultAction = { type: 'shardCrash', which, isSilent: step % 2 === 0 };
        await told(story, `a death of the shard at its ${which} after event ${step}`, atStep(step, crash));
        runs.shardDeath += 1;
      }
    },
    LONG_MS,
  );

  it('survives two of these, of any kind and anywhere', async () => {
    const draws = new Draws(1, 'pairs');
    const { bytes, steps } = await measure(story);
    for (let count = 0; count < PAIRS; count += 1) {
      const [one, other] = [drawn(draws, story, bytes[0], steps), drawn(draws, story, bytes[0], steps)];
      await told(story, `${one.name}, and ${other.name}`, (world: World) => {
        one.strike(world);
        other.strike(world);
      });
      runs.pair += 1;
    }
  });
});

function drawn(
  draws: Draws,
  { isDeathless = false, hasShards = false }: Story,
  bytes: Readonly<Record<Toward, number>> = { server: 0, client: 0 },
  steps: number,
): { readonly name: string; readonly strike: Strike } {
  const toward = directions[draws.below(2)] ?? 'server';
  const isSilent = draws.below(2) === 0;
  const [afterBytes, step] = [1 + draws.below(2 * bytes[toward]), 1 + draws.below(2 * steps)];
  const kind = draws.below(isDeathless ? 3 : hasShards ? 6 : 5);
  const what = silences[kind];
  if (what !== undefined)
    return {
      name: `${what} after ${afterBytes} bytes toward the ${toward}`,
      strike: silence(what, toward, afterBytes),
    };
  const action: FaultAction =
    kind === 5
      ? { type: 'shardCrash', which: isSilent ? 'home' : 'landing', isSilent }
      : { type: 'crash', side: toward, isSilent, forMs: DOWN_MS };
  return { name: `${JSON.stringify(action)} after event ${step}`, strike: atStep(step, action) };
}

describe('all stories together', () => {
  it('are told ten thousands of times', () => {
    expect(Object.keys(stories).length).toBeGreaterThanOrEqual(12);
    expect(runs.cut + runs.hole + runs.death + runs.shardDeath + runs.pair).toBeGreaterThan(20_000);
  });
});
