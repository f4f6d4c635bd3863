/** The server of the allocation row, in a process of its own. */
import { createServer } from 'homing';
import type { BothWays } from './contract.ts';
import { obey } from './obey.ts';
import { Scissors } from './scissors.ts';
import { Traffic } from './traffic.ts';
import { Watch } from './watch.ts';

const watch = new Watch();
const traffic = new Traffic();
const scissors = new Scissors('accepted', () => traffic.isResting);
const server = createServer<BothWays>((session) => traffic.join(session));
const { port } = await server.listen(0);
obey(traffic, scissors, watch);
process.send?.({ port });
