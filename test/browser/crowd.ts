/** Very many clients, up until the process is ended. It says one word when all of them are. Arguments: port, how many. */
import { createClient } from 'homing';
import type { Watched } from '../inspect/inspector.behavior.ts';

const [port = '', count = ''] = process.argv.slice(2);
const clients = Array.from({ length: Number(count) }, () => createClient<Watched>(Number(port)));
await Promise.all(clients.map((client) => client.up({ timeoutMs: 60_000 })));
process.send?.('up');
process.on('disconnect', () => process.exit());
