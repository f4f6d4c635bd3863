import { getEventListeners } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { OFFLOAD_QUEUE_MAX, OffloadDesk } from '../../src/server/offload.ts';
import { VirtualClock } from '../../src/testing/virtual-clock.ts';
import { openNativeDoor } from './modules/native.ts';
import { flag, raise, raised } from './modules/raised.ts';

const desks: OffloadDesk[] = [];

afterEach(async () => {
  await Promise.all(desks.splice(0).map((desk) => desk.close()));
});

function deskOf({ name = 'offloads.behavior', threads = 1, clock = new VirtualClock() } = {}): OffloadDesk {
  const desk = new OffloadDesk({ module: new URL(`./modules/${name}.ts`, import.meta.url).href, threads, clock });
  desks.push(desk);
  return desk;
}

/** A task that fills a thread until it is released. */
async function holdAt(desk: OffloadDesk): Promise<{ release: () => void; done: Promise<unknown> }> {
  const begun = flag();
  const release = flag();
  const done = desk.run('hold', { begun, release });
  await raised(begun);
  return { release: () => raise(release), done };
}

interface Whereabouts {
  readonly thread: number;
  readonly taskCount: number;
}

const whereIs = async (desk: OffloadDesk): Promise<Whereabouts> =>
  (await desk.run('whereAmI', undefined)) as Whereabouts;

describe('a task that is handed off', () => {
  it('runs in a thread of its own, and its result comes back', async () => {
    const desk = deskOf();
    expect(await desk.run('square', 12)).toBe(144);
    expect(await desk.run('later', 'sooner')).toBe('sooner later');
  });

  it('finds its module loaded by the task before', async () => {
    const desk = deskOf();
    const first = await whereIs(desk);
    expect(await whereIs(desk)).toEqual({ thread: first.thread, taskCount: 2 });
  });

  it('leaves this thread free meanwhile, and the other threads of the desk', async () => {
    const desk = deskOf({ threads: 2 });
    const hold = await holdAt(desk);
    expect(await desk.run('square', 3)).toBe(9);
    hold.release();
    await hold.done;
  });

  it.each([
    ['an error with a code', 'throwCoded', { name: 'RangeError', message: 'no such row', code: 'E_ROW' }],
    ['an error of its own class', 'throwOwn', { name: 'PaymentRefused', message: 'the card is empty' }],
    ['nothing at all', 'throwNothing', { name: 'Error', message: 'threw null' }],
  ])('fails when it throws %s, which is the cause', async (_, task, cause) => {
    const desk = deskOf();
    const { thread } = await whereIs(desk);
    await expect(desk.run(task, undefined)).rejects.toMatchObject({
      code: 'TaskFailed',
      retry: false,
      message: `task '${task}' failed: ${cause.message}`,
      cause,
    });
    expect((await whereIs(desk)).thread).toBe(thread);
  });

  it.each([
    ['process.exit(0)', 'exit', 0, 'exit code 0'],
    ['process.exit(4)', 'exit', 4, 'exit code 4'],
    ['an error that nobody caught', 'throwAside', undefined, 'beside the task'],
  ])('fails when its thread ends by %s, and the next one has a fresh thread', async (_, task, input, words) => {
    const desk = deskOf();
    const { thread } = await whereIs(desk);
    const failed = desk.run(task, input);
    const next = whereIs(desk);
    await expect(failed).rejects.toMatchObject({
      code: 'TaskFailed',
      retry: false,
      message: expect.stringMatching(new RegExp(`^task '${task}': the thread of the task ended: .*${words}$`)),
      cause: expect.any(Error),
    });
    expect((await next).thread).not.toBe(thread);
    expect((await next).taskCount).toBe(1);
  });

  it.each(['missing', 'toString', '__proto__', 'constructor'])(
    'is refused by the names there are when the behavior has no task %s of its own',
    async (task) => {
      await expect(deskOf().run(task, 1)).rejects.toMatchObject({
        code: 'BadOption',
        message: expect.stringMatching(new RegExp(`^expected one of the tasks 'square', 'later', .*, got '${task}'$`)),
      });
    },
  );

  it('is refused when the behavior has no tasks at all', async () => {
    await expect(deskOf({ name: 'tells-nothing.behavior' }).run('square', 1)).rejects.toMatchObject({
      code: 'BadOption',
      message: "expected no task, as the behavior has none, got 'square'",
    });
  });

  it.each([
    ['cannot be loaded', 'throws-loading', 'this module never loads'],
    ['makes a server', 'makes-server.behavior', 'expected createServer() outside of a shard'],
    ['exports no behavior', 'raised', 'to be a behavior with a start function'],
  ])('fails when the module of the behavior %s', async (_, name, words) => {
    await expect(deskOf({ name }).run('square', 1)).rejects.toMatchObject({
      code: 'TaskFailed',
      message: expect.stringContaining(words),
    });
  });

  it('is refused when its input or its result cannot be copied, and its thread stays', async () => {
    const desk = deskOf();
    const loading = desk.run('square', () => 1);
    await expect(loading).rejects.toMatchObject({ code: 'NotEncodable', message: expect.stringMatching(/^the input/) });
    const { thread } = await whereIs(desk);
    await expect(desk.run('square', { deep: Symbol('s') })).rejects.toMatchObject({ code: 'NotEncodable' });
    await expect(desk.run('giveFunction', 0)).rejects.toMatchObject({
      code: 'NotEncodable',
      message: expect.stringMatching(/^the result of task 'giveFunction' cannot leave its thread/),
    });
    expect((await whereIs(desk)).thread).toBe(thread);
  });
});

