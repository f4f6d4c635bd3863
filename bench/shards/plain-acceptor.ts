/** The floor of accepting: a plain server that answers the first bytes of each connection and says goodbye. */
import { type AddressInfo, createServer } from 'node:net';
import { greeting } from './greeting.ts';

const answer = greeting();
const server = createServer({ noDelay: true }, (socket) => {
  socket.once('data', () => socket.end(answer));
  socket.on('error', () => {});
});
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }));
process.on('disconnect', () => process.exit());
