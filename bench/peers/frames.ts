/** The wire of the plain contestant: a length of four bytes before each CBOR item, gathered into few writes. */
import type { Writable } from 'node:stream';
import { Encoder } from 'cbor-x/index-no-eval';
import type { Packet } from './packet.ts';

const LENGTH_BYTES = 4;
/** So much is gathered for one write, unless the tick ends before. */
const CHUNK_BYTES = 131_072;

/** The encoder of the contestants that use cbor-x themselves; the settings are those that Homing uses. */
export const cbor = new Encoder({ useRecords: false });

/** Gathers packets and writes them when the tick ends, or when there are enough for one write. */
export class FrameWriter {
  readonly #out: Writable;
  /** Memory comes with the first packet: a connection that nobody uses holds none. */
  #chunk: Buffer = Buffer.alloc(0);
  #begin = 0;
  #end = 0;
  #isScheduled = false;

  constructor(out: Writable) {
    this.#out = out;
  }

  /** Adds a packet. False: the stream wants its writer to wait for `drain`. */
  put(packet: Packet): boolean {
    const payload = cbor.encode(packet);
    const bytes = LENGTH_BYTES + payload.length;
    if (this.#end + bytes > this.#chunk.length) this.#renew(bytes);
    this.#chunk.writeUInt32BE(payload.length, this.#end);
    this.#chunk.set(payload, this.#end + LENGTH_BYTES);
    this.#end += bytes;
    if (!this.#isScheduled) {
      this.#isScheduled = true;
      process.nextTick(() => {
        this.#isScheduled = false;
        this.#flush();
      });
    }
    return !this.#out.writableNeedDrain;
  }

  #flush(): void {
    if (this.#begin < this.#end && this.#out.writable) this.#out.write(this.#chunk.subarray(this.#begin, this.#end));
    this.#begin = this.#end;
  }

  /** What was written belongs to the stream: the next packets get memory of their own. */
  #renew(bytes: number): void {
    this.#flush();
    this.#chunk = Buffer.allocUnsafeSlow(Math.max(CHUNK_BYTES, bytes));
    this.#begin = 0;
    this.#end = 0;
  }
}

/** Splits what a socket reads into packets; each goes to `take` at once. A packet is put together at most once. */
export function frameReader(take: (packet: Packet) => void): (chunk: Buffer) => void {
  let pieces: Buffer[] = [];
  let held = 0;
  let needed = LENGTH_BYTES;
  return (chunk) => {
    held += chunk.length;
    if (held < needed) {
      pieces.push(chunk);
      return;
    }
    const bytes = pieces.length === 0 ? chunk : Buffer.concat([...pieces, chunk]);
    let at = 0;
    for (;;) {
      needed = LENGTH_BYTES;
      if (bytes.length - at < needed) break;
      needed += bytes.readUInt32BE(at);
      if (bytes.length - at < needed) break;
      take(cbor.decode(bytes.subarray(at + LENGTH_BYTES, at + needed)) as Packet);
      at += needed;
    }
    held = bytes.length - at;
    pieces = held === 0 ? [] : [bytes.subarray(at)];
  };
}
