import { describe, expect, it } from 'vitest';
import { openStream, pullerOf } from '../../../src/actors/streams.ts';

/** A producer whose items weigh what they say, and whose deferred tasks run after the promises that are ready. */
function producing(stream: AsyncIterable<unknown>, bytesMax = 1_000_000) {
  return pullerOf(stream, {
    defer: (task) => void setImmediate(task),
    weigh(item) {
      if (typeof item === 'symbol') throw new TypeError('a symbol cannot cross');
      return typeof item === 'object' && item !== null && 'bytes' in item ? Number(item.bytes) : 1;
    },
    bytesMax: () => bytesMax,
  });
}

/** Both ends, with nothing between them; `asked` is what the consumer asked for. */
function joined(stream: AsyncIterable<unknown>) {
  const asked: number[] = [];
  let released = 0;
  const { pull, stop } = producing(stream);
  const consumer = openStream(
    (max) => {
      asked.push(max);
      return pull(max);
    },
    () => {
      released += 1;
      stop();
    },
  );
  return { consumer, asked, releasedCount: () => released };
}

/** An iterable written by hand, which counts. */
class Source implements AsyncIterableIterator<unknown> {
  nextCount = 0;
  returnCount = 0;
  readonly #items: readonly unknown[];
  constructor(items: readonly unknown[]) {
    this.#items = items;
  }
  async next(): Promise<IteratorResult<unknown>> {
    const index = this.nextCount;
    this.nextCount += 1;
    if (index >= this.#items.length) return { done: true, value: undefined };
    return { done: false, value: await valueOf(this.#items[index]) };
  }
  async return(): Promise<IteratorResult<unknown>> {
    this.returnCount += 1;
    return { done: true, value: undefined };
  }
  [Symbol.asyncIterator](): this {
    return this;
  }
}

const never = new Promise<never>(() => {});

/** An item that the source throws instead of giving it. */
function failing(error: Error): () => never {
  return () => {
    throw error;
  };
}

function valueOf(item: unknown): unknown {
  return typeof item === 'function' ? (item as () => unknown)() : item;
}

async function all(stream: AsyncIterable<unknown>): Promise<{ items: unknown[]; error: unknown }> {
  const items: unknown[] = [];
  try {
    for await (const item of stream) items.push(item);
  } catch (error) {
    return { items, error };
  }
  return { items, error: undefined };
}

describe('the producer of a stream', () => {
  it('answers a pull with what is ready, in order, and waits for the first item only', async () => {
    const late = Promise.withResolvers<unknown>();
    const { pull } = producing(new Source([1, 2, late.promise, 4]));
    expect(await pull(32)).toEqual([[1, 2], false]);
    const next = pull(32);
    late.resolve(3);
    expect(await next).toEqual([[3, 4], true]);
    expect(await pull(32)).toEqual([[], true]);
  });

  it('answers with no more items than were asked for, nor more bytes than fit, a single large one apart', async () => {
    const { pull } = producing(new Source([{ bytes: 60 }, { bytes: 30 }, { bytes: 20 }, { bytes: 500 }, 5, 6]), 100);
    expect(await pull(32)).toEqual([[{ bytes: 60 }, { bytes: 30 }], false]);
    expect(await pull(32)).toEqual([[{ bytes: 20 }], false]);
    expect(await pull(32)).toEqual([[{ bytes: 500 }], false]);
    expect(await pull(1)).toEqual([[5], false]);
    expect(await pull(1)).toEqual([[6], false]);
    expect(await pull(1)).toEqual([[], true]);
  });

  it.each([
    ['throws', [1, 2, failing(new Error('broken'))], 'broken', 0],
    ['gives what cannot cross', [1, 2, Symbol('s'), 4], 'a symbol cannot cross', 1],
  ])('that %s says so after the items before it, every time', async (_, items, message, returnCount) => {
    const source = new Source(items);
    const { pull, stop } = producing(source);
    expect(await pull(32)).toEqual([[1, 2], false]);
    await expect(pull(32)).rejects.toThrow(message);
    await expect(pull(32)).rejects.toThrow(message);
    stop();
    stop();
    expect(source.returnCount).toBe(returnCount);
  });

  it.each([
    ['that is no iterable after all', { [Symbol.asyncIterator]: undefined }],
    ['whose iterator cannot be made', { [Symbol.asyncIterator]: () => failing }],
    ['whose next throws', { [Symbol.asyncIterator]: () => ({ next: () => void JSON.parse('{') }) }],
    ['whose next gives no result', { [Symbol.asyncIterator]: () => ({ next: async () => undefined }) }],
    [
      'whose return throws',
      { [Symbol.asyncIterator]: () => ({ next: async () => 5, return: () => void JSON.parse('{') }) },
    ],
  ])('%s fails, and does nothing worse', async (_, stream) => {
    const { pull, stop } = producing(stream as unknown as AsyncIterable<unknown>);
    await expect(pull(32)).rejects.toThrow(Error);
    stop();
    expect(await pull(32)).toEqual([[], true]);
  });

  it.each([-1, 0.5, Number.NaN, Infinity, '5', undefined, {}])('refuses a pull of %s', async (max) => {
    const source = new Source([1]);
    await expect(producing(source).pull(max as number)).rejects.toMatchObject({ code: 'BadOption' });
    expect(source.nextCount).toBe(0);
  });

  it.each(['stop', 'pull of none'])('is let go by a %s once: pulls that wait are answered', async (how) => {
    const source = new Source([never]);
    const { pull, stop } = producing(source);
    const waiting = [pull(32), pull(32)];
    await new Promise(setImmediate);
    if (how === 'stop') stop();
    else expect(await pull(0)).toEqual([[], true]);
    expect(await Promise.all(waiting)).toEqual([
      [[], true],
      [[], true],
    ]);
    stop();
    expect([source.nextCount, source.returnCount]).toEqual([1, 1]);
  });

  it('that was never asked is not begun to be let go, and one at its end is not told to end', async () => {
    const unasked = new Source([1]);
    producing(unasked).stop();
    const ended = new Source([1]);
    const { pull, stop } = producing(ended);
    expect(await pull(32)).toEqual([[1], true]);
    stop();
    expect([unasked.nextCount, unasked.returnCount, ended.returnCount]).toEqual([0, 0, 0]);
  });
});

describe('the consumer of a stream', () => {
  it('gets every item once and in order, then the end, and lets the producer go once', async () => {
    const items = Array.from({ length: 1_000 }, (_, index) => index);
    const { consumer, releasedCount } = joined(new Source(items));
    expect(await all(consumer)).toEqual({ items, error: undefined });
    expect([await consumer.next(), releasedCount()]).toEqual([{ done: true, value: undefined }, 1]);
  });

  it('gets the error of the producer after the items before it, once', async () => {
    const { consumer, releasedCount } = joined(new Source([1, 2, 3, failing(new Error('broken'))]));
    const { items, error } = await all(consumer);
    expect([items, (error as Error).message]).toEqual([[1, 2, 3], 'broken']);
    expect([await consumer.next(), releasedCount()]).toEqual([{ done: true, value: undefined }, 1]);
  });

  it('holds the producer: two pulls ahead and no further', async () => {
    const source = new Source(Array.from({ length: 1_000 }, () => 1));
    const { consumer } = joined(source);
    expect(source.nextCount).toBe(0);
    await consumer.next();
    for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
    expect(source.nextCount).toBe(64);
    for (let taken = 1; taken < 32; taken += 1) await consumer.next();
    for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
    expect(source.nextCount).toBe(64);
    await consumer.next();
    for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
    expect(source.nextCount).toBe(96);
  });

  it('may ask for several items at a time', async () => {
    const { consumer } = joined(new Source([1, 2, 3]));
    const results = await Promise.all(Array.from({ length: 5 }, () => consumer.next()));
    expect(results.map(({ value }) => value as unknown)).toEqual([1, 2, 3, undefined, undefined]);
    expect(results.map(({ done }) => done)).toEqual([false, false, false, true, true]);
  });

  it.each(['break', 'return', 'dispose'])('lets the producer go with a %s, and gets no more', async (how) => {
    const source = new Source(Array.from({ length: 40 }, () => 1));
    const { consumer, releasedCount } = joined(source);
    if (how === 'break') for await (const _ of consumer) break;
    else await consumer.next();
    if (how === 'return') expect(await consumer.return?.('r')).toEqual({ done: true, value: 'r' });
    if (how === 'dispose') await consumer[Symbol.asyncDispose]();
    expect(await consumer.next()).toEqual({ done: true, value: undefined });
    await consumer.return?.();
    expect([releasedCount(), source.returnCount]).toEqual([1, 1]);
  });

  it('that leaves while it waits for an item is told so at once, whatever comes later', async () => {
    const answer = Promise.withResolvers<unknown>();
    let pulls = 0;
    const consumer = openStream(
      () => {
        pulls += 1;
        return answer.promise;
      },
      () => {},
    );
    const waiting = [consumer.next(), consumer.next()];
    await new Promise(setImmediate);
    await consumer.return?.();
    expect(await Promise.all(waiting)).toEqual([
      { done: true, value: undefined },
      { done: true, value: undefined },
    ]);
    answer.resolve([[1, 2], false]);
    expect([await consumer.next(), pulls]).toEqual([{ done: true, value: undefined }, 1]);
  });

  it('that leaves after the last items came does not get them any more', async () => {
    const { consumer } = joined(new Source([1, 2, 3]));
    await consumer.next();
    await consumer.return?.();
    expect(await consumer.next()).toEqual({ done: true, value: undefined });
  });

  it.each([
    undefined,
    null,
    5,
    'text',
    {},
    [],
    [[1]],
    [[], false],
    [[1], 'no'],
    ['ab', false],
    [{ length: 1 }, false],
    [Array.from({ length: 33 }, () => 1), false],
    [[1], false, 3],
  ])('that is answered with %j gets a typed error, once', async (answer) => {
    let released = 0;
    const consumer = openStream(
      () => Promise.resolve(answer),
      () => void (released += 1),
    );
    await expect(consumer.next()).rejects.toMatchObject({ code: 'payload-refused' });
    expect([await consumer.next(), released]).toEqual([{ done: true, value: undefined }, 1]);
  });
});
