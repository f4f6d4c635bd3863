import { getEventListeners } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { type TaskPool, openTaskPool } from '../../../src/actors/task-pool.ts';
import { openNativeDoor } from '../../threads/modules/native.ts';
import { flag, raise, raised } from '../../threads/modules/raised.ts';
import type { Done, WorkOrder } from '../../threads/modules/works.ts';

const pools: TaskPool[] = [];

afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.close()));
});

interface Runner {
  readonly pool: TaskPool;
  run(order: WorkOrder, signal?: AbortSignal): Promise<Done>;
}

function poolOf({ entry = 'works', threads = 1, queueMax = 100 } = {}): Runner {
  const url = new URL(`../../threads/modules/${entry}.ts`, import.meta.url);
  const pool = openTaskPool({ entry: url, threads, queueMax, resourceLimits: { maxOldGenerationSizeMb: 48 } });
  pools.push(pool);
  return { pool, run: (order, signal) => pool.run(order, signal) as Promise<Done> };
}

/** A task that fills a thread until it is released. */
async function holdIn({ run }: Runner): Promise<{ release: () => void; done: Promise<Done> }> {
  const begun = flag();
  const release = flag();
  const done = run({ type: 'hold', begun, release });
  await raised(begun);
  return { release: () => raise(release), done };
}

const coded = (code: string, more: object = {}): unknown => expect.objectContaining({ code, ...more });

describe('a pool for tasks', () => {
  it('runs one task after another in the thread it has', async () => {
    const { run } = poolOf();
    const first = await run({ type: 'echo', value: new Map([['key', 1]]) });
    expect(first.value).toEqual(new Map([['key', 1]]));
    expect((await run({ type: 'echo' })).thread).toBe(first.thread);
  });

  it('runs as many at a time as it has threads', async () => {
    const runner = poolOf({ threads: 2 });
    const holds = [await holdIn(runner), await holdIn(runner)];
    for (const { release } of holds) release();
    const threads = await Promise.all(holds.map(({ done }) => done));
    expect(new Set(threads.map(({ thread }) => thread)).size).toBe(2);
  });

  it.each(['before a thread is there', 'behind another task', 'at a thread that is free'])(
    'takes the input as it is at the call, %s',
    async (when) => {
      const runner = poolOf();
      if (when === 'at a thread that is free') await runner.run({ type: 'echo' });
      const hold = when === 'behind another task' ? await holdIn(runner) : undefined;
      const value = ['first'];
      const done = runner.run({ type: 'echo', value });
      value[0] = 'second';
      hold?.release();
      expect((await done).value).toEqual(['first']);
    },
  );

  it('passes on what a task throws, and keeps its thread', async () => {
    const { run } = poolOf();
    const { thread } = await run({ type: 'echo' });
    await expect(run({ type: 'throw' })).rejects.toMatchObject({ name: 'RangeError', message: 'from the task' });
    expect((await run({ type: 'echo' })).thread).toBe(thread);
  });

  it.each(['before a thread is there', 'at a thread that is free'])(
    'refuses an input that cannot be copied, %s',
    async (when) => {
      const { run } = poolOf();
      if (when === 'at a thread that is free') await run({ type: 'echo' });
      await expect(run({ type: 'echo', value: () => 1 })).rejects.toMatchObject({ name: 'DataCloneError' });
      expect((await run({ type: 'echo', value: 2 })).value).toBe(2);
    },
  );

  it('lets so many wait and no more, in their order', async () => {
    const runner = poolOf({ queueMax: 2 });
    const hold = await holdIn(runner);
    const order: string[] = [];
    const waiting = ['first', 'second'].map(async (value) => {
      await runner.run({ type: 'echo', value });
      order.push(value);
    });
    await expect(runner.run({ type: 'echo' })).rejects.toMatchObject({
      code: 'TaskFailed',
      retry: true,
      outcome: 'never-sent',
      message: 'expected fewer than 2 waiting tasks, got 2',
    });
    hold.release();
    await Promise.all(waiting);
    expect(order).toEqual(['first', 'second']);
    expect((await runner.run({ type: 'echo', value: 3 })).value).toBe(3);
  });

  it('needs no queue while a thread is free', async () => {
    const { run } = poolOf({ queueMax: 0 });
    expect((await run({ type: 'echo', value: 1 })).value).toBe(1);
    expect((await run({ type: 'echo', value: 2 })).value).toBe(2);
  });
});

describe('a thread that ends under its task', () => {
  it.each([
    ['process.exit(0)', { type: 'exit', code: 0 }, { message: 'the thread ended by itself, with exit code 0' }],
    ['process.exit(9)', { type: 'exit', code: 9 }, { message: 'the thread ended by itself, with exit code 9' }],
    ['an error beside it', { type: 'throw-aside' }, { name: 'TypeError', message: 'beside the task' }],
    ['want of memory', { type: 'grow' }, { code: 'ERR_WORKER_OUT_OF_MEMORY' }],
  ] as const)('fails that task alone, by %s: what waits gets fresh threads', async (_, order, cause) => {
    const runner = poolOf();
    const hold = await holdIn(runner);
    const failed = [runner.run(order), runner.run(order)].map((run) => run.catch((error: unknown) => error));
    const after = runner.run({ type: 'echo', value: 'after' });
    hold.release();
    for (const error of await Promise.all(failed)) {
      expect(error).toMatchObject({ code: 'TaskFailed', retry: false, cause });
    }
    expect((await after).value).toBe('after');
    expect((await after).thread).not.toBe((await hold.done).thread);
  });

  it.each([
    ['throws', 'throws-loading', 'this module never loads'],
    ['exits', 'exits-loading', 'exit code 0'],
  ])('fails each task when its entry %s while it loads', async (_, entry, words) => {
    const { run } = poolOf({ entry });
    const runs = await Promise.allSettled([1, 2, 3].map(() => run({ type: 'echo' })));
    for (const { status, reason } of runs as PromiseRejectedResult[]) {
      expect([status, (reason as Error).message]).toEqual(['rejected', expect.stringContaining(words)]);
      expect(reason).toEqual(coded('TaskFailed'));
    }
  });
});

