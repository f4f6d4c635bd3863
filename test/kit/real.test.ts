// The same simulation on real sockets: it holds where it should, and what goes wrong there is handed to the simulator.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defineBehavior } from 'homing';
import { type Fault, chaosProxy, check, onReal, replay, simulate } from 'homing/testing';
import { type Sell, type Shop, failureOf, sell, shopOf } from './shop.ts';

const quick = { saveTo: false } as const;

/** A shop that these faults befall. Runs from seed 19 on take 60 ms each, from seed 55 on 400. */
function struck(handle: Sell, faults: readonly Fault[]) {
  const shop = shopOf(handle);
  Object.assign(shop.scenario, { faults: fc.constant(faults), stepsMax: 6 });
  return shop;
}

const each: readonly Fault[] = [
  { type: 'reconnect', atMs: 250, client: 0 },
  { type: 'cut', atMs: 300, client: 1, toward: 'server', afterBytes: 0, by: 'reset' },
  { type: 'cut', atMs: 350, client: 0, toward: 'client', afterBytes: 30, by: 'finish' },
  { type: 'stall', atMs: 400, client: 1, toward: 'client', forMs: 20 },
  { type: 'flap', atMs: 1_000, client: 0, everyMs: 5, times: 3 },
  { type: 'door', atMs: 1_500, client: 1, door: 'refuses', forMs: 30 },
  { type: 'door', atMs: 1_500, client: 0, door: 'closesAtOnce', forMs: 30 },
  { type: 'cut', atMs: 1_525, client: 0, toward: 'server', afterBytes: 0, by: 'reset' },
  { type: 'disconnect', atMs: 2_500, client: 1, forMs: 10 },
  { type: 'swallow', atMs: 3_000, client: 0, toward: 'both' },
  { type: 'crash', atMs: 3_250, client: 0, side: 'server', isSilent: false, forMs: 1 },
];

describe('on real sockets', () => {
  it('plays the faults of the simulation through a proxy, and counts what cannot be had there', async () => {
    const real = onReal(struck(sell, each), { seconds: 0.7, seed: 55, atOnce: 2 });
    const told: number[] = [];
    const report = await check(real, { ...quick, onProgress: ({ runs }) => void told.push(runs) });
    expect(report.runs).toBeGreaterThanOrEqual(2);
    expect(told).toEqual(Array.from({ length: report.runs }, (_each, index) => index + 1));
    expect(report.disconnects).toBeGreaterThanOrEqual(report.runs);
    expect(report.messages).toBeGreaterThan(0);
    expect(report.seconds).toBeGreaterThanOrEqual(0.7);
    const kinds = ['cut', 'disconnect', 'door', 'flap', 'reconnect', 'stall', 'swallow'];
    expect(Object.keys(report.faults).toSorted()).toEqual(kinds);
    expect(Object.keys(report.skipped)).toEqual(['crash']);
  });

  it('hands what goes wrong to the simulator, where a token plays it again', async () => {
    const forgetful: Sell = async (pieces, notes, session) => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      notes.sold += pieces;
      if (pieces < 0) session.send('confirmed', pieces);
    };
    const shop = struck(forgetful, [{ type: 'reconnect', atMs: 5, client: 0 }]);
    const failure = await failureOf(check(onReal(shop, { seconds: 5, seed: 19, atOnce: 1 }), quick));
    expect(failure.verdict.oracle).toBe('finally');
    expect(failure.verdict.line).toMatch(/^finally: Error: \d+ were ordered, 0 are confirmed \(at \d+ ms\)$/);
    expect(failure.message).toMatch(/what was done \(run \d on real sockets, seed 19\):/);
    expect(failure.picture).toMatch(/c0 +is up: a new session/);
    expect(failure.message).toContain('the simulator fails by the same plan');
    expect(failure.plan.steps.length).toBeGreaterThan(0);
    expect((await failureOf(replay(shop, failure.token))).verdict.oracle).toBe('finally');
  });

  it('judges handlers, and says when the simulator has nothing to show', async () => {
    let isReal = true;
    const shop = struck(() => {
      if (isReal) throw new RangeError('no such piece');
    }, []);
    const { scenario } = shop;
    const playing = check(onReal(shop, { seconds: 5, seed: 19, atOnce: 1 }), quick);
    Object.assign(scenario, {
      notes: () => ((isReal = false), { ordered: 0, sold: 0, confirmed: 0 }),
      finally: () => {},
    });
    const { verdict, message } = await failureOf(playing);
    expect(verdict.line).toMatch(/^handler: RangeError: no such piece \(server, message \w+\/1\/\d, at \d+ ms\)$/);
    expect(message).toContain('the simulator does not fail by the same plan');
  });

  it('starts a client again that died, without memory', async () => {
    const crash: Fault = { type: 'crash', atMs: 20, client: 0, side: 'client', isSilent: false, forMs: 10 };
    const shop = struck(sell, [crash]);
    const ids = new Set<string>();
    Object.assign(shop.scenario, {
      clients: 1,
      finally: ({ clients }: { clients: readonly { id: string }[] }) => void ids.add(clients[0]?.id ?? ''),
    });
    const report = await check(onReal(shop, { seconds: 0.1, atOnce: 1 }), quick);
    expect([report.runs, report.faults, ids.size]).toEqual([1, { crash: 1 }, 1]);
  });

  it('looks at the invariant now and then', async () => {
    const shop = struck(sell, []);
    Object.assign(shop.scenario, {
      invariant({ notes }: { notes: { sold: number } }) {
        if (notes.sold > 0) throw new Error('something is sold');
      },
    });
    expect((await failureOf(check(onReal(shop, { seconds: 5, seed: 19 }), quick))).verdict.oracle).toBe('invariant');
  });

  it('takes proxies that are made for it, one for each client of each run', async () => {
    let count = 0;
    const proxy = () => {
      count += 1;
      return chaosProxy();
    };
    const { runs } = await check(onReal(struck(sell, []), { seconds: 0.1, clients: 3, atOnce: 1, proxy }), quick);
    expect(count).toBe(3 * runs);
  });

  it('refuses shards of a behavior that has no module', async () => {
    const steps = { nothing: { run: () => {} } };
    const plain = simulate({ behavior: defineBehavior<Shop>({ start: () => {} }), steps });
    const sentence = 'expected a behavior with a module (module: import.meta.url, in the file';
    expect(() => onReal(plain, { shards: 2 })).toThrow(sentence);
    const made = simulate({ behavior: () => defineBehavior<Shop>({ start: () => {} }), steps });
    await expect(check(onReal(made, { shards: 2, seconds: 1 }), quick)).rejects.toMatchObject({ code: 'BadOption' });
    expect(() => onReal(plain, { seconds: 0 })).toThrow('expected seconds to be a number above 0, got 0');
    expect(() => onReal(plain, { clients: 0 })).toThrow('expected clients to be a whole number from 1 to 64, got 0');
  });
});
