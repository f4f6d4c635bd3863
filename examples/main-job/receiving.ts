/**
 * What the server's shards do: hash what they processed, pass by pass. They know nothing of the file but what arrives.
 */
import { createHash } from 'node:crypto';
import { defineBehavior } from 'homing';
import { type Shipping, type Volume, nowMs, obeyInShard, report } from './reports.ts';

export default defineBehavior<Shipping>({
  module: import.meta.url,
  start(session) {
    const forgets = process.env['MAIN_JOB_SABOTAGE'] === 'sabotage';
    const digests = new Map<string, number>();
    let hash = createHash('sha256');
    let [pieces, lines, bytes, passes] = [0, 0, 0, 0];
    let isRecovering = false;
    /** The last piece did not end its line. */
    let isMidLine = false;
    const volume = (): Volume => ({ lines, bytes, passes });
    const processed = (): void => {
      if (isRecovering) report({ type: 'recovered', atMs: nowMs() });
      isRecovering = false;
    };

    session.connection.on('up', ({ resumed }) => (isRecovering = resumed));
    session.on('piece', (piece) => {
      pieces += 1;
      processed();
      if (forgets && pieces === 5) return;
      hash.update(piece);
      bytes += piece.length;
      isMidLine = piece.at(-1) !== 10;
      if (!isMidLine) lines += 1;
    });
    session.on('passEnd', () => {
      processed();
      if (isMidLine) lines += 1;
      isMidLine = false;
      passes += 1;
      const digest = hash.digest('hex');
      digests.set(digest, (digests.get(digest) ?? 0) + 1);
      hash = createHash('sha256');
    });

    const telling = setInterval(() => report({ type: 'processed', volume: volume() }), 50);
    obeyInShard((order) => {
      if (order !== 'finish') return;
      clearInterval(telling);
      const counts = Array.from(digests, ([digest, count]) => ({ digest, passes: count }));
      report({ type: 'final', volume: volume(), digests: counts });
    });
  },
});
