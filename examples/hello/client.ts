/** Says hello every second, connected or not. Kill it, kill the server, start either again. Argument: the port (4646). */
import { createClient } from 'homing';
import type { Hello } from './contract.ts';

const client = createClient<Hello>(Number(process.argv[2] ?? 4646), { backoff: { maxMs: 1_000 } });
client.connection.on('change', (state) => console.log(`connection: ${state}`));
client.connection.on('gap', (report) => {
  console.log(`the server lost its memory: ${report.unconfirmed} unconfirmed, ${report.carried} carried over`);
  report.resend(); // they may arrive twice; without this the unconfirmed ones are gone
});
client.on('heard', (count) => console.log(`the server has heard ${count}`));
for (let number = 1; ; number += 1) {
  client.send('hello', `hello ${number}`);
  console.log(`sent hello ${number}`);
  await new Promise((resolve) => setTimeout(resolve, 1_000));
}
