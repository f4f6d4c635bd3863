// A trace that begins in a client and goes on in a shard with a thread, and an OpenTelemetry, of its own; through a cut as well.
import { createClient, createServer } from 'homing';
import { openTelemetry } from 'homing/otel';
import { describe, expect, it } from 'vitest';
import { Spans } from './spans.ts';
import behavior, { type Traced } from './traced.behavior.ts';

describe('a call to a shard in a thread', () => {
  it('goes on there in the trace that its maker began, over more than one connection', async () => {
    const spans = new Spans();
    const telemetry = openTelemetry({ tracerProvider: spans.provider });
    await using server = createServer<Traced>(behavior, { shards: 2 });
    const { port } = await server.listen(0);
    const client = createClient<Traced>(port, { telemetry, backoff: { firstMs: 1, baseMs: 5, maxMs: 20 } });
    await client.up();
    const insides = [await client.call('work')];
    client.reconnect();
    insides.push(await client.call('work'));
    const made = spans.ended('client').map((span) => span.spanContext());
    const ran = await client.call('spans');
    expect(ran.map(({ traceId, parentId }) => [traceId, parentId])).toEqual(
      made.map(({ traceId, spanId }) => [traceId, spanId]),
    );
    expect(insides).toEqual(ran.map(({ spanId }) => spanId));
    expect(ran.map(({ name, linkCount }) => [name, linkCount])).toEqual([
      ['work', 1],
      ['work', 1],
    ]);
    await client.close();
  });
});
