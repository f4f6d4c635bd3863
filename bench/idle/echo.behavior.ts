/** Answers each word with the same word; in a shard it can be weighed from outside. */
import { defineBehavior } from 'homing';
import { BroadcastChannel, isMainThread } from 'node:worker_threads';
import { type ScaleOrder, obeyScale } from './scales.ts';

/** One word each way. */
export type Echoing = { server: { events: { word: [text: string] } }; client: { events: { word: [text: string] } } };

/** Where the main thread asks its shard. */
export const ORDERS = 'homing.idle.orders';
/** Where the shard answers. */
export const ANSWERS = 'homing.idle.answers';

if (!isMainThread) {
  const orders = new BroadcastChannel(ORDERS);
  orders.unref();
  const answers = new BroadcastChannel(ANSWERS);
  answers.unref();
  orders.onmessage = (event) => {
    const { data } = event as { readonly data: ScaleOrder };
    void obeyScale(data).then((answer) => answers.postMessage(answer));
  };
}

export default defineBehavior<Echoing>({
  module: import.meta.url,
  start(session) {
    session.on('word', (text) => void session.send('word', text));
  },
});
