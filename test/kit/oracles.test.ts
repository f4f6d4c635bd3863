// What every run is judged by: each of these is broken once, and the failure says which, and where.
import { readFile } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { describe, expect, it, vi } from 'vitest';
import { defineBehavior } from 'homing';
import { type KitPlan, check, faultPlan, replay, simulate } from 'homing/testing';
import { Handlers } from '../../src/actors/handlers.ts';
import { type Notes, type Sell, type Shop, failureOf, sell, shopOf } from './shop.ts';

const order: KitPlan = {
  seed: 1,
  weather: {},
  faults: [],
  steps: [{ atMs: 10, client: 0, name: 'order', value: 2 }],
};

const playing = (handle: Sell) => failureOf(replay(shopOf(handle), order));

describe('code of the user', () => {
  it('fails a run by a handler that throws, with the message it was about', async () => {
    const { verdict, message } = await playing(() => {
      throw new RangeError('no such piece');
    });
    expect(verdict.line).toMatch(/^handler: RangeError: no such piece \(server, message \w+\/1\/1, at 1\d ms\)$/);
    expect(message).toContain('oracles.test.ts');
  });

  it('fails a run by a method that throws, and a step that does', async () => {
    const scenarioOf = (isStep: boolean) =>
      simulate({
        behavior: () =>
          defineBehavior<Shop>({
            start: (session) =>
              session.expose({
                sold() {
                  if (!isStep) throw new RangeError('not counted');
                  return 1;
                },
              }),
          }),
        steps: {
          order: {
            async run(_nothing, { client }) {
              await client.call('sold');
              throw new TypeError('not asked');
            },
          },
        },
      });
    expect((await failureOf(replay(scenarioOf(false), order))).verdict.line).toMatch(
      /^step: RangeError: not counted \(c0/,
    );
    expect((await failureOf(replay(scenarioOf(true), order))).verdict.line).toMatch(/^step: TypeError: not asked \(c0/);
  });

  it('may come to errors that are allowed, and to those of lines and dead peers', async () => {
    const flawed = shopOf((pieces, notes, session) => {
      if (pieces === 2) throw new RangeError('no such piece');
      return sell(pieces, notes, session);
    });
    const allowErrors = (error: unknown): boolean => error instanceof RangeError;
    const { scenario } = flawed;
    const lenient = { scenario: { ...scenario, allowErrors, finally: () => {} } };
    expect((await replay(lenient, order)).runs).toBe(1);
    const asks = { ...order, steps: [{ atMs: 10, client: 0, name: 'ask', value: undefined }] };
    const crash = { type: 'crash', atMs: 11, client: 0, side: 'server', isSilent: true, forMs: 50 } as const;
    expect((await replay(shopOf(sell), { ...asks, faults: [crash] })).runs).toBe(1);
  });

  it('is stopped at the first moment at which an invariant does not hold', async () => {
    const { scenario } = shopOf(sell);
    const invariant = ({ notes }: { readonly notes: unknown }): void => {
      if ((notes as Notes).sold > 0) throw new Error('something is sold');
    };
    const { verdict } = await failureOf(replay({ scenario: { ...scenario, invariant } }, order));
    expect(verdict).toMatchObject({ oracle: 'invariant', atMs: 16 });
  });

  it('is asked once more at rest, where it may wait and call', async () => {
    const { scenario } = shopOf(sell);
    const look: typeof scenario.finally = async ({ clients, now }) => {
      const sold = await clients[1]?.call('sold');
      throw new Error(`at ${now() > 1_000 ? 'rest' : 'once'} ${String(sold)} are sold`);
    };
    const { verdict } = await failureOf(replay({ scenario: { ...scenario, finally: look } }, order));
    expect(verdict.line).toMatch(/^finally: Error: at rest 2 are sold/);
  });
});

describe('a handler', () => {
  it('that waits for a file is named, with the place where it began to wait', async () => {
    const { verdict, message } = await playing(async () => {
      await new Promise((resolve) => setTimeout(resolve, 3));
      await readFile(new URL(import.meta.url));
    });
    expect(verdict.oracle).toBe('outside');
    expect(verdict.line).toMatch(
      /^outside: the handler of 'order', begun at \d+ ms, .* server waits for something outside the simulation \(FS\w+\) \(server, message \w+\/1\/1/,
    );
    expect(message).toMatch(/it began here:\n +at .*oracles\.test\.ts/);
  });

  it('that waits for a socket is named as well', async () => {
    const sockets: { destroy(): void }[] = [];
    const { verdict } = await playing(
      () =>
        new Promise((resolve) => {
          const socket = createConnection({ host: '127.0.0.1', port: 9 }, () => resolve(undefined));
          socket.on('error', () => {});
          sockets.push(socket);
        }),
    );
    for (const socket of sockets) socket.destroy();
    expect(verdict.line).toMatch(/outside the simulation \(TCP\w+\)/);
  });

  it('that nothing wakes is named, and so is a step', async () => {
    const handled = await playing(() => new Promise(() => {}));
    expect(handled.verdict.line).toMatch(/^stuck: the handler of 'order', begun at 11 ms, has not ended \d+ ms after/);
    const { scenario } = shopOf(sell);
    const step = { order: { run: () => new Promise(() => {}) } };
    const { verdict } = await failureOf(replay({ scenario: { ...scenario, steps: step } }, order));
    expect(verdict.line).toMatch(/^stuck: the step 'order', begun at 10 ms/);
  });

  it('that gets a message again is seen, and the verdict names the invariant', async () => {
    const attach = Handlers.prototype.on;
    const spy = vi.spyOn(Handlers.prototype, 'on').mockImplementation(function on(this: Handlers, event, handler) {
      return attach.call(this, event, (...args) => {
        handler(...args);
        return handler(...args);
      });
    });
    const { verdict } = await playing((_pieces, notes) => void (notes.sold += 1)).finally(() => spy.mockRestore());
    expect(verdict).toMatchObject({ oracle: 'order', place: { invariant: 'I1', who: 'server' } });
    expect(verdict.line).toMatch(/^order: .*message 1 started again \(I1, server, message \w+\/1\/1, at 1\d ms\)$/);
  });
});

describe('a history', () => {
  // A client that stood still heard of its session from a server that was dead by then.
  it('that a server took with it is not missed at the server that came after it', async () => {
    const { scenario } = shopOf(sell);
    const plan: KitPlan = {
      seed: 999_217_964,
      weather: { latencyMs: 0, jitterMs: 1 },
      faults: [
        { atMs: 1, client: 1, type: 'freeze', side: 'client', forMs: 2 },
        { atMs: 2, client: 0, type: 'crash', side: 'server', isSilent: false, forMs: 0 },
      ],
      steps: [],
    };
    expect((await replay({ scenario }, plan)).runs).toBe(1);
  });
});

describe('a behavior', () => {
  it('that depends on something else than its seed is found out', async () => {
    let lives = 0;
    const simulation = simulate({
      behavior: () =>
        defineBehavior<Shop>({
          start(session) {
            const delayMs = (lives += 1);
            session.on('order', () => new Promise((resolve) => setTimeout(resolve, delayMs)));
          },
        }),
      steps: { order: { run: (_nothing, { client }) => client.send('order', 1) } },
      faults: faultPlan({ max: 0 }),
    });
    const { verdict } = await failureOf(check(simulation, { runs: 10, seed: 1, saveTo: false, shrinkMs: 500 }));
    expect(verdict.oracle).toBe('determinism');
  });

  it('that is none, or has no steps, is refused', () => {
    expect(() => simulate({ behavior: {} as never, steps: { a: { run: () => {} } } })).toThrow('expected a behavior');
    expect(() => simulate({ behavior: () => () => {}, steps: {} })).toThrow('expected at least one step');
    expect(() => simulate({ behavior: () => () => {}, clients: 0, steps: { a: { run: () => {} } } })).toThrow(
      'expected clients to be a whole number',
    );
  });
});
