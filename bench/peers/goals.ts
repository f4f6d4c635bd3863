/** What Homing is to reach beside each contestant, as a share of that one's number in the same round. */
import type { Goal } from '../table.ts';

/** Goals by contestant. */
export type Goals = Readonly<Record<string, Goal>>;

/** Of a stream of 90 bytes over one connection. */
export const streamGoals: Goals = {
  plain: { atLeast: 1 },
  ws: { atLeast: 3 },
  'socket.io': { atLeast: 6 },
  nats: { atLeast: 1.5 },
  jetstream: { atLeast: 50 },
  mqtt: { atLeast: 80 },
};

/** Of the time that a call takes that is alone, half of all. */
export const callGoals: Goals = { plain: { atMost: 1.15 }, ws: { atMost: 1 } };

/** Of the calls a second, 64 under way. */
export const manyCallGoals: Goals = {
  ws: { atLeast: 4 },
  'socket.io': { atLeast: 6 },
  nats: { atLeast: 8 },
  capnweb: { atLeast: 8 },
};

/** Of the deliveries a second, to 1,000 sessions. */
export const fanOutGoals: Goals = { 'socket.io': { atLeast: 3 } };

/** Of the resident memory that an idle connection takes. */
export const idleGoals: Goals = { ws: { atMost: 1.5 } };

/** Of the time until all are up again and have what was pending. */
export const reconnectGoals: Goals = { 'socket.io': { atMost: 0.2 } };

/** Of the stream over a line that is cut every 50 ms, as a share of Homing's own stream over the same line uncut. */
export const cutGoal: Goal = { atLeast: 0.6 };

/** Of the p99 of calls beside a hot session, as a multiple of that without one. */
export const neighborGoal: Goal = { atMost: 2 };
