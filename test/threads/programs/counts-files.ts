/** A program that ends shards in every way, round after round, and writes how many files it has open after each. */
import { readdirSync } from 'node:fs';
import { createServer } from 'homing';
import { Ledger } from '../ledger.ts';
import type { Ending, Numbered } from '../numbered.ts';
import { Talker } from '../talker.ts';

const ROUNDS = 3;
const behavior = new URL('../modules/numbered.behavior.ts', import.meta.url);
const endings: readonly Ending[] = ['exit', 'throw', 'loop', 'memory'];
const fault = (sentence: string): void => console.log(sentence);

for (let round = 0; round < ROUNDS; round += 1) {
  using ledger = new Ledger();
  const server = createServer<Numbered>(behavior, { shards: 2, watchdogMs: 1_000, shardHeapMb: 64 });
  server.on('error', () => {});
  const { port } = await server.listen(0);
  const talkers = ['a', 'b', 'c', 'd'].map(
    (name) => new Talker({ name, where: port, ledger: ledger.file, resends: false, client: {}, fault }),
  );
  for (const talker of talkers) await talker.settle();
  for (const [index, ending] of endings.entries()) {
    talkers[index]?.say(ending);
    await talkers[index]?.settle();
  }
  for (const talker of talkers) await talker.settle();
  await Promise.all(talkers.map(({ client }) => client.close()));
  await server.close();
  console.log(readdirSync('/proc/self/fd').length);
}
