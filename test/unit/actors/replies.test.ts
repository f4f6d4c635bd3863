import { describe, expect, it } from 'vitest';
import { Functions } from '../../../src/actors/functions.ts';
import { Replies } from '../../../src/actors/replies.ts';
import type { Session } from '../../../src/session/session.ts';
import { Codec } from '../../../src/wire/codec.ts';
import { Kind } from '../../../src/wire/frame.ts';
import { defaultWireLimits } from '../../../src/wire/limits.ts';

/** Replies of a session in epoch 2 whose peer takes messages of 200 bytes; what is sent is written down. */
function scene() {
  const sent: unknown[] = [];
  const failed: string[] = [];
  const codec = new Codec(defaultWireLimits);
  const session = {
    id: 's',
    epoch: 2,
    outlet: { messageBytesMax: 200 },
    direct: {
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
  return { replies, sent, failed, functions };
}

describe('a reply', () => {
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
