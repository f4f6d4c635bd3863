/** Receives a stream over Homing and says how many messages came. Argument: 'inspected' opens an inspector. */
import { createServer } from 'homing';
import type { StreamContract } from './contract.ts';
import { Meter } from './meter.ts';

const inspect = process.argv[2] === 'inspected' ? { port: 0 } : undefined;
const server = createServer<StreamContract>(
  (session) => {
    const meter = new Meter();
    session.on('sample', (value) => meter.take(value.id));
    session.on('end', () => void session.send('total', meter.count, meter.rate()));
  },
  { inspect },
);
const { port } = await server.listen(0);
process.send?.({ port });
process.on('disconnect', () => process.exit());
