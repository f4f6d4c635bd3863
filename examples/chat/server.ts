/** Keeps the room open. SIGTERM (or Ctrl-C) tells everybody to come back later. Argument: the port (4647). */
import { createServer } from 'homing';
import { room } from './room.ts';

const server = createServer(room);
server.on('session', ({ identityId }) => console.log(`${identityId} came in`));
server.on('up', ({ identityId }, { resumed }) => resumed && console.log(`${identityId} is back`));
server.on('down', ({ identityId }, { code }) => console.log(`${identityId} has no connection (${code})`));
server.on('end', ({ identityId }, { code }) => console.log(`${identityId} left (${code})`));
process.on('SIGTERM', () => void server.close()).on('SIGINT', () => void server.close());

const { port } = await server.listen(Number(process.argv[2] ?? 4647));
console.log(`the room is open at ${port}`);
