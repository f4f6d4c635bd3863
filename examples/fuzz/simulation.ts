/** What customers do, what may befall them, and what must hold. The same for every server of the shop. */
import fc from 'fast-check';
import type { Behavior } from 'homing';
import { faults, simulate } from 'homing/testing';
import type { Shop } from './contract.ts';
import { type Books, Ledger } from './ledger.ts';

/** What this test itself knows of a run. */
interface Notes {
  readonly ledger: Books;
  readonly ordered: Map<string, number>;
  readonly confirmed: Set<string>;
}

/** A simulation of customers of this shop, with new books for each run. */
export const customersOf = (shop: (ledger: Books) => Behavior<Shop>, open: () => Books = () => new Ledger()) =>
  simulate({
    behavior: ({ ledger }: Notes) => shop(ledger),
    notes: (): Notes => ({ ledger: open(), ordered: new Map(), confirmed: new Set() }),
    faults: faults.crashy(),
    client(client, { notes }) {
      client.on('confirmed', (id) => void notes.confirmed.add(id));
      client.connection.on('gap', (report) => report.resend());
    },
    steps: {
      order: {
        with: fc.integer({ min: 1, max: 9 }),
        run(pieces, { client, notes }) {
          const id = crypto.randomUUID();
          client.send('order', id, pieces);
          notes.ordered.set(id, pieces);
        },
      },
      ask: { run: (_nothing, { client }) => client.call('sold') },
    },
    async finally({ clients, notes: { ledger, ordered, confirmed } }) {
      const sold = await clients[0]?.call('sold');
      const most = [...ordered.values()].reduce((sum, pieces) => sum + pieces, 0);
      const least = [...confirmed].reduce((sum, id) => sum + (ordered.get(id) ?? 0), 0);
      if (sold !== ledger.sum) throw new Error(`the books say ${ledger.sum}, the shop says ${sold}`);
      if (ledger.sum > most) throw new Error(`${most} pieces were ordered, and ${ledger.sum} are sold`);
      if (ledger.sum < least) throw new Error(`${least} pieces were confirmed, and only ${ledger.sum} are sold`);
    },
  });
