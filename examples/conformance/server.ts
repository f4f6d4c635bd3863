/**
 * A server for `homing conformance` to try: the target behavior, with deadlines that are short, so that the cases about them
 * take seconds. Arguments: the port (4651), how many shards (0).
 */
import { createServer } from 'homing';
import target from './target.ts';

const [port = '4651', shards = '0'] = process.argv.slice(2);
const heartbeat = { intervalMs: 500, timeoutMs: 1_500 };
const limits = { mailboxBytes: 524_288 };
const server = createServer(target, { shards: Number(shards), handshakeMs: 1_500, heartbeat, limits });
server.on('error', () => {}); // some cases want a handler to fail
process.on('SIGTERM', () => void server.close({ drainMs: 0 }));

const listening = await server.listen(Number(port));
console.log(`listening at ${listening.port}`);
