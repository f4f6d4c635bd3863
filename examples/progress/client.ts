/** Has a film rendered while its line is cut, looks at some frames, gives one up, and takes an order back. Argument: the port. */
import { createClient } from 'homing';
import type { Films } from './contract.ts';

await using client = createClient<Films>(Number(process.argv[2] ?? 4652));
client.connection.on('down', ({ code }) => code !== 'closed' && console.log('  the line is cut'));
client.connection.on('up', ({ resumed }) => resumed && console.log('  the same session goes on'));

const seconds = await client.call('render', 'Metropolis', (part, of) => {
  console.log(`part ${part} of ${of}`);
  if (part === 2) client.reconnect(); // the callback is reached on the next connection, too
});
console.log(`Metropolis has ${seconds} seconds`);

let count = 0;
for await (const { number, at } of await client.call('frames', 'Nosferatu')) {
  count += 1;
  if (number === 500) client.reconnect();
  if (number === 1_000) {
    console.log(`${count} frames, none missing, up to ${at.toISOString().slice(11, 23)}`);
    break; // the server's generator ends, too
  }
}

const rendering = client.with({ timeoutMs: 60 }).call('render', 'M', (part) => console.log(`part ${part} of M`));
await rendering.catch((error: Error & { code?: string }) => console.log(`M is given up: ${error.code}`));

const order = await client.remote.order('Faust');
console.log(await order.cancel());
