/** Steps ten times a second through an HTTP upgrade. Cut it with `curl -X POST …/cut`. Argument: the address of the site. */
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from 'homing';
import type { Steps } from './contract.ts';
import { upgrade } from './upgrade.ts';

const site = process.argv[2] ?? 'http://127.0.0.1:4648';

const client = createClient<Steps>({
  // Asked for each connection.
  createConnection() {
    console.log('asking for an upgrade');
    return upgrade(site);
  },
});
client.connection.on('up', ({ resumed }) => console.log(resumed ? 'up again, the same session' : 'up, a new session'));
client.connection.on('down', ({ code }) => console.log(`down: ${code}`));
client.on('sum', (steps) => console.log(`the server counts ${steps}`));
for (let number = 1; ; number += 1) {
  client.send('step', number);
  await sleep(100);
}
