// Time and chance of user code: virtual while a run lasts, those of a process that dies with it, and as before afterwards.
import nodeCrypto, { randomUUID } from 'node:crypto';
import { setInterval as ticksOf, setTimeout as sleepFor } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { type Session, defineBehavior } from 'homing';
import { type KitPlan, check, faultPlan, replay, simulate } from 'homing/testing';
import { type Shop, failureOf, sell, shopOf } from './shop.ts';

const kept = {
  setTimeout,
  setInterval,
  setImmediate,
  clearTimeout,
  clearInterval,
  clearImmediate,
  Date,
  random: Math.random,
  now: performance.now,
  randomUUID: crypto.randomUUID,
  nodeUUID: nodeCrypto.randomUUID,
  sleepFor,
};

function globalsNow(): typeof kept {
  return {
    setTimeout,
    setInterval,
    setImmediate,
    clearTimeout,
    clearInterval,
    clearImmediate,
    Date,
    random: Math.random,
    now: performance.now,
    randomUUID: crypto.randomUUID,
    nodeUUID: nodeCrypto.randomUUID,
    sleepFor,
  };
}

afterEach(() => {
  expect(globalsNow()).toEqual(kept);
  for (const [name, value] of Object.entries(globalsNow())) expect(value, name).toBe(Reflect.get(kept, name));
});

type Told = Record<string, unknown>;

/** A run in which the server hears one order, and does this with it. */
function runOf(handle: (told: Told, session: Session<Shop>) => unknown, faults: KitPlan['faults'] = []) {
  const told: Told = {};
  const simulation = simulate({
    behavior: () =>
      defineBehavior<Shop>({
        start: (session) => void session.on('order', () => handle(told, session)),
      }),
    clients: 1,
    steps: { order: { run: (_nothing, { client }) => client.send('order', 1) } },
    faults: faultPlan({ max: 0 }),
  });
  const steps = [{ atMs: 10, client: 0, name: 'order', value: undefined }];
  const plan: KitPlan = { seed: 4, weather: {}, faults, steps };
  return { told, playing: replay(simulation, plan), plan, simulation };
}

describe('in a simulated process', () => {
  it('every clock is virtual, and time passes only there', async () => {
    const beganMs = performance.now();
    const { told, playing } = runOf(async (facts) => {
      const [dateMs, nowMs] = [Date.now(), performance.now()];
      await sleepFor(20_000);
      await promisify(setTimeout)(10_000);
      facts['passed'] = [Date.now() - dateMs, performance.now() - nowMs, Number(new Date()) - dateMs];
      facts['year'] = new Date().getFullYear();
      facts['given'] = new Date(0).toISOString();
      facts['isDate'] = new Date() instanceof Date && typeof Date() === 'string';
    });
    await playing;
    expect(told).toEqual({
      passed: [30_000, 30_000, 30_000],
      year: 2026,
      given: '1970-01-01T00:00:00.000Z',
      isDate: true,
    });
    expect(performance.now() - beganMs).toBeLessThan(20_000);
  });

  it('timers fire in order, repeat, and can be taken back', async () => {
    const { told, playing } = runOf(async (facts) => {
      const order: string[] = [];
      const beganMs = performance.now();
      setTimeout((word: string) => order.push(word), 30, 'late');
      setTimeout(() => order.push('never'), 20).close();
      clearTimeout(setTimeout(() => order.push('never'), 20));
      clearImmediate(setImmediate(() => order.push('never')));
      setImmediate(() => order.push('immediate'));
      const ticks = setInterval(() => {
        order.push('tick');
        if (performance.now() - beganMs > 25) clearInterval(ticks);
      }, 10);
      for await (const word of ticksOf(50, 'tock')) {
        order.push(word);
        break;
      }
      const aborted = sleepFor(1_000, undefined, { signal: AbortSignal.abort() });
      await aborted.catch((error: unknown) => order.push((error as Error).name));
      facts['order'] = order;
    });
    await playing;
    expect(told['order']).toEqual(['immediate', 'tick', 'tick', 'late', 'tick', 'tock', 'AbortError']);
  });

  it('chance is that of the seed', async () => {
    const draw = (facts: Told): void => {
      facts['drawn'] = [
        Math.random(),
        randomUUID(),
        crypto.randomUUID(),
        nodeCrypto.randomInt(1_000_000),
        nodeCrypto.randomBytes(8).toString('hex'),
        crypto.getRandomValues(new Uint32Array(2)).join(),
      ];
    };
    const first = runOf(draw);
    await first.playing;
    const again = runOf(draw);
    await again.playing;
    const drawn = first.told['drawn'] as unknown[];
    expect(new Set(drawn).size).toBe(6);
    expect(drawn[1]).toMatch(/^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
    expect(again.told['drawn']).toEqual(drawn);
  });

  it('timers die with it', async () => {
    const crash = { type: 'crash', atMs: 100, client: 0, side: 'server', isSilent: false, forMs: 10 } as const;
    const handle = (facts: Told): void => {
      setInterval(() => (facts['lastMs'] = performance.now()), 7);
    };
    const { told, playing } = runOf(handle, [crash]);
    await playing;
    expect(told['lastMs']).toBeGreaterThan(90);
    expect(told['lastMs']).toBeLessThan(100);
  });

  it('a timer callback that throws ends the run, as it would end the process', async () => {
    const { playing } = runOf(() => void setTimeout(() => Reflect.get(undefined as never, 'x'), 5));
    const { verdict, message } = await failureOf(playing);
    expect(verdict).toMatchObject({ oracle: 'uncaught', place: { who: 'server' } });
    expect(message).toContain('globals.test.ts');
  });
});

describe('outside of all processes', () => {
  it('time and chance stay real while a run lasts', async () => {
    const real: number[] = [];
    const { playing } = runOf(() => sleepFor(5_000));
    const other = new Promise<void>((resolve) => {
      setTimeout(() => {
        real.push(Date.now());
        resolve();
      }, 1);
    });
    await Promise.all([playing, other]);
    expect(Math.abs((real[0] ?? 0) - Date.now())).toBeLessThan(60_000);
  });

  it('a second simulation at the same time is refused', async () => {
    const first = check(shopOf(sell), { runs: 5 });
    await expect(check(shopOf(sell), { runs: 5 })).rejects.toMatchObject({
      code: 'BadOption',
      message: expect.stringContaining('another simulation is played in this thread'),
    });
    expect((await first).runs).toBe(5);
    expect((await check(shopOf(sell), { runs: 5 })).runs).toBe(5);
  });

  it('nothing is replaced with globals: false', async () => {
    const seen: boolean[] = [];
    const { simulation, plan, playing } = runOf(() => {});
    await playing;
    const start = (session: Session<Shop>): void =>
      void session.on('order', () => void seen.push(setTimeout === kept.setTimeout && Date.now === kept.Date.now));
    await replay({ scenario: { ...simulation.scenario, behavior: () => ({ start }), globals: false } as never }, plan);
    expect(seen).toEqual([true]);
  });
});
