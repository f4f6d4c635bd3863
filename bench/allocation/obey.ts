/** How either end carries out what the row asks of it. */
import type { Answer, Order } from './contract.ts';
import type { Scissors } from './scissors.ts';
import type { Traffic } from './traffic.ts';
import type { Watch } from './watch.ts';

/** Answers each order of the row, one after another, until the row lets the process go. */
export function obey(traffic: Traffic, scissors: Scissors, watch: Watch): void {
  const answer = async (order: Order): Promise<Answer> => {
    switch (order) {
      case 'rest':
        await traffic.rest();
        return 'resting';
      case 'stream':
        traffic.stream();
        return 'streaming';
      case 'look': {
        const { sent, received, lost, doubled } = traffic;
        return watch.look({ sent, received, lost, doubled, cuts: scissors.cuts });
      }
      default: {
        const before = traffic.messages;
        const bytes = await watch.allocated(order);
        return bytes / (traffic.messages - before);
      }
    }
  };
  process.on('message', (order: Order) => void answer(order).then((said) => process.send?.(said)));
  process.on('disconnect', () => process.exit());
}
