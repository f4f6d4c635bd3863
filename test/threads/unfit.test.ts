// Behaviors that no shard can run, and places that are given up.
import { createServer } from 'homing';
import { describe, expect, it } from 'vitest';
import { failureOf, until } from '../loopback/world.ts';
import { Ledger } from './ledger.ts';
import type { Numbered } from './numbered.ts';
import { exitOf } from './program.ts';
import { ServerFacts } from './server-facts.ts';
import { Talker } from './talker.ts';

const moduleAt = (name: string): URL => new URL(`./modules/${name}.ts`, import.meta.url);

describe('a module that no shard can run', () => {
  it.each([
    ['throws when it is loaded', 'throws.behavior', /JSON/],
    [
      'has no behavior as its default export',
      'no-behavior',
      /expected the default export of .*no-behavior\.ts to be a behavior/,
    ],
    [
      'makes a server itself',
      'makes-server.behavior',
      /createServer\(\) outside of a shard: keep the behavior in a module of its own/,
    ],
    ['is not there', 'not-there', /not-there\.ts/],
  ])('and %s: listen() says so', async (_, name, sentence) => {
    await using server = createServer(moduleAt(name), { shards: 2 });
    const errors: string[] = [];
    server.on('error', ({ message }) => errors.push(message));
    const failure = await failureOf(server.listen(0));
    expect(failure).toMatchObject({ code: 'ShardCrashed', retry: false });
    expect(failure.message).toMatch(sentence);
    expect(await failureOf(server.dial(1))).toMatchObject({ code: 'ShardCrashed' });
    await until(() => errors.length === 2, 'both shards to be told');
  });

  it('leaves a program that ends', async () => {
    expect(await exitOf('unfit-shards.ts')).toEqual({ code: 0, output: 'ShardCrashed\n' });
  });
});

describe('a shard that fails too often', () => {
  it('is given up: the other one goes on, and serves its clients anew', async () => {
    const faults: string[] = [];
    const fault = (sentence: string): void => void faults.push(sentence);
    const stop = new AbortController();
    using _leaving = { [Symbol.dispose]: () => stop.abort() };
    const { signal } = stop;
    using ledger = new Ledger();
    const restarts = { max: 1, withinMs: 600_000 };
    await using server = createServer<Numbered>(moduleAt('numbered.behavior'), { shards: 2, restarts, signal });
    const facts = new ServerFacts(server, 2, fault);
    const { port } = await server.listen(0);
    const talkers: Talker[] = [];
    for (const name of ['a', 'b', 'c', 'd']) {
      const client = { backoff: { firstMs: 1, baseMs: 5, maxMs: 20 }, signal };
      const talker = new Talker({ name, where: port, ledger: ledger.file, resends: false, client, fault });
      talkers.push(talker);
      await talker.settle();
    }
    await until(() => facts.open.length === talkers.length, 'all sessions to be told');
    const spared = talkers.filter(({ client }) => facts.shardOf(client.id) === 1);
    for (let failure = 1; failure <= 2; failure += 1) {
      let victim: Talker | undefined;
      // A client of the place, which may have to come to it first.
      for (;;) {
        victim = talkers.find(({ client }) => facts.shardOf(client.id) === 0);
        if (victim !== undefined) break;
        const client = { backoff: { firstMs: 1, baseMs: 5, maxMs: 20 }, signal };
        const name = `late ${talkers.length}`;
        const talker = new Talker({ name, where: port, ledger: ledger.file, resends: false, client, fault });
        talkers.push(talker);
        await talker.settle();
        await until(() => facts.shardOf(talker.client.id) !== undefined, 'its session to be told');
      }
      victim.say('exit');
      await facts.crashes.reached(failure);
      await Promise.all(talkers.map((talker) => talker.settle()));
    }
    await until(() => facts.open.length === talkers.length, 'all sessions to be told');
    expect(facts.open.map(({ shard }) => shard)).toEqual(talkers.map(() => 1));
    for (const talker of spared) expect(talker.told).toEqual(['up']);
    await Promise.all(talkers.map((talker) => talker.finish()));
    await Promise.all(talkers.map(({ client }) => client.close()));
    for (const talker of talkers) talker.audit(ledger.read());
    expect(faults).toEqual([]);
    expect(spared.length).toBeGreaterThan(0);
  });
});
