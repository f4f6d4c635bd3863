// Calls between real ends on loopback, traced by the SDK of OpenTelemetry.
import { duplexPair } from 'node:stream';
import { SpanStatusCode, context, trace } from '@opentelemetry/api';
import { openTelemetry } from 'homing/otel';
import { describe, expect, it } from 'vitest';
import { type LooseSession, failureOf, loopback } from '../loopback/world.ts';
import { Spans } from './spans.ts';

const spans = new Spans();
const { provider } = spans;
const tracer = provider.getTracer('test');
const telemetry = openTelemetry({ tracerProvider: provider });

/** A server and a client that trace, and what the server exposes. */
async function traced(methods: Record<string, (...args: unknown[]) => unknown>, clientTraces = true) {
  const world = await loopback({ telemetry, start: (session: LooseSession) => session.expose(methods) });
  const pair = await world.pair(clientTraces ? { telemetry } : {});
  return { ...pair, [Symbol.asyncDispose]: () => world[Symbol.asyncDispose]() };
}

describe('a call', () => {
  it('is a client span under what was active, and a server span under that, at the other end', async () => {
    await using ends = await traced({ twice: (value) => Number(value) * 2 });
    const own = tracer.startSpan('own');
    const active = trace.setSpan(context.active(), own);
    expect(await context.with(active, () => ends.client.call('twice', 4))).toBe(8);
    const [client, server] = [spans.last('client'), spans.last('server')];
    expect([client.name, server.name]).toEqual(['twice', 'twice']);
    expect(client.parentSpanContext?.spanId).toBe(own.spanContext().spanId);
    expect(server.parentSpanContext).toMatchObject({ spanId: client.spanContext().spanId, isRemote: true });
    expect(server.spanContext().traceId).toBe(own.spanContext().traceId);
    const about = { 'rpc.system': 'homing', 'rpc.method': 'twice', 'homing.session.id': ends.client.id };
    expect(client.attributes).toMatchObject({ ...about, 'homing.session.epoch': 1 });
    expect(server.attributes).toMatchObject(about);
  });

  it('links to a span of its session at each end, the same for all calls', async () => {
    await using ends = await traced({ ping: () => 'pong' });
    for (let i = 0; i < 3; i++) await ends.client.call('ping');
    for (const kind of ['client', 'server'] as const) {
      const linked = spans.ended(kind).slice(-3);
      const links = linked.map((span) => span.links.map((link) => link.context.spanId));
      expect(new Set(links.flat()).size).toBe(1);
      const session = spans.ended('own').find((span) => span.spanContext().spanId === links[0]?.[0]);
      expect(session?.name).toBe('homing session');
      expect(session?.attributes).toMatchObject({ 'homing.session.id': ends.client.id });
    }
  });

  it('made before the client was ever up learns its session later', async () => {
    await using world = await loopback({ telemetry, start: (session) => session.expose({ ping: () => 'pong' }) });
    const client = world.client({ telemetry });
    await client.call('ping');
    const span = spans.last('client');
    expect(span.attributes['homing.session.id']).toBe(client.id);
    expect(span.links).toHaveLength(1);
  });

  it('runs its method inside of the server span, past its first await', async () => {
    await using ends = await traced({
      work: async () => {
        tracer.startSpan('before').end();
        await Promise.resolve();
        tracer.startSpan('after').end();
      },
    });
    await ends.client.call('work');
    const server = spans.last('server').spanContext();
    const inside = spans.ended('own').slice(-2);
    expect(inside.map(({ name }) => name)).toEqual(['before', 'after']);
    expect(inside.map((span) => span.parentSpanContext?.spanId)).toEqual([server.spanId, server.spanId]);
  });

  it('that a method makes while it runs goes on in the same trace, through three ends', async () => {
    await using ends = await traced({ outer: () => ends.session.call('inner') });
    ends.client.expose({ inner: () => 'in' });
    expect(await ends.client.call('outer')).toBe('in');
    const [inner, outer] = spans.ended('client').slice(-2);
    expect([inner?.name, outer?.name]).toEqual(['inner', 'outer']);
    expect(inner?.spanContext().traceId).toBe(outer?.spanContext().traceId);
    const [ranInner, ranOuter] = spans.ended('server').slice(-2);
    expect(inner?.parentSpanContext?.spanId).toBe(ranOuter?.spanContext().spanId);
    expect(ranInner?.parentSpanContext?.spanId).toBe(inner?.spanContext().spanId);
  });

  it('that throws is an error at both ends, with a code and no more than the sentence', async () => {
    await using ends = await traced({
      fail: () => {
        throw new RangeError('too much');
      },
    });
    await failureOf(ends.client.call('fail'));
    expect(spans.last('server').status).toEqual({ code: SpanStatusCode.ERROR, message: 'too much' });
    expect(spans.last('client').status.code).toBe(SpanStatusCode.ERROR);
    expect(spans.last('client').attributes['error.type']).toBe('HandlerFailed');
    await failureOf(ends.client.call('nothing'));
    expect(spans.last('client').attributes['error.type']).toBe('NoMethod');
  });

  it('of a client in the same process that does not trace takes nothing from what is active there', async () => {
    await using world = await loopback({ telemetry, start: (session) => session.expose({ ping: () => 'pong' }) });
    const [near, far] = duplexPair();
    const own = tracer.startSpan('own');
    await context.with(trace.setSpan(context.active(), own), () => {
      world.server.accept(far);
      return world.client({}, near).call('ping');
    });
    expect(spans.last('server').parentSpanContext).toBeUndefined();
  });

  it('of a client that does not trace begins a trace at the server', async () => {
    await using ends = await traced({ ping: () => 'pong' }, false);
    const own = tracer.startSpan('own');
    await context.with(trace.setSpan(context.active(), own), () => ends.client.call('ping'));
    const server = spans.last('server');
    expect(server.parentSpanContext).toBeUndefined();
    expect(server.spanContext().traceId).not.toBe(own.spanContext().traceId);
  });
});
