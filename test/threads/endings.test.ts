// Shards that end in every way while nothing else breaks: what is told of it, and what the other shard notices.
import { createServer } from 'homing';
import { describe, expect, it } from 'vitest';
import { until } from '../loopback/world.ts';
import { Ledger } from './ledger.ts';
import type { Ending, Numbered } from './numbered.ts';
import { ServerFacts } from './server-facts.ts';
import { Talker } from './talker.ts';

interface Case {
  readonly deed: Ending;
  /** 0: only the thread itself can end. */
  readonly watchdogMs: number;
  readonly sentence: RegExp;
}

const cases: readonly Case[] = [
  { deed: 'exit', watchdogMs: 0, sentence: /the thread ended by itself, with exit code 3$/ },
  { deed: 'throw', watchdogMs: 0, sentence: /a timer of the behavior threw$/ },
  { deed: 'loop', watchdogMs: 300, sentence: /its loop stood still for 300 ms$/ },
  { deed: 'memory', watchdogMs: 0, sentence: /memory limit/ },
];

describe('a shard that ends by', () => {
  it.each(cases)('$deed takes its own sessions only, and all that is known of them', async (one) => {
    const faults: string[] = [];
    const fault = (sentence: string): void => void faults.push(sentence);
    using ledger = new Ledger();
    const behavior = new URL('./modules/numbered.behavior.ts', import.meta.url);
    const { deed, watchdogMs, sentence } = one;
    await using server = createServer<Numbered>(behavior, { shards: 2, shardHeapMb: 64, watchdogMs });
    const facts = new ServerFacts(server, 1, fault);
    const downs: string[] = [];
    server.on('down', ({ id }) => void downs.push(id));
    const { port } = await server.listen(0);
    const talkers: Talker[] = [];
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) {
      const client = { backoff: { firstMs: 1, baseMs: 5, maxMs: 20 } };
      const talker = new Talker({ name, where: port, ledger: ledger.file, resends: false, client, fault });
      talkers.push(talker);
      await talker.settle();
    }
    await until(() => facts.open.length === talkers.length, 'all sessions to be told');
    const places = talkers.map(({ client }) => facts.shardOf(client.id));
    expect(new Set(places)).toEqual(new Set([0, 1]));
    const hit = talkers.filter((_, index) => places[index] === places[0]);
    const spared = talkers.filter((_, index) => places[index] !== places[0]);
    const lostIds = hit.map(({ client }) => client.id);
    const keptIds = spared.map(({ client }) => client.id);

    let isOver = false;
    const talking = Promise.all(talkers.map((talker) => talker.talk(() => isOver)));
    talkers[0]?.say(deed);
    await facts.crashes.reached(1);
    expect(facts.crashSentences[0]).toMatch(sentence);
    // Both events were told before the error, without anything known of what was left undone.
    expect(downs.toSorted()).toEqual(lostIds.toSorted());
    expect([...facts.ends.keys()].toSorted()).toEqual(lostIds.toSorted());
    expect([...facts.ends.values()].map(({ code }) => code)).toEqual(hit.map(() => 'shard-lost'));
    const heardBefore = spared.map(({ heardCount }) => heardCount);
    await Promise.all(hit.map((talker) => until(() => talker.gapCount > 0, 'a gap report')));
    isOver = true;
    await talking;
    await Promise.all(talkers.map((talker) => talker.finish()));

    for (const talker of spared) expect(talker.told).toEqual(['up']);
    expect(spared.map(({ client }) => client.id)).toEqual(keptIds);
    for (const [index, talker] of spared.entries()) expect(talker.heardCount).toBeGreaterThan(heardBefore[index] ?? 0);
    for (const talker of hit) expect(talker.told).toEqual(['up', expect.stringContaining('down '), 'gap', 'up']);
    expect(server.counts).toMatchObject({ sessions: 6, connections: 6, handshakes: 0 });
    // Who came back by the public port may have landed in the other shard.
    expect(server.counts.relays).toBeLessThanOrEqual(hit.length);

    await Promise.all(talkers.map(({ client }) => client.close()));
    await facts.allEnded();
    await until(() => server.counts.connections === 0, 'all connections to be counted out');
    expect(server.counts).toMatchObject({ sessions: 0, connections: 0, handshakes: 0, relays: 0 });
    const started = ledger.read();
    for (const talker of talkers) talker.audit(started);
    expect(faults).toEqual([]);
    expect(facts.ends.size).toBe(6 + hit.length);
    await server.close();
    expect(server.counts).toMatchObject({ sessions: 0, connections: 0, handshakes: 0, relays: 0, bytes: 0, graves: 0 });
  });
});
