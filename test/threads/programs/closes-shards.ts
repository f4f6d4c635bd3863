/** A program whose server has two shards under load; it is drained, forced, or closed after crashes, and must then end by itself. */
import { createServer } from 'homing';
import { Ledger } from '../ledger.ts';
import type { Numbered } from '../numbered.ts';
import { Talker } from '../talker.ts';

const [how = ''] = process.argv.slice(2);
using ledger = new Ledger();
const behavior = new URL('../modules/numbered.behavior.ts', import.meta.url);
const server = createServer<Numbered>(behavior, { shards: 2 });
let crashes = 0;
server.on('error', () => (crashes += 1));
const { port } = await server.listen(0);
let isLeaving = false;
const fault = (sentence: string): void => {
  if (!isLeaving) console.log(sentence);
};
const talkers = ['a', 'b', 'c', 'd'].map(
  (name) => new Talker({ name, where: port, ledger: ledger.file, resends: false, client: {}, fault }),
);
for (const talker of talkers) await talker.settle();
if (how === 'crashed') {
  talkers[0]?.say('exit');
  await talkers[0]?.settle();
}
let isOver = false;
const talking = Promise.all(talkers.map((talker) => talker.talk(() => isOver)));
if (how === 'forced') talkers[0]?.say('hold');
const closing = server.close({ drainMs: 30_000 });
if (how === 'forced') void server.close();
await closing;
if (crashes !== (how === 'crashed' ? 1 : 0)) console.log(`${crashes} crashes`);
isOver = true;
isLeaving = true;
// Who waits for room in his outbox is let go.
await Promise.all([...talkers.map(({ client }) => client.close({ drainMs: 0 })), talking.catch(() => {})]);
console.log('closed');
