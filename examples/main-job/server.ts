/**
 * The server process: listens, and has its shards hash what they process. With the argument `sabotage` one piece is
 * forgotten, to show that the verdict can fail. The second argument is the port of an inspector, if there is one.
 */
import { createServer } from 'homing';
import receiving from './receiving.ts';
import { inspectorAt } from './inspected.ts';
import { handshakeMs, heartbeat, obey, report, serverShards } from './reports.ts';

// Shards get a copy of the environment.
process.env['MAIN_JOB_SABOTAGE'] = process.argv[2] ?? '';
const inspect = await inspectorAt(process.argv[3]);
const server = createServer(receiving, { shards: serverShards, heartbeat, handshakeMs, inspect });
let relayedCount = 0;
server.on('up', () => {
  if (server.counts.relays === 0) return;
  relayedCount += 1;
  report({ type: 'relayed', count: relayedCount });
});
obey(
  () => {},
  ({ type }) => {
    if (type === 'final') void server.close({ drainMs: 0 }).then(() => process.disconnect());
  },
);
const { port } = await server.listen(0);
report({ type: 'listening', port });
