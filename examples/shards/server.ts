/**
 * Sessions in two worker threads. It shows which shard holds which session, and what becomes of a shard that crashes.
 * SIGTERM (or Ctrl-C) drains, the same again ends at once. Argument: the port (4649).
 */
import { createServer } from 'homing';
import counter from './counter.ts';

const server = createServer(counter, { shards: 2 });
server.on('session', ({ id, shard, epoch }) => console.log(`session ${id} is in shard ${shard}, epoch ${epoch}`));
server.on('end', ({ id, shard }, { code }) => console.log(`session ${id} of shard ${shard} has ended (${code})`));
server.on('error', ({ code, message }) => console.log(`${code}: ${message}`));

async function drain(): Promise<void> {
  console.log('finishing with every client');
  await server.close({ drainMs: 10_000 }); // called a second time it ends everything now
  console.log('closed');
}
process.on('SIGTERM', () => void drain()).on('SIGINT', () => void drain());

const { port } = await server.listen(Number(process.argv[2] ?? 4649));
console.log(`listening at ${port}`);
