import { describe, expect, it } from 'vitest';
import { HomingError } from '../../../src/errors.ts';
import { PresenceFeed } from '../../../src/actors/presence-feed.ts';
import type { Behavior } from '../../../src/server/behavior.ts';
import { SessionServer } from '../../../src/server/server.ts';
import type { ServerOptions } from '../../../src/server/server.ts';
import type { Session } from '../../../src/server/session.ts';
import { watchHere } from '../../../src/server/watch.ts';
import type { AnyContract, ClientNode } from '../../../src/testing/client-node.ts';
import type { SimHost } from '../../../src/testing/sim-host.ts';
import { World } from '../../../src/testing/world.ts';
import { failureOf, nextTick } from '../../loopback/world.ts';

/** A server whose sessions may be watched, and clients of it. */
class Watched {
  readonly world = new World(7);
  readonly sessions: Session<AnyContract>[] = [];
  readonly asked: string[] = [];
  readonly errors: HomingError[] = [];
  readonly server;
  readonly clients: ClientNode[] = [];

  constructor(behavior: (host: SimHost) => Partial<Behavior<AnyContract>> = () => ({}), options: ServerOptions = {}) {
    this.world.loop.held();
    this.server = this.world.addServer(
      'server',
      (host) => ({
        authorize: (session) => {
          this.asked.push(session.id);
          return true;
        },
        ...behavior(host),
        start: (session) => {
          this.sessions.push(session);
          return behavior(host).start?.(session);
        },
      }),
      { ...options, shards: undefined, presence: { keys: ['room'] } },
      (server) => server.on('error', (error) => void this.errors.push(error)),
    );
  }

  /** A client that is up. */
  async join(name = `c${this.clients.length}`): Promise<ClientNode> {
    const node = this.world.addClient(name, this.server);
    this.clients.push(node);
    await this.world.until(() => node.client.connection.state === 'up' && node.hosted?.isSeen === true, 60_000);
    return node;
  }

  /** What is kept at the server because somebody watches, and how many calls run for a client. */
  kept(node: ClientNode) {
    const { server } = this.server;
    if (!(server instanceof SessionServer)) throw new Error('expected a server without shards');
    const { callee, functions } = node.hosted?.actor ?? {};
    return { ...server.shard.presence.watching, calls: callee?.runningCount, streams: functions?.exportCount };
  }

  /** What a promise comes to within this virtual time. */
  async settled<Value>(promise: Promise<Value>, withinMs = 1_000): Promise<Value> {
    let isThere = false;
    const there = (): void => void (isThere = true);
    promise.then(there, there);
    await this.world.until(() => isThere, withinMs);
    if (!isThere) throw new Error(`expected an answer within ${withinMs} ms`);
    return promise;
  }
}

const nothing = { feeds: 0, places: 0, watchers: 0, calls: 0, streams: 0 };

describe('a watch in the server', () => {
  it('tells of a listener that throws, and goes on', async () => {
    const errors: HomingError[] = [];
    const feed = new PresenceFeed(() => {});
    feed.list([]);
    const view = await watchHere(
      () => feed,
      (error) => void errors.push(error),
    );
    const heard: string[] = [];
    view.on('came', (id) => {
      heard.push(id);
      throw new Error('no');
    });
    feed.came('a', {});
    await nextTick();
    feed.came('b', {});
    await nextTick();
    expect(heard).toEqual(['a', 'b']);
    expect(errors).toMatchObject([
      { code: 'HandlerFailed', cause: { message: 'no' } },
      { code: 'HandlerFailed', message: expect.stringContaining('no') },
    ]);
  });

  it('is refused with what opening it throws, and ends quietly with its feed', async () => {
    const errors: HomingError[] = [];
    const failed = (error: HomingError): void => void errors.push(error);
    const refused = watchHere(() => {
      throw new HomingError('BadOption', 'off');
    }, failed);
    expect(await failureOf(refused)).toMatchObject({ code: 'BadOption' });
    let opened = 0;
    const feed = new PresenceFeed(() => {});
    feed.list([['a', {}]]);
    const view = await watchHere(() => {
      opened += 1;
      return feed;
    }, failed);
    feed.close();
    await nextTick();
    expect([view.members.size, opened, errors]).toEqual([1, 1, []]);
  });

  it('that is made in start knows the session itself and those before it', async () => {
    const lists: string[][] = [];
    const watched = new Watched(() => ({
      start: async (session) => {
        const view = await session.presence();
        lists.push([...view.members.keys()]);
        view.close();
      },
    }));
    const [one, two] = [await watched.join(), await watched.join()];
    expect(lists).toEqual([[one.client.id], [one.client.id, two.client.id]]);
    expect(watched.kept(one)).toEqual(nothing);
  });
});

