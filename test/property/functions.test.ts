// Functions and streams in a world of real ends on virtual time: each call of a function runs once, each item comes once,
// and nothing of an epoch that is over is mistaken for something of the next, whatever the line does.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SessionActor } from '../../src/actors/session-actor.ts';
import { Stage, type StageOptions } from './stage.ts';

type Work = ((...args: unknown[]) => Promise<unknown>) & Disposable;
type Stream = AsyncIterable<unknown>;

const quick = { handshakeMs: 500, backoff: { firstMs: 10, baseMs: 50, maxMs: 200 } };

function actorOf(stage: Stage, side: 'client' | 'server'): SessionActor {
  const actor = side === 'client' ? stage.client.dialler.actor : stage.node.hosted?.actor;
  if (actor === undefined) throw new Error('expected a session');
  return actor;
}

/** What is in use of functions: exports and imports of the client, then of the server. */
function tablesOf(stage: Stage): number[] {
  return (['client', 'server'] as const).flatMap((side) => {
    const { functions } = actorOf(stage, side);
    return [functions.exportCount, functions.importCount];
  });
}

/** A stage whose server keeps the functions it gets, by name, and lists streams. */
function workshop(options: StageOptions = {}) {
  const kept = new Map<string, Work>();
  const lists: unknown[][] = [];
  const stage = new Stage({
    ...options,
    client: { ...quick, ...options.client },
    atServer: (session, host) => {
      session.on('keep', (name, work) => void kept.set(String(name), work as Work));
      session.expose({
        keep: (name, work) => void kept.set(String(name), work as Work),
        async list(stream) {
          const list: unknown[] = [];
          lists.push(list);
          for await (const item of stream as Stream) list.push(item);
          return list.length;
        },
        apply: (work, ...args) => (work as Work)(...args),
      });
      options.atServer?.(session, host);
    },
  });
  return { stage, kept, lists };
}

/** The value or the code of a promise, once it has settled. */
function fateOf(promise: Promise<unknown>): { value: unknown } {
  const fate: { value: unknown } = { value: 'open' };
  promise.then(
    (value) => (fate.value = value),
    (error: unknown) => (fate.value = (error as { code: string }).code),
  );
  return fate;
}

async function* numbers(most: number): AsyncGenerator<number> {
  for (let n = 0; n < most; n += 1) yield n;
}

describe('over a line that breaks', () => {
  it.each(['server', 'client'] as const)(
    'a function is called once and a stream comes whole, wherever bytes toward the %s are cut',
    async (toward) => {
      for (let bytes = 0; bytes < 330; bytes += 3) {
        const { stage, lists } = workshop();
        await stage.up();
        const heard: unknown[] = [];
        const calls = [
          fateOf(stage.client.call('apply', (value: unknown) => heard.push(value), 'a')),
          fateOf(stage.client.call('list', numbers(100))),
          fateOf(
            stage.client.call(
              'apply',
              (work: unknown) => (work as Work)('b'),
              (value: unknown) => heard.push(value),
            ),
          ),
        ];
        await stage.world.run(0);
        stage.node.path.cutAfter(toward, bytes);
        await stage.world.run(5_000);
        expect(calls[1]?.value, `cut after ${bytes}`).toBe(100);
        expect(lists).toEqual([Array.from({ length: 100 }, (_, n) => n)]);
        expect([heard.length, new Set(heard).size, calls[0]?.value === 'open', calls[2]?.value === 'open']).toEqual([
          2,
          2,
          false,
          false,
        ]);
      }
    },
  );

  it('functions are passed, called, given back and let go in any order, and none is missed or left over', async () => {
    const step = fc.oneof(
      fc.record({ type: fc.constant('pass' as const), work: fc.nat(2), direct: fc.boolean() }),
      fc.record({ type: fc.constant('back' as const), work: fc.nat(2) }),
      fc.record({ type: fc.constant('drop' as const), work: fc.nat(2) }),
      fc.record({ type: fc.constant('call' as const), work: fc.nat(2) }),
      fc.record({
        type: fc.constant('cut' as const),
        toward: fc.constantFrom('server' as const, 'client' as const),
        bytes: fc.nat(200),
      }),
      fc.record({ type: fc.constant('wait' as const), ms: fc.constantFrom(1, 7, 300) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), fc.nat(), async (steps, seed) => {
        const { stage, kept } = workshop({ seed: seed + 1, weather: { latencyMs: 3 } });
        const works = [0, 1, 2].map((n) => () => n);
        let missed = 0;
        let given: Work | undefined;
        stage.client.on('back', (n, work) => void (missed += work === works[Number(n)] ? 0 : 1));
        await stage.up();
        stage.session.expose({
          give: () =>
            (given ??= (async (work: unknown) => kept.set(`direct ${kept.size}`, work as Work)) as unknown as Work),
        });
        const give = (await Promise.all([stage.client.call('give'), stage.world.run(100)]))[0] as Work;
        const open: Promise<unknown>[] = [];
        for (const at of steps) {
          if (at.type === 'cut') stage.node.path.cutAfter(at.toward, at.bytes);
          else if (at.type === 'wait') await stage.world.run(at.ms);
          else if (at.type === 'pass') {
            if (at.direct) open.push(give(works[at.work]).catch(() => {}));
            else stage.client.send('keep', at.work, works[at.work]);
          } else {
            const stub = kept.get(String(at.work));
            if (stub === undefined) continue;
            if (at.type === 'back') stage.session.send('back', at.work, stub);
            else if (at.type === 'call')
              open.push(
                stub().then(
                  (n) => void (missed += n === at.work ? 0 : 1),
                  () => void (missed += 1),
                ),
              );
            else {
              stub[Symbol.dispose]();
              for (const [name, other] of kept) if (other === stub) kept.delete(name);
            }
          }
        }
        await stage.world.run(20_000);
        await Promise.all([Promise.all(open), stage.world.run(1_000)]);
        expect(missed).toBe(0);
        for (const stub of new Set(kept.values())) stub[Symbol.dispose]();
        give[Symbol.dispose]();
        await stage.world.run(5_000);
        expect(tablesOf(stage)).toEqual([0, 0, 0, 0]);
        expect(stage.toldByServer).toEqual([]);
      }),
      { numRuns: 60, seed: 20_261_122 },
    );
  }, 120_000);
});