describe('the wait for a task', () => {
  it('ends at its deadline together with a task in a loop; the next one runs in a fresh thread', async () => {
    const clock = new VirtualClock();
    const desk = deskOf({ clock });
    const { thread } = await whereIs(desk);
    const begun = flag();
    const spinning = desk.run('spin', begun, { timeoutMs: 250 });
    await raised(begun);
    expect(clock.nextMs).toBe(250);
    clock.take()?.fire();
    const next = whereIs(desk);
    await expect(spinning).rejects.toMatchObject({
      code: 'Deadline',
      outcome: 'unknown',
      message: "task 'spin': 250 ms are over",
    });
    expect((await next).thread).not.toBe(thread);
  });

  it('knows at its deadline that the task was never sent', async () => {
    const clock = new VirtualClock();
    const desk = deskOf({ clock });
    const hold = await holdAt(desk);
    const late = desk.run('square', 1, { timeoutMs: 10 });
    const after = desk.run('square', 2);
    clock.take()?.fire();
    await expect(late).rejects.toMatchObject({ code: 'Deadline', outcome: 'never-sent' });
    hold.release();
    expect(await after).toBe(4);
  });

  it('ends by its signal, with the reason as the cause, running, waiting or before it begins', async () => {
    const desk = deskOf();
    const abort = new AbortController();
    const begun = flag();
    const runs = [desk.run('spin', begun, { signal: abort.signal })];
    await raised(begun);
    runs.push(desk.run('square', 1, { signal: abort.signal }));
    abort.abort('enough');
    runs.push(desk.run('square', 1, { signal: abort.signal }));
    const outcomes = ['unknown', 'never-sent', 'never-sent'];
    for (const [index, run] of runs.entries()) {
      await expect(run).rejects.toMatchObject({ code: 'Aborted', outcome: outcomes[index], cause: 'enough' });
    }
    expect(await desk.run('square', 5)).toBe(25);
  });

  it('does not make room before the work has really ended', async () => {
    const clock = new VirtualClock();
    const desk = deskOf({ clock });
    const door = await openNativeDoor();
    const sitting = desk.run('sit', door.tcpPort, { timeoutMs: 5 });
    await door.entered;
    clock.take()?.fire();
    await expect(sitting).rejects.toMatchObject({ code: 'Deadline', outcome: 'unknown' });
    let isDone = false;
    const next = desk.run('square', 6).then((result) => {
      isDone = true;
      return result;
    });
    // In the time that other desks need to start a thread and run a task, one after another.
    for (let count = 0; count < 3; count += 1) await deskOf().run('square', 1);
    expect(isDone).toBe(false);
    door.release();
    expect(await next).toBe(36);
  });

  it('leaves no timer and no listener behind', async () => {
    const clock = new VirtualClock();
    const desk = deskOf({ clock });
    const abort = new AbortController();
    expect(await desk.run('square', 2, { timeoutMs: 100, signal: abort.signal })).toBe(4);
    await expect(desk.run('missing', 2, { timeoutMs: 100, signal: abort.signal })).rejects.toThrow('expected one');
    expect(clock.pendingCount).toBe(0);
    expect(getEventListeners(abort.signal, 'abort')).toEqual([]);
    const { thread } = await whereIs(desk);
    abort.abort();
    expect((await whereIs(desk)).thread).toBe(thread);
  });

  it('may be without end', async () => {
    const clock = new VirtualClock();
    const done = deskOf({ clock }).run('square', 2, { timeoutMs: Infinity });
    expect(clock.pendingCount).toBe(0);
    expect(await done).toBe(4);
  });

  it.each([-1, NaN, '5' as unknown as number])('refuses a deadline of %s', async (timeoutMs) => {
    await expect(deskOf().run('square', 1, { timeoutMs })).rejects.toMatchObject({ code: 'BadOption' });
  });
});

describe('a desk', () => {
  it('lets a thousand tasks wait, refuses one more, and rejects all of them when it is closed', async () => {
    expect(OFFLOAD_QUEUE_MAX).toBe(1_000);
    const desk = deskOf();
    const hold = await holdAt(desk);
    const all = [hold.done, ...Array.from({ length: OFFLOAD_QUEUE_MAX }, (_, index) => desk.run('square', index))];
    const settled = Promise.allSettled(all);
    await expect(desk.run('square', 0)).rejects.toMatchObject({
      code: 'TaskFailed',
      retry: true,
      outcome: 'never-sent',
      message: "task 'square': expected fewer than 1000 waiting tasks, got 1000",
    });
    await desk.close();
    const codes = (await settled).map((result) => (result as PromiseRejectedResult).reason.code as string);
    expect(codes).toEqual(Array.from({ length: OFFLOAD_QUEUE_MAX + 1 }, () => 'Closed'));
    await expect(desk.run('square', 1)).rejects.toMatchObject({
      code: 'Closed',
      message: "task 'square': the server was closed",
    });
  });

  it('closes without ever having had a task', async () => {
    const desk = deskOf();
    await desk.close();
    await desk.close();
    await expect(desk.run('square', 1)).rejects.toMatchObject({ code: 'Closed' });
  });
});
