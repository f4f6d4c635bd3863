/** Keeps the house open, in two worker threads, and shows who comes and goes. SIGTERM ends it. Argument: the port (4654). */
import { createServer } from 'homing';
import house from './house.ts';

const server = createServer(house, { shards: 2, lingerMs: 20_000, presence: { keys: ['name', 'room'] } });
const here = await server.presence();
here.on('came', (_, { name }) => console.log(`${name} came, ${here.members.size} are here`));
here.on('changed', (_, { name, room }) => console.log(`${name} is in room ${room}`));
here.on('went', (_, { name }) => console.log(`${name} went, ${here.members.size} are here`));
server.on('error', ({ code, message }) => console.log(`${code}: ${message}`));
process.once('SIGTERM', () => void server.close()).once('SIGINT', () => void server.close());

const { port } = await server.listen(process.argv[2] ?? '4654');
console.log(`the house is open at ${port}`);
