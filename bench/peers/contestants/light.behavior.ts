/** Adds, and takes messages without counting them: what a link does, in a shard, where no link can be. */
import { defineBehavior } from 'homing';
import type { Bench } from './homing.ts';

export default defineBehavior<Bench>({
  module: import.meta.url,
  start(session) {
    session.expose({ add: (left, right) => left + right });
    session.on('message', () => {});
  },
});
