/** Prints what arrives. Kill it, kill the client, start either again. Argument: the port (4646). */
import { createServer } from 'homing';
import type { Hello } from './contract.ts';

const server = createServer<Hello>((session) => {
  let count = 0;
  session.on('hello', (text) => {
    console.log(`got ${text}`);
    session.send('heard', (count += 1));
  });
});
server.on('session', ({ id, epoch }) => console.log(`session ${id} begins, epoch ${epoch}`));
server.on('down', ({ id }, { code }) => console.log(`session ${id} waits for its client (${code})`));
const { port } = await server.listen(Number(process.argv[2] ?? 4646));
console.log(`listening at ${port}`);
