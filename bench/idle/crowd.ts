/**
 * The clients of the row about idle connections, a process of their own. Told how many, it lets so many more come and says so
 * when all of them are there, and each has its answer if they speak. Arguments: name of the server, its port.
 */
import { once } from 'node:events';
import { connect } from 'node:net';
import { createClient } from 'homing';
import { WebSocket } from 'ws';
import type { IdleName, IdleUse } from './contestants.ts';
import type { Echoing } from './echo.behavior.ts';

/** So many clients are to come, and then to stay. */
export interface CrowdOrder {
  readonly count: number;
  readonly use: IdleUse;
}

const AT_ONCE = 100;
/** Kept, so that nobody collects a client. */
const kept: unknown[] = [];

const name = process.argv[2] as IdleName;
const port = Number(process.argv[3]);
process.on('message', (order: CrowdOrder) => void come(order));
process.on('disconnect', () => process.exit());
process.send?.('ready');

async function come({ count, use }: CrowdOrder): Promise<void> {
  let left = count;
  const work = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      kept.push(await one(use === 'spoken'));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  process.send?.('there');
}

function one(speaks: boolean): Promise<unknown> {
  if (name === 'net') return oneNet(speaks);
  return name === 'ws' ? oneWs(speaks) : oneSession(speaks);
}

async function oneNet(speaks: boolean): Promise<unknown> {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true });
  await once(socket, 'connect');
  if (speaks) {
    socket.write('word');
    await once(socket, 'data');
  }
  return socket;
}

async function oneWs(speaks: boolean): Promise<unknown> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}`);
  await once(socket, 'open');
  if (speaks) {
    socket.send('word');
    await once(socket, 'message');
  }
  return socket;
}

async function oneSession(speaks: boolean): Promise<unknown> {
  const client = createClient<Echoing>(port);
  if (!speaks) {
    const up = Promise.withResolvers<void>();
    client.connection.on('up', () => up.resolve());
    await up.promise;
    return client;
  }
  const answered = Promise.withResolvers<void>();
  client.on('word', () => answered.resolve());
  client.send('word', 'word');
  await answered.promise;
  await client.flush();
  return client;
}
