/** Work beside the shard and in it, and an answer to each ping at once, if the shard is free. */
import { defineBehavior } from 'homing';
import { churn } from './arithmetic.ts';
import type { Offloading } from './contracts.ts';

export default defineBehavior<Offloading>({
  module: import.meta.url,
  tasks: { churn, echo: (value: number) => value },
  start(session) {
    session.on('offload', async (task, input) => {
      const result = await session.offload<number>(task, input);
      session.send('done', result);
    });
    session.on('work', (steps) => void session.send('done', churn(steps)));
    session.on('ping', () => void session.send('pong'));
  },
});
