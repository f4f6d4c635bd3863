// Transports of authors, by their contract: streams in one process, TCP by hand, and the HTTP upgrades of the example.
import { type AddressInfo, type Socket, connect, createServer } from 'node:net';
import { type Duplex, duplexPair } from 'node:stream';
import { type TransportAdapter, contracts } from 'homing/testing';
import { describe, test } from 'vitest';
import { upgrades } from '../../examples/own-transport/transport.contract.ts';

const inProcess: TransportAdapter = {
  bulkBytes: 1_000_000,
  cutIsError: true,
  failing: () => {
    throw new Error('no way there');
  },
  pair() {
    const [near, far] = duplexPair();
    return Promise.resolve({
      createConnection: (): Duplex => near,
      accepted: () => Promise.resolve<Duplex>(far),
      cut: () => void [near.destroy(new Error('cut')), far.destroy(new Error('cut'))],
      [Symbol.asyncDispose]: () => Promise.resolve(),
    });
  },
};

const byHand: TransportAdapter = {
  bulkBytes: 1_000_000,
  failing: () => connect({ host: '127.0.0.1', port: 1 }),
  async pair() {
    let end: Socket | undefined;
    const accepted = Promise.withResolvers<Socket>();
    const server = createServer((socket) => accepted.resolve((end = socket)));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return {
      createConnection: () => connect((server.address() as AddressInfo).port, '127.0.0.1'),
      accepted: () => accepted.promise,
      cut: () => void end?.resetAndDestroy(),
      async [Symbol.asyncDispose]() {
        end?.destroy();
        await new Promise((resolve) => server.close(resolve));
      },
    };
  },
};

describe.each(
  Object.entries({ 'streams in one process': inProcess, 'sockets by hand': byHand, 'HTTP upgrades': upgrades }),
)('over %s,', (_, adapter) => {
  for (const { title, run } of contracts.transport(adapter)) test(title, run);
});
