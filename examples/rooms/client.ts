/**
 * One person: every line of the input is said to the room. /go <room>, /who, /tell <name> <text>; /away lets go of the
 * connection, /back returns, /quit leaves. Arguments: the name, the port (4654).
 */
import { createInterface } from 'node:readline';
import { createClient } from 'homing';
import type { Rooms } from './contract.ts';

const [name = 'somebody', port = '4654'] = process.argv.slice(2);
const client = createClient<Rooms>(port, { credentials: { name } });
client.connection.on('closed', ({ code, reason }) => {
  console.log(`(over: ${code} ${reason})`);
  process.stdin.destroy();
});
client.connection.on('down', ({ code }) => code === 'disconnected' && console.log('(away)'));
client.connection.on('error', ({ message }) => console.log(`(${message})`));
client.connection.on('up', ({ resumed }) => {
  console.log(resumed ? '(the same session goes on)' : '(in the house)');
  if (!resumed) client.store.set('room', 'hall'); // a new session has an empty store
});

const watching = client.presence();
client.on('said', (who, text) => console.log(`${who}: ${text}`));
client.on('whispered', async (text) => {
  const { from = '' } = client.turn; // the server says who it was, not the sender
  const { members } = await watching;
  console.log(`${members.get(from)?.name} whispers: ${text}`);
});
const here = await watching.catch(() => process.exit(1)); // the reason has been told
here.on('came', (_, who) => console.log(`* ${who.name} came`));
here.on('changed', (_, who) => console.log(`* ${who.name} is in ${who.room}`));
here.on('went', (_, who) => console.log(`* ${who.name} went`));

async function tell(whom = '', text = ''): Promise<void> {
  const { accepted } = await client.to({ name: whom }).send('whispered', text);
  if (accepted === 0) console.log(`* nobody is called ${whom}`);
}

const input = createInterface({ input: process.stdin });
input.on('close', () => void client.close());
input.on('line', (line) => {
  const [, command, word, rest] = /^\/(\w+) ?(\w*) ?(.*)$/.exec(line) ?? [];
  if (command === undefined) client.send('say', line);
  else if (command === 'go') client.store.set('room', word ?? '');
  else if (command === 'who') for (const who of here.members.values()) console.log(`* ${who.name} is in ${who.room}`);
  else if (command === 'tell') void tell(word, rest);
  else if (command === 'away') client.disconnect();
  else if (command === 'back') client.connect();
  else void client.close();
});
