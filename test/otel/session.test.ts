// The trace of a call at one end of a session: which message it belongs to, and when it is forgotten.
import { describe, expect, it } from 'vitest';
import { encodeTrace } from '../../src/wire/control.ts';
import { FrameType, HEADER_BYTES, Kind, readU56, readU8 } from '../../src/wire/frame.ts';
import { Gather } from '../../src/wire/gather.ts';
import { End, payloadOf } from '../unit/session/pair.ts';

const trace = { parent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', state: '' };
const body = encodeTrace(trace) ?? new Uint8Array(0);

function attached(end = new End(), orderedReceived = 0): End {
  const window = { windowMessages: 10, windowBytes: 100_000, messageBytes: 100_000, checksum: undefined };
  end.session.attach({ orderedReceived, cursor: 0, directReceived: 0, ...window }, false, 0);
  return end;
}

/** What an end writes now: names and seqs of frames that are traces or messages. */
function written({ session }: End): string[] {
  const gather = new Gather();
  session.pump(gather, 100_000, 0);
  const bytes = new Uint8Array(Buffer.concat(gather.take()));
  const names: string[] = [];
  for (let at = 0; at < bytes.length; at += HEADER_BYTES + Buffer.from(bytes).readUIntBE(at + 5, 3)) {
    const type = readU8(bytes, at + 4);
    if (type === FrameType.TRACE) names.push(`trace ${readU56(bytes, at + 9)}`);
    if (type === FrameType.ORDERED) names.push(`message ${readU56(bytes, at + 9)}`);
  }
  return names;
}

describe('the trace that came', () => {
  it.each([
    ['a call', Kind.CALL, 1, trace],
    ['an event', Kind.EVENT, 1, undefined],
    ['a delivery', Kind.DELIVER, 1, undefined],
    ['a call, where it is of another seq', Kind.CALL, 2, undefined],
  ])('with %s', (_, kind, seq, expected) => {
    const { session } = attached();
    const payload = payloadOf('one');
    const frame = { seq: 1, bytes: payload, start: 0, end: payload.length };
    session.receiveTrace({ seq, flags: 0, bytes: body, start: 0, end: body.length });
    session.receive(FrameType.ORDERED, { ...frame, flags: kind }, 0);
    expect(session.message.trace).toEqual(expected);
    // It has been used, or has missed its call.
    session.receive(FrameType.ORDERED, { ...frame, seq: 2, flags: Kind.CALL }, 0);
    expect(session.message.trace).toBeUndefined();
  });
});

describe('the trace of an own call', () => {
  it('is written before it on each connection, until nobody waits for it any more', () => {
    const end = attached();
    end.call('one', 7);
    end.session.outlet.trace(7, body);
    end.call('two', 8);
    expect(written(end)).toEqual(['trace 1', 'message 1', 'message 2']);
    expect(written(end)).toEqual([]);
    expect(written(attached(end))).toEqual(['trace 1', 'message 1', 'message 2']);
    end.session.outlet.untrace(7);
    expect(written(attached(end))).toEqual(['message 1', 'message 2']);
  });
});
