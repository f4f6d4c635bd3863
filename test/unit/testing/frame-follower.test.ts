import { describe, expect, it } from 'vitest';
import { FrameFollower, type FrameName } from '../../../src/testing/frame-follower.ts';
import { FrameType, HEADER_BYTES, frameOf } from '../../../src/wire/frame.ts';

const body = (count: number): Uint8Array => new Uint8Array(count).fill(FrameType.ACK);

const stream = Buffer.concat([
  frameOf(FrameType.HELLO, body(300), undefined),
  frameOf(FrameType.ACK, body(32), undefined),
  frameOf(FrameType.ORDERED, body(0), undefined),
  frameOf(FrameType.PING, body(8), undefined),
]);

const expected: readonly (readonly [FrameName | undefined, number])[] = [
  ['HELLO', 0],
  ['ACK', HEADER_BYTES + 300],
  ['ORDERED', 2 * HEADER_BYTES + 332],
  ['PING', 3 * HEADER_BYTES + 332],
];

function follow(bytes: Uint8Array, chunkBytes: number) {
  const found: [FrameName | undefined, number][] = [];
  const follower = new FrameFollower((frame, start) => void found.push([frame, start]));
  for (let at = 0; at < bytes.length; at += chunkBytes) follower.follow(bytes.subarray(at, at + chunkBytes));
  return { found, follower };
}

describe('a frame follower', () => {
  it.each([1, 2, 7, 8, 9, 15, 16, 17, 64, 10_000])(
    'finds each frame and where it begins in chunks of %i',
    (chunkBytes) => {
      expect(follow(stream, chunkBytes).found).toEqual(expected);
    },
  );

  it('knows a byte as soon as the first half of its header is here, and not before', () => {
    for (let count = 0; count <= stream.length; count += 1) {
      const { found, follower } = follow(stream.subarray(0, count), 3);
      const begun = expected.filter(([, start]) => start + 8 <= count).length;
      expect(found.length).toBe(begun);
      expect(follower.knownBytes).toBe(begun === expected.length ? stream.length : (expected[begun]?.[1] ?? -1));
    }
  });

  it('has no name for a type that has none, and goes on behind it', () => {
    const unknown = Buffer.from(frameOf(FrameType.PING, body(5), undefined));
    unknown[4] = 0x90;
    const { found } = follow(Buffer.concat([unknown, stream]), 11);
    expect(found.map(([name]) => name)).toEqual([undefined, 'HELLO', 'ACK', 'ORDERED', 'PING']);
  });
});
