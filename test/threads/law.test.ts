/**
 * The law of a session on real threads: two shards, real sockets that their clients break, shards that end by themselves in the
 * middle of everything. `test/real` has the same behind a proxy that cuts, and with shards that are ended from outside. Who does
 * what comes from the seed; when it happens does not, so a failure need not repeat at once.
 */
import { type ShardCounts, createServer } from 'homing';
import { describe, expect, it } from 'vitest';
import { draw } from '../../src/testing/proxy/storm.ts';
import { Tally, until } from '../loopback/world.ts';
import { ClientSockets } from './client-sockets.ts';
import { Ledger } from './ledger.ts';
import type { Ending, Numbered } from './numbered.ts';
import { ServerFacts } from './server-facts.ts';
import { Talker } from './talker.ts';

const behavior = new URL('./modules/numbered.behavior.ts', import.meta.url);

/** How connections reach the shards. */
type Way =
  /** Clients come back by the port of the home. */
  | 'direct'
  /** The same clients, but the server has no such ports: connections land anywhere and are relayed. */
  | 'public';

interface Storm {
  readonly title: string;
  readonly way: Way;
  readonly cuts: number;
  /** How shards end, one after another. */
  readonly ends: readonly Ending[];
}

const allEnds: readonly Ending[] = ['exit', 'throw', 'loop', 'memory', 'exit', 'loop', 'throw', 'memory'];

const storms: readonly Storm[] = [{ title: 'by the direct port of each shard', way: 'direct', cuts: 300, ends: [] }];

const deadly: readonly Storm[] = [
  { title: 'by the public port alone', way: 'public', cuts: 200, ends: allEnds.slice(0, 4) },
  { title: 'by the direct port of each shard', way: 'direct', cuts: 300, ends: allEnds },
];

const TALKERS = 8;

/** The heartbeat is short, so that a black hole costs less than half a second. */
const usual = {
  heartbeat: { intervalMs: 100, timeoutMs: 300 },
  handshakeMs: 500,
  limits: { outboxMessages: 200, outboxBytes: 2_000_000 },
};

/** A storm that hangs is told before vitest gives up. */
const LIMIT_MS = 200_000;

describe('with two shards', () => {
  it.each(storms)('$title: all arrive once and in order, both ways', { timeout: 240_000 }, async (one) => {
    await withSeed((seed) => weather(seed, one));
  });

  it.each(deadly)(
    '$title: gap reports account for every message when shards end',
    { timeout: 240_000 },
    async (one) => {
      await withSeed((seed) => weather(seed, one));
    },
  );
});

