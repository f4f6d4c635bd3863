/** The floor of calls: requests over plain TCP, one write each; an answer is known by the number of its request. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { obey } from './caller.ts';
import { frameOf, reader } from './frames.ts';

const socket = connect({ host: '127.0.0.1', port: Number(process.argv[2]), noDelay: true });
process.on('disconnect', () => process.exit());
await once(socket, 'connect');
const waiting = new Map<number, (sum: number) => void>();
const read = reader((message) => {
  const [id, sum] = message as [number, number];
  waiting.get(id)?.(sum);
  waiting.delete(id);
});
socket.on('data', read);
let lastId = 0;
obey((left, right) => {
  lastId += 1;
  const id = lastId;
  socket.write(frameOf([id, 'add', left, right]));
  return new Promise((resolve) => waiting.set(id, resolve));
});
