/** Receives a stream over Homing and says how many messages came. */
import { createServer } from 'homing';
import type { StreamContract } from './contract.ts';

const server = createServer<StreamContract>((session) => {
  let count = 0;
  let sum = 0;
  session.on('sample', (value) => {
    count += 1;
    sum += value.id;
  });
  session.on('end', () => void session.send('total', count, sum));
});
const { port } = await server.listen(0);
process.send?.({ port });
process.on('disconnect', () => process.exit());
