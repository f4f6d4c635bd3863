/**
 * Two servers of the shop. Both are right as long as nobody dies. A client sends again what a dead server did not confirm,
 * and the careless one believes that it never saw it.
 */
import { defineBehavior } from 'homing';
import type { Shop } from './contract.ts';
import type { Books } from './ledger.ts';

export const careless = (ledger: Books) =>
  defineBehavior<Shop>({
    start(session) {
      session.on('order', async (id, pieces) => {
        await ledger.add(id, pieces);
        session.send('confirmed', id);
      });
      session.expose({ sold: () => ledger.sum });
    },
  });

export const careful = (ledger: Books) =>
  defineBehavior<Shop>({
    start(session) {
      session.on('order', async (id, pieces) => {
        if (!(await ledger.has(id))) await ledger.add(id, pieces);
        session.send('confirmed', id);
      });
      session.expose({ sold: () => ledger.sum });
    },
  });
