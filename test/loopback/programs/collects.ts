/** A program that opens and ends sessions in every way there is, then counts which of them memory still holds. */
import { type Socket, connect } from 'node:net';
import { type Client, createClient, createServer } from 'homing';

interface Words {
  server: { events: { say: [text: string] } };
  client: { events: { said: [text: string] } };
}

const ROUNDS = 60;
const held: WeakRef<object>[] = [];
const forever = new AbortController();

const server = createServer<Words>(
  (session) => {
    held.push(new WeakRef(session));
    session.on('say', (text) => session.send('said', text), { signal: forever.signal });
    session.once('say', () => session.turn.signal.aborted);
  },
  { lingerMs: 20, signal: forever.signal },
);
const { port } = await server.listen(0);

async function live(round: number): Promise<void> {
  let socket: Socket | undefined;
  const createConnection = (): Socket => (socket = connect(port, '127.0.0.1'));
  const client: Client<Words> = createClient<Words>(
    { createConnection },
    { signal: forever.signal, autoReconnect: round % 4 !== 0 },
  );
  held.push(new WeakRef(client));
  client.on('said', () => {}, { signal: forever.signal });
  client.connection.on('up', () => client.id);
  await client.with({ timeoutMs: 60_000, signal: forever.signal }).deliver('say', 'hello');
  await client
    .with({ timeoutMs: 0 })
    .flush()
    .catch(() => {});
  if (round % 4 === 1) client.reconnect();
  if (round % 4 === 2) client.disconnect();
  if (round % 4 === 3) socket?.destroy();
  await client.close({ drainMs: 1_000 });
}

for (let round = 0; round < ROUNDS; round += 1) await live(round);
while (server.counts.sessions > 0 || server.counts.connections > 0) {
  await new Promise((resolve) => {
    setTimeout(resolve, 5);
  });
}
let aliveCount = held.length;
for (let attempt = 0; attempt < 50 && aliveCount > 2; attempt += 1) {
  await new Promise((resolve) => {
    setTimeout(resolve, 20);
  });
  globalThis.gc?.();
  aliveCount = held.filter((each) => each.deref() !== undefined).length;
}
await server.close();
console.log(`${held.length} made, ${aliveCount > 2 ? aliveCount : 'hardly any'} left`);
