/** Sessions that show their name, tell their client who is present as their shard sees it, and may end its thread. */
import { defineBehavior } from 'homing';

/** The contract. */
export type Present = {
  credentials: string;
  identity: { readonly id: string };
  store: { readonly name: string };
  server: { events: { watch: []; leave: []; die: [] } };
  /** `list` with the ids of those who are here, then what happens to each. */
  client: { events: { list: [ids: string[]]; told: [event: 'came' | 'changed' | 'went', id: string, name: string] } };
};

export default defineBehavior<Present>({
  module: import.meta.url,
  authenticate: (name) => ({ id: name }),
  authorize: () => true,
  start(session) {
    session.store.set('name', session.identity.id);
    session.on('die', () => process.exit(3));
    session.on('watch', async () => {
      const view = await session.presence();
      session.send('list', [...view.members.keys()]);
      for (const event of ['came', 'changed', 'went'] as const) {
        view.on(event, (id, { name = '' }) => void session.send('told', event, id, name));
      }
      session.once('leave', () => view.close());
    });
  },
});
