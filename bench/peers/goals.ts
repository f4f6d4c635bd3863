/** What Homing is to reach beside each contestant: its number as a share of that one's in the same round, by row. */
import type { Goal } from '../table.ts';

/** Goals by contestant. */
export type Goals = Readonly<Record<string, Goal>>;

/** Goals by what is measured. */
export const goals = {
  /** Messages a second of a stream of 90 bytes over one connection. */
  stream: {
    plain: { atLeast: 1 },
    ws: { atLeast: 3 },
    'socket.io': { atLeast: 6 },
    nats: { atLeast: 1.5 },
    jetstream: { atLeast: 50 },
    mqtt: { atLeast: 80 },
  },
  /** The time that a call takes that is alone, p50. */
  call: { plain: { atMost: 1.15 }, ws: { atMost: 1 } },
  /** Calls a second, 64 under way. */
  manyCalls: { ws: { atLeast: 4 }, 'socket.io': { atLeast: 6 }, nats: { atLeast: 8 }, capnweb: { atLeast: 8 } },
  /** Deliveries a second, to 1,000 sessions. */
  fanOut: { 'socket.io': { atLeast: 3 } },
  /** Resident memory of an idle connection. */
  idle: { ws: { atMost: 1.5 } },
  /** The time until all sessions of a storm are up again and have what was pending: five times as fast. */
  storm: { 'socket.io': { atMost: 0.2 } },
  /** Of a stream whose line is cut every 50 ms: Homing's share of its own stream over the same line uncut. */
  cut: { homing: { atLeast: 0.6 } },
  /** The p99 of calls beside a hot session: how many times that without one, of Homing itself. */
  neighbor: { homing: { atMost: 2 } },
} satisfies Readonly<Record<string, Goals>>;
