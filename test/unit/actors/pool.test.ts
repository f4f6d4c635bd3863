import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { afterEach, describe, expect, it } from 'vitest';
import { type PoolThread, type ShardPool, openShardPool } from '../../../src/actors/pool.ts';
import type { EndOrder, Greeting } from '../../threads/modules/ends.ts';
import { openNativeDoor } from '../../threads/modules/native.ts';

const moduleAt = (name: string): URL => new URL(`../../threads/modules/${name}.ts`, import.meta.url);

const pools: ShardPool[] = [];

afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.close()));
});

function poolOf(entry = 'ends', threads = 1): ShardPool {
  const pool = openShardPool({ entry: moduleAt(entry), threads, resourceLimits: { maxOldGenerationSizeMb: 48 } });
  pools.push(pool);
  return pool;
}

/** Starts a thread, and waits for the first words of its task. */
async function startIn(pool: ShardPool, order: EndOrder): Promise<{ thread: PoolThread; greeting: Greeting }> {
  const { port1, port2 } = new MessageChannel();
  const thread = pool.start({ ...order, port: port1 }, [port1]);
  const [greeting] = (await once(port2, 'message')) as [Greeting];
  port2.close();
  return { thread, greeting };
}

describe('a thread that ends by itself', () => {
  const ways: readonly (readonly [string, EndOrder, object])[] = [
    ['by a throw of its task', { way: 'throw' }, { name: 'RangeError', message: 'from the task' }],
    ['by a throw of nothing at all', { way: 'throw-null' }, { message: /^the task of the thread returned/ }],
    ['by a throw in a timer', { way: 'throw-in-timer' }, { name: 'TypeError', code: 'E_TIMER' }],
    ['by a throw of a text', { way: 'throw-text-in-timer' }, { message: /'text'/, cause: 'text' }],
    ['by an unhandled rejection', { way: 'reject' }, { message: 'nobody caught it' }],
    ['by process.exit(0)', { way: 'exit', code: 0 }, { message: /exit code 0$/ }],
    ['by process.exit(3)', { way: 'exit', code: 3 }, { message: /exit code 3$/ }],
    ['by running out of memory', { way: 'grow' }, { code: 'ERR_WORKER_OUT_OF_MEMORY' }],
    ['by returning', { way: 'return' }, { message: /^the task of the thread returned/ }],
  ];

  it.each(ways)('tells what ended it %s, and the next start gets a fresh one', async (_, order, expected) => {
    const pool = poolOf();
    const first = await startIn(pool, order);
    const error = await first.thread.exited;
    expect(error).toBeInstanceOf(Error);
    for (const [key, value] of Object.entries(expected)) {
      const found = (error as unknown as Record<string, unknown>)[key];
      if (value instanceof RegExp) expect(found).toMatch(value);
      else expect(found).toBe(value);
    }
    const second = await startIn(pool, { way: 'stay' });
    expect(second.greeting.thread).not.toBe(first.greeting.thread);
  });

  it.each([
    ['throws while it loads', 'throws-loading', 'this module never loads'],
    ['calls process.exit() while it loads', 'exits-loading', 'exit code 0'],
    ['is not there', 'no-such-module', 'Cannot find module'],
  ])('tells so when its entry %s', async (_, entry, words) => {
    const pool = poolOf(entry);
    expect((await pool.start('first').exited)?.message).toContain(words);
    expect((await pool.start('second').exited)?.message).toContain(words);
  });

  it('tells so when its input is nothing that can be copied', async () => {
    const pool = poolOf();
    expect((await pool.start({ way: () => 'stay' }).exited)?.name).toBe('DataCloneError');
  });

  it('leaves no port behind that it never came to take', async () => {
    const { port1, port2 } = new MessageChannel();
    const closed = once(port2, 'close');
    port2.ref();
    await poolOf('throws-loading').start({ port: port1 }, [port1]).exited;
    await closed;
  });

  it('does not touch the threads beside it', async () => {
    const pool = poolOf('ends', 2);
    const { port1, port2 } = new MessageChannel();
    const beside = pool.start({ way: 'stay', port: port1 }, [port1]);
    let isGone = false;
    void beside.exited.then(() => (isGone = true));
    await once(port2, 'message');
    await pool.start({ way: 'throw' }).exited;
    await pool.start({ way: 'exit', code: 1 }).exited;
    expect(isGone).toBe(false);
  });
});

