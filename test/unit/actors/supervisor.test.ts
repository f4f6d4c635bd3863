import { describe, expect, it } from 'vitest';
import { SupervisorWorld } from './supervisor-world.ts';

describe('a supervisor', () => {
  it('starts a thread for each place and opens a place when its thread is ready', async () => {
    const world = new SupervisorWorld({ places: 2 });
    world.supervisor.start();
    await world.run(9);
    expect(world.words()).toEqual(['spawn 0.1', 'spawn 1.1']);
    expect(world.supervisor.stateOf(0)).toBe('starting');
    await world.run(1);
    expect(world.words()).toEqual(['opened 0', 'opened 1']);
    expect([world.supervisor.stateOf(1), world.supervisor.generationOf(1)]).toEqual(['serving', 1]);
  });

  it('knows nothing of places that there are not', () => {
    const { supervisor } = new SupervisorWorld();
    expect([supervisor.stateOf(7), supervisor.generationOf(7)]).toEqual(['stopped', 0]);
  });

  it('heeds no word of a thread that has been replaced', async () => {
    const world = new SupervisorWorld();
    await world.begin();
    world.thread().crash();
    await world.run(5);
    world.words();
    expect(world.supervisor.stateOf(0)).toBe('starting');
    world.supervisor.ready(0, 1);
    world.supervisor.unfit(0, 1);
    world.supervisor.drained(0, 1);
    expect(world.words()).toEqual([]);
    await world.run(50);
    expect(world.words()).toEqual(['opened 0']);
  });
});

describe('a crash', () => {
  it('is told once, with what ended the thread, and another one is started at once', async () => {
    const world = new SupervisorWorld();
    await world.begin();
    world.words();
    world.thread().crash('the sky fell');
    await world.run(50);
    expect(world.words()).toEqual(['lost 0 ShardCrashed', 'shut 0', 'spawn 0.2', 'opened 0']);
    expect(world.errors[0]).toMatchObject({
      code: 'ShardCrashed',
      message: 'shard 0 (thread 1) is gone: the sky fell',
      cause: { message: 'the sky fell' },
    });
  });

  it('leaves the other places as they are', async () => {
    const world = new SupervisorWorld({ places: 3 });
    await world.begin();
    world.words();
    world.thread(1).crash();
    await world.run(50);
    expect(world.words().filter((word) => !word.includes(' 1'))).toEqual([]);
    expect([world.thread(0).generation, world.thread(1).generation, world.thread(2).generation]).toEqual([1, 2, 1]);
  });

  it('of a thread that is still starting counts like any other', async () => {
    const world = new SupervisorWorld({ restarts: { max: 1, withinMs: 60_000 } });
    world.manners.startMs = Infinity;
    await world.begin();
    world.thread().crash();
    await world.run(50);
    expect(world.thread().generation).toBe(2);
    world.thread().crash();
    await world.run(50);
    expect(world.words().slice(-3)).toEqual(['lost 0 ShardCrashed', 'left 0', 'stopped 0']);
  });

  it('after a crash waits 100 ms, then twice as long each time, and at most 5 s', async () => {
    const world = new SupervisorWorld({ restarts: { max: 100, withinMs: 3_600_000 } });
    await world.begin();
    const waits: number[] = [];
    for (let count = 0; count < 10; count += 1) {
      const { generation } = world.thread();
      const crashedAtMs = world.nowMs;
      world.thread().crash();
      await world.loop.until(() => world.thread().generation > generation, world.nowMs + 60_000);
      waits.push(world.nowMs - crashedAtMs);
      await world.run(50);
    }
    // The clock of a host is never faster than a millisecond.
    expect(waits).toEqual([1, 100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000, 5_000]);
  });

  it('that is long ago is forgotten', async () => {
    const world = new SupervisorWorld({ restarts: { max: 1, withinMs: 10_000 } });
    await world.begin();
    for (let count = 0; count < 5; count += 1) {
      world.thread().crash();
      await world.run(10_050);
      expect(world.supervisor.stateOf(0)).toBe('serving');
    }
    world.thread().crash();
    await world.run(1_000);
    expect(world.supervisor.stateOf(0)).toBe('serving');
    world.thread().crash();
    await world.run(1_000);
    expect([world.supervisor.stateOf(0), [...world.leftPlaces]]).toEqual(['stopped', [0]]);
  });
});

describe('a spent budget', () => {
  it('gives up the place, and no other', async () => {
    const world = new SupervisorWorld({ places: 2, restarts: { max: 2, withinMs: 60_000 } });
    await world.begin();
    for (let count = 0; count < 3; count += 1) {
      world.thread(1).crash();
      await world.run(1_000);
    }
    expect([[...world.leftPlaces], [...world.stoppedPlaces], [...world.open]]).toEqual([[1], [1], [0]]);
    expect(world.supervisor.generationOf(1)).toBe(3);
    await world.run(60_000);
    expect(world.supervisor.generationOf(1)).toBe(3);
  });

  it('leaves no timer when all places are given up', async () => {
    const world = new SupervisorWorld({ restarts: { max: 0, withinMs: 60_000 } });
    await world.begin();
    world.thread().crash();
    await world.run(0);
    expect([world.supervisor.stateOf(0), world.host.timerCount]).toEqual(['stopped', 0]);
  });
});

