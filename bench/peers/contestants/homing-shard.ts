/**
 * Homing with its sessions in one shard: what comes is counted by nobody, as a link cannot leave its thread. For rows that
 * look at calls.
 */
import { createServer, defineBehavior } from 'homing';
import type { Contestant } from '../contestant.ts';
import { type Bench, homing } from './homing.ts';

/** Runs in the shard. */
const behavior = defineBehavior<Bench>({
  module: import.meta.url,
  start(session) {
    session.expose({ add: (left, right) => left + right });
    session.on('message', () => {});
  },
});

export default behavior;

/** The same client, another server. */
export const homingInShard: Contestant = {
  ...homing,
  name: 'homing in a shard',
  settings: 'default options, the server in one worker thread',
  async serve(_onLink, { hasChecksum }) {
    const server = createServer<Bench>(behavior, { shards: 1, checksum: hasChecksum });
    const { port } = await server.listen(0);
    return {
      address: { port },
      broadcast: (message) => void server.toAll().send('message', message),
      close: () => server.close(),
    };
  },
};
