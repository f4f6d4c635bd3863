/** A behavior whose sessions have an identity and a handler that fails, and that knows what its thread published. */
import { subscribe } from 'node:diagnostics_channel';
import { isMainThread } from 'node:worker_threads';
import { defineBehavior } from 'homing';

/** What its clients may say. */
export interface Logged {
  readonly server: {
    readonly events: { fail: [text: string] };
    readonly methods: { ping: () => string; heard: () => string[]; crash: () => void };
  };
  readonly client: object;
  readonly credentials: { readonly token: string };
  readonly identity: { readonly id: string };
}

/** The channels that were published on, in a thread of its own, each with the id of the session. */
const heard: string[] = [];
for (const what of isMainThread ? [] : ['session:begin', 'session:up', 'server:session:up'])
  subscribe(`homing:${what}`, (message, name) =>
    heard.push(`${String(name)} ${(message as { session: { id: string } }).session.id}`),
  );

export default defineBehavior<Logged>({
  module: import.meta.url,
  authenticate: () => ({ id: 'ann' }),
  start: (session) => {
    session.on('fail', () => {
      throw new RangeError('it fails');
    });
    session.expose({
      ping: () => 'pong',
      heard: () => heard,
      crash: () => void setImmediate(() => process.exit(3)),
    });
  },
});
