/** What each session does. Every shard loads this module for itself: a variable of the module is one for each shard. */
import { defineBehavior } from 'homing';
import type { Counting } from './contract.ts';

export default defineBehavior<Counting>({
  module: import.meta.url,
  tasks: { countPrimes },
  start(session) {
    let total = 0;
    session.on('count', () => void session.send('counted', (total += 1)));
    session.on('primes', async (below) => {
      session.send('primes', await session.offload<number>('countPrimes', below));
    });
    session.on('crash', () => process.exit(1)); // ends this shard's thread, nothing else
  },
});

/** Runs in a thread for heavy work, so that no session waits for it but the one that asked. */
function countPrimes(below: number): number {
  const isComposite = new Uint8Array(below);
  let count = 0;
  for (let number = 2; number < below; number += 1) {
    if (isComposite[number] === 1) continue;
    count += 1;
    for (let multiple = number * number; multiple < below; multiple += number) isComposite[multiple] = 1;
  }
  return count;
}
