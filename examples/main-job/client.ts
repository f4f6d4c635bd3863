/**
 * The client process: ships a file through a session, piece by piece, over and over until it is told that the line is left
 * alone. Arguments: port, file, bytes a second. It never looks at the connection; it only tells what happens to it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from 'homing';
import { piecesOf } from './pieces.ts';
import { type Shipping, type Volume, backoff, handshakeMs, heartbeat, nowMs, obey, report } from './reports.ts';

const [port = '', file = '', bytesPerSecond = ''] = process.argv.slice(2);
const client = createClient<Shipping>(Number(port), { heartbeat, backoff, handshakeMs });
client.connection.on('change', (state) => report({ type: 'state', state }));
client.connection.on('reconnect', ({ attempt, delayMs }) => report({ type: 'redial', attempt, delayMs }));
client.connection.on('up', ({ resumed }) => report({ type: 'up', resumed }));
client.connection.on('gap', ({ reason }) => report({ type: 'lost', sentence: `history was lost: ${reason}` }));
client.connection.on('closed', ({ code, reason }) => {
  if (code !== 'closed') report({ type: 'lost', sentence: `the session ended: ${code} ${reason}` });
});

let isCalm = false;
obey((order) => {
  if (order === 'calm') isCalm = true;
});

/** Weight of a message beside its bytes, so that short and empty lines are paced as well. */
const MESSAGE_BYTES = 24;
let lines = 0;
let bytes = 0;
let passes = 0;
let weight = 0;
const startedMs = nowMs();
const volume = (): Volume => ({ lines, bytes, passes });
const telling = setInterval(() => report({ type: 'sent', volume: volume() }), 50);

/** Resolves when the next message may go: there is room in the outbox, and the pace allows it. */
async function mayGoOn(hasRoom: boolean, payloadBytes: number): Promise<void> {
  if (!hasRoom) await client.writable();
  weight += payloadBytes + MESSAGE_BYTES;
  while (!isCalm && weight > ((nowMs() - startedMs) / 1_000) * Number(bytesPerSecond)) await sleep(2);
}

do {
  for await (const piece of piecesOf(file)) {
    const hasRoom = client.send('piece', piece.bytes);
    bytes += piece.bytes.length;
    if (piece.endsLine) lines += 1;
    await mayGoOn(hasRoom, piece.bytes.length);
  }
  const hasRoom = client.send('passEnd');
  passes += 1;
  await mayGoOn(hasRoom, 0);
} while (!isCalm);

await client.flush();
clearInterval(telling);
report({ type: 'done', volume: volume() });
await client.close();
process.disconnect();
