/**
 * Says back what it is told. SIGTERM (or Ctrl-C) drains: every client finishes what it has begun; the same again ends at
 * once. Argument: the port (4646).
 */
import { createServer } from 'homing';
import type { Echo } from './contract.ts';

const server = createServer<Echo>((session) => {
  session.on('say', (text) => {
    console.log(`heard "${text}"`);
    session.send('echo', text);
  });
});
server.on('session', ({ id, epoch }) => console.log(`session ${id} begins, epoch ${epoch}`));
server.on('down', ({ id }, { code }) => console.log(`session ${id} waits for its client (${code})`));
server.on('end', ({ id }, { code, unconfirmed, carried }) => {
  console.log(`session ${id} ends (${code}): ${unconfirmed} unconfirmed, ${carried} never written`);
});

async function drain(): Promise<void> {
  console.log('finishing with every client');
  await server.close({ drainMs: 10_000 }); // called a second time it ends everything now
  console.log('closed');
}
process.on('SIGTERM', () => void drain()).on('SIGINT', () => void drain());

const { port } = await server.listen(Number(process.argv[2] ?? 4646));
console.log(`listening at ${port}`);
