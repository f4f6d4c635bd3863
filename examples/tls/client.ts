/**
 * Knocks once a second. Arguments: a folder with ca.crt (this one), the port (4650), and the name of a certificate in the
 * folder (ada) if there is one; without it the token is taken from the environment: TOKEN=sesame.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createClient } from 'homing';
import type { Vault } from './contract.ts';

const [folder = '.', port = '4650', name] = process.argv.slice(2);
const read = (file: string): string => readFileSync(join(folder, file), 'utf8');
const own = name === undefined ? {} : { key: read(`${name}.key`), cert: read(`${name}.crt`) };

const client = createClient<Vault>(Number(port), {
  tls: { ca: read('ca.crt'), servername: 'localhost', ...own },
  credentials: { token: process.env['TOKEN'] ?? '' },
});
client.connection.on('change', (state) => console.log(`connection: ${state}`));
client.connection.on('reconnect', ({ cause }) => console.log(`no connection: ${cause?.message ?? ''}`));
client.connection.on('closed', ({ code, reason }) => {
  console.log(`${code}: ${reason}`);
  clearInterval(timer);
});
client.on('answer', (text) => console.log(`answer: ${text}`));
client.send('knock');
const timer = setInterval(() => client.send('knock'), 1_000);
