import { type AddressInfo, connect, createServer } from 'node:net';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { type ProxyEvent, openProxy } from '../../../../src/testing/proxy/chaos-proxy.ts';
import type { LineFault } from '../../../../src/testing/proxy/plan.ts';
import { type End, endOf, noise, roundTrip, world } from './ends.ts';

describe('without faults', () => {
  it('passes bytes both ways as they are, and each goodbye in its direction', async () => {
    await using line = await world();
    const near = line.dial();
    const far = await line.arrival();
    near.socket.end(noise(300_000));
    far.socket.end(noise(200_000));
    expect(await near.over).toBe('end');
    expect(await far.over).toBe('end');
    expect(far.bytes().equals(noise(300_000))).toBe(true);
    expect(near.bytes().equals(noise(200_000))).toBe(true);
  });

  it('passes a reset on', async () => {
    await using line = await world();
    const near = line.dial();
    const far = await line.arrival();
    near.socket.write('x');
    await far.got(1);
    near.socket.resetAndDestroy();
    expect(await far.over).toBe('ECONNRESET');
  });

  it('holds a sender back that is faster than its reader, and loses nothing', async () => {
    let seenBytes = 0;
    await using line = await world({ seen: (_, chunk) => void (seenBytes += chunk.length) });
    const near = line.dial();
    const far = await line.arrival();
    far.socket.pause();
    const whole = noise(32 * 1_048_576);
    near.socket.end(whole);
    let before = -1;
    // Until the buffers of the operating system are full and nothing moves any more.
    while (seenBytes === 0 || before !== seenBytes) {
      before = seenBytes;
      for (let turn = 0; turn < 100; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    }
    expect(seenBytes).toBeLessThan(whole.length);
    far.socket.resume();
    await far.got(whole.length);
    expect(far.bytes().equals(whole)).toBe(true);
  });

  it('resets the dialling end when the target is not there', async () => {
    const gone = createServer().listen(0, '127.0.0.1');
    await once(gone, 'listening');
    const targetPort = (gone.address() as AddressInfo).port;
    gone.close();
    await using proxy = await openProxy({ targetPort });
    const near = endOf(connect(proxy.port, '127.0.0.1'));
    expect(await near.over).toBe('ECONNRESET');
  });
});

describe('a cut', () => {
  const hows = ['reset', 'finish'] as const;
  const cases = hows.flatMap((how) => [0, 1, 16, 4_099, 60_000].map((afterBytes) => ({ how, afterBytes })));

  it.each(cases)('from the dialling end comes after exactly $afterBytes bytes ($how)', async ({ how, afterBytes }) => {
    await using line = await world({ plan: () => [{ type: 'cut', direction: 'up', afterBytes, how }] });
    const near = line.dial();
    for (let index = 0; index < 100; index += 1) near.socket.write(noise(1_000));
    const far = await line.arrival();
    expect(await far.over).toBe(how === 'reset' ? 'ECONNRESET' : 'end');
    expect(far.bytes().length).toBe(afterBytes);
    await near.over;
    expect(line.proxy.counts).toMatchObject({
      cuts: 1,
      resets: how === 'reset' ? 1 : 0,
      finishes: how === 'reset' ? 0 : 1,
    });
  });

  it.each(cases)('from the target comes after exactly $afterBytes bytes ($how)', async ({ how, afterBytes }) => {
    await using line = await world({ plan: () => [{ type: 'cut', direction: 'down', afterBytes, how }] });
    const near = line.dial();
    const far = await line.arrival();
    far.socket.write(noise(90_000));
    expect(await near.over).toBe(how === 'reset' ? 'ECONNRESET' : 'end');
    expect(near.bytes().equals(noise(90_000).subarray(0, afterBytes))).toBe(true);
    await far.over;
  });

  it('by command hits every connection at once, with FIN as well', async () => {
    await using line = await world();
    const near = line.dial();
    const far = await line.arrival();
    near.socket.write('some');
    await far.got(4);
    line.proxy.cut('finish');
    expect([await near.over, await far.over]).toEqual(['end', 'end']);
    expect(line.events).toContainEqual({
      type: 'cut',
      connection: 0,
      how: 'finish',
      direction: undefined,
      upBytes: 4,
      downBytes: 0,
      refuseMs: undefined,
    });
  });

  it('is told and counted once, also when it is asked for twice', async () => {
    await using line = await world();
    const near = line.dial();
    await line.arrival();
    line.proxy.cut();
    line.proxy.cut();
    await near.over;
    expect(line.proxy.counts.cuts).toBe(1);
  });

  it('hits each connection by its own number', async () => {
    const plan = (connection: number): readonly LineFault[] =>
      connection === 1 ? [{ type: 'cut', direction: 'up', afterBytes: 2, how: 'finish' }] : [];
    await using line = await world({ plan });
    const ends: { readonly near: End; readonly far: End }[] = [];
    for (let index = 0; index < 3; index += 1) ends.push({ near: line.dial(), far: await line.arrival() });
    for (const { near } of ends) near.socket.write('four');
    expect(await ends[1]?.far.over).toBe('end');
    expect(ends[1]?.far.bytes().toString()).toBe('fo');
    await ends[0]?.far.got(4);
    await ends[2]?.far.got(4);
  });
});

describe('dialling', () => {
  it('is refused by the operating system until the proxy accepts again, at the same port', async () => {
    await using line = await world();
    const { port } = line.proxy;
    const open = line.dial();
    const far = await line.arrival();
    line.proxy.refuse();
    expect(await line.dial().over).toBe('ECONNREFUSED');
    await line.proxy.accept();
    expect(line.proxy.port).toBe(port);
    const near = line.dial();
    near.socket.write('x');
    await (await line.arrival()).got(1);
    open.socket.write('an open connection stays');
    await far.got(24);
    expect(line.proxy.counts.refusals).toBe(1);
  });

  it('is refused for a time after a cut that says so', async () => {
    const plan = (connection: number): readonly LineFault[] =>
      connection === 0 ? [{ type: 'cut', direction: 'up', afterBytes: 1, how: 'reset', refuseMs: 30 }] : [];
    const reopened = Promise.withResolvers<void>();
    let isRefusing = false;
    const told = (event: ProxyEvent): void => {
      if (event.type === 'refusing') isRefusing = true;
      if (event.type === 'accepting' && isRefusing) reopened.resolve();
    };
    await using line = await world({ plan, told });
    const first = line.dial();
    first.socket.write('x');
    await first.over;
    expect(await line.dial().over).toBe('ECONNREFUSED');
    await reopened.promise;
    const near = line.dial();
    await once(near.socket, 'connect');
  });

  it('is turned away without a word to the target', async () => {
    const plan = (connection: number): readonly LineFault[] =>
      connection === 0 ? [{ type: 'turnAway', how: 'reset' }] : [];
    await using line = await world({ plan });
    expect(await line.dial().over).toBe('ECONNRESET');
    const near = line.dial();
    near.socket.write('second');
    await (await line.arrival()).got(6);
    expect(line.arrivals).toEqual([]);
    expect(line.proxy.counts).toMatchObject({ accepted: 2, turnedAway: 1, cuts: 0 });
  });

  it('and met with silence leaves no socket behind once it gives up', async () => {
    await using line = await world({ plan: () => [{ type: 'turnAway', how: 'silence' }] });
    const near = line.dial();
    near.socket.end('anybody?');
    expect(await near.over).toBe('end');
    expect(near.bytes().length).toBe(0);
  });
});

describe('a stall', () => {
  it('holds bytes back for its time and loses none', async () => {
    await using line = await world({ plan: () => [{ type: 'stall', direction: 'up', afterBytes: 3, forMs: 60 }] });
    const near = line.dial();
    near.socket.write('abcdef');
    const far = await line.arrival();
    await far.got(3);
    const stalledAt = performance.now();
    expect(far.bytes().toString()).toBe('abc');
    await far.got(6);
    expect(performance.now() - stalledAt).toBeGreaterThan(40);
    expect(far.bytes().toString()).toBe('abcdef');
  });

  it('ends when the line heals', async () => {
    await using line = await world();
    const near = line.dial();
    const far = await line.arrival();
    line.proxy.stall(600_000);
    near.socket.write('held');
    await roundTrip(line);
    expect(far.bytes().length).toBe(0);
    await line.proxy.heal();
    await far.got(4);
  });
});

describe('a black hole', () => {
  it('swallows one direction, its goodbye too, and passes the other', async () => {
    await using line = await world();
    const near = line.dial();
    const far = await line.arrival();
    line.proxy.blackHole('up');
    near.socket.end('never seen');
    far.socket.write('still here');
    await near.got(10);
    await roundTrip(line);
    expect(far.bytes().length).toBe(0);
    expect(far.socket.readableEnded).toBe(false);
    expect(line.proxy.counts).toMatchObject({ cuts: 1, blackHoles: 1 });
  });

  it('of both directions leaves each end alone with an open socket until it gives up', async () => {
    await using line = await world({
      plan: (n) => (n === 0 ? [{ type: 'blackHole', direction: 'up', afterBytes: 5, hole: 'both' }] : []),
    });
    const near = line.dial();
    near.socket.write('12345678');
    const far = await line.arrival();
    await far.got(5);
    far.socket.write('an answer');
    await roundTrip(line);
    expect([near.bytes().length, far.bytes().length]).toEqual([0, 5]);
    near.socket.destroy();
    await near.over;
    await roundTrip(line);
    expect(far.socket.closed).toBe(false);
    expect(line.proxy.openCount).toBeGreaterThan(0);
    far.socket.destroy();
    await far.over;
  });

  it('closes its sockets once both ends have given up', async () => {
    await using line = await world();
    const near = line.dial();
    const far = await line.arrival();
    line.proxy.blackHole();
    near.socket.destroy();
    far.socket.destroy();
    while (line.proxy.openCount > 0) await new Promise((resolve) => setImmediate(resolve));
  });

  it.each(['up', 'down'] as const)(
    'of the direction %s closes both once the goodbye of the other was answered',
    async (hole) => {
      await using line = await world();
      const near = line.dial();
      const far = await line.arrival();
      line.proxy.blackHole(hole);
      // It waits for an answer to its FIN, and that falls into the hole.
      const waits = hole === 'up' ? far : near;
      waits.socket.end('goodbye');
      expect(await waits.over).toBe('end');
      while (line.proxy.openCount > 0) await new Promise((resolve) => setImmediate(resolve));
    },
  );
});

describe('a slow line', () => {
  it('passes slices of the size given, whole and in order', async () => {
    await using line = await world({ plan: () => [{ type: 'slow', latencyMs: 0, sliceBytes: 7 }] });
    const near = line.dial();
    near.socket.end(noise(2_000));
    const far = await line.arrival();
    await far.over;
    expect(far.bytes().equals(noise(2_000))).toBe(true);
    // The operating system may join slices, but not many of them.
    expect(far.chunks.length).toBeGreaterThan(50);
  });

  it('passes bytes late by the latency', async () => {
    await using line = await world();
    const near = line.dial();
    const far = await line.arrival();
    line.proxy.slow({ latencyMs: 50, sliceBytes: 0 });
    const sentAt = performance.now();
    near.socket.write('one');
    await far.got(3);
    expect(performance.now() - sentAt).toBeGreaterThan(45);
  });
});

describe('the end', () => {
  it('closes every socket and the port, also while it refuses', async () => {
    const line = await world();
    const near = line.dial();
    const far = await line.arrival();
    line.proxy.refuse(5);
    await line[Symbol.asyncDispose]();
    expect(await near.over).toBe('ECONNRESET');
    expect(await far.over).toBe('ECONNRESET');
    expect(line.proxy.openCount).toBe(0);
    expect(await line.dial().over).toBe('ECONNREFUSED');
  });
});