describe('a thread that is unfit', () => {
  it('gives its place up with its end, whatever is left of the budget', async () => {
    const world = new SupervisorWorld({ restarts: { max: 100, withinMs: 60_000 } });
    world.manners.startMs = Infinity;
    await world.begin();
    world.supervisor.unfit(0, 1);
    expect(world.supervisor.stateOf(0)).toBe('starting');
    world.thread().crash('no such module');
    await world.run(0);
    expect(world.words()).toEqual(['spawn 0.1', 'lost 0 ShardCrashed', 'left 0', 'stopped 0']);
  });
});

describe('the watchdog', () => {
  it.each([1_000, 10_000, 200])(
    'finds a hung shard within 1.1 times %d ms, whenever it begins to hang',
    async (watchdogMs) => {
      for (let part = 0; part < 10; part += 1) {
        const world = new SupervisorWorld({ watchdogMs });
        await world.begin(50 + (part * watchdogMs) / 73);
        const hungAtMs = world.nowMs;
        world.thread().isHung = true;
        world.words();
        await world.loop.until(() => world.told.length > 0, world.nowMs + 100_000);
        const foundMs = world.nowMs - hungAtMs;
        expect(foundMs).toBeLessThanOrEqual(watchdogMs * 1.1);
        expect(foundMs).toBeGreaterThan(watchdogMs * 0.9);
        await world.run(50);
        expect(world.words()).toEqual(['shut 0', 'lost 0 ShardCrashed', 'spawn 0.2', 'opened 0']);
        expect(world.errors[0]?.message).toBe(`shard 0 (thread 1) is gone: its loop stood still for ${watchdogMs} ms`);
      }
    },
  );

  it('lets a shard live whose loop turned once in time', async () => {
    const world = new SupervisorWorld();
    await world.begin();
    for (let count = 0; count < 10; count += 1) {
      world.thread().isHung = true;
      await world.run(890);
      world.thread().isHung = false;
      await world.run(100);
    }
    expect(world.supervisor.generationOf(0)).toBe(1);
  });

  it('blames nobody when its own loop stood still, or all of the process did', async () => {
    const world = new SupervisorWorld({ places: 3 });
    await world.begin();
    for (const stallMs of [900, 1_100, 5_000, 100_000]) {
      world.host.stall(stallMs);
      await world.run(stallMs + 150);
    }
    for (const { generation } of world.threads) expect(generation).toBe(1);
  });

  it('is off with 0', async () => {
    const world = new SupervisorWorld({ watchdogMs: 0 });
    await world.begin();
    world.thread().isHung = true;
    await world.run(3_600_000);
    expect([world.supervisor.stateOf(0), world.host.timerCount]).toEqual(['serving', 0]);
  });

  it('ends a shard that hangs while it drains, and starts no other', async () => {
    const world = new SupervisorWorld();
    world.manners.drainMs = Infinity;
    await world.begin();
    world.supervisor.drain(60_000);
    world.thread().isHung = true;
    world.words();
    await world.run(1_200);
    expect(world.words()).toEqual(['lost 0 ShardCrashed', 'stopped 0']);
    expect(world.host.timerCount).toBe(0);
  });

  it('never has two threads in a place, however long the hung one takes to be gone', async () => {
    const world = new SupervisorWorld({ restarts: { max: 3, withinMs: 600_000 } });
    world.manners.goneMs = 20_000;
    await world.begin();
    world.thread().isHung = true;
    await world.run(20_000);
    expect(world.threads.length).toBe(1);
    await world.run(2_000);
    expect([world.threads.length, world.supervisor.stateOf(0)]).toEqual([2, 'serving']);
  });

  it('counts one failure when the thread that it ends crashes in that moment', async () => {
    const world = new SupervisorWorld({ restarts: { max: 1, withinMs: 600_000 } });
    world.manners.goneMs = 1_000;
    await world.begin();
    world.thread().isHung = true;
    await world.loop.until(() => world.thread().isKilled, 5_000);
    await world.run(10);
    world.thread().crash();
    await world.run(50);
    expect([world.supervisor.stateOf(0), world.supervisor.generationOf(0)]).toEqual(['serving', 2]);
  });
});

describe('a start-up', () => {
  it('that does not end is ended after 30 s and tried again', async () => {
    const world = new SupervisorWorld();
    world.manners.startMs = Infinity;
    await world.begin(29_999);
    expect(world.thread().isKilled).toBe(false);
    await world.run(1);
    expect(world.thread().isKilled).toBe(true);
    await world.run(50);
    expect(world.words()).toEqual(['spawn 0.1', 'lost 0 ShardCrashed', 'spawn 0.2']);
    expect(world.errors[0]?.message).toBe('shard 0 (thread 1) is gone: it was not ready within 30000 ms');
  });

  it('that never ends gives the place up in the end', async () => {
    const world = new SupervisorWorld({ restarts: { max: 2, withinMs: 600_000 } });
    world.manners.startMs = Infinity;
    await world.begin(100_000);
    expect(world.threads.length).toBe(3);
    expect(world.words().slice(-3)).toEqual(['left 0', 'lost 0 ShardCrashed', 'stopped 0']);
    expect(world.host.timerCount).toBe(0);
  });
});

