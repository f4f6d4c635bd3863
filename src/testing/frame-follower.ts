/**
 * Follows the frames of one direction of a connection by their headers (PROTOCOL.md, section 2), whatever the chunks. It
 * judges nothing: bytes that are no frames, as those of TLS, give nonsense and no error.
 */
import { FrameType, HEADER_BYTES, readU24, readU8 } from '../wire/frame.ts';

/** The name of a frame type, as in PROTOCOL.md. */
export type FrameName = keyof typeof FrameType;

/** A place in a stream of frames: so many bytes behind the first byte of the nth frame with this name. */
export interface FrameTrigger {
  readonly frame: FrameName;
  /** From 1, which it is unless said otherwise. */
  readonly nth?: number | undefined;
  /** 0, unless said otherwise: before the frame. May be more than the frame has. */
  readonly afterBytes?: number | undefined;
}

/** Bytes of a header that say where the next one lies. */
const PREFIX_BYTES = 8;

const names = new Map(Object.entries(FrameType).map(([name, type]) => [type as number, name as FrameName]));

/** The frames of one direction of one connection. */
export class FrameFollower {
  readonly #found: (frame: FrameName | undefined, start: number) => void;
  readonly #prefix = new Uint8Array(PREFIX_BYTES);
  #prefixCount = 0;
  #takenBytes = 0;
  #knownBytes = 0;

  /** `found` is told each frame once its header is here, with the bytes of the stream before it. */
  constructor(found: (frame: FrameName | undefined, start: number) => void) {
    this.#found = found;
  }

  /** Every byte of the stream before this one belongs to a frame that was found; the frame may end later than what came. */
  get knownBytes(): number {
    return this.#knownBytes;
  }

  /** Takes the next bytes of the stream; keeps none of them. */
  follow(chunk: Uint8Array): void {
    const end = this.#takenBytes + chunk.length;
    for (let at = this.#nextAt; at < end; at = this.#nextAt) {
      this.#prefix[this.#prefixCount] = readU8(chunk, at - this.#takenBytes);
      this.#prefixCount += 1;
      if (this.#prefixCount === PREFIX_BYTES) this.#takePrefix();
    }
    this.#takenBytes = end;
  }

  /** The next byte of a header, as a place in the stream. */
  get #nextAt(): number {
    return this.#knownBytes + this.#prefixCount;
  }

  #takePrefix(): void {
    const start = this.#knownBytes;
    this.#prefixCount = 0;
    this.#knownBytes += HEADER_BYTES + readU24(this.#prefix, 5);
    this.#found(names.get(readU8(this.#prefix, 4)), start);
  }
}
