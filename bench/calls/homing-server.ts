/** Answers calls over Homing. */
import { createServer } from 'homing';
import type { Adding } from './contract.ts';

const server = createServer<Adding>((session) => session.expose({ add: (left, right) => left + right }));
const { port } = await server.listen(0);
process.send?.({ port });
process.on('disconnect', () => process.exit());
