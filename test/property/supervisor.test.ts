// The laws of supervision, whatever threads and the main loop do. The world itself throws where a place has two threads,
// a thread is lost twice, or something starts after its end.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SupervisorWorld } from '../unit/actors/supervisor-world.ts';

const PLACES_MAX = 3;

const place = fc.nat({ max: PLACES_MAX - 1 });
const spans = fc.oneof(fc.nat({ max: 50 }), fc.nat({ max: 3_000 }), fc.constant(40_000));

const deeds = fc.oneof(
  { weight: 4, arbitrary: fc.record({ type: fc.constant('crash' as const), place }) },
  { weight: 4, arbitrary: fc.record({ type: fc.constant('hang' as const), place, forMs: spans }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('stall' as const), forMs: spans }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('manners' as const), startMs: spans, goneMs: spans }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('unfit' as const), place }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('stale' as const), place }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('drain' as const), limitMs: spans }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('stop' as const) }) },
);

type Deed = typeof deeds extends fc.Arbitrary<infer Value> ? Value : never;

const plans = fc.record({
  places: fc.integer({ min: 1, max: PLACES_MAX }),
  watchdogMs: fc.constantFrom(1_000, 10_000, 0),
  restarts: fc.record({ max: fc.nat({ max: 5 }), withinMs: fc.constantFrom(60_000, 1_000) }),
  drainMs: fc.constantFrom(20, Infinity),
  deeds: fc.array(fc.tuple(spans, deeds), { maxLength: 20 }),
});

/** Lets a deed be done. */
function act(world: SupervisorWorld, deed: Deed): void {
  const { supervisor } = world;
  const thread = 'place' in deed ? world.threads.findLast((each) => each.place === deed.place) : undefined;
  switch (deed.type) {
    case 'crash':
      return thread?.crash();
    case 'hang':
      if (thread === undefined) return;
      thread.isHung = true;
      return world.later(deed.forMs, () => (thread.isHung = false));
    case 'stall':
      return world.host.stall(deed.forMs);
    case 'manners':
      return void Object.assign(world.manners, { startMs: deed.startMs, goneMs: deed.goneMs });
    case 'unfit':
      return void (thread !== undefined && supervisor.unfit(thread.place, thread.generation));
    case 'stale':
      if (thread === undefined) return;
      supervisor.ready(thread.place, thread.generation - 1);
      return supervisor.drained(thread.place, thread.generation - 1);
    case 'drain':
      return supervisor.drain(deed.limitMs);
    case 'stop':
      return supervisor.stop();
  }
}

/** Lets everything that waits come to its end: nobody hangs any more, and threads start and leave soon. */
async function settle(world: SupervisorWorld): Promise<void> {
  Object.assign(world.manners, { startMs: 10, goneMs: 5 });
  for (const thread of world.threads) thread.isHung = false;
  await world.run(150_000);
}

describe('a supervisor', () => {
  it('has at most one thread in a place, loses each once, and leaves no thread and no timer after a stop', async () => {
    let lostCount = 0;
    let stoppedCount = 0;
    await fc.assert(
      fc.asyncProperty(plans, async ({ deeds, drainMs, ...settings }) => {
        const world = new SupervisorWorld(settings);
        world.manners.drainMs = drainMs;
        await world.begin();
        for (const [afterMs, deed] of deeds) {
          await world.run(afterMs);
          act(world, deed);
        }
        await settle(world);
        world.supervisor.stop();
        await world.run(1_000);
        expect(world.host.timerCount).toBe(0);
        expect(world.threads.filter(({ isLost }) => !isLost)).toEqual([]);
        expect(world.stoppedPlaces.size).toBe(settings.places);
        expect([...world.open]).toEqual([]);
        lostCount += world.threads.length;
        stoppedCount += world.leftPlaces.size;
      }),
      { numRuns: 1_000 },
    );
    expect(lostCount).toBeGreaterThan(800);
    expect(stoppedCount).toBeGreaterThan(30);
  });

  it('serves in every place that it has not given up, once nothing happens any more', async () => {
    await fc.assert(
      fc.asyncProperty(plans, async ({ deeds, drainMs, ...settings }) => {
        const world = new SupervisorWorld(settings);
        world.manners.drainMs = drainMs;
        await world.begin();
        for (const [afterMs, deed] of deeds) {
          await world.run(afterMs);
          if (deed.type !== 'drain' && deed.type !== 'stop') act(world, deed);
        }
        await settle(world);
        const kept = Array.from({ length: settings.places }, (_each, number) => number).filter(
          (number) => !world.leftPlaces.has(number),
        );
        expect(kept.map((number) => world.supervisor.stateOf(number))).toEqual(kept.map(() => 'serving'));
        expect([...world.open].toSorted((one, other) => one - other)).toEqual(kept);
        for (const number of world.leftPlaces) expect(world.supervisor.stateOf(number)).toBe('stopped');
      }),
      { numRuns: 200 },
    );
  });

  it('gives a place up only after more failures than its budget allows within its time', async () => {
    await fc.assert(
      fc.asyncProperty(plans, async ({ deeds, drainMs, ...settings }) => {
        const world = new SupervisorWorld({ ...settings, watchdogMs: 0 });
        world.manners.drainMs = drainMs;
        const crashedAtMs: number[][] = [[], [], []];
        await world.begin();
        for (const [afterMs, deed] of deeds) {
          await world.run(afterMs);
          if (deed.type !== 'crash') continue;
          const thread = world.threads.findLast((each) => each.place === deed.place);
          if (thread === undefined || thread.isGone) continue;
          crashedAtMs[deed.place]?.push(world.nowMs);
          thread.crash();
          await world.run(0);
          const { max, withinMs } = settings.restarts;
          const recent = (crashedAtMs[deed.place] ?? []).filter((atMs) => atMs > world.nowMs - withinMs);
          expect(world.leftPlaces.has(deed.place)).toBe(recent.length > max);
        }
      }),
      { numRuns: 200 },
    );
  });
});
