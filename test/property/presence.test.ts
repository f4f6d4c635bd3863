// Presence on virtual time: watchers in shards and at clients come and leave while lines are cut, sessions expire, shards
// and processes die. Whatever a watcher is told adds up to who is there, and nothing is kept once nobody watches.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { schedule } from '../../src/testing/befall.ts';
import { rehearsalTimers } from '../../src/testing/cast.ts';
import type { AnyContract, ClientNode } from '../../src/testing/client-node.ts';
import { expectCount } from '../../src/testing/count.ts';
import { PromiseBroken } from '../../src/testing/course.ts';
import type { Plan } from '../../src/testing/plan.ts';
import type { ServerNode } from '../../src/testing/server-node.ts';
import type { SimHost } from '../../src/testing/sim-host.ts';
import { type Values, Watching } from '../../src/testing/watching.ts';
import { World } from '../../src/testing/world.ts';
import type { Shard } from '../../src/actors/shard.ts';
import type { Presence } from '../../src/client/surface.ts';
import { HomingError } from '../../src/errors.ts';
import { SessionServer } from '../../src/server/server.ts';
import type { Session } from '../../src/server/session.ts';
import { untilEnough } from './enough.ts';
import { alteredPlans, linePlans, memoryPlans } from './plans.ts';
import { shardDeathPlans, shardedLinePlans, shardedMemoryPlans } from './shard-plans.ts';

const RUNS = 120;

/** Shown of each session. */
const KEYS = ['room', 'size'] as const;

/** In which a healed world is up again, at the latest; an altered length makes a frame that lasts long. */
const REST_MS = 200_000;

/** Beyond the linger time: everybody has heard of everything. */
const SLACK_MS = 8_000;

/** Longest linger time: longer than any fault, and short enough to be waited for. */
const LINGER_LONG_MS = 20_000;

/** Of such values each is an item of its own. */
const HUGE = 'x'.repeat(9_000);

/** What users do: they watch and leave, and put values into the stores. */
type Deed = { readonly atMs: number; readonly client: number; readonly by: 'client' | 'server' } & (
  | { readonly type: 'watch' }
  | { readonly type: 'leave'; readonly which: number }
  /** All watchers there leave and another one comes, again and again, faster than threads answer each other. */
  | { readonly type: 'blink'; readonly everyMs: number; readonly times: number }
  | { readonly type: 'show'; readonly key: string; readonly value: unknown }
);

/** What is done in one moment. */
type Step = Exclude<Deed, { type: 'blink' }> | (Pick<Deed, 'atMs' | 'client' | 'by'> & { readonly type: 'leaveAll' });

interface Story {
  readonly plan: Plan;
  readonly deeds: readonly Deed[];
}

/** What a run was like. */
interface Report {
  came: number;
  changed: number;
  went: number;
  gaps: number;
  losses: number;
  watches: number;
  hash: string;
}

const at = { atMs: fc.nat({ max: 4_000 }), client: fc.nat({ max: 3 }), by: fc.constantFrom('client', 'server') };

const deed = fc.oneof(
  { weight: 3, arbitrary: fc.record({ ...at, type: fc.constant('watch') }) },
  { weight: 2, arbitrary: fc.record({ ...at, type: fc.constant('leave'), which: fc.nat({ max: 5 }) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      ...at,
      type: fc.constant('blink'),
      everyMs: fc.integer({ min: 1, max: 40 }),
      times: fc.integer({ min: 1, max: 6 }),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      ...at,
      type: fc.constant('show'),
      key: fc.constantFrom('room', 'size', 'other'),
      value: fc.constantFrom<unknown>('a', 'b', 1, true, HUGE, HUGE + '!', undefined, ['no plain value']),
    }),
  },
) as fc.Arbitrary<Deed>;

function storiesOf(plans: fc.Arbitrary<Plan>): fc.Arbitrary<Story> {
  return fc
    .tuple(plans, fc.array(deed, { minLength: 1, maxLength: 40 }))
    .map(([plan, deeds]) => ({ plan: { ...plan, acts: [] }, deeds }));
}

