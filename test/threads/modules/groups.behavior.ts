/** Sessions that send numbered events to rooms when they are asked to, and end their shard when they are told to. */
import { type Sent, defineBehavior } from 'homing';

/** The contract of groups on threads. */
export type Grouped = {
  server: {
    events: { end: [afterMs: number] };
    methods: { announce(room: string, first: number, count: number, holdMs: number | undefined): Sent[] };
  };
  client: { events: { g: [by: string, number: number] } };
  store: { room: string };
};

export default defineBehavior<Grouped>({
  module: import.meta.url,
  // Later, and not always in the order in which it was asked.
  authorize: (_session, { type }) =>
    type === 'address' ? new Promise((resolve) => setImmediate(resolve, true)) : true,
  start(session) {
    session.on('end', (afterMs) => {
      const endsAt = performance.now() + afterMs;
      while (performance.now() < endsAt);
      process.exit(3);
    });
    session.expose({
      announce: (room, first, count, holdMs) => {
        const group = session.to({ room }, { holdMs });
        const numbers = Array.from({ length: count }, (_, index) => first + index);
        return Promise.all(numbers.map((number) => group.send('g', 'session', number)));
      },
    });
  },
});
