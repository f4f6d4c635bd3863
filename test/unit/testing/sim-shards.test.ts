import { describe, expect, it } from 'vitest';
import { homeOf } from '../../../src/actors/placement.ts';
import type { ClientNode } from '../../../src/testing/client-node.ts';
import type { ServerNode } from '../../../src/testing/server-node.ts';
import { type ShardsPlan, fairShards } from '../../../src/testing/shards-plan.ts';
import type { SimShards } from '../../../src/testing/sim-shards.ts';
import { World } from '../../../src/testing/world.ts';

/** A server with shards and some clients, and what each of them heard and was told. */
class Setting {
  readonly world: World;
  readonly server: ServerNode;
  readonly clients: ClientNode[];
  readonly told = new Map<string, string[]>();
  readonly toldByServer: string[] = [];
  readonly heard: unknown[] = [];

  constructor(plan: Partial<ShardsPlan> = {}, clients = 6, seed = 1) {
    this.world = new World(seed);
    this.server = this.world.addServer(
      'server',
      () => (session) => {
        session.on('say', (word) => void this.heard.push(word));
      },
      { shards: { ...fairShards, count: 3, ...plan } },
      (server) => {
        server.on('error', ({ code }) => this.toldByServer.push(`error ${code}`));
        server.on('end', (_info, { code }) => this.toldByServer.push(`end ${code}`));
        server.on('session', () => this.toldByServer.push('session'));
      },
    );
    this.clients = Array.from({ length: clients }, (_each, index) => {
      const name = `c${index}`;
      this.told.set(name, []);
      const say = (word: string): void => void this.told.get(name)?.push(word);
      return this.world.addClient(
        name,
        this.server,
        { backoff: { maxMs: 200 } },
        {
          prepare: ({ connection }) => {
            connection.on('up', ({ resumed }) => say(resumed ? 'resumed' : 'up'));
            connection.on('down', ({ code }) => say(`down ${code}`));
            connection.on('gap', () => say('gap'));
          },
        },
      );
    });
  }

  get shards(): SimShards {
    const { shards } = this.server;
    if (shards === undefined) throw new Error('expected a server with shards');
    return shards;
  }

  /** The place of a client's session. */
  placeOf({ client }: ClientNode): number | undefined {
    return this.shards.find(client.id)?.thread.place;
  }

  /** What a client was told since the last look. */
  words({ name }: ClientNode): string[] {
    return this.told.get(name)?.splice(0) ?? [];
  }
}

