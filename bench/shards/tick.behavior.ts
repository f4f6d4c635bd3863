/** Answers each tick with its number: how a client knows that everything it sent was handled, once. */
import { defineBehavior } from 'homing';
import type { Ticking } from './contracts.ts';
import { obey } from './within.ts';

obey();

export default defineBehavior<Ticking>({
  module: import.meta.url,
  start(session) {
    let count = 0;
    session.on('tick', () => void session.send('tock', (count += 1)));
  },
});
