/** One message to each of a thousand clients, in the way that a contestant has for that. */
import { Program } from '../../program.ts';
import type { Measured } from '../../table.ts';
import { type PeerRow, compare, hold } from '../contest.ts';
import type { FanOutOrder, FannedOut } from '../fan-out-server.ts';
import { goals } from '../goals.ts';

/** Messages that have not come to all clients, taken together. */
const OUTSTANDING = 16;
const BYTES = 90;

const scales = {
  full: { rounds: 7, milliseconds: 1_000, warmMs: 2_000, sessions: 1_000 },
  quick: { rounds: 3, milliseconds: 300, warmMs: 500, sessions: 200 },
};

/** A durable consumer for each client is not what JetStream offers for this: its pages send such streams to core subjects. */
const leftOut: readonly string[] = ['jetstream'];

/** Deliveries a second. */
export const fanOut: PeerRow = async (run): Promise<readonly Measured[]> => {
  const { rounds, milliseconds, warmMs, sessions } = scales[run.scale];
  const order: FanOutOrder = { outstanding: OUTSTANDING, milliseconds, bytes: BYTES };
  const names = run.contestants.filter((name) => !leftOut.includes(name));
  const reached = await hold(run, names, {
    rounds,
    async open(name) {
      const file = new URL(
        `../fan-out-server${import.meta.url.slice(import.meta.url.lastIndexOf('.'))}`,
        import.meta.url,
      );
      const server = new Program(file, [name, String(sessions)]);
      await server.next<'ready'>();
      return server;
    },
    warm: (server) => server.ask<FannedOut>({ ...order, milliseconds: warmMs }),
    slice: (server) => server.ask<FannedOut>(order),
  });
  return compare(
    { what: `${BYTES} B to ${sessions} clients, ${OUTSTANDING} on their way`, unit: '/s', goals: goals.fanOut },
    reached,
    { value: ({ rate }) => rate, faults: ({ faults }) => faults },
  );
};
