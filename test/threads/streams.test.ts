// Lines that cannot choose their shard, with two shards: streams given to the server, and connections at a Unix path.
import { type Duplex, duplexPair } from 'node:stream';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Client, type Server, createServer } from 'homing';
import { describe, expect, it } from 'vitest';
import { until } from '../loopback/world.ts';
import { Ledger } from './ledger.ts';
import type { Numbered } from './numbered.ts';
import { ServerFacts } from './server-facts.ts';
import { Talker, type TalkerOptions } from './talker.ts';

const TALKERS = 10;
const backoff = { firstMs: 1, baseMs: 5, maxMs: 20 };
const behavior = new URL('./modules/numbered.behavior.ts', import.meta.url);

interface World {
  readonly server: Server<Numbered>;
  readonly facts: ServerFacts;
  readonly faults: string[];
  talkers(where: (index: number) => TalkerOptions['where']): Talker[];
  /** Ends the talk, and holds every account against the ledger. */
  finish(): Promise<void>;
}

async function inWorld(crashesMax: number, test: (world: World) => Promise<void>): Promise<void> {
  const stop = new AbortController();
  using _leaving = { [Symbol.dispose]: () => stop.abort() };
  const { signal } = stop;
  using ledger = new Ledger();
  const faults: string[] = [];
  const fault = (sentence: string): void => void faults.push(sentence);
  await using server = createServer<Numbered>(behavior, { shards: 2, watchdogMs: 1_000, signal });
  const facts = new ServerFacts(server, crashesMax, fault);
  const talkers: Talker[] = [];
  await test({
    server,
    facts,
    faults,
    talkers(where) {
      for (let index = 0; index < TALKERS; index += 1) {
        const name = `talker ${index}`;
        const client = { backoff, signal };
        talkers.push(new Talker({ name, where: where(index), ledger: ledger.file, resends: false, client, fault }));
      }
      return talkers;
    },
    async finish() {
      await Promise.all(talkers.map((talker) => talker.finish()));
      await Promise.all(talkers.map(({ client }) => client.close()));
      await facts.allEnded();
      await until(() => server.counts.connections + server.counts.relays === 0, 'all lines to be counted out');
      await server.close();
      const started = ledger.read();
      for (const talker of talkers) talker.audit(started);
      expect(faults).toEqual([]);
      expect(server.counts).toMatchObject({ sessions: 0, connections: 0, handshakes: 0, relays: 0, bytes: 0 });
    },
  });
}

function shardsOf(facts: ServerFacts, clients: readonly Client<Numbered>[]): Set<number | undefined> {
  return new Set(clients.map(({ id }) => facts.shardOf(id)));
}

describe('streams that are given to a server with two shards', () => {
  it('have their sessions in both, and find home again when they are made anew', async () => {
    await inWorld(0, async ({ server, facts, talkers, finish }) => {
      const streams: Duplex[] = [];
      const all = talkers(() => ({
        createConnection() {
          const [near, far] = duplexPair();
          server.accept(far);
          streams.push(near);
          return near;
        },
      }));
      for (const talker of all) await talker.settle();
      await until(() => facts.open.length === TALKERS, 'all sessions to be told');
      expect(
        shardsOf(
          facts,
          all.map(({ client }) => client),
        ),
      ).toEqual(new Set([0, 1]));
      let isOver = false;
      const talking = Promise.all(all.map((talker) => talker.talk(() => isOver)));
      for (let cut = 0; cut < 60; cut += 1) {
        const talker = all[cut % TALKERS];
        const ups = talker?.told.filter((name) => name === 'up').length ?? 0;
        if (cut % 3 === 0) talker?.client.reconnect();
        else streams.findLast((stream) => !stream.destroyed)?.destroy();
        await talker?.settle();
        if (cut % 3 === 0) expect(talker?.told.filter((name) => name === 'up').length).toBeGreaterThan(ups);
      }
      isOver = true;
      await talking;
      expect(facts.relayed).toBeGreaterThan(0);
      expect(facts.atHome).toBeGreaterThan(0);
      for (const { gapCount } of all) expect(gapCount).toBe(0);
      await finish();
      expect(facts.ends.size).toBe(TALKERS);
    });
  });
});

describe('a Unix path with two shards', () => {
  it.runIf(process.platform !== 'win32')(
    'spreads sessions over both, and is listened at again when its shard ends',
    async () => {
      const folder = mkdtempSync(join(tmpdir(), 'homing-path-'));
      const path = join(folder, 'door');
      try {
        await inWorld(2, async ({ server, facts, talkers, finish }) => {
          expect(await server.listen(path)).toMatchObject({ path });
          const all = talkers(() => path);
          for (const talker of all) await talker.settle();
          await until(() => facts.open.length === TALKERS, 'all sessions to be told');
          expect(
            shardsOf(
              facts,
              all.map(({ client }) => client),
            ),
          ).toEqual(new Set([0, 1]));
          // All connections are accepted by the shard that listens, those of the other's sessions are carried over.
          expect(server.counts.relays).toBe(all.length / 2);
          let isOver = false;
          const talking = Promise.all(all.map((talker) => talker.talk(() => isOver)));
          // One of the two is the shard that listens.
          for (const place of [0, 1]) {
            const villain = all.find(({ client }) => facts.shardOf(client.id) === place);
            villain?.say('exit');
            await facts.crashes.reached(place + 1);
            await Promise.all(all.map((talker) => talker.settle()));
          }
          isOver = true;
          await talking;
          for (const { gapCount } of all) expect(gapCount).toBeGreaterThan(0);
          expect(existsSync(path)).toBe(true);
          await finish();
          expect(existsSync(path)).toBe(false);
        });
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
  );
});
