// Streams on real sockets: as argument and as result, both ways, over cuts, with large and with impossible items.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { type LooseSession, Tally, failureOf, loopback, nextOf, nextTick, until } from './world.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

type Stream = AsyncIterable<unknown>;

/** Counts up to a number; tells how far it is and how often it ended. */
class Counting {
  given = 0;
  endedCount = 0;
  readonly ended = new Tally();
  async *upTo(most: number): AsyncGenerator<number> {
    try {
      for (let n = 0; n < most; n += 1) {
        this.given += 1;
        yield n;
      }
    } finally {
      this.endedCount += 1;
      this.ended.count();
    }
  }
}

async function listOf(stream: Stream): Promise<unknown[]> {
  const items: unknown[] = [];
  for await (const item of stream) items.push(item);
  return items;
}

const listing = (session: LooseSession): unknown => session.expose({ list: (stream) => listOf(stream as Stream) });
const upTo = (most: number): number[] => Array.from({ length: most }, (_, n) => n);

describe('a stream', () => {
  test('arrives whole and in order over cuts, as argument and as result, both ways', async () => {
    const sources = [new Counting(), new Counting(), new Counting(), new Counting()] as const;
    await using world = await loopback((session) => {
      listing(session);
      session.expose({ feed: () => sources[0].upTo(5_000) });
    });
    const { client, session } = await world.pair();
    client.expose({ list: (stream) => listOf(stream as Stream), feed: () => sources[1].upTo(5_000) });
    const lists = [
      client.call('list', sources[2].upTo(5_000)),
      session.call('list', sources[3].upTo(5_000)),
      client.call('feed').then((stream) => listOf(stream as Stream)),
      session.call('feed').then((stream) => listOf(stream as Stream)),
    ];
    for (let cut = 0; cut < 10; cut += 1) {
      const up = nextOf(client.connection, 'up');
      client.reconnect();
      await up;
    }
    for (const list of await Promise.all(lists)) expect(list).toEqual(upTo(5_000));
    expect(sources.map(({ endedCount }) => endedCount)).toEqual([1, 1, 1, 1]);
  });

  test('may be an object of one method, and hold functions and streams', async () => {
    await using world = await loopback((session) => {
      listing(session);
      session.expose({
        async *nested() {
          yield { add: (a: number) => a + 1, inner: new Counting().upTo(3) };
        },
      });
    });
    const { client } = await world.pair();
    expect(await client.call('list', { [Symbol.asyncIterator]: () => new Counting().upTo(2) })).toEqual([0, 1]);
    for await (const item of (await client.call('nested')) as Stream) {
      const { add, inner } = item as { add: (a: number) => Promise<number>; inner: Stream };
      expect([await add(1), await listOf(inner)]).toEqual([2, [0, 1, 2]]);
    }
  });

  test('of large items comes in messages that the peer takes', async () => {
    const expose = (session: LooseSession): unknown =>
      session.expose({ count: async (stream) => (await listOf(stream as Stream)).length });
    await using world = await loopback(expose, { limits: { messageBytes: 1_000 } });
    const { client } = await world.pair();
    async function* large(): AsyncGenerator<unknown> {
      for (let n = 0; n < 50; n += 1) yield { deep: [{ text: 'é'.repeat(n * 8), n }] };
    }
    expect(await client.call('count', large())).toBe(50);
  });

  test('with an item that cannot cross fails at it, and lets the producer go', async () => {
    const ended = new Tally();
    await using world = await loopback((session) => {
      session.expose({
        async *feed() {
          try {
            yield 1;
            yield 2;
            yield Symbol('s');
          } finally {
            ended.count();
          }
        },
      });
    });
    world.server.on('error', () => {});
    const { client } = await world.pair();
    const items: unknown[] = [];
    const error = await failureOf(
      (async () => {
        for await (const item of (await client.call('feed')) as Stream) items.push(item);
      })(),
    );
    expect([items, error.code]).toEqual([[1, 2], 'HandlerFailed']);
    await ended.reached(1);
  });

  test('holds its producer while the consumer is slow, and lets it go when the consumer leaves', async () => {
    const source = new Counting();
    await using world = await loopback((session) => session.expose({ feed: () => source.upTo(1_000_000) }));
    const { client } = await world.pair();
    const started = source.given;
    for await (const n of (await client.call('feed')) as Stream) {
      if (n === 1_000) break;
      if (Number(n) % 100 !== 0) continue;
      for (let turn = 0; turn < 20; turn += 1) await nextTick();
      expect(source.given - Number(n)).toBeLessThanOrEqual(65);
    }
    await source.ended.reached(1);
    expect([started, source.endedCount]).toEqual([0, 1]);
  });

  test('that nobody holds any more lets its producer go', async () => {
    const source = new Counting();
    await using world = await loopback((session) => session.expose({ feed: () => source.upTo(1_000_000) }));
    const { client } = await world.pair();
    await (async () => {
      const stream = (await client.call('feed')) as AsyncIterableIterator<unknown>;
      await stream.next();
    })();
    await until(() => {
      collectGarbage();
      return source.endedCount === 1;
    }, 'the producer to be let go');
  });

  test.each(['client', 'server'] as const)(
    'ends when the %s closes the session: loudly here, once there',
    async (who) => {
      const source = new Counting();
      await using world = await loopback((session) => session.expose({ feed: () => source.upTo(1_000_000) }));
      const { client, session } = await world.pair();
      const stream = (await client.call('feed')) as AsyncIterableIterator<unknown>;
      await stream.next();
      if (who === 'client') await client.close({ drainMs: 0 });
      else await session.close('over');
      await source.ended.reached(1);
      const error = await failureOf(listOf(stream));
      expect(error.code).toBe('SessionLost');
      expect(source.endedCount).toBe(1);
    },
  );
});