describe('a simulated server with shards', () => {
  it('lets sessions live in the home of their id, wherever their line landed', async () => {
    for (const door of ['public', 'spreads'] as const) {
      const setting = new Setting({ door });
      await setting.world.run(500);
      for (const node of setting.clients) {
        expect(setting.words(node)).toEqual(['up']);
        expect(setting.placeOf(node)).toBe(homeOf(node.client.id, [0, 1, 2]));
      }
      for (const { client } of setting.clients) client.reconnect();
      await setting.world.run(500);
      for (const node of setting.clients) expect(setting.words(node)).toEqual(['down disconnected', 'resumed']);
      expect(setting.shards.counts).toMatchObject({ sessions: 6, connections: 6, handshakes: 0 });
      expect(setting.shards.counts.relays).toBe(setting.shards.channels.pipeCount);
      expect(setting.shards.channels.pipeCountMax).toBeGreaterThan(0);
      expect(setting.shards.listed.length).toBe(6);
    }
  });

  it('leads clients to the direct port of their home, after which nothing is carried any more', async () => {
    const setting = new Setting({ door: 'freshPorts' });
    await setting.world.run(500);
    for (const { client } of setting.clients) client.reconnect();
    await setting.world.run(500);
    expect(setting.shards.counts).toMatchObject({ sessions: 6, connections: 6, relays: 0 });
    for (const { path } of setting.clients) expect(path.newest?.client.ends.remotePort).toBeGreaterThanOrEqual(20_000);
  });

  it('is reached by the public address when nobody answers at the direct port', async () => {
    const setting = new Setting({ door: 'fixedPorts' }, 1);
    await setting.world.run(500);
    const [node] = setting.clients as [ClientNode];
    for (const door of ['refuses', 'neverAnswers', 'open'] as const) {
      setting.words(node);
      node.path.directDoor = door;
      node.client.reconnect();
      await setting.world.run(door === 'refuses' ? 30 : 300);
      expect(setting.words(node)).toEqual(['down disconnected', 'resumed']);
      const port = node.path.newest?.client.ends.remotePort;
      expect(port === 5555).toBe(door !== 'open');
      expect(node.path.lines.length).toBe(1);
    }
  });

  it.each(['public', 'fixedPorts'] as const)(
    'has shards that die alone (%s): sessions of others keep their memory, and their lines if they are direct',
    async (door) => {
      const setting = new Setting({ door }, 12);
      await setting.world.run(500);
      for (const { client } of setting.clients) client.reconnect();
      await setting.world.run(500);
      for (const node of setting.clients) setting.words(node);
      const places = setting.clients.map((node) => setting.placeOf(node));
      expect(new Set(places).size).toBe(3);
      setting.shards.crash(1, false);
      for (const { client, name } of setting.clients) client.send('say', name);
      await setting.world.run(2_000);
      for (const [index, node] of setting.clients.entries()) {
        const words = setting.words(node);
        if (places[index] === 1) expect(words.slice(-2)).toEqual(['gap', 'up']);
        else if (door === 'fixedPorts') expect(words).toEqual([]);
        else expect([[], ['down line-lost', 'resumed']]).toContainEqual(words);
      }
      const lostCount = places.filter((place) => place === 1).length;
      expect(setting.toldByServer.filter((word) => word === 'end shard-lost').length).toBe(lostCount);
      expect(setting.toldByServer.filter((word) => word.startsWith('error'))).toEqual(['error ShardCrashed']);
      expect(setting.shards.listed.length).toBe(12);
      expect(setting.heard.length).toBeGreaterThanOrEqual(12 - lostCount);
    },
  );

  it('tells resumes of a shard that starts again to come back later', async () => {
    const setting = new Setting({ startMs: 3_000 }, 6);
    await setting.world.run(4_000);
    const node = setting.clients.find((each) => setting.placeOf(each) === 2);
    if (node === undefined) throw new Error('expected a session in shard 2');
    const causes: unknown[] = [];
    node.client.connection.on('reconnect', ({ cause }) => causes.push((cause as { code?: string }).code));
    setting.shards.crash(2, false);
    await setting.world.until(() => node.client.connection.state !== 'up', 20_000);
    await setting.world.until(() => node.client.connection.state === 'up', 20_000);
    expect(causes).toContain('shard-restarting');
    expect(setting.words(node).slice(-2)).toEqual(['gap', 'up']);
  });

  it('finds shards that hang, and lets those live that stand still for less', async () => {
    const setting = new Setting({ watchdogMs: 1_000 }, 3);
    await setting.world.run(500);
    setting.shards.threads[0]?.host.stall(800);
    await setting.world.run(2_000);
    expect(setting.shards.lossCount).toBe(0);
    setting.shards.threads[0]?.host.stall(60_000);
    await setting.world.run(1_500);
    expect([setting.shards.lossCount, setting.shards.isServing]).toEqual([1, true]);
  });

  it('gives a place up that fails too often; its ids have a new home then, those of others the old one', async () => {
    const setting = new Setting({ restarts: { max: 0, withinMs: 60_000 } }, 9);
    await setting.world.run(500);
    const before = setting.clients.map((node) => setting.placeOf(node));
    setting.shards.crash(0, false);
    await setting.world.run(3_000);
    expect(setting.shards.places).toEqual([1, 2]);
    for (const [index, node] of setting.clients.entries()) {
      expect(setting.placeOf(node)).toBe(before[index] === 0 ? homeOf(node.client.id, [1, 2]) : before[index]);
    }
  });

  it('drains all shards, and is gone with its threads, its channels and its timers', async () => {
    const setting = new Setting();
    await setting.world.run(500);
    let isClosed = false;
    void setting.server.server.close({ drainMs: 5_000 }).then(() => (isClosed = true));
    setting.world.loop.held();
    await setting.world.run(1_000);
    expect([isClosed, setting.shards.threads, setting.shards.channels.pipeCount]).toEqual([true, [], 0]);
    expect(setting.server.hosts.reduce((sum, host) => sum + host.timerCount, 0)).toBe(0);
  });

  it('dies as a whole, and comes back without memory', async () => {
    const setting = new Setting();
    await setting.world.run(500);
    setting.server.crash();
    await setting.world.run(100);
    setting.server.restart();
    await setting.world.run(3_000);
    for (const node of setting.clients) expect(setting.words(node).slice(-2)).toEqual(['gap', 'up']);
    expect(setting.shards.counts).toMatchObject({ sessions: 6, connections: 6 });
  });
});
