/** The room: everybody who is in it, with a connection or without. What is said goes to all; each gets it once, in order. */
import { type Session, defineBehavior } from 'homing';
import type { Chat } from './contract.ts';

const people = new Set<Session<Chat>>();

/** Everybody, those whose line is lost included: they hear it when they are back. */
function tellAll(tell: (person: Session<Chat>) => boolean): void {
  for (const person of people) {
    const hasRoom = tell(person);
    if (!hasRoom) void person.close('too far behind');
  }
}
const note = (text: string): void => tellAll((person) => person.send('note', text));

export const room = defineBehavior<Chat>({
  authenticate({ name }) {
    if (!/^\w{1,20}$/.test(name)) throw new Error('expected a name of 1 to 20 letters or digits');
    return { id: name };
  },
  start(session) {
    const name = session.identity.id;
    people.add(session);
    note(`${name} came in`);
    session.on('say', (text) => tellAll((person) => person.send('said', name, text)));
    session.on('who', () => {
      const names = [...people].map(
        ({ identity, connection }) => identity.id + (connection.state === 'up' ? '' : ' (away)'),
      );
      session.send('note', `here: ${names.join(', ')}`);
    });
    session.connection.on('closed', () => {
      people.delete(session);
      note(`${name} left`);
    });
  },
});
