/** A program with nothing but a client that does not keep it alive; the argument says in which state it is left. */
import { connect } from 'node:net';
import { createClient } from 'homing';

const [scene = '', port = '0'] = process.argv.slice(2);

if (scene === 'backoff') {
  const client = createClient(
    { createConnection: () => Promise.reject(new Error('nobody there')) },
    { backoff: { firstMs: 60_000 } },
  );
  client.connection.on('reconnect', () => {
    client.unref();
    console.log('waiting');
  });
} else if (scene === 'up') {
  const client = createClient(Number(port)).unref();
  // What keeps the process alive until then is this timer alone.
  const alive = setTimeout(() => {}, 15_000);
  await client.up();
  clearTimeout(alive);
  console.log('up');
} else if (scene === 'again') {
  const alive = setTimeout(() => {}, 15_000);
  let upCount = 0;
  const client = createClient(
    { createConnection: () => connect({ port: Number(port), host: '127.0.0.1' }) },
    { backoff: { firstMs: 1 } },
  ).unref();
  client.connection.on('up', () => {
    upCount += 1;
    if (upCount < 3) return;
    clearTimeout(alive);
    console.log(`up ${upCount}`);
  });
} else {
  const client = createClient<{ server: { events: { bye: [] } }; client: {} }>(Number(port)).unref().ref();
  client.connection.on('closed', ({ code }) => console.log(code));
  client.send('bye');
}
