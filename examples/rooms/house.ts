/** The house: what is said in a room is heard in that room only, whichever shard its people live in. */
import { defineBehavior } from 'homing';
import type { Rooms } from './contract.ts';

export default defineBehavior<Rooms>({
  module: import.meta.url,
  serverKeys: ['name'],
  authenticate({ name }) {
    if (!/^\w{1,20}$/.test(name)) throw new Error('expected a name of 1 to 20 letters or digits');
    return { id: name };
  },
  authorize(_, action) {
    switch (action.type) {
      case 'presence':
        return true; // everybody may see who is where
      case 'write':
        return action.key === 'room' && /^\w{1,20}$/.test(String(action.value));
      case 'address': // whoever is called by name, nobody else
        return typeof action.selector === 'object' && Object.keys(action.selector).join() === 'name';
    }
  },
  start(session) {
    const name = session.identity.id;
    session.store.set('name', name);
    session.on('say', async (text) => {
      const room = session.store.get('room');
      if (room !== undefined) await session.to({ room }, { except: session.id }).send('said', name, text);
    });
  },
});
