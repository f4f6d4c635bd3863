/**
 * Many sessions that are all sent the same events; each has to get every event once, in order. Says the number of an event
 * when the last of them has got it; told 'account' it says what came in all. Arguments: port, sessions.
 */
import { type Client, createClient } from 'homing';
import type { FanningOut } from './contracts.ts';

/** What came since the start. */
export interface Account {
  readonly deliveries: number;
  /** Events that were not the next one of their session. */
  readonly faults: number;
}

/** Sessions that are opened at a time. */
const AT_ONCE = 100;

const [port = 0, sessions = 0] = process.argv.slice(2).map(Number);
process.on('disconnect', () => process.exit());
/** How often events have come that have not come everywhere. */
const counts = new Map<number, number>();
const clients: Client<FanningOut>[] = [];
let deliveries = 0;
let faults = 0;
while (clients.length < sessions) {
  const some = Array.from({ length: Math.min(AT_ONCE, sessions - clients.length) }, open);
  clients.push(...some);
  await Promise.all(some.map((client) => client.up()));
}
process.on('message', (order) => {
  if (order === 'account') process.send?.({ deliveries, faults } satisfies Account);
});
process.send?.('ready');

function open(): Client<FanningOut> {
  const client = createClient<FanningOut>(port);
  let last = 0;
  client.on('sample', ({ id }) => {
    if (id !== last + 1) faults += 1;
    last = id;
    deliveries += 1;
    count(id);
  });
  return client;
}

function count(id: number): void {
  const got = (counts.get(id) ?? 0) + 1;
  if (got < sessions) {
    counts.set(id, got);
    return;
  }
  counts.delete(id);
  process.send?.(id);
}
