// What Prometheus gets from the inspector of a real server whose shards are threads.
import { createClient, createServer } from 'homing';
import { openInspector } from 'homing/inspect';
import { describe, expect, it } from 'vitest';
import { METRICS_TYPE } from '../../src/inspect/metrics.ts';
import { readExposition } from '../unit/inspect/exposition.ts';
import logged, { type Logged } from './logged.behavior.ts';

describe('a scrape of a server with two shards and a client', () => {
  it('has each of them, and how each thread is', async () => {
    const before = Date.now() / 1_000 - 1;
    await using inspector = await openInspector({ port: 0 });
    const server = createServer<Logged>(logged, { shards: 2, inspect: inspector });
    const { port } = await server.listen(0);
    const client = createClient<Logged>(port, { inspect: inspector, credentials: { token: 't' } });
    expect(await client.call('ping')).toBe('pong');
    const answer = await fetch(`${inspector.url}metrics`);
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, METRICS_TYPE]);
    const families = readExposition(await answer.text());
    const of = (name: string) =>
      new Map(families.get(name)?.samples.map(({ labels, value }) => [labels['shard'], value]));
    const heap = of('homing_heap_used_bytes');
    expect([...heap.keys()]).toEqual(['main', '0', '1']);
    for (const [shard, bytes] of heap) expect(bytes, shard).toBeGreaterThan(1_000_000);
    for (const [shard, startedAt] of of('homing_start_time_seconds')) {
      expect(startedAt, shard).toBeGreaterThan(before);
      expect(startedAt, shard).toBeLessThan(Date.now() / 1_000 + 1);
    }
    expect([...of('homing_loop_lag_seconds').keys()]).toEqual(['main', '0', '1']);
    const sessions = of('homing_sessions');
    expect([...sessions.keys()]).toEqual(['0', '1', 'clients']);
    expect((sessions.get('0') ?? 0) + (sessions.get('1') ?? 0)).toBe(1);
    expect([...of('homing_generation').values()]).toEqual([1, 1, 1]);
    await client.close();
    await server.close();
  });
});
