/** The floor: streams samples over plain TCP with a length prefix and cbor-x, gathered per tick like Homing's. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { Encoder } from 'cbor-x/index-no-eval';
import { BURST, sample } from './sample.ts';

const [port = '', milliseconds = ''] = process.argv.slice(2);
const cbor = new Encoder({ useRecords: false });
const socket = connect({ host: '127.0.0.1', port: Number(port), noDelay: true });
await once(socket, 'connect');
const total = new Promise<[string, number, number]>((resolve) => {
  socket.on('data', (chunk: Buffer) => resolve(cbor.decode(chunk.subarray(4)) as [string, number, number]));
});

const BATCH_BYTES = 131_072;
let batch = Buffer.allocUnsafe(BATCH_BYTES);
let used = 0;
function put(message: readonly unknown[]): void {
  const payload = cbor.encode(message);
  if (used + payload.length + 4 > BATCH_BYTES) flush();
  batch.writeUInt32BE(payload.length, used);
  batch.set(payload, used + 4);
  used += payload.length + 4;
}
function flush(): void {
  if (used > 0) socket.write(batch.subarray(0, used));
  batch = Buffer.allocUnsafe(BATCH_BYTES);
  used = 0;
}

const endMs = performance.now() + Number(milliseconds);
let sent = 0;
while (performance.now() < endMs) {
  for (let index = 0; index < BURST; index += 1) {
    put(['sample', sample(sent)]);
    sent += 1;
  }
  if (socket.writableNeedDrain) await once(socket, 'drain');
}
put(['end']);
flush();
const [, count, rate] = await total;
process.send?.({ rate, lost: sent - count });
socket.end();