describe('a watch of a client', () => {
  it('is asked for in vain when the hook never answers: it has a deadline, and nothing is kept when the hook answers late', async () => {
    const hook = Promise.withResolvers<boolean>();
    const watched = new Watched(() => ({ authorize: () => hook.promise }));
    const node = await watched.join();
    const asking = watched.settled(node.client.presence(), 40_000);
    await expect(asking).rejects.toMatchObject({ code: 'Deadline' });
    expect(watched.kept(node)).toEqual({ ...nothing, calls: 1 });
    hook.resolve(true);
    await watched.world.run(1_000);
    expect(watched.kept(node)).toEqual(nothing);
    const view = await watched.settled(node.client.presence());
    expect(view.members.size).toBe(1);
  });

  it('goes on after an hour in which nothing happened', async () => {
    const watched = new Watched();
    const node = await watched.join();
    const view = await watched.settled(node.client.presence());
    await watched.world.run(3_600_000);
    watched.sessions[0]?.store.set('room', 'late');
    await watched.world.run(1_000);
    expect([view.members.get(node.client.id), watched.asked.length]).toEqual([{ room: 'late' }, 1]);
  });

  it('leaves nothing behind, opened and closed a hundred times, also before its first list', async () => {
    const watched = new Watched();
    const node = await watched.join();
    for (let round = 0; round < 100; round += 1) {
      const opening = node.client.presence();
      await watched.world.run(round % 4);
      if (round % 2 === 0) (await watched.settled(opening)).close();
      else void opening.then((view) => view.close());
    }
    await watched.world.run(1_000);
    expect(watched.kept(node)).toEqual(nothing);
    expect(node.client.dialler.actor.functions.importCount).toBe(0);
  });

  it('is over at the server when the session of its client is', async () => {
    const watched = new Watched(() => ({}), { lingerMs: 5_000 });
    const [node, other] = [await watched.join(), await watched.join()];
    await watched.settled(node.client.presence());
    expect(watched.kept(other)).toMatchObject({ feeds: 1 });
    node.crash(true);
    await watched.world.run(60_000);
    expect(watched.kept(other)).toEqual(nothing);
  });

  it('is told only what is true when its line stood still while sessions came and went', async () => {
    const watched = new Watched(() => ({}), { lingerMs: 0 });
    const [node, other] = [await watched.join(), await watched.join()];
    const view = await watched.settled(node.client.presence());
    const words: string[] = [];
    for (const event of ['came', 'changed', 'went'] as const) view.on(event, (id) => void words.push(`${event} ${id}`));
    node.path.stall('client', 3_000);
    for (let round = 0; round < 20; round += 1) {
      await watched.world.run(100);
      other.client.reconnect();
      watched.sessions.at(-1)?.store.set('room', `x${round}`);
    }
    await watched.world.run(10_000);
    expect([...view.members.keys()].toSorted()).toEqual([node.client.id, other.client.id].toSorted());
    expect(words.filter((word) => word.startsWith('came')).length).toBeLessThan(20);
    expect(new Set(words.filter((word) => !word.startsWith('changed'))).size).toBe(
      words.filter((word) => !word.startsWith('changed')).length,
    );
  });

  it('does not ask again and again while the server drains, and goes on at the next one', async () => {
    const hold = Promise.withResolvers<void>();
    const watched = new Watched(() => ({ start: (session) => void session.on('work', () => hold.promise) }));
    const node = await watched.join();
    const view = await watched.settled(node.client.presence());
    const gone = node.client.id;
    node.client.send('work');
    await watched.world.run(100);
    const closing = watched.server.server.close({ drainMs: 10_000 });
    await watched.world.run(9_000);
    expect(watched.asked).toHaveLength(1);
    hold.resolve();
    await watched.settled(closing, 5_000);
    watched.server.crash();
    watched.server.restart();
    await watched.world.until(() => view.members.has(node.client.id) && node.client.id !== gone, 120_000);
    await watched.world.run(1_000);
    expect([[...view.members.keys()], watched.asked.length]).toEqual([[node.client.id], 2]);
  });

  it('ends when its session is ended by the server, without an error', async () => {
    const watched = new Watched();
    const node = await watched.join();
    const view = await watched.settled(node.client.presence());
    const errors: unknown[] = [];
    node.client.connection.on('error', (error) => void errors.push(error));
    await watched.sessions[0]?.close('enough');
    await watched.world.run(10_000);
    expect([errors, node.client.connection.state, view.members.size]).toEqual([[], 'closed', 1]);
    expect(watched.kept(node)).toMatchObject({ feeds: 0 });
  });
});
