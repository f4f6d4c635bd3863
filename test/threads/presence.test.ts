// Presence in real threads: every shard and the main thread see the same, also when a shard is gone from one moment to the next.
import { type Client, type Presence, type SessionInfo, createClient, createServer } from 'homing';
import { describe, expect, it } from 'vitest';
import { failureOf, until } from '../loopback/world.ts';
import type { Present } from './modules/present.behavior.ts';

const behavior = new URL('./modules/present.behavior.ts', import.meta.url);
const backoff = { firstMs: 1, baseMs: 5, maxMs: 20 };
const options = { shards: 2, presence: { keys: ['name'] } };

/** What a watcher heard, in words. */
type Diary = string[];

function diaryOf(view: Presence<Present['store']>): Diary {
  const diary: Diary = [];
  for (const event of ['came', 'changed', 'went'] as const) {
    view.on(event, (id, { name = '' }) => void diary.push(`${event} ${id} ${name}`));
  }
  return diary;
}

/** A server in threads, its clients, and where their sessions live. */
class Threads implements AsyncDisposable {
  readonly server = createServer<Present>(behavior, options);
  readonly infos = new Map<string, SessionInfo>();
  readonly crashes: string[] = [];
  readonly clients: Client<Present>[] = [];
  port = 0;

  constructor() {
    this.server.on('session', (info) => void this.infos.set(info.id, info));
    this.server.on('error', ({ code }) => void this.crashes.push(code));
  }

  /** Clients that are up, each known to the main thread. */
  async join(names: readonly string[]): Promise<void> {
    for (const credentials of names) {
      const client = createClient<Present>(this.port, { credentials, backoff });
      this.clients.push(client);
      await client.up();
      await until(() => this.infos.has(client.id), 'the session to be told');
    }
  }

  /** The clients whose sessions live in a shard. */
  of(shard: number): Client<Present>[] {
    return this.clients.filter(({ id }) => this.infos.get(id)?.shard === shard);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.clients.map((client) => client.close({ drainMs: 0 })));
    await this.server.close({ drainMs: 0 });
  }
}

/** The list and the diary of the session of a client, as its shard sees presence. */
async function watchInShard(client: Client<Present>): Promise<{ readonly ids: string[]; readonly diary: Diary }> {
  const diary: Diary = [];
  client.on('told', (event, id, name) => void diary.push(`${event} ${id} ${name}`));
  const listed = new Promise<string[]>((resolve) => void client.once('list', resolve));
  client.send('watch');
  return { ids: await listed, diary };
}

describe('presence with two shards', () => {
  it('tells that the sessions of a shard that was killed went, once each, everywhere, and that their clients are back', async () => {
    await using threads = new Threads();
    const { server, infos, crashes } = threads;
    // Before there is any thread.
    const early = await server.presence();
    const diaries: Diary[] = [diaryOf(early)];
    expect(early.members.size).toBe(0);
    threads.port = (await server.listen(0)).port;
    await threads.join(['a', 'b', 'c', 'd', 'e', 'f']);
    const [hit, spared] = [threads.of(0), threads.of(1)];
    expect(hit.length * spared.length).toBeGreaterThan(0);
    await until(() => early.members.size === 6, 'all to be seen on the main thread');
    expect(diaries[0]?.filter((word) => word.startsWith('came'))).toHaveLength(6);
    expect([...early.members.values()].map(({ name = '' }) => name).toSorted()).toEqual(['a', 'b', 'c', 'd', 'e', 'f']);

    const [other] = spared;
    if (other === undefined) throw new Error('expected a client in the other shard');
    const ids = threads.clients.map(({ id }) => id).toSorted();
    const late = await server.presence();
    const remote = await other.presence();
    const inShard = await watchInShard(other);
    diaries.push(diaryOf(late), diaryOf(remote), inShard.diary);
    expect([late, remote].map(({ members }) => [...members.keys()].toSorted())).toEqual([ids, ids]);
    expect(inShard.ids.toSorted()).toEqual(ids);
    for (const diary of diaries) diary.length = 0;

    const lost = hit.map(({ id }) => id);
    hit[0]?.send('die');
    await until(() => hit.every(({ id }) => !lost.includes(id) && infos.has(id)), 'the clients to be back');
    const back = hit.map(({ id }) => id);
    const whole = (event: string, of: readonly string[]): string[] => of.map((id) => `${event} ${id}`).toSorted();
    const heard = (diary: Diary, event: string): string[] =>
      diary.flatMap((word) => (word.startsWith(event) ? [word.split(' ').slice(0, 2).join(' ')] : [])).toSorted();
    await until(() => diaries.every((diary) => heard(diary, 'came').length >= back.length), 'them to be seen');
    for (const diary of diaries) {
      expect(heard(diary, 'went')).toEqual(whole('went', lost));
      expect(heard(diary, 'came')).toEqual(whole('came', back));
    }
    expect(crashes).toEqual(['ShardCrashed']);
    const now = threads.clients.map(({ id }) => id).toSorted();
    for (const view of [early, late, remote]) expect([...view.members.keys()].toSorted()).toEqual(now);

    for (const view of [early, late, remote]) view.close();
    other.send('leave');
    await other.flush();
    for (const diary of diaries) diary.length = 0;
    await threads.join(['g', 'h']);
    await Promise.all(threads.clients.map((client) => client.flush()));
    expect(diaries).toEqual([[], [], [], []]);
  });

  it('does not hold up the end of the server, whoever watches', async () => {
    const threads = new Threads();
    const { server } = threads;
    threads.port = (await server.listen(0)).port;
    await threads.join(['a', 'b', 'c', 'd']);
    const view = await server.presence();
    const views = await Promise.all(threads.clients.map((client) => client.presence()));
    await Promise.all(threads.clients.map(watchInShard));
    expect(views.map(({ members }) => members.size)).toEqual([4, 4, 4, 4]);
    for (const client of threads.clients) client.autoReconnect = false;
    const startedAt = performance.now();
    await server.close();
    // Far less than the 30 s that a drain may take.
    expect(performance.now() - startedAt).toBeLessThan(5_000);
    expect(await failureOf(server.presence())).toMatchObject({ code: 'Closed' });
    expect(view.members.size).toBeLessThanOrEqual(4);
    await Promise.all(threads.clients.map((client) => client.close({ drainMs: 0 })));
    expect(threads.crashes).toEqual([]);
  });
});
