/** A behavior for tests of the inspector: it answers, and keeps a room in its store. */
import { defineBehavior } from 'homing';

export type Watched = {
  server: { events: { say: [word: string] }; methods: { echo(word: string): string } };
  client: { events: { said: [word: string] } };
  store: { room: string; note: string };
};

export default defineBehavior<Watched>({
  module: import.meta.url,
  start(session) {
    session.on('say', (word) => void session.send('said', word));
    session.expose({ echo: (word) => word });
  },
});