describe('a thread that is killed', () => {
  it.each([
    ['a loop', { way: 'spin' }],
    ['a regular expression', { way: 'match' }],
    ['its event loop', { way: 'stay' }],
  ] as const)('ends at once in %s, without an error', async (_, order) => {
    const pool = poolOf();
    const { thread } = await startIn(pool, order);
    const beganAt = performance.now();
    thread.kill();
    thread.kill();
    expect(await thread.exited).toBeUndefined();
    expect(performance.now() - beganAt).toBeLessThan(1_000);
    await startIn(pool, { way: 'stay' });
  });

  it('ends while it loads, and even when its loading never ends', async () => {
    const pool = poolOf('spins-loading');
    const early = pool.start('anything');
    early.kill();
    expect(await early.exited).toBeUndefined();
    const loading = new BroadcastChannel('spins while it loads');
    const spins = once(loading, 'message');
    const late = pool.start('anything');
    await spins;
    loading.close();
    late.kill();
    expect(await late.exited).toBeUndefined();
  });

  it('is not said to be gone before it is: a call into native code goes on', async () => {
    const pool = poolOf();
    const door = await openNativeDoor();
    const { thread } = await startIn(pool, { way: 'sit', tcpPort: door.tcpPort });
    let isGone = false;
    const gone = thread.exited.then(() => (isGone = true));
    await door.entered;
    thread.kill();
    // In the time that another thread needs from its start to its end.
    await poolOf().start({ way: 'return' }).exited;
    expect(isGone).toBe(false);
    expect(() => pool.start({ way: 'stay' })).toThrow(expect.objectContaining({ code: 'InvariantBroken' }));
    door.release();
    await gone;
    await startIn(pool, { way: 'stay' });
  });

  it('stays gone without an error when it had one a moment later', async () => {
    const { thread } = await startIn(poolOf(), { way: 'throw-in-timer' });
    thread.kill();
    expect(await thread.exited).toBeUndefined();
  });
});

describe('a pool of shards', () => {
  it('gives its threads the conditions of this process: the package is found in its sources', async () => {
    const { greeting } = await startIn(poolOf(), { way: 'stay' });
    expect(greeting.homing).toBe(new URL('../../../src/index.ts', import.meta.url).href);
  });

  it('starts as many threads at a time as it has, each of its own, and no more', async () => {
    const pool = poolOf('ends', 3);
    const started = await Promise.all([1, 2, 3].map(() => startIn(pool, { way: 'stay' })));
    expect(new Set(started.map(({ greeting }) => greeting.thread)).size).toBe(3);
    expect(() => pool.start({ way: 'stay' })).toThrow('expected fewer than 3 threads at a start, got 3');
  });

  it('moves what is transferred', async () => {
    const bytes = new ArrayBuffer(8);
    const { port1, port2 } = new MessageChannel();
    poolOf().start({ way: 'stay', port: port1, bytes }, [port1, bytes]);
    await once(port2 satisfies MessagePort, 'message');
    expect(bytes.detached).toBe(true);
  });

  it('ends all threads when it is closed, those that load and those that spin, and starts none any more', async () => {
    const pool = poolOf('ends', 3);
    const running = [await startIn(pool, { way: 'spin' }), await startIn(pool, { way: 'stay' })];
    const loading = pool.start({ way: 'stay' });
    await pool.close();
    expect(await Promise.all([...running.map(({ thread }) => thread.exited), loading.exited])).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(() => pool.start({ way: 'stay' })).toThrow(expect.objectContaining({ code: 'Closed' }));
    await pool.close();
  });
});

describe('a process with pools', () => {
  it.each([
    ['ends when the threads for tasks are idle', 'idle', ['the process ends']],
    ['ends when its pools are closed, and not before', 'closed', ['both are closed', 'the process ends']],
    ['ends when nothing refers to its shard', 'unreferenced', ['the process ends']],
    [
      'stays for a shard that is referred to again, until that is gone',
      'referenced',
      ['the thread ended by itself, with exit code 7', 'the process ends'],
    ],
  ])('%s', async (_, mode, lines) => {
    expect(await exitOf(mode)).toEqual({ code: 0, lines });
  });
});

async function exitOf(mode: string): Promise<{ code: number | null; lines: readonly string[] }> {
  const program = fileURLToPath(moduleAt('leaves'));
  const child = spawn(process.execPath, ['--conditions=homing-source', program, mode], {
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: 20_000,
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, lines: output.trim().split('\n') };
}
