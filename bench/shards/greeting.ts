/** The first frame of a client that speaks only a version of the far future: a shard reads it, refuses it and says goodbye. */
import { crc32 } from 'node:zlib';
import { FrameType, frameOf } from '../../src/wire/frame.ts';
import { MAGIC } from '../../src/wire/hello.ts';

const FUTURE_VERSION = 250;

/** The bytes of the frame. */
export function greeting(): Uint8Array {
  const body = new Uint8Array(6);
  new DataView(body.buffer).setUint32(0, MAGIC);
  body.fill(FUTURE_VERSION, 4);
  return frameOf(FrameType.HELLO, body, (bytes) => crc32(bytes));
}
