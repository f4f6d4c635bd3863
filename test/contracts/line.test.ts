import { connect } from 'node:net';
import { duplexPair } from 'node:stream';
import { connect as connectSecurely } from 'node:tls';
import { MessageChannel } from 'node:worker_threads';
import { expect } from 'vitest';
import type { Dial, LineEvents } from '../../src/actors/ports.ts';
import { joinLine, pipeDial } from '../../src/actors/relay.ts';
import { portPipe } from '../../src/transports/port.ts';
import { existingStream, streamFactory } from '../../src/transports/stream.ts';
import { nextTick } from '../loopback/world.ts';
import { Authority } from './certificates.ts';
import { type LinePair, lineContract } from './line.ts';
import { socketPair } from './wire.ts';

const authority = new Authority('Authority of the tests');
const server = authority.issue({ name: 'server', hosts: ['localhost'], addresses: ['127.0.0.1'] });
const client = authority.issue({ name: 'client' });
const ca = authority.cert;

const onLoopback = {
  remoteAddress: '127.0.0.1',
  remotePort: expect.any(Number),
  localAddress: '127.0.0.1',
  localPort: expect.any(Number),
  isTrusted: true,
  certificate: undefined,
};
const onPath = { remoteAddress: '', remotePort: 0, isTrusted: true, certificate: undefined };

const byServer = { subject: { CN: 'server' }, issuer: { CN: 'Authority of the tests' } };
const byClient = { ...byServer, subject: { CN: 'client' } };

const overTcp = { cutIsError: true, diallingEnds: onLoopback, acceptingEnds: onLoopback };
const overPath = { cutIsError: false, diallingEnds: onPath, acceptingEnds: onPath };

lineContract('TCP', overTcp, () => socketPair({}));

lineContract('TCP, moved after it was accepted', overTcp, () => socketPair({ isMoved: true }));

lineContract(
  'TCP, relayed from the shard where it landed',
  { ...overTcp, cutIsError: false, keepsCutWhilePaused: true },
  () => relayedPair(),
);

lineContract('a Unix path', overPath, () => socketPair({ isPath: true }));

lineContract('TLS', { ...overTcp, diallingEnds: { ...onLoopback, certificate: byServer } }, () =>
  socketPair({ serverTls: server, clientTls: { ca } }),
);

lineContract(
  'TLS with certificates of both, moved after it was accepted',
  {
    cutIsError: true,
    diallingEnds: { ...onLoopback, certificate: byServer },
    acceptingEnds: { ...onLoopback, certificate: byClient },
  },
  () =>
    socketPair({
      serverTls: { ...server, ca, requestCert: true },
      clientTls: { ...client, ca },
      isMoved: true,
    }),
);

lineContract('TLS 1.2 on a Unix path', { ...overPath, diallingEnds: { ...onPath, certificate: byServer } }, () =>
  socketPair({
    isPath: true,
    serverTls: { ...server, maxVersion: 'TLSv1.2' },
    clientTls: { ca, minVersion: 'TLSv1.2' },
  }),
);

lineContract('a connection factory', overTcp, () =>
  socketPair({
    dial: (place) =>
      streamFactory(async () => {
        await nextTick();
        return connect(place);
      }),
  }),
);

lineContract('a factory of TLS sockets', { ...overTcp, diallingEnds: { ...onLoopback, certificate: byServer } }, () =>
  socketPair({ serverTls: server, dial: (place) => streamFactory(() => connectSecurely({ ...place, ca })) }),
);

lineContract(
  'a pair of streams',
  { cutIsError: true, diallingEnds: { ...onPath }, acceptingEnds: { ...onPath } },
  () => {
    const [near, far] = duplexPair();
    return Promise.resolve({
      dialling: existingStream(near),
      accepting: () => Promise.resolve(existingStream(far)),
      cut: () => {
        near.destroy(new Error('cut'));
        far.destroy(new Error('cut'));
      },
      [Symbol.asyncDispose]: () => Promise.resolve(),
    });
  },
);

/** As a shard does with a line whose session lives in another one, though in one thread. */
async function relayedPair(): Promise<LinePair> {
  const pair = await socketPair({});
  return {
    dialling: pair.dialling,
    accepting: async () => {
      const landed = await pair.accepting();
      const { port1, port2 } = new MessageChannel();
      const { promise, resolve } = Promise.withResolvers<Dial>();
      let joined: LineEvents | undefined;
      const line = landed({
        opened: () => {
          joined = joinLine(line, portPipe(port1), new Uint8Array(0), () => {});
          resolve(pipeDial(portPipe(port2), line.ends, (task) => void setImmediate(task)));
        },
        received: (chunk) => joined?.received(chunk),
        drained: () => joined?.drained(),
        closed: (error) => joined?.closed(error),
      });
      return promise;
    },
    cut: () => pair.cut(),
    [Symbol.asyncDispose]: () => pair[Symbol.asyncDispose](),
  };
}
