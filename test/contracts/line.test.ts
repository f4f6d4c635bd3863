// Every kind of line that there is, ours and the simulator's, by one contract.
import { type Socket, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { duplexPair } from 'node:stream';
import { connect as connectSecurely } from 'node:tls';
import { MessageChannel } from 'node:worker_threads';
import { describe, expect, test } from 'vitest';
import type { Dial, LineEvents } from '../../src/actors/ports.ts';
import { joinLine, pipeDial } from '../../src/actors/relay.ts';
import { openProxy } from '../../src/testing/proxy/chaos-proxy.ts';
import { portPipe } from '../../src/transports/port.ts';
import { existingStream, streamFactory } from '../../src/transports/stream-dial.ts';
import { type LineAdapter, type LinePair, contracts } from 'homing/testing';
import { acceptedLine, dialAddress, listenTcp } from '../../src/transports/tcp.ts';
import { tlsTerms } from '../../src/transports/tls.ts';
import { nextTick } from '../loopback/world.ts';
import { simulatedLines } from './simulated.ts';
import { Authority } from '../../src/testing/certificates.ts';
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
const nowhere = { ...onPath, localAddress: '', localPort: 0 };

const byServer = { subject: { CN: 'server' }, issuer: { CN: 'Authority of the tests' } };
const byClient = { ...byServer, subject: { CN: 'client' } };

/** What the ends of a kind of line look like. */
const looking =
  (dialling: object, accepting: object): NonNullable<LineAdapter['checkEnds']> =>
  (ends, role) =>
    expect(ends).toMatchObject(role === 'dialling' ? dialling : accepting);

const overTcp = { cutIsError: true, checkEnds: looking(onLoopback, onLoopback), failing: refused };
const overPath = { cutIsError: false, checkEnds: looking(onPath, onPath), failing: nobodyAtPath };
const toServer = { ...onLoopback, certificate: byServer };

const adapters: Readonly<Record<string, LineAdapter>> = {
  TCP: { ...overTcp, pair: () => socketPair({}) },
  'TCP, moved after it was accepted': { ...overTcp, pair: () => socketPair({ isMoved: true }) },
  'TCP, relayed from the shard where it landed': {
    cutIsError: false,
    keepsCutWhilePaused: ['accepting'],
    checkEnds: looking(onLoopback, onLoopback),
    pair: relayedPair,
  },
  'TCP, through the proxy of the tests': { ...overTcp, pair: proxiedPair },
  'a Unix path': { ...overPath, pair: () => socketPair({ isPath: true }) },
  TLS: {
    cutIsError: true,
    checkEnds: looking(toServer, onLoopback),
    failing: strangerWithTls,
    pair: () => socketPair({ serverTls: server, clientTls: { ca } }),
  },
  'TLS with certificates of both, moved after it was accepted': {
    cutIsError: true,
    checkEnds: looking(toServer, { ...onLoopback, certificate: byClient }),
    pair: () =>
      socketPair({
        serverTls: { ...server, ca, requestCert: true },
        clientTls: { ...client, ca },
        isMoved: true,
      }),
  },
  'TLS 1.2 on a Unix path': {
    cutIsError: false,
    checkEnds: looking({ ...onPath, certificate: byServer }, onPath),
    pair: () =>
      socketPair({
        isPath: true,
        serverTls: { ...server, maxVersion: 'TLSv1.2' },
        clientTls: { ca, minVersion: 'TLSv1.2' },
      }),
  },
  'a connection factory': {
    ...overTcp,
    failing: () => streamFactory(() => Promise.reject(new Error('no way there'))),
    pair: () =>
      socketPair({
        dial: (place) =>
          streamFactory(async () => {
            await nextTick();
            return connect(place);
          }),
      }),
  },
  'a factory of TLS sockets': {
    ...overTcp,
    checkEnds: looking(toServer, onLoopback),
    pair: () =>
      socketPair({ serverTls: server, dial: (place) => streamFactory(() => connectSecurely({ ...place, ca })) }),
  },
  'a pair of streams': {
    cutIsError: true,
    checkEnds: looking(nowhere, nowhere),
    pair() {
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
  },
  'the simulator in fair weather': simulatedLines(),
  'the simulator with slow and broken reads': simulatedLines({ jitterMs: 20, chunkBytes: 300, bytesPerMs: 1_000 }),
};

describe.each(Object.entries(adapters))('over %s,', (_, adapter) => {
  for (const { title, run } of contracts.line({ bulkBytes: 1_000_000, ...adapter })) test(title, run);
});

/** A dial of a port at which nobody listens any more. */
async function refused(): Promise<Dial> {
  const door = await listenTcp({ type: 'tcp', host: '127.0.0.1', port: 0 }, () => {});
  const { host, port } = door.address;
  await door.close();
  return dialAddress({ type: 'tcp', host, port });
}

/** A dial of a path at which nobody ever listened. */
function nobodyAtPath(): Dial {
  return dialAddress({ type: 'path', path: join(tmpdir(), 'homing-contracts', 'nobody.sock') });
}

/** Between the two ends the proxy that other tests cut with. */
async function proxiedPair(): Promise<LinePair> {
  const accepted = Promise.withResolvers<Socket>();
  const door = await listenTcp({ type: 'tcp', host: '127.0.0.1', port: 0 }, accepted.resolve);
  const proxy = await openProxy({ targetPort: door.address.port });
  return {
    dialling: dialAddress({ type: 'tcp', host: '127.0.0.1', port: proxy.port }),
    accepting: async () => acceptedLine(await accepted.promise, undefined),
    cut: () => proxy.cut(),
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]();
      await door.close();
    },
  };
}

/** A dial over TLS of a listener that no authority of ours knows. */
async function strangerWithTls(): Promise<Dial> {
  const terms = tlsTerms(new Authority('Another authority').issue({ name: 'stranger', addresses: ['127.0.0.1'] }));
  const door = await listenTcp({ type: 'tcp', host: '127.0.0.1', port: 0 }, (socket) => {
    acceptedLine(socket, terms)({ opened() {}, received() {}, drained() {}, closed: () => void door.close() });
  });
  return dialAddress({ type: 'tcp', host: '127.0.0.1', port: door.address.port, tls: { ca } });
}

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
