/** Homing with its sessions in one shard. Nobody is told of links or messages, which are there: for rows that look at calls. */
import { createServer } from 'homing';
import type { Contestant } from '../contestant.ts';
import { type Bench, homing } from './homing.ts';
import behavior from './light.behavior.ts';

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
