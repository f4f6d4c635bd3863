/** The floor: plain TCP, a length prefix, cbor-x, nothing promised. Receives and says how many messages came. */
import { createServer } from 'node:net';
import { Encoder } from 'cbor-x/index-no-eval';
import { Meter } from './meter.ts';
import type { Sample } from './sample.ts';

const cbor = new Encoder({ useRecords: false });
const server = createServer({ noDelay: true }, (socket) => {
  let rest: Buffer = Buffer.alloc(0);
  const meter = new Meter();
  const take = (name: string, value: Sample | undefined): void => {
    if (name === 'sample' && value !== undefined) meter.take(value.id);
    else socket.write(frame(cbor.encode(['total', meter.count, meter.rate()])));
  };
  socket.on('data', (chunk: Buffer) => {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let at = 0;
    while (bytes.length - at >= 4) {
      const length = bytes.readUInt32BE(at);
      if (bytes.length - at - 4 < length) break;
      const [name, value] = cbor.decode(bytes.subarray(at + 4, at + 4 + length)) as [string, Sample];
      take(name, value);
      at += 4 + length;
    }
    rest = at === 0 ? bytes : bytes.subarray(at);
  });
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (typeof address === 'object' && address !== null) process.send?.({ port: address.port });
});
process.on('disconnect', () => process.exit());

function frame(payload: Uint8Array): Buffer {
  const framed = Buffer.allocUnsafe(payload.length + 4);
  framed.writeUInt32BE(payload.length, 0);
  framed.set(payload, 4);
  return framed;
}
