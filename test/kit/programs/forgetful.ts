/** A shop with a planted bug, for the command line: who is away at that moment is never told. */
import { setTimeout as sleep } from 'node:timers/promises';
import { shopOf } from '../shop.ts';

export const simulation = shopOf(async (pieces, notes, session) => {
  await sleep(5);
  notes.sold += pieces;
  if (session.connection.state === 'up') session.send('confirmed', pieces);
});
