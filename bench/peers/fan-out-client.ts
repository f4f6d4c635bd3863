/**
 * Many clients of a contestant that are all sent the same messages. Says how many messages have come to all of them, on
 * average, whenever that is one more; told 'count' it says what came. Arguments: contestant, links, address as JSON.
 */
import type { Address } from './contestant.ts';
import { contestantOf } from './registry.ts';
import { Tally, countOf } from './tally.ts';

/** Links that are opened at a time. */
const AT_ONCE = 100;

const [name = '', linksText = '', addressText = ''] = process.argv.slice(2);
const links = Number(linksText);
const address = JSON.parse(addressText) as Address;
process.on('disconnect', () => process.exit());
const contestant = await contestantOf(name);
const tallies: Tally[] = [];
let came = 0;
await Promise.all(Array.from({ length: Math.min(links, AT_ONCE) }, open));
process.on('message', (order) => {
  if (order === 'count') process.send?.(countOf(tallies));
});
process.send?.('ready');

async function open(): Promise<void> {
  while (tallies.length < links) {
    const tally = new Tally();
    tallies.push(tally);
    const link = await contestant.connect(address, {});
    link.onMessage(({ id }) => {
      tally.take(id);
      came += 1;
      if (came % links === 0) process.send?.(came / links);
    });
  }
}
