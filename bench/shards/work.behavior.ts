/** A handler that computes, and says in which thread. */
import { threadId } from 'node:worker_threads';
import { defineBehavior } from 'homing';
import { churn } from './arithmetic.ts';
import type { Working } from './contracts.ts';
import { obey } from './within.ts';

obey();

export default defineBehavior<Working>({
  module: import.meta.url,
  start(session) {
    session.on('work', (steps) => void session.send('done', threadId, churn(steps)));
  },
});