/** One server, its clients, and everybody who watches. */
class PresenceWorld {
  readonly world: World;
  readonly server: ServerNode;
  readonly clients: readonly ClientNode[];
  readonly report: Report = { came: 0, changed: 0, went: 0, gaps: 0, losses: 0, watches: 0, hash: '' };
  readonly #story: Story;
  readonly #lingerMs: number;
  readonly #handles = new Map<string, { readonly session: Session<AnyContract>; readonly host: SimHost }>();
  readonly #watchings: {
    readonly watching: Watching;
    readonly host: SimHost;
    readonly sessionId: string | undefined;
  }[] = [];

  constructor(story: Story) {
    const { plan, deeds } = story;
    this.#story = story;
    this.#lingerMs = Math.min(plan.options.lingerMs, LINGER_LONG_MS);
    this.world = new World(plan.seed);
    // Watching is promises at every turn.
    this.world.loop.held();
    const { heartbeat, handshakeMs, backoff } = rehearsalTimers;
    const options = { heartbeat, handshakeMs, checksum: plan.options.checksum, lingerMs: this.#lingerMs };
    this.server = this.world.addServer(
      'server',
      (host) => ({
        authorize: () => true,
        start: (session) => {
          this.#handles.set(session.id, { session, host });
          session.store.set('size', 0);
        },
      }),
      { ...options, presence: { keys: KEYS }, shards: plan.options.shards },
      (server) => server.on('error', (error) => this.#expectCrash(error)),
    );
    const count = 1 + Math.max(plan.clients - 1, ...deeds.map(({ client }) => client));
    this.clients = Array.from({ length: count }, (_each, index) =>
      this.world.addClient(
        `c${index}`,
        this.server,
        { ...options, backoff },
        {
          weather: plan.weather,
          prepare: (client) => {
            client.connection.on('gap', () => (this.report.gaps += 1));
            client.connection.on('error', (error) => this.world.loop.fail(error));
          },
        },
      ),
    );
  }

  /** Chaos, then rest, then farewell. */
  async play(): Promise<Report> {
    const { world } = this;
    const { plan, deeds } = this.#story;
    for (const fault of plan.faults) schedule(world, fault);
    for (const each of deeds.flatMap(stepsOf)) world.loop.clock.at(each.atMs, () => this.#do(each));
    await world.run(plan.chaosMs);
    world.heal();
    if (!(await world.until(() => this.#isUp, REST_MS))) throw new PromiseBroken('the world did not come to rest');
    await world.run(this.#lingerMs + SLACK_MS);
    this.#expectTruth();
    for (const [index, { client }] of this.clients.entries()) client.store.set('room', `of ${index}`);
    await world.run(SLACK_MS);
    this.#expectTruth();
    for (const { watching } of this.#live) watching.leave();
    for (const { client } of this.clients) client.store.set('room', 'nobody looks');
    await world.run(SLACK_MS);
    this.#expectNothing();
    this.report.losses = this.server.shards?.lossCount ?? 0;
    for (const { watching } of this.#watchings)
      for (const name of ['came', 'changed', 'went'] as const) this.report[name] += watching.told[name];
    this.report.hash = world.trace.hash;
    return this.report;
  }

  // ---- below

  get #isUp(): boolean {
    if (this.server.shards?.isServing === false) return false;
    return this.clients.every(({ client, hosted }) => client.connection.state === 'up' && hosted?.isSeen === true);
  }

  get #live() {
    return this.#watchings.filter(
      ({ host, sessionId }) => host.isAlive && (sessionId === undefined || this.server.find(sessionId) !== undefined),
    );
  }

  get #shards(): Shard[] {
    const { server, shards } = this.server;
    if (server instanceof SessionServer) return [server.shard];
    return (shards?.threads ?? []).flatMap(({ host, inner }) => (host.isAlive && inner ? [inner.shard] : []));
  }

  #do(deed: Step): void {
    const node = this.clients[deed.client];
    if (node === undefined || !node.isUp) return;
    const known = this.#handles.get(node.client.id);
    const isHere = known?.host.isAlive === true && this.server.find(node.client.id) !== undefined;
    if (deed.by === 'server' && !isHere) return;
    const end = deed.by === 'server' ? known?.session : node.client;
    const host = deed.by === 'server' ? known?.host : node.host;
    if (end === undefined || host === undefined) return;
    host.bring(() => this.world.loop.guard(() => this.#act(deed, end, host)));
  }

  #act(deed: Step, end: Session<AnyContract> | ClientNode['client'], host: SimHost): void {
    switch (deed.type) {
      case 'watch':
        return this.#watch(() => end.presence(), host, deed.by === 'server' ? end.id : undefined);
      case 'leave': {
        const mine = this.#watchings.filter((one) => one.host === host && !one.watching.hasLeft);
        return mine[deed.which % Math.max(1, mine.length)]?.watching.leave();
      }
      case 'leaveAll':
        for (const { watching, host: where } of this.#watchings) if (where === host) watching.leave();
        return;
      case 'show':
        if (deed.by === 'server' && this.server.find(end.id) === undefined) return;
        return end.store.set(deed.key, deed.value);
    }
  }

  /** `sessionId`: that of a session at the server, with which its watch ends. */
  #watch(open: () => Promise<Presence<object>>, host: SimHost, sessionId: string | undefined): void {
    const { loop } = this.world;
    this.report.watches += 1;
    const watching = new Watching({
      name: `watch ${this.report.watches} of ${host.name}`,
      isHere: (id) => this.server.find(id)?.isSeen === true,
      guard: (work) => loop.guard(work),
    });
    this.#watchings.push({ watching, host, sessionId });
    open().then(
      (view) => watching.begin(view as Presence<Values>),
      (error: unknown) => {
        if (host.isAlive) loop.fail(error);
      },
    );
  }

  /** Every watcher that lives and has not left shows exactly who is there. */
  #expectTruth(): void {
    const truth = new Map<string, Values>();
    for (const shard of this.#shards) {
      for (const { id, actor } of shard.sessions()) {
        const values: Record<string, unknown> = {};
        for (const key of KEYS) {
          const value = actor.store.plainOf(key);
          if (value !== undefined) values[key] = value;
        }
        truth.set(id, values);
      }
    }
    for (const { client } of this.clients) {
      if (!truth.has(client.id)) throw new PromiseBroken(`the session ${client.id} of a client is not visible`);
    }
    for (const { watching } of this.#live) if (!watching.hasLeft) watching.expect(truth);
  }

  /** Nobody watches: no feed, no roster, no place that is told; no call runs and no stream is open at any end. */
  #expectNothing(): void {
    for (const shard of this.#shards) {
      const { name } = shard.host as SimHost;
      expect([name, shard.presence.watching]).toEqual([name, { feeds: 0, places: 0, watchers: 0 }]);
      for (const { id, actor } of shard.sessions()) {
        expectCount(`calls that run for ${id}`, actor.callee.runningCount, 0);
        expectCount(`streams passed to ${id}`, actor.functions.exportCount, 0);
      }
    }
    for (const { name, client } of this.clients) {
      expectCount(`streams open at ${name}`, client.dialler.actor.functions.importCount, 0);
    }
  }

  #expectCrash(error: Error): void {
    if (error instanceof HomingError && error.code === 'ShardCrashed') return;
    this.world.loop.fail(error);
  }
}

function stepsOf(deed: Deed): Step[] {
  if (deed.type !== 'blink') return [deed];
  const { client, by, everyMs, times } = deed;
  return Array.from({ length: 2 * times }, (_each, index) => ({
    atMs: deed.atMs + index * everyMs,
    client,
    by,
    type: index % 2 === 0 ? 'leaveAll' : 'watch',
  }));
}

type Sum = Record<'changed' | 'went' | 'gaps' | 'losses', number>;

/** Plays random stories, in which more happens of each than `floors` says; gives what all of them were like together. */
async function play(stories: fc.Arbitrary<Story>, floors: Partial<Sum>): Promise<Sum> {
  const sum: Sum = { changed: 0, went: 0, gaps: 0, losses: 0 };
  const law = fc.asyncProperty(stories, async (story) => {
    const report = await new PresenceWorld(story).play();
    for (const name of Object.keys(sum) as (keyof Sum)[]) sum[name] += report[name];
  });
  await untilEnough(sum, floors, () => fc.assert(law, { numRuns: RUNS }));
  return sum;
}

describe('whoever watches presence', () => {
  it('sees exactly who is there with their values, whatever happens to lines', async () => {
    const sum = await play(storiesOf(fc.oneof(linePlans, shardedLinePlans, alteredPlans)), { changed: RUNS });
    // Nobody went who was cut off and came back.
    expect([sum.gaps, sum.went]).toEqual([0, 0]);
  });

  it('sees the same when sessions expire and processes die', async () => {
    await play(storiesOf(memoryPlans), { went: RUNS / 2, gaps: RUNS / 4 });
  });

  it('sees the same across shards that die and hang', async () => {
    const plans = fc.oneof(shardedMemoryPlans, shardDeathPlans);
    await play(storiesOf(plans), { went: RUNS / 2, losses: RUNS / 6 });
  });

  it('hears the same twice for the same seed', async () => {
    await fc.assert(
      fc.asyncProperty(storiesOf(fc.oneof(memoryPlans, shardedMemoryPlans)), async (story) => {
        expect(await new PresenceWorld(story).play()).toEqual(await new PresenceWorld(story).play());
      }),
      { numRuns: 10 },
    );
  });
});
