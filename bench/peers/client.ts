/** The clients of a contestant, all in one process of their own. Argument: the contestant's name. */
import { callAway } from './calling.ts';
import type { Address, ConnectOptions } from './contestant.ts';
import { End } from './end.ts';
import type { ClientOrder, Connected } from './orders.ts';
import { contestantOf } from './registry.ts';

/** Links that are opened at a time. */
const AT_ONCE = 100;

process.on('disconnect', () => process.exit());
const end = new End('client');
const contestant = await contestantOf(process.argv[2] ?? '');
process.on('message', (order: ClientOrder) => void obey(order).then((answer) => process.send?.(answer)));
process.send?.('ready');

async function obey(order: ClientOrder): Promise<unknown> {
  switch (order.type) {
    case 'connect':
      return connect(order.links, order.address, order.options);
    case 'call': {
      const [link] = end.links;
      if (link?.call === undefined) throw new Error(`expected a link of ${contestant.name} that can call`);
      return callAway(link.call.bind(link), order);
    }
    case 'close':
      await Promise.all(end.links.map((link) => link.close()));
      end.clear();
      return 'closed';
    default:
      return end.obey(order);
  }
}

async function connect(links: number, address: Address, options: ConnectOptions): Promise<Connected> {
  const beganMs = performance.now();
  let left = links;
  const work = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      end.add(await contestant.connect(address, options));
    }
  };
  await Promise.all(Array.from({ length: Math.min(links, AT_ONCE) }, work));
  return { milliseconds: performance.now() - beganMs };
}
