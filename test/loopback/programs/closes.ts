/** A program that uses everything that has a timer or a socket, closes it, and must then end by itself. */
import { duplexPair } from 'node:stream';
import { createClient, createServer } from 'homing';

interface Words {
  server: { events: { say: [text: string] } };
  client: { events: { said: [text: string] } };
}

const server = createServer<Words>((session) => {
  session.on('say', (text) => session.send('said', text));
});
const { port } = await server.listen(0);
const client = createClient<Words>(port);
await client.deliver('say', 'a');
client.reconnect();
await client.up();
await client.with({ timeoutMs: 60_000 }).deliver('say', 'b');

const gone = createClient<Words>(port);
await gone.up();
gone.disconnect();

const waiting = createClient<Words>({ createConnection: () => Promise.reject(new Error('nobody there')) });
await new Promise((resolve) => {
  waiting.connection.on('reconnect', resolve);
});

const [near, far] = duplexPair();
server.accept(far);
const over = createClient<Words>(near);
await over.deliver('say', 'c');

await Promise.all([client.close(), gone.close(), waiting.close(), over.close()]);
await server.close();
console.log('closed');
