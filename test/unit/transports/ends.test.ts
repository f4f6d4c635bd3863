import { Socket, connect } from 'node:net';
import { duplexPair } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { describe, expect, test } from 'vitest';
import { NOWHERE, endsOf, isLoopback } from '../../../src/transports/ends.ts';
import { loopback, until } from '../../loopback/world.ts';

describe('the ends of a stream', () => {
  test('that is no socket are nowhere, and nobody else can alter its bytes', () => {
    const [near] = duplexPair();
    expect(endsOf(near)).toBe(NOWHERE);
    expect(NOWHERE).toMatchObject({ remoteAddress: '', remotePort: 0, isTrusted: true, certificate: undefined });
  });

  test('are the addresses of a socket', async () => {
    await using world = await loopback();
    const socket = connect(world.port, '127.0.0.1');
    await until(() => !socket.connecting, 'the socket to connect');
    expect(endsOf(socket)).toEqual({
      remoteAddress: '127.0.0.1',
      remotePort: world.port,
      localAddress: '127.0.0.1',
      localPort: socket.localPort,
      isTrusted: true,
      certificate: undefined,
    });
    socket.destroy();
  });

  test('of another machine are trusted only under TLS', () => {
    const [below] = duplexPair();
    const plain = fromFar(new Socket());
    const secure = fromFar(new TLSSocket(below, {}));
    expect(endsOf(plain)).toMatchObject({ remoteAddress: '192.0.2.1', isTrusted: false });
    expect(endsOf(secure)).toMatchObject({ remoteAddress: '192.0.2.1', isTrusted: true, certificate: undefined });
    plain.destroy();
    secure.destroy();
  });
});

/** A socket that says it leads to another machine. */
function fromFar<Kind extends Socket>(socket: Kind): Kind {
  return Object.defineProperty(socket, 'remoteAddress', { value: '192.0.2.1' });
}

test.each([
  ['127.0.0.1', true],
  ['127.255.0.3', true],
  ['::1', true],
  ['::ffff:127.0.0.1', true],
  ['::FFFF:127.0.0.1', true],
  ['localhost', true],
  ['LocalHost', true],
  ['localhost.example', false],
  ['127.0.0.1.example', false],
  ['128.0.0.1', false],
  ['::ffff:10.0.0.1', false],
  ['', false],
])('%s is this machine: %s', (host, expected) => {
  expect(isLoopback(host)).toBe(expected);
});
