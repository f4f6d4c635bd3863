import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { chaosProxy } from '../../../../src/testing/proxy/chaos-proxy.ts';
import { world } from './ends.ts';

describe('a proxy', () => {
  it('that is not open has no port, does nothing by command, and ends at once', async () => {
    const proxy = chaosProxy();
    expect(proxy.port).toBe(0);
    proxy.cut();
    await expect(proxy.openLane()).rejects.toThrow('call open() first');
    await proxy.heal();
    await proxy[Symbol.asyncDispose]();
  });

  it('is opened once, and not after its end', async () => {
    await using line = await world();
    await expect(line.proxy.open(1)).rejects.toThrow('expected a proxy that is not open');
    await line.proxy[Symbol.asyncDispose]();
    await expect(line.proxy.openLane()).rejects.toThrow('expected a proxy that is open');
  });
});

describe('a lane', () => {
  it('has faults of its own; numbers and counts are of the whole proxy', async () => {
    await using line = await world();
    const { proxy } = line;
    const lane = await proxy.openLane();
    expect(lane.port).not.toBe(proxy.port);
    const one = line.dial();
    await line.arrival();
    const other = line.dial(lane.port);
    const otherFar = await line.arrival();
    lane.refuse();
    expect(await line.dial(lane.port).over).toBe('ECONNREFUSED');
    await once(line.dial().socket, 'connect');
    await line.arrival();
    lane.cut();
    expect(await other.over).toBe('ECONNRESET');
    expect(await otherFar.over).toBe('ECONNRESET');
    expect(one.socket.closed).toBe(false);
    expect(proxy.counts).toMatchObject({ accepted: 3, cuts: 1, refusals: 1 });
    expect(line.events).toContainEqual({ type: 'accepted', connection: 2 });
    expect(proxy.openCount).toBe(2);
  });

  it('heals with its proxy, and has what is asked of the proxy befall its connections', async () => {
    await using line = await world();
    const lane = await line.proxy.openLane();
    lane.refuse();
    await line.proxy.heal();
    const near = line.dial(lane.port);
    await line.arrival();
    line.proxy.cut('finish');
    expect(await near.over).toBe('end');
  });

  it('cuts its newest connection again and again', async () => {
    await using line = await world();
    const lane = await line.proxy.openLane();
    const near = line.dial(lane.port);
    await line.arrival();
    lane.flap(1, 10_000);
    await near.over;
    await line.dial(lane.port).over;
    expect(line.proxy.counts.cuts).toBe(2);
    await line.proxy.heal();
    expect(line.proxy.counts.cuts).toBe(2);
    await once(line.dial(lane.port).socket, 'connect');
  });
});
