// The law of the shared store, on virtual time: both ends write the same few keys at once, whatever the line and the
// processes do. A failing plan shrinks to a short story; a seed that found a bug becomes a named example below.
import type fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type StoreReport, rehearseStore } from '../../src/testing/store-rehearsal.ts';
import type { StorePlan } from '../../src/testing/store-plan.ts';
import { untilEnough } from './enough.ts';
import { holds } from './regressions.ts';
import { Stage, type StageOptions } from './stage.ts';
import { storeLinePlans, storeMemoryPlans, storeShardPlans } from './store-plans.ts';

const RUNS = 80;

/** Plays random plans, in which more happens of each than `floors` says; gives what all of them were like together. */
async function play(plans: fc.Arbitrary<StorePlan>, floors: Partial<StoreReport>): Promise<StoreReport> {
  const sum = { writeCount: 0, refusedCount: 0, changeCount: 0, lossCount: 0, gapCount: 0 };
  const round = {
    numRuns: RUNS,
    play: async (plan: StorePlan) => {
      const report = await rehearseStore(plan);
      for (const name of Object.keys(sum) as (keyof StoreReport)[]) sum[name] += report[name];
    },
  };
  await untilEnough(sum, floors, () => holds('store', plans, round));
  return sum;
}

describe('a store that both ends write at once', () => {
  it('shows a prefix of the history of the server with the own writes on top, and is equal at rest, over any line', async () => {
    const sum = await play(storeLinePlans, { lossCount: RUNS, refusedCount: RUNS / 2, changeCount: RUNS * 5 });
    expect(sum.gapCount).toBe(0);
  });

  it('begins empty after a gap that reports exactly what there was, when processes die and sessions expire', async () => {
    await play(storeMemoryPlans, { gapCount: RUNS / 5 });
  });

  it('does the same at a server with shards, some of which die', async () => {
    await play(storeShardPlans, { lossCount: RUNS });
  });
});

const quick = { handshakeMs: 500, backoff: { firstMs: 10, baseMs: 50, maxMs: 200 } };

/** A stage whose server answers a write of `a` in its listener, and an event in its handler; and what it shows. */
function parlor(options: StageOptions = {}) {
  const changes: string[] = [];
  const stage = new Stage({
    ...options,
    client: { ...quick, ...options.client },
    atServer: (session, host) => {
      session.store.on('change', (key, value, by) => {
        if (key === 'a' && by === 'peer') session.store.set('echo', value);
      });
      session.on('touch', () => session.store.set('a', 'touched'));
      options.atServer?.(session, host);
    },
    atClient: (client) => {
      client.store.on('change', (key, value, by) => void changes.push(`${key}=${String(value)} ${by}`));
    },
  });
  return { stage, changes };
}

const shown = (end: { readonly store: { entries(): Iterable<[string, unknown]> } }): object =>
  Object.fromEntries([...end.store.entries()].toSorted(([one], [other]) => one.localeCompare(other)));

describe('over a line that breaks', () => {
  it.each(['server', 'client'] as const)(
    'both ends have the same, in the order of the server, wherever bytes toward the %s are cut',
    async (toward) => {
      for (let bytes = 0; bytes < 400; bytes += 1) {
        const { stage } = parlor();
        await stage.up();
        stage.client.store.set('a', 1);
        stage.client.send('touch');
        stage.session.store.set('b', 'server');
        stage.client.store.set('b', 'client');
        stage.client.store.set('large', 'x'.repeat(300));
        const fate = stage.fate(stage.client.flush());
        await stage.world.run(0);
        stage.node.path.cutAfter(toward, bytes);
        await stage.world.run(3_000);
        const expected = { a: 'touched', b: 'client', echo: 1, large: 'x'.repeat(300) };
        expect([shown(stage.session), shown(stage.client), fate.word], `cut after ${bytes}`).toEqual([
          expected,
          expected,
          'resolved',
        ]);
        expect(stage.client.dialler.actor.store.pendingCount).toBe(0);
      }
    },
  );

  it('shows an own write all the time, over cuts and a takeover, and tells of it once', async () => {
    const { stage, changes } = parlor();
    await stage.up();
    stage.node.path.stall('client', 500);
    stage.client.store.set('b', 'mine');
    await stage.world.run(50);
    expect(stage.session.store.get('b')).toBe('mine');
    for (const meanwhile of [
      () => stage.client.reconnect(),
      () => stage.node.path.cutAfter('server', 0),
      () => stage.node.path.swallow('server'),
    ]) {
      meanwhile();
      expect(stage.client.store.get('b')).toBe('mine');
      await stage.world.run(5_000);
    }
    await stage.world.run(20_000);
    expect([stage.client.store.get('b'), stage.client.dialler.actor.store.pendingCount, changes]).toEqual([
      'mine',
      0,
      ['b=mine here'],
    ]);
  });
});

