// What of a traced call is on the wire, told by peers made by hand: they speak frames, and some of them nonsense.
import { describe, expect, it } from 'vitest';
import type { CallSpan, Telemetry, Trace, TracedCall } from 'homing';
import { decodeTrace, encodeTrace } from '../../src/wire/control.ts';
import { FrameType, Kind } from '../../src/wire/frame.ts';
import { Peer, PeerServer, cborOf } from '../loopback/peer.ts';
import { failureOf, loopback } from '../loopback/world.ts';

const given: Trace = { parent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', state: 'a=b1' };
const other: Trace = { parent: '00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01', state: '' };

function bodyOf(trace: Trace): Uint8Array {
  const body = encodeTrace(trace);
  if (body === undefined) throw new Error('expected a trace that can travel');
  return body;
}

/** Sends the same trace with every call but those named `silent`, and keeps what came with those that run. */
class Recorder implements Telemetry {
  readonly ran: (readonly [method: string, trace: Trace | undefined])[] = [];

  calls({ method }: TracedCall): CallSpan {
    return spanOf(method === 'silent' ? undefined : given);
  }

  runs({ method }: TracedCall, trace: Trace | undefined): CallSpan {
    this.ran.push([method, trace]);
    return spanOf(undefined);
  }
}

function spanOf(trace: Trace | undefined): CallSpan {
  return { trace, run: (work) => work(), settled: () => {} };
}

/** The traces and ordered messages that come next at a peer, as their types and seqs. */
async function storyOf(peer: Peer, count: number): Promise<string[]> {
  const story: string[] = [];
  while (story.length < count) {
    const frame = await peer.next();
    if (frame === undefined) return story;
    if (frame.type === FrameType.TRACE) {
      expect(frame.flags).toBe(0);
      expect(decodeTrace(frame.body, 0, frame.body.length)).toEqual(given);
      story.push(`trace ${frame.seq}`);
    } else if (frame.type === FrameType.ORDERED)
      story.push(`${(frame.flags & 0x80) === 0 ? 'call' : 'part'} ${frame.seq}`);
  }
  return story;
}

describe('an end that follows its calls', () => {
  it('sends each trace right before its call, and again before the same call after a cut', async () => {
    await using world = await loopback({ telemetry: new Recorder() });
    const peer = await Peer.dial(world.port);
    const known = await peer.open();
    peer.event(1, ['hello']);
    await peer.nextOf(FrameType.ACK);
    const [session] = world.sessions;
    const calls = ['one', 'silent', 'two'].map((method) => failureOf(session?.call(method) ?? Promise.resolve()));
    expect(await storyOf(peer, 5)).toEqual(['trace 1', 'call 1', 'call 2', 'trace 3', 'call 3']);
    peer.socket.destroy();
    const again = await Peer.dial(world.port);
    again.resume(known, { dialNumber: 2 }, [1, 1, 0]);
    expect((await again.answer())?.type).toBe('welcome');
    again.ack(1);
    expect(await storyOf(again, 3)).toEqual(['call 2', 'trace 3', 'call 3']);
    again.socket.destroy();
    await world.server.close({ drainMs: 0 });
    await Promise.all(calls);
  });

  it('forgets the trace of a call that nobody waits for any more', async () => {
    await using world = await loopback({ telemetry: new Recorder() });
    const peer = await Peer.dial(world.port);
    const known = await peer.open();
    peer.event(1, ['hello']);
    await peer.nextOf(FrameType.ACK);
    const stop = new AbortController();
    const call = failureOf(world.sessions[0]?.with({ signal: stop.signal }).call('one') ?? Promise.resolve());
    expect(await storyOf(peer, 2)).toEqual(['trace 1', 'call 1']);
    stop.abort();
    expect(await call).toMatchObject({ outcome: 'unknown' });
    peer.socket.destroy();
    const again = await Peer.dial(world.port);
    again.resume(known, { dialNumber: 2 });
    expect((await again.answer())?.type).toBe('welcome');
    again.ack(0);
    expect(await storyOf(again, 1)).toEqual(['call 1']);
    again.socket.destroy();
  });

  it('sends a trace before the first fragment of a large call, once', async () => {
    await using world = await loopback({ telemetry: new Recorder() });
    const peer = await Peer.dial(world.port);
    await peer.open();
    peer.event(1, ['hello']);
    await peer.nextOf(FrameType.ACK);
    const call = failureOf(world.sessions[0]?.call('large', 'x'.repeat(150_000)) ?? Promise.resolve());
    expect(await storyOf(peer, 4)).toEqual(['trace 1', 'part 1', 'part 1', 'part 1']);
    peer.socket.destroy();
    await world.server.close({ drainMs: 0 });
    await call;
  });

  it('sends none for a call that was given up before it was written; the others go once there is a connection', async () => {
    await using listener = await PeerServer.open();
    await using world = await loopback();
    const client = world.client({ telemetry: new Recorder(), autoConnect: false }, listener.port);
    const stop = new AbortController();
    const given = failureOf(client.with({ signal: stop.signal }).call('given up'));
    const kept = failureOf(client.call('kept'));
    stop.abort();
    expect(await given).toMatchObject({ outcome: 'never-sent' });
    client.connect();
    const first = await listener.next();
    await first.greeting();
    first.welcomeNew({ id: 's-1', secret: new Uint8Array(32), epoch: 1 });
    expect(await storyOf(first, 2)).toEqual(['trace 1', 'call 1']);
    await client.close({ drainMs: 0 });
    await kept;
  });
});

describe('what comes with a call', () => {
  interface Sent {
    readonly type: number;
    readonly flags: number;
    readonly seq: number;
    readonly bytes: Uint8Array;
  }

  const trace = (seq: number, bytes = bodyOf(given), flags = 0): Sent => ({ type: FrameType.TRACE, flags, seq, bytes });
  const call = (seq: number): Sent => ({
    type: FrameType.ORDERED,
    flags: Kind.CALL,
    seq,
    bytes: cborOf([`call ${seq}`]),
  });
  const event = (seq: number): Sent => ({ ...call(seq), flags: Kind.EVENT });

  it.each<[string, Sent[], (Trace | undefined)[]]>([
    ['nothing', [call(1)], [undefined]],
    ['a trace', [trace(1), call(1)], [given]],
    ['two traces, of which the later counts', [trace(1), trace(1, bodyOf(other)), call(1)], [other]],
    ['a trace each', [trace(1), call(1), trace(2, bodyOf(other)), call(2)], [given, other]],
    ['a trace of the call before', [call(1), trace(1), call(2)], [undefined, undefined]],
    ['a trace of a later call', [trace(2), call(1), call(2)], [undefined, undefined]],
    ['a trace of an event', [trace(1), event(1), call(2)], [undefined]],
    ['a body that is no trace', [trace(1, Uint8Array.of(1, 2, 3)), call(1)], [undefined]],
    ['an empty body', [trace(1, new Uint8Array(0)), call(1)], [undefined]],
    ['a good trace and then a bad one', [trace(1), trace(1, Uint8Array.of(0)), call(1)], [undefined]],
    ['the longest body of nothing', [trace(1, new Uint8Array(65_544)), call(1)], [undefined]],
    ['flags that mean nothing', [trace(1, bodyOf(given), 0xff), call(1)], [given]],
  ])('is %s', async (_, sent, traces) => {
    const recorder = new Recorder();
    const methods = { 'call 1': () => 1, 'call 2': () => 2 };
    await using world = await loopback({ telemetry: recorder, start: (session) => session.expose(methods) });
    const peer = await Peer.dial(world.port);
    await peer.open();
    for (const { type, flags, seq, bytes } of sent) peer.payload(type as FrameType, flags, seq, bytes);
    for (const _result of traces) expect((await peer.nextOf(FrameType.DIRECT))?.flags).toBe(Kind.RESULT);
    expect(recorder.ran.map(([, came]) => came)).toEqual(traces);
    peer.socket.destroy();
  });

  it('does not survive the connection that it came on', async () => {
    const recorder = new Recorder();
    await using world = await loopback({
      telemetry: recorder,
      start: (session) => session.expose({ 'call 1': () => 1 }),
    });
    const peer = await Peer.dial(world.port);
    const known = await peer.open();
    peer.payload(FrameType.TRACE, 0, 1, bodyOf(given));
    peer.socket.end();
    await peer.closed;
    const again = await Peer.dial(world.port);
    again.resume(known, { dialNumber: 2 });
    await again.answer();
    again.ack(0);
    again.payload(FrameType.ORDERED, Kind.CALL, 1, cborOf(['call 1']));
    await again.nextOf(FrameType.DIRECT);
    expect(recorder.ran).toEqual([['call 1', undefined]]);
    again.socket.destroy();
  });

  it('waits with its call while a handler runs', async () => {
    const recorder = new Recorder();
    const gate = Promise.withResolvers<void>();
    await using world = await loopback({
      telemetry: recorder,
      start: (session) => {
        session.on('hold', () => gate.promise);
        session.expose({ 'call 2': () => 2, 'call 3': () => 3 });
      },
    });
    const peer = await Peer.dial(world.port);
    await peer.open();
    peer.event(1, ['hold']);
    peer.payload(FrameType.TRACE, 0, 2, bodyOf(given));
    peer.payload(FrameType.ORDERED, Kind.CALL, 2, cborOf(['call 2']));
    peer.payload(FrameType.ORDERED, Kind.CALL, 3, cborOf(['call 3']));
    await peer.nextOf(FrameType.ACK);
    gate.resolve();
    await peer.nextOf(FrameType.DIRECT);
    await peer.nextOf(FrameType.DIRECT);
    expect(recorder.ran).toEqual([
      ['call 2', given],
      ['call 3', undefined],
    ]);
    peer.socket.destroy();
  });

  it('makes no session visible, and may come at no time before WELCOME', async () => {
    await using world = await loopback();
    const peer = await Peer.dial(world.port);
    peer.hello();
    await peer.answer();
    peer.payload(FrameType.TRACE, 0, 1, bodyOf(given));
    peer.close('disconnected');
    await peer.closed;
    expect(world.sessions).toHaveLength(0);
    const early = await Peer.dial(world.port);
    early.payload(FrameType.TRACE, 0, 1, bodyOf(given));
    expect(await early.farewell()).toMatchObject({ code: 'unexpected-frame' });
  });
});

describe('a trace', () => {
  it('travels only where its parent is visible ASCII; a state that is too long stays behind', () => {
    expect(encodeTrace({ parent: '', state: '' })).toBeUndefined();
    expect(encodeTrace({ parent: 'a b', state: '' })).toBeUndefined();
    expect(encodeTrace({ parent: 'x'.repeat(256), state: '' })).toBeUndefined();
    const decoded = (trace: Trace): Trace | undefined => {
      const body = bodyOf(trace);
      return decodeTrace(body, 0, body.length);
    };
    expect(decoded({ parent: 'x'.repeat(255), state: 's'.repeat(512) })).toEqual({
      parent: 'x'.repeat(255),
      state: 's'.repeat(512),
    });
    expect(decoded({ parent: 'p', state: 's'.repeat(513) })).toEqual({ parent: 'p', state: '' });
    expect(decoded({ parent: 'p', state: 'ü' })).toEqual({ parent: 'p', state: '' });
  });
});
