/** Tells each client by its certificate, which was verified in the shard or came over a relay. */
import { defineBehavior } from 'homing';

export type Certified = {
  identity: { id: string };
  server: { events: { who: [] } };
  client: { events: { you: [name: string] } };
};

export default defineBehavior<Certified>({
  module: import.meta.url,
  authenticate: (_, peer) => ({ id: peer.certificate?.subject['CN']?.toString() ?? 'nobody' }),
  start: (session) => session.on('who', () => session.send('you', session.identity.id)),
});
