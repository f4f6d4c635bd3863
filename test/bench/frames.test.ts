import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { FrameWriter, frameReader } from '../../bench/peers/frames.ts';
import { messageOf, textFor, userOf } from '../../bench/peers/message.ts';
import type { Packet } from '../../bench/peers/packet.ts';
import { Encoder } from 'cbor-x/index-no-eval';

const packets: readonly Packet[] = [
  ['message', messageOf(0, userOf(0), textFor(90))],
  ['call', 1, 2, 3],
  ['message', messageOf(1, userOf(0), textFor(200_000))],
  ['result', 1, 5],
];

async function written(): Promise<Buffer> {
  const out = new PassThrough({ highWaterMark: 1_000_000 });
  const writer = new FrameWriter(out);
  for (const packet of packets) writer.put(packet);
  await new Promise((resolve) => process.nextTick(resolve));
  return out.read() as Buffer;
}

describe('the wire of the plain contestant', () => {
  it.each([1, 3, 4, 5, 1_000, 65_536, 1_000_000])('is read in pieces of %d bytes', async (size) => {
    const bytes = await written();
    const read: Packet[] = [];
    const take = frameReader((packet) => read.push(packet));
    for (let at = 0; at < bytes.length; at += size) take(bytes.subarray(at, at + size));
    expect(read).toEqual(packets);
  });

  it.each([90, 2_048, 65_536])('carries a message of about %d bytes', (bytes) => {
    const { length } = new Encoder({ useRecords: false }).encode(messageOf(1_000, userOf(7), textFor(bytes)));
    expect(Math.abs(length - bytes)).toBeLessThan(8);
  });
});
