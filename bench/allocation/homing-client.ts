/** The clients of the allocation row, in a process of their own. */
import { createClient } from 'homing';
import { type BothWays, SESSIONS } from './contract.ts';
import { obey } from './obey.ts';
import { Scissors } from './scissors.ts';
import { Traffic } from './traffic.ts';
import { Watch } from './watch.ts';

/** A line that is cut for ever shall not be waited for longer each time. */
const backoff = { firstMs: 5, baseMs: 10, maxMs: 20 };

const [port = ''] = process.argv.slice(2);
const watch = new Watch();
const traffic = new Traffic();
const scissors = new Scissors('dialled', () => traffic.isResting);
for (let index = 0; index < SESSIONS; index += 1) {
  const client = createClient<BothWays>(Number(port), { backoff });
  traffic.join(client);
  await client.up();
}
obey(traffic, scissors, watch);
process.send?.('ready');