describe('a drain', () => {
  it('lets shards finish, and ends each thread when it says so', async () => {
    const world = new SupervisorWorld({ places: 2 });
    await world.begin();
    world.words();
    world.supervisor.drain(1_000);
    expect(world.words()).toEqual(['shut 0', 'drain 0', 'shut 1', 'drain 1']);
    await world.run(30);
    expect(world.words()).toEqual(['lost 0', 'stopped 0', 'lost 1', 'stopped 1']);
    expect([world.errors, world.host.timerCount]).toEqual([[undefined, undefined], 0]);
  });

  it('ends what has not finished in time', async () => {
    const world = new SupervisorWorld();
    world.manners.drainMs = Infinity;
    await world.begin();
    world.supervisor.drain(700);
    await world.run(699);
    expect(world.thread().isKilled).toBe(false);
    await world.run(1);
    expect(world.thread().isKilled).toBe(true);
    await world.run(10);
    expect(world.words().slice(-2)).toEqual(['lost 0', 'stopped 0']);
  });

  it.each([
    [100, 100],
    [0, 0],
    [5_000, 5_000],
  ])('has a new limit when it is called again: %d ms from then', async (againMs, leftMs) => {
    const world = new SupervisorWorld({ watchdogMs: 0 });
    world.manners.drainMs = Infinity;
    await world.begin();
    world.supervisor.drain(1_000);
    await world.run(300);
    world.supervisor.drain(againMs);
    await world.run(leftMs - 1);
    expect(world.thread().isKilled).toBe(false);
    await world.run(2);
    expect(world.thread().isKilled).toBe(true);
  });

  it('starts no other thread when one crashes in it, and tells each end once', async () => {
    const world = new SupervisorWorld({ places: 2 });
    world.manners.drainMs = 500;
    await world.begin();
    world.supervisor.drain(1_000);
    world.words();
    world.thread(0).crash();
    await world.run(400);
    expect(world.words()).toEqual(['lost 0 ShardCrashed', 'stopped 0']);
    await world.run(1_000);
    expect(world.words()).toEqual(['lost 1', 'stopped 1']);
  });

  it('gives up what starts, what waits to start, and what has not been started', async () => {
    const world = new SupervisorWorld({ places: 2, restarts: { max: 9, withinMs: 60_000 } });
    await world.begin();
    for (let count = 0; count < 2; count += 1) {
      world.thread(1).crash();
      await world.run(50);
    }
    expect(world.supervisor.stateOf(1)).toBe('restarting');
    world.manners.startMs = Infinity;
    world.thread(0).crash();
    await world.run(10);
    expect(world.supervisor.stateOf(0)).toBe('starting');
    world.words();
    world.supervisor.drain(1_000);
    await world.run(1_000);
    expect(world.words()).toEqual(['stopped 1', 'lost 0', 'stopped 0']);
    expect([world.host.timerCount, world.threads.filter(({ isGone }) => !isGone)]).toEqual([0, []]);

    const unstarted = new SupervisorWorld();
    unstarted.supervisor.drain(1_000);
    await unstarted.run(1_000);
    expect([unstarted.words(), unstarted.host.timerCount]).toEqual([['stopped 0'], 0]);
  });

  it('waits for a hung thread to be gone before a place has stopped', async () => {
    const world = new SupervisorWorld({ restarts: { max: 9, withinMs: 60_000 } });
    world.manners.goneMs = 5_000;
    await world.begin();
    world.thread().isHung = true;
    await world.loop.until(() => world.thread().isKilled, 5_000);
    world.words();
    world.supervisor.drain(0);
    await world.run(4_000);
    expect([world.words(), world.supervisor.stateOf(0)]).toEqual([[], 'stopped']);
    await world.run(1_000);
    expect(world.words()).toEqual(['lost 0 ShardCrashed', 'stopped 0']);
  });
});

describe('a stop', () => {
  it('ends all threads at once and leaves no timer', async () => {
    const world = new SupervisorWorld({ places: 3 });
    world.manners.drainMs = Infinity;
    await world.begin();
    world.thread(1).crash();
    await world.run(0);
    world.words();
    world.supervisor.stop();
    expect(world.host.timerCount).toBe(0);
    await world.run(10);
    expect(world.words().toSorted()).toEqual(
      ['lost 0', 'lost 2', 'shut 0', 'shut 2', 'stopped 0', 'stopped 1', 'stopped 2'].toSorted(),
    );
    world.supervisor.stop();
    world.supervisor.drain(10);
    await world.run(60_000);
    expect(world.words()).toEqual([]);
  });
});