describe('a task whose signal is aborted', () => {
  it('was never sent when it still waits, and the others keep their order', async () => {
    const runner = poolOf();
    const hold = await holdIn(runner);
    const abort = new AbortController();
    const first = runner.run({ type: 'echo', value: 1 });
    const second = runner.run({ type: 'echo', value: 2 }, abort.signal);
    const third = runner.run({ type: 'echo', value: 3 });
    abort.abort('changed my mind');
    await expect(second).rejects.toEqual(coded('Aborted', { outcome: 'never-sent', cause: 'changed my mind' }));
    hold.release();
    expect([(await first).value, (await third).value]).toEqual([1, 3]);
    expect((await third).thread).toBe((await hold.done).thread);
  });

  it('makes room for another one where it waited', async () => {
    const runner = poolOf({ queueMax: 1 });
    const hold = await holdIn(runner);
    const abort = new AbortController();
    const waiting = runner.run({ type: 'echo' }, abort.signal);
    abort.abort();
    const next = runner.run({ type: 'echo', value: 'next' });
    await expect(waiting).rejects.toEqual(coded('Aborted'));
    hold.release();
    expect((await next).value).toBe('next');
  });

  it('was never sent when it is aborted already', async () => {
    const { run } = poolOf();
    await expect(run({ type: 'echo' }, AbortSignal.abort())).rejects.toEqual(
      coded('Aborted', { outcome: 'never-sent' }),
    );
  });

  it('was never sent while its thread is loading, which the next task takes', async () => {
    const { run } = poolOf();
    const abort = new AbortController();
    const early = run({ type: 'echo' }, abort.signal);
    abort.abort();
    await expect(early).rejects.toEqual(coded('Aborted', { outcome: 'never-sent' }));
    expect((await run({ type: 'echo', value: 'late' })).value).toBe('late');
  });

  it('is ended with its thread when it runs, even in a loop, and the next one runs in a fresh one', async () => {
    const { run } = poolOf();
    const { thread } = await run({ type: 'echo' });
    const abort = new AbortController();
    const begun = flag();
    const spinning = run({ type: 'spin', begun }, abort.signal);
    await raised(begun);
    const abortedAt = performance.now();
    abort.abort();
    const next = run({ type: 'echo' });
    await expect(spinning).rejects.toEqual(coded('Aborted', { outcome: 'unknown' }));
    expect((await next).thread).not.toBe(thread);
    expect(performance.now() - abortedAt).toBeLessThan(2_000);
  });

  it('keeps its place until it has really ended', async () => {
    const { run } = poolOf();
    const door = await openNativeDoor();
    const abort = new AbortController();
    const sitting = run({ type: 'sit', tcpPort: door.tcpPort }, abort.signal);
    await door.entered;
    abort.abort();
    await expect(sitting).rejects.toEqual(coded('Aborted', { outcome: 'unknown' }));
    let isDone = false;
    const next = run({ type: 'echo' }).then(() => (isDone = true));
    // In the time that other pools need to start a thread and run a task, one after another.
    for (let count = 0; count < 3; count += 1) await poolOf().run({ type: 'echo' });
    expect(isDone).toBe(false);
    door.release();
    await next;
  });

  it('hears nothing of an abort that comes after it is done', async () => {
    const { run } = poolOf();
    const abort = new AbortController();
    const { thread } = await run({ type: 'echo' }, abort.signal);
    expect(getEventListeners(abort.signal, 'abort')).toEqual([]);
    abort.abort();
    expect((await run({ type: 'echo' })).thread).toBe(thread);
  });
});

describe('a pool for tasks that is closed', () => {
  it('rejects what runs and what waits, ends its threads, and takes nothing more', async () => {
    const { pool, run } = poolOf();
    const begun = flag();
    const running = run({ type: 'spin', begun });
    await raised(begun);
    const runs = Promise.allSettled([running, run({ type: 'echo' }), run({ type: 'echo' })]);
    await pool.close();
    for (const settled of await runs) expect(settled).toMatchObject({ status: 'rejected', reason: { code: 'Closed' } });
    await expect(run({ type: 'echo' })).rejects.toEqual(coded('Closed'));
    await pool.close();
  });

  it('ends a thread that is still loading', async () => {
    const { pool, run } = poolOf({ entry: 'spins-loading' });
    const early = expect(run({ type: 'echo' })).rejects.toEqual(coded('Closed'));
    await pool.close();
    await early;
  });
});