describe('a gap', () => {
  it('reports the copy and what was pending, and brings nothing back by itself', async () => {
    const { stage, changes } = parlor({
      atServer: (session) => session.store.set('from start', stage.sessions.length),
    });
    await stage.up();
    stage.client.store.set('b', 'confirmed');
    stage.client.send('touch');
    await stage.world.run(200);
    const reports: unknown[] = [];
    stage.client.connection.on('gap', ({ store, unconfirmed, carried }) => {
      reports.push({ ...store, unconfirmed, carried, shown: shown(stage.client) });
    });
    stage.node.path.stall('server', 100_000);
    stage.client.store.set('b', 'never seen');
    await stage.world.run(50);
    stage.server.crash();
    await stage.world.run(50);
    stage.client.store.delete('a');
    stage.client.store.set('c', 1n);
    changes.length = 0;
    stage.server.restart();
    await stage.world.run(3_000);
    await stage.up();
    expect(reports).toEqual([
      {
        copy: new Map<string, unknown>([
          ['from start', 1],
          ['b', 'confirmed'],
          ['a', 'touched'],
        ]),
        pending: [
          { key: 'b', value: 'never seen' },
          { key: 'a', value: undefined },
          { key: 'c', value: 1n },
        ],
        unconfirmed: 0,
        carried: 0,
        shown: {},
      },
    ]);
    expect(changes).toEqual(['from start=undefined peer', 'b=undefined peer', 'c=undefined peer', 'from start=2 peer']);
    await stage.world.run(60_000);
    expect([shown(stage.client), shown(stage.session)]).toEqual([{ 'from start': 2 }, { 'from start': 2 }]);
    stage.client.store.set('b', 'again');
    await stage.world.run(500);
    expect([shown(stage.client), shown(stage.session)]).toEqual([
      { b: 'again', 'from start': 2 },
      { b: 'again', 'from start': 2 },
    ]);
  });

  it('does not let changes of the old epoch in that wait behind a handler', async () => {
    const held = Promise.withResolvers<void>();
    const { stage } = parlor();
    await stage.up();
    stage.client.on('hold', () => held.promise);
    stage.session.send('hold');
    stage.session.store.set('b', 'old');
    await stage.world.run(100);
    stage.server.crash();
    stage.server.restart();
    await stage.world.run(3_000);
    await stage.up();
    stage.session.store.set('c', 'new');
    held.resolve();
    await stage.world.run(500);
    expect([shown(stage.client), shown(stage.session)]).toEqual([{ c: 'new' }, { c: 'new' }]);
  });

  it('ends every flush whose writes were lost, decided or not, sent or not, wherever the line was cut', async () => {
    const words = new Set<string>();
    for (let bytes = 0; bytes < 200; bytes += 1) {
      const { stage } = parlor();
      await stage.up();
      stage.client.store.set('b', bytes);
      const early = stage.fate(stage.client.flush());
      await stage.world.run(0);
      stage.node.path.cutAfter('client', bytes);
      await stage.world.run(5);
      stage.server.crash();
      await stage.world.run(5);
      stage.client.store.set('b', 'offline');
      const late = stage.fate(stage.client.flush());
      stage.client.send('say', 'carried');
      const carried = stage.fate(stage.client.deliver('say', 'carried too'));
      stage.server.restart();
      await stage.world.run(10_000);
      words.add(early.word);
      expect([late.word, carried.word], `cut after ${bytes}`).toEqual(['OutcomeUnknown unknown', 'resolved']);
    }
    expect([...words].toSorted()).toEqual(['OutcomeUnknown unknown', 'resolved']);
  });
});
