/** A room and three people in one program. One of them is away for a while, and hears everything when he is back. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, createClient, createServer } from 'homing';
import type { Chat } from './contract.ts';
import { room } from './room.ts';

await using server = createServer(room);
const { port } = await server.listen(0);

/** Comes in, and shows what it hears from then on. */
async function enter(name: string): Promise<Client<Chat>> {
  const person = createClient<Chat>(port, { credentials: { name } });
  person.on('said', (who, text) => console.log(`  ${name} hears ${who}: ${text}`));
  person.on('note', (text) => console.log(`  ${name} is told: ${text}`));
  await person.up();
  return person;
}
async function say(person: Client<Chat>, text: string): Promise<void> {
  console.log(`\n${text}`);
  await person.deliver('say', text);
  await sleep(50); // so that everybody has heard it before the next one speaks
}

const ada = await enter('ada');
const ben = await enter('ben');
const cyd = await enter('cyd');
await say(ada, 'Is everybody here?');
await say(ben, 'I am, but my train goes into a tunnel.');
console.log('\n-- ben is away');
ben.disconnect();
await say(cyd, 'Then let us talk about him.');
await say(ada, 'He will hear every word, in order.');
await ada.deliver('who');
await sleep(50);
console.log('\n-- ben is back');
ben.connect();
await say(ben, 'I heard that.');
console.log('\n-- they leave');
for (const person of [ben, ada, cyd]) {
  await person.close();
  await sleep(50);
}
