/** The server of a contestant, in a process of its own. Arguments: the contestant's name, `ServeOptions` as JSON. */
import type { ServeOptions } from './contestant.ts';
import { End } from './end.ts';
import type { Opened, ServerOrder } from './orders.ts';
import { contestantOf } from './registry.ts';

const [name = '', options = '{}'] = process.argv.slice(2);
process.on('disconnect', () => process.exit());
const end = new End('server');
const contestant = await contestantOf(name);
const served = await contestant.serve((link) => end.add(link), JSON.parse(options) as ServeOptions);
process.on('message', (order: ServerOrder) => {
  void end.obey(order, served.brokerPid).then((answer) => process.send?.(answer));
});
process.send?.({ address: served.address } satisfies Opened);
