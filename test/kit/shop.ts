/** A little server for the tests of the kit, with room for one bug at a time, and the simulation of its customers. */
import fc from 'fast-check';
import { type Session, defineBehavior } from 'homing';
import { type FaultPlanOptions, SimulationFailed, faults, simulate } from 'homing/testing';

/** What the server and its clients say to each other. */
export type Shop = {
  server: { events: { order: [pieces: number] }; methods: { sold(): number } };
  client: { events: { confirmed: [pieces: number] } };
};

/** What the test knows of a run. */
export interface Notes {
  ordered: number;
  sold: number;
  confirmed: number;
}

/** How an order is handled. */
export type Sell = (pieces: number, notes: Notes, session: Session<Shop>) => unknown;

/** Sells as it should be done. */
export const sell: Sell = async (pieces, notes, session) => {
  await new Promise((resolve) => setTimeout(resolve, 5));
  notes.sold += pieces;
  session.send('confirmed', pieces);
};

/** Customers of a shop that handles orders like this, under lost connections; all that is ordered must be sold. */
export function shopOf(
  handle: Sell,
  { shards = 0, plan = {} }: { readonly shards?: number; readonly plan?: Omit<FaultPlanOptions, 'kinds'> } = {},
) {
  return simulate({
    behavior: (notes: Notes) =>
      defineBehavior<Shop>({
        start(session) {
          session.on('order', (pieces) => handle(pieces, notes, session));
          session.expose({ sold: () => notes.sold });
        },
      }),
    notes: (): Notes => ({ ordered: 0, sold: 0, confirmed: 0 }),
    shards,
    faults: faults.reconnect(plan),
    client(client, { notes }) {
      client.on('confirmed', (pieces) => void (notes.confirmed += pieces));
    },
    steps: {
      order: {
        with: fc.integer({ min: 1, max: 9 }),
        run(pieces, { client, notes }) {
          client.send('order', pieces);
          notes.ordered += pieces;
        },
      },
      ask: { run: (_nothing, { client }) => client.call('sold') },
    },
    finally({ notes: { ordered, sold, confirmed } }) {
      if (sold !== ordered) throw new Error(`${ordered} were ordered, ${sold} are sold`);
      if (confirmed !== ordered) throw new Error(`${ordered} were ordered, ${confirmed} are confirmed`);
    },
  });
}

/** The failure that something rejects with; throws when it does not, or rejects with something else. */
export async function failureOf(playing: Promise<unknown>): Promise<SimulationFailed> {
  const outcome = await playing.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (outcome instanceof SimulationFailed) return outcome;
  throw new Error('expected a simulation to fail', { cause: outcome });
}
