/** The server's end of the real lane, in a shard: it checks what it hears, and answers each message with one of its own. */
import { defineBehavior } from 'homing';
import { enter } from '../../threads/ledger.ts';
import { type Numbers, isPayloadOf, payloadOf } from '../numbers.ts';

export default defineBehavior<Numbers>({
  module: import.meta.url,
  authenticate: (account) => account,
  start(session) {
    const { id, ledger } = session.identity;
    let expected: number | undefined;
    const account = { heard: 0, said: 0 };
    session.on('item', async (number, payload) => {
      if (ledger !== undefined) enter(ledger, session.id, number);
      if (number !== (expected ?? number)) throw new Error(`${id}: expected ${expected}, heard ${number}`);
      if (!isPayloadOf(number, payload)) throw new Error(`${id}: ${number} was altered`);
      expected = number + 1;
      account.heard += 1;
      const hasRoom = session.send('item', account.said, payloadOf(account.said));
      account.said += 1;
      if (!hasRoom) await session.writable();
    });
    session.expose({ account: () => account });
  },
});
