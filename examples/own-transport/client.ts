/** Steps ten times a second through an HTTP upgrade. Cut it with `curl -X POST …/cut`. Argument: the address of the site. */
import { request } from 'node:http';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from 'homing';
import type { Steps } from './contract.ts';

const site = process.argv[2] ?? 'http://127.0.0.1:4648';

/** Asked for each connection. Whatever is a Duplex of bytes will do. */
function createConnection(): Promise<Duplex> {
  console.log('asking for an upgrade');
  return new Promise((resolve, reject) => {
    const upgrade = request(site, { headers: { Connection: 'Upgrade', Upgrade: 'homing' } });
    upgrade.on('upgrade', (_, line) => resolve(line));
    upgrade.on('response', ({ statusCode }) => reject(new Error(`expected an upgrade, got status ${statusCode ?? 0}`)));
    upgrade.on('error', reject);
    upgrade.end();
  });
}

const client = createClient<Steps>({ createConnection });
client.connection.on('up', ({ resumed }) => console.log(resumed ? 'up again, the same session' : 'up, a new session'));
client.connection.on('down', ({ code }) => console.log(`down: ${code}`));
client.on('sum', (steps) => console.log(`the server counts ${steps}`));
for (let number = 1; ; number += 1) {
  client.send('step', number);
  await sleep(100);
}
