import { describe, expect, it } from 'vitest';
import type { FaultAction } from '../../../../src/testing/plan.ts';
import { realFaults } from '../../../../src/testing/proxy/real-faults.ts';
import { frame, noise, roundTrip, world } from './ends.ts';

/** A proxy whose second lane is the way of one client, and that client's first connection. */
async function client() {
  const line = await world();
  const lane = await line.proxy.openLane();
  const dial = () => line.dial(lane.port);
  const near = dial();
  const far = await line.arrival();
  return {
    line,
    lane,
    dial,
    near,
    far,
    befall: (fault: FaultAction) => realFaults(lane, fault),
    async [Symbol.asyncDispose]() {
      await line[Symbol.asyncDispose]();
    },
  };
}

describe('a fault of a simulated plan on a real connection', () => {
  it('cuts after so many more bytes toward the server, by a reset', async () => {
    await using one = await client();
    one.near.socket.write('before');
    await one.far.got(6);
    expect(one.befall({ type: 'cut', toward: 'server', afterBytes: 3, by: 'reset' })).toBe(true);
    one.near.socket.write('after');
    expect(await one.far.over).toBe('ECONNRESET');
    expect(one.far.bytes().toString()).toBe('beforeaft');
  });

  it('cuts after so many more bytes toward the client, on whichever connection that is, by a goodbye', async () => {
    await using one = await client();
    one.befall({ type: 'cut', toward: 'client', afterBytes: 5, by: 'finish' });
    one.far.socket.write('12');
    await one.near.got(2);
    const next = one.dial();
    const nextFar = await one.line.arrival();
    nextFar.socket.write('345678');
    expect(await next.over).toBe('end');
    expect(next.bytes().toString()).toBe('345');
  });

  it('cuts at once after 0 bytes, and nothing later if there is no connection', async () => {
    await using one = await client();
    one.befall({ type: 'cut', toward: 'server', afterBytes: 0, by: 'reset' });
    expect(await one.near.over).toBe('ECONNRESET');
    one.befall({ type: 'cut', toward: 'server', afterBytes: 0, by: 'reset' });
    const next = one.dial();
    next.socket.write('goes through');
    await (await one.line.arrival()).got(12);
    expect(one.line.proxy.counts.cuts).toBe(1);
  });

  it('stalls, swallows and alters in the direction it says', async () => {
    await using one = await client();
    one.befall({ type: 'flip', toward: 'server', afterBytes: 2 });
    one.near.socket.write(noise(5));
    await one.far.got(5);
    expect([...one.far.bytes().keys()].filter((at) => one.far.bytes()[at] !== noise(5)[at])).toEqual([2]);
    one.befall({ type: 'stall', toward: 'client', forMs: 600_000 });
    one.far.socket.write('held');
    one.near.socket.write('passes');
    await one.far.got(11);
    await roundTrip(one.line);
    expect(one.near.bytes().length).toBe(0);
    await one.lane.heal();
    await one.near.got(4);
    one.befall({ type: 'swallow', toward: 'server' });
    one.near.socket.write('gone');
    one.far.socket.write('here');
    await one.near.got(8);
    await roundTrip(one.line);
    expect(one.far.bytes().length).toBe(11);
    one.befall({ type: 'swallow', toward: 'both' });
    one.far.socket.write('gone');
    await roundTrip(one.line);
    expect(one.near.bytes().length).toBe(8);
    expect(one.line.proxy.counts).toMatchObject({ flips: 1, stalls: 1, blackHoles: 1, cuts: 1 });
  });

  it('delivers late, and an old HELLO again', async () => {
    await using one = await client();
    const hello = frame('HELLO', 30);
    one.near.socket.write(hello);
    await one.far.got(hello.length);
    one.far.socket.write('x');
    await one.near.got(1);
    one.befall({ type: 'replay', back: 0, stayMs: 1 });
    const again = await one.line.arrival();
    expect(await again.over).toBe('end');
    one.befall({ type: 'orphan', toward: 'server', forMs: 1 });
    expect(await one.near.over).toBe('ECONNRESET');
    expect(await one.far.over).toBe('end');
    expect(one.line.proxy.counts).toMatchObject({ replays: 1, orphans: 1 });
  });

  it('changes the weather of one direction, for later connections too', async () => {
    await using one = await client();
    one.befall({ type: 'weather', toward: 'client', change: { latencyMs: 600_000 } });
    const next = one.dial();
    const nextFar = await one.line.arrival();
    nextFar.socket.write('late');
    next.socket.write('soon');
    await nextFar.got(4);
    await roundTrip(one.line);
    expect(next.bytes().length).toBe(0);
    one.befall({ type: 'weather', toward: 'client', change: { latencyMs: 0, bytesPerMs: Infinity } });
    const last = one.dial();
    const lastFar = await one.line.arrival();
    lastFar.socket.write('soon');
    await last.got(4);
  });

  it('shuts the door of this client and of no other', async () => {
    await using one = await client();
    one.befall({ type: 'door', door: 'refuses', forMs: 600_000 });
    expect(await one.dial().over).toBe('ECONNREFUSED');
    await roundTrip(one.line);
    await one.lane.heal();
    one.befall({ type: 'door', door: 'closesAtOnce', forMs: 600_000 });
    expect(await one.dial().over).toBe('end');
    await one.lane.heal();
    for (const door of ['staysSilent', 'neverAnswers'] as const) {
      one.befall({ type: 'door', door, forMs: 600_000 });
      const silent = one.dial();
      silent.socket.write('anybody?');
      await roundTrip(one.line);
      expect(silent.socket.closed).toBe(false);
    }
    expect(one.line.arrivals).toEqual([]);
  });

  it('flaps', async () => {
    await using one = await client();
    one.befall({ type: 'flap', everyMs: 1, times: 10_000 });
    await one.near.over;
    await one.dial().over;
    expect(one.line.proxy.counts.cuts).toBe(2);
  });

  it('is not carried out if it is none of a line', async () => {
    await using one = await client();
    const others: readonly FaultAction[] = [
      { type: 'reconnect' },
      { type: 'disconnect', forMs: 1 },
      { type: 'freeze', side: 'server', forMs: 1 },
      { type: 'directDoor', door: 'refuses', forMs: 1 },
      { type: 'shardPause', which: 'home', forMs: 1 },
      { type: 'shardCrash', which: 'home', isSilent: true },
      { type: 'crash', side: 'client', isSilent: false, forMs: 1 },
    ];
    for (const fault of others) expect(one.befall(fault)).toBe(false);
    one.near.socket.write('as before');
    await one.far.got(9);
    expect(one.line.proxy.counts).toMatchObject({ cuts: 0, refusals: 0, turnedAway: 0 });
  });
});
