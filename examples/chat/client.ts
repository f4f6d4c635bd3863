/**
 * One person: every line of the input is said to the room. /who tells who is here, /away lets go of the connection, /back
 * returns, /quit leaves. Arguments: the name, the port (4647).
 */
import { createInterface } from 'node:readline';
import { createClient } from 'homing';
import type { Chat } from './contract.ts';

const [name = 'somebody', port = '4647'] = process.argv.slice(2);
const client = createClient<Chat>(port, { credentials: { name } });
client.connection.on('change', (state) => console.log(`(${state})`));
client.connection.on('gap', ({ reason }) => console.log(`(the room forgot me: ${reason})`));
client.connection.on('closed', ({ code, reason }) => {
  console.log(`(over: ${code} ${reason})`);
  process.stdin.destroy();
});
client.on('said', (who, text) => console.log(`${who}: ${text}`));
client.on('note', (text) => console.log(`* ${text}`));

const input = createInterface({ input: process.stdin });
input.on('close', () => void client.close());
input.on('line', (line) => {
  if (line === '/who') client.send('who');
  else if (line === '/away') client.disconnect();
  else if (line === '/back') client.connect();
  else if (line === '/quit') void client.close();
  else client.send('say', line);
});
