/**
 * What the client's shard does: ships a file through the session, piece by piece, over and over until it is told that the
 * line is left alone. It never looks at the connection; it only tells what happens to it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Flip, type Session, defineBehavior } from 'homing';
import { piecesOf } from './pieces.ts';
import { type Shipping, type Volume, nowMs, obeyInShard, report } from './reports.ts';

/** Weight of a message beside its bytes, so that short and empty lines are paced as well. */
const MESSAGE_BYTES = 24;

export default defineBehavior<Flip<Shipping>>({
  module: import.meta.url,
  start(session) {
    const { connection } = session;
    report({ type: 'up', resumed: false });
    connection.on('change', (state) => report({ type: 'state', state }));
    connection.on('reconnect', ({ attempt, delayMs }) => report({ type: 'redial', attempt, delayMs }));
    connection.on('up', ({ resumed }) => {
      if (resumed) report({ type: 'up', resumed });
    });
    void ship(session);
  },
});

async function ship(session: Session<Flip<Shipping>>): Promise<void> {
  const { MAIN_JOB_FILE: file = '', MAIN_JOB_RATE: bytesPerSecond = '' } = process.env;
  let isCalm = false;
  obeyInShard((order) => {
    if (order === 'calm') isCalm = true;
  });
  let [lines, bytes, passes, weight] = [0, 0, 0, 0];
  const startedMs = nowMs();
  const volume = (): Volume => ({ lines, bytes, passes });
  const telling = setInterval(() => report({ type: 'sent', volume: volume() }), 50);

  /** Resolves when the next message may go: there is room in the outbox, and the pace allows it. */
  async function mayGoOn(hasRoom: boolean, payloadBytes: number): Promise<void> {
    if (!hasRoom) await session.writable();
    weight += payloadBytes + MESSAGE_BYTES;
    while (!isCalm && weight > ((nowMs() - startedMs) / 1_000) * Number(bytesPerSecond)) await sleep(2);
  }

  do {
    for await (const piece of piecesOf(file)) {
      const hasRoom = session.send('piece', piece.bytes);
      bytes += piece.bytes.length;
      if (piece.endsLine) lines += 1;
      await mayGoOn(hasRoom, piece.bytes.length);
    }
    const hasRoom = session.send('passEnd');
    passes += 1;
    await mayGoOn(hasRoom, 0);
  } while (!isCalm);

  await session.flush();
  clearInterval(telling);
  report({ type: 'done', volume: volume() });
}