describe('a call of a function that is given up', () => {
  it('before it was written never leaves', async () => {
    const { stage, kept } = workshop();
    await stage.up();
    const heard: unknown[] = [];
    stage.client.send('keep', 'work', (name: unknown) => void heard.push(name));
    await stage.world.run(100);
    // In the tick of the calls nothing of them has been written.
    const { outlet } = actorOf(stage, 'server').session;
    const calls = ['given up', 'kept'].map((name) => fateOf(kept.get('work')?.(name) ?? Promise.resolve()));
    const token = outlet.direct.waiting.at(0)?.token ?? 0;
    expect([outlet.direct.waiting.length, token > 0, outlet.giveUp(token)]).toEqual([2, true, 'never-sent']);
    await stage.world.run(20_000);
    expect([heard, calls.map(({ value }) => value)]).toEqual([['kept'], ['open', undefined]]);
  });
});

describe('a gap', () => {
  /** The server loses its memory while the client is away. */
  async function lose(stage: Stage, meanwhile: () => void): Promise<void> {
    stage.server.crash();
    await stage.world.run(50);
    meanwhile();
    stage.server.restart();
    await stage.world.run(3_000);
    await stage.up();
  }

  it('leaves stubs and streams that say so, and what is passed anew works', async () => {
    const { stage } = workshop({
      atServer: (session) => session.expose({ give: () => () => 'given', feed: () => numbers(1_000) }),
    });
    await stage.up();
    const got = Promise.all([stage.client.call('give'), stage.client.call('feed')]);
    await stage.world.run(100);
    const [work, feed] = (await got) as [Work, AsyncIterator<unknown>];
    const first = feed.next();
    await stage.world.run(100);
    expect(await first).toEqual({ done: false, value: 0 });
    const own = (): string => 'own';
    const before = fateOf(stage.client.call('apply', own));
    await stage.world.run(100);
    await lose(stage, () => {});
    expect(stage.told).toContain('gap history-lost 0 0');
    const rest: unknown[] = [];
    const stream = fateOf(
      (async () => {
        for (;;) rest.push((await feed.next()).value);
      })(),
    );
    const late = [fateOf(work()), stream, fateOf(stage.client.call('apply', own))];
    await stage.world.run(1_000);
    expect([before.value, ...late.map(({ value }) => value), rest.length < 64]).toEqual([
      'own',
      'SessionLost',
      'SessionLost',
      'own',
      true,
    ]);
    // Of the stub that was lost nothing may be told to an end that never gave it.
    work[Symbol.dispose]();
    await stage.world.run(1_000);
    expect(stage.toldByServer.filter((word) => word.startsWith('error'))).toEqual([]);
  });

  it('keeps carried messages that use a function from leaving, each of them, and counts the others', async () => {
    const heard: unknown[] = [];
    const { stage, kept } = workshop({
      atServer: (session) => {
        session.on('use', (...args) => void heard.push(args.map((arg) => typeof arg)));
        session.expose({ give: () => () => 'given' });
      },
    });
    await stage.up();
    const got = stage.client.call('give');
    await stage.world.run(100);
    const work = (await got) as Work;
    const fates: { value: unknown }[] = [];
    await lose(stage, () => {
      fates.push(
        fateOf(stage.client.deliver('use', work)),
        fateOf(stage.client.deliver('use', work, 'again')),
        fateOf(stage.client.deliver('use', () => {}, work)),
        fateOf(stage.client.call('keep', 'k', () => 'passed')),
        fateOf(stage.client.deliver('use', 'plain')),
      );
    });
    expect(fates.map(({ value }) => value)).toEqual([
      'SessionLost',
      'SessionLost',
      'SessionLost',
      'SessionLost',
      undefined,
    ]);
    expect([heard, stage.told.filter((word) => word.startsWith('gap')), kept.size]).toEqual([
      [['string']],
      ['gap history-lost 0 1'],
      0,
    ]);
    expect(tablesOf(stage)).toEqual([0, 0, 0, 0]);
  });

  it('does the same for messages in line, and does not send again what used one', async () => {
    const heard: unknown[] = [];
    const { stage } = workshop({
      client: { limits: { outboxMessages: 2 } },
      atServer: (session) => session.on('use', (name) => void heard.push(name)),
    });
    await stage.up();
    stage.client.connection.on('gap', (report) => report.resend());
    stage.node.path.stall('server', 100_000);
    stage.client.send('use', 'unconfirmed', () => {});
    stage.client.send('use', 'unconfirmed plain');
    await stage.world.run(10);
    const fates: { value: unknown }[] = [];
    await lose(stage, () => {
      fates.push(
        fateOf(stage.client.deliver('use', 'line', () => {})),
        fateOf(stage.client.deliver('use', 'line plain')),
      );
    });
    await stage.world.run(3_000);
    expect([fates.map(({ value }) => value), heard]).toEqual([
      ['SessionLost', undefined],
      ['unconfirmed plain', 'line plain'],
    ]);
  });

  it('leaves messages of the old epoch that wait with functions that are lost, never with those of another', async () => {
    const held = Promise.withResolvers<void>();
    const got: Work[] = [];
    const { stage } = workshop({
      atClient: (client) => {
        client.on('hold', () => held.promise);
        client.on('work', (work) => void got.push(work as Work));
      },
      atServer: (session) => session.expose({ give: () => () => 'another' }),
    });
    await stage.up();
    stage.session.send('hold');
    stage.session.send('work', () => 'old');
    await stage.world.run(100);
    await lose(stage, () => {});
    const given = stage.client.call('give');
    await stage.world.run(200);
    expect(typeof (await given)).toBe('function');
    held.resolve();
    await stage.world.run(100);
    const fate = fateOf(got[0]?.() ?? Promise.resolve());
    await stage.world.run(100);
    expect([got.length, fate.value]).toEqual([1, 'SessionLost']);
  });
});

describe('T11: a release', () => {
  it('waits for the message that gives the function back, however long that waits for credit', async () => {
    const slow = Promise.withResolvers<void>();
    const { stage, kept } = workshop({ server: { limits: { mailboxMessages: 1 } } });
    await stage.up();
    const heard: unknown[] = [];
    const own = (value: unknown): void => void heard.push(value);
    stage.session.on('wait', () => slow.promise);
    let back: Work | undefined;
    stage.session.on('back', (work) => void (back = work as Work));
    stage.session.send('lend', own);
    let lent: Work | undefined;
    stage.client.on('lend', (work) => void (lent = work as Work));
    await stage.world.run(100);
    // The second message stands behind the first, without credit; the release needs none.
    stage.client.send('wait');
    stage.client.send('back', lent);
    lent?.[Symbol.dispose]();
    await stage.world.run(5_000);
    expect(actorOf(stage, 'server').functions.exportCount).toBe(1);
    slow.resolve();
    await stage.world.run(5_000);
    expect(back).toBe(own);
    expect([tablesOf(stage), kept.size, heard]).toEqual([[0, 0, 0, 0], 0, []]);
  });
});
