/** Very many calls, both ways, over real sockets that a proxy cuts again and again. */
import { createClient, createServer } from 'homing';
import { expect, test } from 'vitest';
import { openProxy } from '../../src/testing/proxy/chaos-proxy.ts';

/** How often each call ran and was answered, by its number. */
class Book {
  readonly ran: Uint8Array;
  readonly settled: Uint8Array;
  readonly wrong: string[] = [];

  constructor(calls: number) {
    this.ran = new Uint8Array(calls);
    this.settled = new Uint8Array(calls);
  }

  run(id: number): number {
    this.ran[id] = (this.ran[id] ?? 0) + 1;
    return id * 2;
  }

  settle(id: number, value: unknown): void {
    this.settled[id] = (this.settled[id] ?? 0) + 1;
    if (value !== id * 2) this.wrong.push(`${id}: ${String(value)}`);
  }
}

const CALLS = 5_000;
const IN_FLIGHT = 64;
const CUTS_MIN = 50;
const CALLS_A_CUT = 150;

type Both = {
  server: { methods: { work(id: number): number } };
  client: { methods: { work(id: number): number } };
};

test('10,000 calls through 50 cuts and more: each is executed once and settles once', { timeout: 60_000 }, async () => {
  const toServer = new Book(CALLS);
  const toClient = new Book(CALLS);
  const far = Promise.withResolvers<(id: number) => Promise<number>>();
  await using server = createServer<Both>((session) => {
    session.expose({ work: (id) => toServer.run(id) });
    far.resolve((id) => session.with({ timeoutMs: 60_000 }).call('work', id));
  });
  const { port } = await server.listen(0);
  await using proxy = await openProxy({ targetPort: port });
  const client = createClient<Both>(proxy.port, {
    backoff: { firstMs: 1, baseMs: 5, maxMs: 20 },
  });
  client.expose({ work: (id) => toClient.run(id) });
  await client.up();
  const near = (id: number): Promise<number> => client.with({ timeoutMs: 60_000 }).call('work', id);
  let answered = 0;
  // In the middle of everything, with a reset and with a goodbye in turn.
  const count = (): void => {
    answered += 1;
    if (answered % CALLS_A_CUT === 0) proxy.cut(answered % (2 * CALLS_A_CUT) === 0 ? 'reset' : 'finish');
  };
  await Promise.all([pour(near, toServer, count), pour(await far.promise, toClient, count)]);

  for (const { ran, settled, wrong } of [toServer, toClient]) {
    expect(wrong).toEqual([]);
    expect(ran.every((times) => times === 1)).toBe(true);
    expect(settled.every((times) => times === 1)).toBe(true);
  }
  expect(proxy.counts.cuts).toBeGreaterThanOrEqual(CUTS_MIN);
  await client.close({ drainMs: 0 });
  await server.close({ drainMs: 0 });
});

/** So many callers, each with one call after another. */
async function pour(call: (id: number) => Promise<number>, book: Book, answered: () => void): Promise<void> {
  let next = 0;
  const caller = async (): Promise<void> => {
    for (let id = next++; id < CALLS; id = next++) {
      book.settle(id, await call(id));
      answered();
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, caller));
}
