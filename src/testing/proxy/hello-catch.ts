/** Keeps the HELLO that a connection begins with, so that a network can deliver it once more later. */
import { FrameType, HEADER_BYTES, bodyBytesMax, readU24, readU8 } from '../../wire/frame.ts';

/** Takes the first bytes of a connection from who dialled. */
export class HelloCatch {
  /** Whether it wants no more bytes: the HELLO is whole, or there is none. */
  isDone = false;
  #bytes: Uint8Array = new Uint8Array(0);

  /** Takes the next bytes; gives a copy of the HELLO once it is whole. */
  take(chunk: Uint8Array): Uint8Array | undefined {
    if (this.isDone) return undefined;
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
    if (this.#bytes.length < HEADER_BYTES) return undefined;
    const length = readU24(this.#bytes, 5);
    const isHello = readU8(this.#bytes, 4) === FrameType.HELLO && length <= bodyBytesMax(FrameType.HELLO);
    const end = HEADER_BYTES + length;
    if (isHello && this.#bytes.length < end) return undefined;
    this.isDone = true;
    const hello = isHello ? Uint8Array.from(this.#bytes.subarray(0, end)) : undefined;
    this.#bytes = new Uint8Array(0);
    return hello;
  }
}
