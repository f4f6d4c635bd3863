// A drain over real sockets. In virtual time the server has no door that it could shut too early.
import { type Socket, connect } from 'node:net';
import { expect, it } from 'vitest';
import { createClient } from '../../src/client/client.ts';
import { createServer } from '../../src/server/server.ts';
import type { AnyContract } from '../../src/testing/client-node.ts';

it('lets a client whose connection is lost in the drain come back and finish: the door stays open until the end', async () => {
  const started = Promise.withResolvers<void>();
  const mayEnd = Promise.withResolvers<void>();
  const heard: unknown[] = [];
  const server = createServer<AnyContract>((session) => {
    session.on('say', async (word) => {
      started.resolve();
      await mayEnd.promise;
      heard.push(word);
    });
  });
  const { port } = await server.listen(0);
  const sockets: Socket[] = [];
  const createConnection = (): Socket => {
    const socket = connect(port, '127.0.0.1');
    sockets.push(socket);
    return socket;
  };
  const client = createClient<AnyContract>({ createConnection });
  const left = new Promise((resolve) => {
    client.connection.on('closed', ({ unconfirmed, carried }) => resolve([unconfirmed, carried]));
  });
  client.send('say', 'before the drain');
  await started.promise;
  const begin = performance.now();
  const closing = server.close({ drainMs: 30_000 });
  sockets[0]?.destroy();
  mayEnd.resolve();
  await closing;
  await client.close({ drainMs: 0 });
  expect([heard, await left]).toEqual([['before the drain'], [0, 0]]);
  expect(sockets.length).toBeGreaterThan(1);
  expect(performance.now() - begin).toBeLessThan(10_000);
});
