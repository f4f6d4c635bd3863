/**
 * The server process: hashes what it processed, pass by pass. It knows nothing of the file but what arrives. With the
 * argument `sabotage` it forgets one piece, to show that the verdict can fail.
 */
import { createHash } from 'node:crypto';
import { createServer } from 'homing';
import { type Shipping, type Volume, handshakeMs, heartbeat, nowMs, obey, report } from './reports.ts';

const forgets = process.argv[2] === 'sabotage';
const digests = new Map<string, number>();
let hash = createHash('sha256');
let pieces = 0;
let lines = 0;
let bytes = 0;
let passes = 0;
let isRecovering = false;
/** The last piece did not end its line. */
let isMidLine = false;
const volume = (): Volume => ({ lines, bytes, passes });

function processed(): void {
  if (isRecovering) report({ type: 'recovered', atMs: nowMs() });
  isRecovering = false;
}

const server = createServer<Shipping>(
  (session) => {
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
  },
  { heartbeat, handshakeMs },
);
server.on('up', (_, { resumed }) => (isRecovering = resumed));

const telling = setInterval(() => report({ type: 'processed', volume: volume() }), 50);
obey((order) => {
  if (order !== 'finish') return;
  clearInterval(telling);
  const counts = Array.from(digests, ([digest, count]) => ({ digest, passes: count }));
  report({ type: 'final', volume: volume(), digests: counts });
  void server.close({ drainMs: 0 }).then(() => process.disconnect());
});
const { port } = await server.listen(0);
report({ type: 'listening', port });
