/** The wire of the plain contestant: a length of four bytes before each CBOR item. */
import { Encoder } from 'cbor-x/index-no-eval';

const LENGTH_BYTES = 4;

const cbor = new Encoder({ useRecords: false });

/** One message, to be written by itself. */
export function frameOf(message: readonly unknown[]): Buffer {
  const payload = cbor.encode(message);
  const frame = Buffer.allocUnsafe(LENGTH_BYTES + payload.length);
  frame.writeUInt32BE(payload.length, 0);
  frame.set(payload, LENGTH_BYTES);
  return frame;
}

/** Splits what a socket reads into messages; each goes to `take` at once. */
export function reader(take: (message: unknown) => void): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  return (chunk) => {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let at = 0;
    while (bytes.length - at >= LENGTH_BYTES) {
      const begin = at + LENGTH_BYTES;
      const end = begin + bytes.readUInt32BE(at);
      if (end > bytes.length) break;
      take(cbor.decode(bytes.subarray(begin, end)));
      at = end;
    }
    rest = bytes.subarray(at);
  };
}
