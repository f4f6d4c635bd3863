/** One server of the row about idle connections, a process of its own. Argument: its name. Says its port, answers orders. */
import { type AddressInfo, createServer as createNetServer } from 'node:net';
import { BroadcastChannel } from 'node:worker_threads';
import { createServer } from 'homing';
import { WebSocketServer } from 'ws';
import type { IdleName, IdleWeight } from './contestants.ts';
import { ANSWERS, type Echoing, ORDERS, default as echo } from './echo.behavior.ts';
import { type ScaleOrder, obeyScale } from './scales.ts';

const name = process.argv[2] as IdleName;
const port = await serve();
process.on('message', (order: ScaleOrder) => void answer(order));
process.on('disconnect', () => process.exit());
process.send?.({ port });

async function serve(): Promise<number> {
  switch (name) {
    case 'net':
      return serveNet();
    case 'ws':
      return serveWs();
    case 'inline':
      return (await createServer<Echoing>(echo, { shards: 0 }).listen(0)).port;
    case 'shard': {
      const module = new URL('./echo.behavior.ts', import.meta.url);
      return (await createServer<Echoing>(module, { shards: 1 }).listen(0)).port;
    }
  }
}

/** A socket with the listeners that any user of one needs. */
function serveNet(): Promise<number> {
  const server = createNetServer({ noDelay: true }, (socket) => {
    socket.on('data', (chunk) => void socket.write(chunk));
    socket.on('error', () => {});
  });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}

function serveWs(): Promise<number> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  server.on('connection', (socket) => {
    socket.on('message', (text) => socket.send(text));
    socket.on('error', () => {});
  });
  return new Promise((resolve) => {
    server.on('listening', () => resolve((server.address() as AddressInfo).port));
  });
}

async function answer(order: ScaleOrder): Promise<void> {
  process.send?.(name === 'shard' ? await askShard(order) : await obeyScale(order));
}

/** What the only shard answers. */
function askShard(order: ScaleOrder): Promise<IdleWeight | string> {
  const orders = new BroadcastChannel(ORDERS);
  const answers = new BroadcastChannel(ANSWERS);
  return new Promise((resolve) => {
    answers.onmessage = (event) => {
      orders.close();
      answers.close();
      resolve((event as { readonly data: IdleWeight | string }).data);
    };
    orders.postMessage(order);
  });
}
