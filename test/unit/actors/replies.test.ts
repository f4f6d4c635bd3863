import { describe, expect, it } from 'vitest';
import { Functions } from '../../../src/actors/functions.ts';
import { Replies } from '../../../src/actors/replies.ts';
import { RESULT_BYTES } from '../../../src/session/calls.ts';
import type { Session } from '../../../src/session/session.ts';
import { Codec } from '../../../src/wire/codec.ts';
import { Kind } from '../../../src/wire/frame.ts';
import { defaultWireLimits } from '../../../src/wire/limits.ts';

const NONE = new Uint8Array(0);

/** Replies of a session in epoch 2 whose peer takes messages of 200 bytes; what is sent is written down. */
function scene() {
  const sent: unknown[] = [];
  const failed: string[] = [];
  const codec = new Codec(defaultWireLimits);
  const lane: { page: Uint8Array | undefined; freeAt: number } = { page: undefined, freeAt: 100 };
  const session = {
    id: 's',
    epoch: 2,
    outlet: { messageBytesMax: 200, direct: lane },
    direct: {
      sendWrittenResult(kind: number, seq: number, end: number) {
        sent.push([kind, seq, 'in place', codec.decode(lane.page ?? NONE, lane.freeAt + RESULT_BYTES, end, 0)]);
      },
      sendResult(kind: number, seq: number, status: number, item: Uint8Array, start: number, end: number) {
        const known = { functionIn: (reference: number) => `function ${reference}`, streamIn: () => 'stream' };
        sent.push([
          kind,
          seq,
          status,
          end > start ? codec.decode(item.slice(start, end), 0, end - start, 1, known) : '-',
        ]);
      },
    },
  } as unknown as Session;
  const owner = {
    apply: () => Promise.resolve(),
    release: () => {},
    defer: () => {},
    oldestOrdinal: () => Infinity,
    hasOldMessages: () => false,
    answerBytesMax: () => 191,
    weigh: () => 1,
  };
  const functions = new Functions(owner, 2);
  const replies = new Replies(session, codec, functions, {
    handlerFailed: (_, messageId) => void failed.push(messageId),
  });
  return { replies, sent, failed, functions, lane };
}

describe('a reply', () => {
  it('of a short plain value is written where it waits, if it fits there and the peer takes it', () => {
    const { replies, sent, lane } = scene();
    lane.page = new Uint8Array(300);
    replies.send(Kind.RESULT, 1, 2, 0, { a: [1, 'x'] });
    replies.send(Kind.RESULT, 2, 2, 0, undefined);
    replies.send(Kind.RESULT, 3, 2, 0, new Uint8Array(64));
    replies.send(
      Kind.RESULT,
      4,
      2,
      0,
      Array.from({ length: 60 }, () => 'four'),
    );
    replies.send(
      Kind.RESULT,
      5,
      2,
      0,
      Array.from({ length: 50 }, () => 'zzz'),
    );
    lane.freeAt = 285;
    replies.send(Kind.RESULT, 6, 2, 0, 'seven b');
    expect(sent.map((each) => (each as unknown[]).slice(0, 3))).toEqual([
      [Kind.RESULT, 1, 'in place'],
      [Kind.RESULT, 2, 'in place'],
      [Kind.RESULT, 3, 0],
      [Kind.RESULT, 4, 1],
      [Kind.RESULT, 5, 1],
      [Kind.RESULT, 6, 0],
    ]);
    expect([sent[0], sent[1]]).toEqual([
      [Kind.RESULT, 1, 'in place', { a: [1, 'x'] }],
      [Kind.RESULT, 2, 'in place', undefined],
    ]);
  });

  it('carries a value with its functions, an error, or nothing', () => {
    const { replies, sent, functions } = scene();
    const work = (): void => {};
    replies.send(Kind.RESULT, 1, 2, 0, [work, work]);
    replies.send(Kind.ANSWER, 2, 2, 1, Object.assign(new TypeError('no'), { code: 'E' }));
    replies.send(Kind.RESULT, 3, 2, 4, 'of a call that was cancelled');
    expect(sent).toEqual([
      [Kind.RESULT, 1, 0, ['function 2', 'function 2']],
      [Kind.ANSWER, 2, 1, ['TypeError', 'no', 'E']],
      [Kind.RESULT, 3, 4, '-'],
    ]);
    expect(functions.exportCount).toBe(1);
    functions.peerReleased(1, 1);
    expect(functions.exportCount).toBe(1);
    functions.peerReleased(1, 1);
    expect(functions.exportCount).toBe(0);
  });

  it.each([
    ['that cannot cross', [() => {}, Symbol('s')], 'NotEncodable'],
    ['that is too large for the peer', [() => {}, 'x'.repeat(200)], 'MessageTooLarge'],
    ['with more functions than are allowed', [() => {}, () => {}, () => {}], 'NotEncodable'],
  ])('%s becomes an error, and passes nothing', (_, value, code) => {
    const { replies, sent, failed, functions } = scene();
    replies.send(Kind.ANSWER, 5, 2, 0, value);
    expect([sent.length, failed, functions.exportCount]).toEqual([1, ['s/2/direct 5'], 0]);
    expect(sent[0]).toMatchObject([Kind.ANSWER, 5, 1, expect.arrayContaining([code])]);
  });

  it('of an older epoch, or of a session that has ended, goes to nobody and passes nothing', () => {
    const { replies, sent, functions } = scene();
    replies.send(Kind.RESULT, 1, 1, 0, () => {});
    replies.close();
    replies.send(Kind.RESULT, 1, 2, 0, () => {});
    expect([sent, functions.exportCount]).toEqual([[], 0]);
  });
});
