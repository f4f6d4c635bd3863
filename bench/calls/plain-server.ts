/** The floor of calls: plain TCP, a length prefix, cbor-x, an answer for each request, a write for each answer. */
import { type AddressInfo, createServer } from 'node:net';
import { frameOf, reader } from './frames.ts';

const server = createServer({ noDelay: true }, (socket) => {
  const read = reader((message) => {
    const [id, name, left, right] = message as [number, string, number, number];
    if (name === 'add') socket.write(frameOf([id, left + right]));
  });
  socket.on('data', read);
});
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }));
process.on('disconnect', () => process.exit());
