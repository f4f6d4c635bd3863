// A simulation driven by hand: what the test does comes where it stands, and what is wrong is told.
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { SimulationFailed, check } from 'homing/testing';
import { Pump } from '../../src/testing/kit/pump.ts';
import { World } from '../../src/testing/world.ts';
import { type Sell, failureOf, sell, shopOf } from './shop.ts';

const start = (handle: Sell = sell, shards = 0) => shopOf(handle, { shards }).start();

describe('a simulation driven by hand', () => {
  it('plays a story: a cut in the middle of a frame, a crash, and everything once', async () => {
    await using sim = start();
    const client = sim.client(0);
    client.on('confirmed', (pieces) => void (sim.notes.confirmed += pieces));
    await client.deliver('order', 2);
    expect(sim.notes).toEqual({ ordered: 0, sold: 2, confirmed: 4 });
    sim.link(0).cut({ toward: 'client', afterBytes: 7 });
    const sold = client.call('sold');
    client.send('order', 3);
    expect(await sold).toBe(2);
    await sim.until(() => sim.notes.sold === 5);
    sim.crash('server');
    await sim.run(50);
    expect(client.connection.state).not.toBe('up');
    await sim.heal().settled();
    expect(client.connection.state).toBe('up');
    sim.expectExactlyOnce();
    expect(sim.picture()).toMatch(/c0 +-- fault: the line is cut after 7[^]*#3 order[^]*server +crashes/);
  });

  it('lets virtual time stand still while the test runs, and pass while it awaits anything', async () => {
    await using sim = start();
    expect(sim.nowMs).toBe(0);
    await sim.run(250);
    expect(sim.nowMs).toBe(250);
    const confirmed = new Promise((resolve) => sim.client(1).once('confirmed', resolve));
    sim.step('order', 4, 1);
    expect([sim.nowMs, sim.notes.ordered]).toEqual([250, 4]);
    expect(await confirmed).toBe(4);
    expect(sim.nowMs).toBeLessThan(300);
    await sim.client(1).up();
    await sim.run(0.5);
    expect(sim.nowMs % 1).toBeCloseTo(0.5);
  });

  it('goes the same way each time, and another one with another seed', async () => {
    const story = async (seed: number): Promise<string> => {
      await using sim = shopOf(sell).start({ seed, weather: { jitterMs: 20 } });
      for (const pieces of [1, 2, 3]) sim.step('order', pieces, pieces % 2);
      await sim.client(0).up();
      sim.link(0).cut();
      await sim.client(0).call('sold');
      await sim.settled();
      return sim.picture();
    };
    expect(await story(4)).toBe(await story(4));
    expect(await story(4)).not.toBe(await story(5));
  });

  it('has every fault as a verb, and comes to rest after each', async () => {
    await using sim = start(sell, 2);
    const { refuse, ...verbs } = sim.link(1);
    expect(Object.keys(verbs).length).toBeGreaterThan(14);
    for (const [name, verb] of Object.entries(verbs)) {
      await sim.client(1).up();
      sim.step('order', 1, 1);
      verb();
      await sim.heal().settled();
      expect(sim.picture(), name).toContain('-- fault: ');
    }
    const { state } = sim.client(1).connection;
    refuse({ forMs: 300 });
    sim.client(1).reconnect();
    await sim.run(200);
    expect([state, sim.client(1).connection.state]).toEqual(['up', 'backoff']);
    sim.expectExactlyOnce();
  });

  it('lets processes of both sides stand still, die and start again', async () => {
    await using sim = start();
    const client = sim.client(0);
    await client.up();
    sim.freeze('server', 400);
    const sold = client.call('sold');
    await sold;
    expect(sim.nowMs).toBeGreaterThan(400);
    const { id } = client;
    sim.crash(0, { isSilent: true });
    expect(() => sim.client(0)).toThrow('client 0 is down');
    await sim.run(10);
    sim.restart(0);
    await sim.client(0).up();
    expect(sim.client(0).id).not.toBe(id);
    sim.crash(1, { forMs: 30 });
    await sim.run(31);
    expect(await sim.client(1).call('sold')).toBe(0);
  });

  it('tells what a handler came to, by the next thing that is asked', async () => {
    const sim = start(() => {
      throw new RangeError('no such piece');
    });
    sim.link(0).cut({ toward: 'server', afterBytes: 300 });
    sim.client(0).send('order', 2);
    const { verdict, message, plan } = await failureOf(sim.run(500));
    expect(verdict.line).toMatch(/^handler: RangeError: no such piece \(server, message \w+\/1\/1, at \d+ ms\)$/);
    expect(message).toContain('sim.test.ts');
    expect(message).toMatch(/by hand \(seed 1\):\n +0 ms {2}c0 {2}fault {2}the line is cut after 300 more bytes/);
    expect(plan.faults).toMatchObject([{ type: 'cut', client: 0 }]);
    expect(() => sim.expectExactlyOnce()).toThrow(SimulationFailed);
    await failureOf(sim.settled());
    await sim[Symbol.asyncDispose]();
    await expect(sim.run(1)).rejects.toMatchObject({ code: 'Closed' });
  });

  it('tells by its end what nobody has asked for', async () => {
    const sim = start(() => {
      throw new RangeError('no such piece');
    });
    await expect(sim.client(0).deliver('order', 2)).rejects.toMatchObject({ code: 'HandlerFailed' });
    expect((await failureOf(sim[Symbol.asyncDispose]())).verdict.oracle).toBe('handler');
  });

  it('says what has not come to be, and who is not at rest', async () => {
    const sim = start();
    const late = await failureOf(sim.until(() => sim.notes.sold > 0, 300));
    expect(late.verdict.line).toBe(
      'stuck: until(() => sim.notes.sold > 0) has not come to be within 300 ms (at 300 ms)',
    );
    await sim[Symbol.asyncDispose]();

    const never = start(() => new Promise(() => {}));
    never.client(0).send('order', 1);
    const stuck = await failureOf(never.settled());
    expect(stuck.verdict.line).toMatch(/^stuck: the handler of 'order', begun at \d+ ms, has not ended/);
    await never[Symbol.asyncDispose]();
  });

  it('watches the invariant of the scenario', async () => {
    const { scenario } = shopOf(sell);
    const shop = shopOf(sell);
    Object.assign(shop.scenario, {
      ...scenario,
      invariant: ({ notes }: { notes: { sold: number } }) => {
        if (notes.sold > 2) throw new Error('sold out');
      },
    });
    const sim = shop.start();
    sim.step('order', 3);
    expect((await failureOf(sim.run(100))).verdict.line).toMatch(/^invariant: Error: sold out/);
    await sim[Symbol.asyncDispose]();
  });

  it('has the thread for itself, and leaves it as it was', async () => {
    const { Date: RealDate } = globalThis;
    const sim = start();
    expect(globalThis.Date).not.toBe(RealDate);
    expect(() => start()).toThrow(expect.objectContaining({ code: 'BadOption' }));
    await expect(check(shopOf(sell), { runs: 1 })).rejects.toMatchObject({ code: 'BadOption' });
    await turn();
    await sim[Symbol.asyncDispose]();
    expect(globalThis.Date).toBe(RealDate);
    expect(() => sim.client(0)).toThrow('the simulation is over');
    expect((await check(shopOf(sell), { runs: 2 })).runs).toBe(2);
  });

  it('refuses clients and steps that there are not', async () => {
    await using sim = start();
    expect(() => sim.client(2)).toThrow('expected a client from 0 to 1, got 2');
    expect(() => sim.link(-1)).toThrow('expected a client from 0 to 1');
    expect(() => sim.step('steal' as 'order', 1)).toThrow('expected a step of the scenario, got steal');
  });

  it('gives up when nobody asks anything for ten virtual minutes', async () => {
    const world = new World(1);
    const { promise, resolve } = Promise.withResolvers<number>();
    const pump = new Pump({ world, startedCount: 0, failed: () => {}, idle: resolve });
    world.loop.onStep = () => pump.answer();
    const driving = pump.drive();
    await pump.ask(
      () => world.nowMs >= 900_000,
      () => world.loop.clock.at(900_000, () => {}),
    );
    expect(await promise).toBe(600_000);
    expect(world.nowMs).toBeGreaterThan(1_400_000);
    pump.stop();
    await driving;
  });
});
