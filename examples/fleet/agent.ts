/** What an agent does with its session: it answers. Every shard loads this module for itself. */
import { type Flip, defineBehavior } from 'homing';
import type { Fleet } from './contract.ts';

export default defineBehavior<Flip<Fleet>>({
  module: import.meta.url,
  start(session) {
    session.on('ask', (round) => void session.send('report', round));
  },
});