async function withSeed(test: (seed: number) => Promise<void>): Promise<void> {
  const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 1_000_000_000));
  try {
    await test(seed);
  } catch (error) {
    throw new Error(`with SEED=${seed}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

async function weather(seed: number, { way, cuts, ends }: Storm): Promise<void> {
  const broken = Promise.withResolvers<never>();
  broken.promise.catch(() => {});
  const fault = (sentence: string): void => broken.reject(new Error(sentence));
  // A failure leaves at once, without a drain.
  const stop = new AbortController();
  const { signal } = stop;
  using _leaving = { [Symbol.dispose]: () => stop.abort() };
  using ledger = new Ledger();
  using sockets = new ClientSockets();
  await using server = createServer<Numbered>(behavior, {
    ...usual,
    shards: 2,
    watchdogMs: 1_000,
    shardHeapMb: 64,
    // Each end counts for itself: shards are started again at once.
    restarts: { max: 1_000, withinMs: 1 },
    signal,
  });
  const facts = new ServerFacts(server, ends.length, fault);
  const { port: publicPort } = await server.listen(way === 'public' ? { port: 0, direct: false } : 0);

  const losses = new Tally();
  const client = { ...usual, signal, backoff: { firstMs: 5, baseMs: 10, maxMs: 80 } };
  const talkers = Array.from({ length: TALKERS }, (_, index) => {
    const resends = index % 2 === 1;
    return new Talker({ name: `talker ${index}`, where: publicPort, ledger: ledger.file, resends, client, fault });
  });
  for (const talker of talkers) talker.client.connection.on('down', () => losses.count());

  AbortSignal.timeout(LIMIT_MS).addEventListener('abort', () => {
    const states = talkers.map(({ client: { connection }, saidCount, heardCount }) =>
      [connection.state, saidCount, heardCount].join(' '),
    );
    fault(
      `no end: ${losses.value} cuts, ${facts.crashes.value} ends, ${JSON.stringify(server.counts)}, ${states.join(', ')}`,
    );
  });

  let areShardsSafe = false;
  const isOver = (): boolean => areShardsSafe && losses.value >= cuts;

  /** Cuts this talker again and again, each time by other means. */
  function cutter(talker: Talker, index: number): (said: number) => void {
    let nextAt = 10 + Math.floor(draw(seed, index, 'first') * 30);
    let count = 0;
    return (said) => {
      if (said < nextAt) return;
      count += 1;
      nextAt = said + 1 + Math.floor(draw(seed, index, `pause ${count}`) * 120);
      const chance = draw(seed, index, `means ${count}`);
      if (chance < 0.3) talker.client.reconnect();
      else if (chance < 0.5) {
        talker.client.disconnect();
        talker.client.connect();
      } else if (sockets.openCount > 0) sockets.break(Math.floor(chance * 1_000), chance < 0.75 ? 'reset' : 'destroy');
    };
  }

  /** Ends shards, spread over the storm. Those who say it never say it again. */
  async function endShards(): Promise<void> {
    const villains = talkers.filter(({ resends }) => !resends);
    for (const [index, deed] of ends.entries()) {
      await losses.reached(Math.floor((cuts * (index + 1)) / (ends.length + 1)));
      const villain = villains[index % villains.length];
      await villain?.client.writable();
      const { gapCount } = villain ?? { gapCount: 0 };
      villain?.say(deed);
      await facts.crashes.reached(index + 1);
      while (villain !== undefined && villain.gapCount === gapCount) await villain.settle();
    }
    areShardsSafe = true;
  }

  const storming = Promise.all([
    ...talkers.map((talker, index) => talker.talk(isOver, cutter(talker, index))),
    endShards(),
  ]);
  await Promise.race([broken.promise, storming]);
  await Promise.race([broken.promise, Promise.all(talkers.map((talker) => talker.finish()))]);
  await Promise.race([broken.promise, Promise.all(talkers.map((talker) => talker.client.close()))]);
  await Promise.race([broken.promise, facts.allEnded()]);
  // Sessions that nobody ever saw may linger.
  await until(() => total(server.counts, 'connections', 'handshakes', 'relays') === 0, 'all lines to be counted out');
  await Promise.race([broken.promise, server.close()]);
  expect(server.counts).toMatchObject({ sessions: 0, connections: 0, handshakes: 0, relays: 0, bytes: 0 });

  const started = ledger.read();
  for (const talker of talkers) talker.audit(started);
  const known = new Set(talkers.flatMap(({ ids }) => ids));
  for (const id of started.keys())
    if (!known.has(id.replace('said-', ''))) fault(`started in ${id}, which no client knows`);
  await Promise.race([broken.promise, Promise.resolve()]);
  expect(losses.value).toBeGreaterThanOrEqual(cuts);
  expect(facts.crashes.value).toBe(ends.length);
  for (const talker of talkers) expect(talker.heardCount).toBeGreaterThan(100);
  const toDirect = sockets.openedTo.filter((to) => to !== publicPort).length;
  if (way === 'direct') expect(toDirect).toBeGreaterThan(cuts / 2);
  else {
    expect(facts.relayed).toBeGreaterThan(cuts / 10);
    expect(facts.atHome).toBeGreaterThan(cuts / 10);
    expect(toDirect).toBe(0);
  }
}

function total(counts: ShardCounts, ...names: readonly (keyof ShardCounts)[]): number {
  return names.reduce((sum, name) => sum + counts[name], 0);
}
