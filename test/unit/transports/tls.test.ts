import { connect } from 'node:net';
import { createSecureContext, connect as connectSecurely } from 'node:tls';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Line, LineEvents } from '../../../src/actors/ports.ts';
import { HomingError } from '../../../src/errors.ts';
import type { Certificate } from '../../../src/transports/ends.ts';
import { type TcpListener, acceptedLine, dialAddress, listenTcp } from '../../../src/transports/tcp.ts';
import { type TlsOptions, checkCloneable, dialTerms, tlsTerms } from '../../../src/transports/tls.ts';
import { Authority } from '../../../src/testing/certificates.ts';
import { Warnings, nextTick, thrownBy, until } from '../../loopback/world.ts';

const authority = new Authority('Right');
const stranger = new Authority('Wrong');
const server = authority.issue({ name: 'server', hosts: ['localhost'], addresses: ['127.0.0.1'] });
const client = authority.issue({ name: 'client' });
const ca = authority.cert;
const mutual = { ...server, ca, requestCert: true };

/** What one end was told. */
class Told implements LineEvents {
  readonly names: string[] = [];
  error: (Error & { code?: string }) | undefined;
  text = '';

  get isOpen(): boolean {
    return this.names.includes('opened');
  }

  get isClosed(): boolean {
    return this.names.includes('closed');
  }

  opened(): void {
    this.names.push('opened');
  }

  received(chunk: Uint8Array): void {
    this.text += Buffer.from(chunk).toString();
  }

  drained(): void {}

  closed(error: Error | undefined): void {
    this.names.push('closed');
    this.error = error;
  }
}

/** A listener whose accepted ends write down what they are told. */
class Door implements AsyncDisposable {
  readonly accepted: { readonly told: Told; readonly line: Line }[] = [];
  readonly #lines: Line[] = [];
  readonly #listener: TcpListener;

  private constructor(listener: TcpListener) {
    this.#listener = listener;
  }

  static async open(options: TlsOptions | undefined): Promise<Door> {
    const terms = options === undefined ? undefined : tlsTerms(options);
    const accept: Parameters<typeof listenTcp>[1] = (socket) => {
      const told = new Told();
      door.accepted.push({ told, line: acceptedLine(socket, terms)(told) });
    };
    const door = new Door(
      await listenTcp({ type: 'tcp', host: '127.0.0.1', port: 0 }, accept, { pauseOnConnect: true }),
    );
    return door;
  }

  get port(): number {
    return this.#listener.address.port;
  }

  dial(tls: TlsOptions | undefined, host = '127.0.0.1'): { readonly told: Told; readonly line: Line } {
    const told = new Told();
    const line = dialAddress({ type: 'tcp', host, port: this.port, tls })(told);
    this.#lines.push(line);
    return { told, line };
  }

  /** The accepted end of the connection with this number, once it has been accepted. */
  async end(index: number): Promise<{ readonly told: Told; readonly line: Line }> {
    await until(() => this.accepted.length > index, 'a connection');
    const end = this.accepted[index];
    if (end === undefined) throw new Error('expected a connection');
    return end;
  }

  /** One more connection, which a good client makes, carries bytes: the listener has taken no harm. */
  async serves(tls: TlsOptions | undefined): Promise<void> {
    const index = this.accepted.length;
    const near = this.dial(tls);
    near.line.write([Buffer.from('good')]);
    const far = await this.end(index);
    await until(() => far.told.text === 'good', 'the bytes of a good client');
    expect([near.told.names, far.told.names]).toEqual([['opened'], ['opened']]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const line of this.#lines) line.destroy();
    for (const { line } of this.accepted) line.destroy();
    await this.#listener.close();
  }
}

describe('a TLS connection is refused, alone,', () => {
  let warnings: Warnings;
  beforeEach(() => void (warnings = new Warnings()));
  afterEach(() => {
    warnings[Symbol.dispose]();
    expect(warnings.list).toEqual([]);
  });

  test.each<[string, TlsOptions, TlsOptions, string]>([
    ['when the server is of another authority', server, { ca: stranger.cert }, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
    ['when nobody vouches for the server', server, {}, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
    [
      'when the certificate is of another host',
      authority.issue({ name: 'localhost', hosts: ['a.example'] }),
      { ca },
      'ERR_TLS_CERT_ALTNAME_INVALID',
    ],
    [
      'when the certificate is of the past',
      authority.issue({ name: 'old', addresses: ['127.0.0.1'], validUntilMs: Date.now() - 60_000 }),
      { ca },
      'CERT_HAS_EXPIRED',
    ],
  ])('%s: before the client writes a byte', async (_why, serverTls, clientTls, code) => {
    await using door = await Door.open(serverTls);
    const near = door.dial(clientTls);
    near.line.write([Buffer.from('a secret')]);
    const far = await door.end(0);
    await until(() => near.told.isClosed && far.told.isClosed, 'both ends to close');
    expect([near.told.names, near.told.error?.code]).toEqual([['closed'], code]);
    expect([far.told.text, far.told.error]).toEqual(['', expect.any(Error)]);
    await door.serves({ rejectUnauthorized: false });
  });

  test.each<[string, TlsOptions, string]>([
    ['without a certificate', { ca }, 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE'],
    ['with one of another authority', { ca, ...stranger.issue({ name: 'client' }) }, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
    [
      'with one of the past',
      { ca, ...authority.issue({ name: 'client', validUntilMs: Date.now() - 60_000 }) },
      'CERT_HAS_EXPIRED',
    ],
  ])('when the client comes %s and one is asked for: it never opens', async (_how, clientTls, code) => {
    for (const version of ['TLSv1.3', 'TLSv1.2'] as const) {
      await using door = await Door.open({ ...mutual, minVersion: 'TLSv1.2' });
      const near = door.dial({ ...clientTls, minVersion: 'TLSv1.2', maxVersion: version });
      near.line.write([Buffer.from('let me in')]);
      const far = await door.end(0);
      await until(() => near.told.isClosed && far.told.isClosed, 'both ends to close');
      expect([far.told.names, far.told.text, far.told.error?.code]).toEqual([['closed'], '', code]);
      expect(far.line.ends.certificate).toBeUndefined();
      await door.serves({ ca, ...client });
    }
  });

  test('when the client speaks no TLS', async () => {
    await using door = await Door.open(server);
    const near = door.dial(undefined);
    near.line.write([Buffer.from('hello, is this plain?')]);
    const far = await door.end(0);
    await until(() => near.told.isClosed && far.told.isClosed, 'both ends to close');
    expect([far.told.names, far.told.text, far.told.error?.code]).toEqual([
      ['closed'],
      '',
      'ERR_SSL_WRONG_VERSION_NUMBER',
    ]);
    await door.serves({ ca });
  });

  test('when the server speaks no TLS', async () => {
    await using door = await Door.open(undefined);
    const near = door.dial({ ca });
    const far = await door.end(0);
    await until(() => far.told.text !== '', 'the greeting of TLS');
    far.line.write([Buffer.from('what was that?')]);
    far.line.end();
    await until(() => near.told.isClosed, 'the end');
    expect([near.told.names, near.told.error?.code]).toEqual([['closed'], 'ERR_SSL_WRONG_VERSION_NUMBER']);
    await door.serves(undefined);
  });

  test.each(['ended', 'reset'])('when it is %s in the middle of its handshake', async (how) => {
    await using door = await Door.open(server);
    const socket = connect(door.port, '127.0.0.1').on('error', () => {});
    // The head of a TLS record that announces 512 bytes, and one of them.
    socket.write(Uint8Array.of(0x16, 0x03, 0x01, 0x02, 0x00, 0x01));
    const far = await door.end(0);
    await until(() => socket.bytesWritten === 6, 'the bytes to go out');
    await nextTick();
    if (how === 'ended') socket.end();
    else socket.resetAndDestroy();
    await until(() => far.told.isClosed, 'the end');
    expect(far.told.names).toEqual(['closed']);
    expect(far.told.error?.code).toBe(how === 'ended' ? 'line-lost' : 'ECONNRESET');
    await door.serves({ ca });
  });

  test('when bytes are altered after the handshake', async () => {
    await using door = await Door.open(server);
    const below = connect(door.port, '127.0.0.1');
    const secure = connectSecurely({ socket: below, host: '127.0.0.1', ca });
    secure.on('error', () => {});
    secure.write('unaltered');
    const far = await door.end(0);
    await until(() => far.told.text === 'unaltered', 'the first bytes');
    // The head of an encrypted record, and what no key makes sense of.
    below.write(Uint8Array.of(0x17, 0x03, 0x03, 0x00, 0x20, ...new Uint8Array(32)));
    await until(() => far.told.isClosed, 'the end');
    expect([far.told.names, far.told.text]).toEqual([['opened', 'closed'], 'unaltered']);
    expect(far.told.error?.code).toBe('ERR_SSL_DECRYPTION_FAILED_OR_BAD_RECORD_MAC');
    secure.destroy();
    await door.serves({ ca });
  });

  test('when the server closes in the middle of the handshake', async () => {
    await using door = await Door.open(server);
    const near = door.dial({ ca });
    const far = await door.end(0);
    far.line.destroy();
    await until(() => near.told.isClosed, 'the end');
    expect([near.told.names, near.told.error?.code, far.told.names]).toEqual([['closed'], 'ECONNRESET', []]);
    await door.serves({ ca });
  });

  test('when the two have no version in common: 1.3 is the least unless told otherwise', async () => {
    await using door = await Door.open(server);
    const near = door.dial({ ca, maxVersion: 'TLSv1.2' });
    const far = await door.end(0);
    await until(() => near.told.isClosed && far.told.isClosed, 'both ends to close');
    expect(far.told.error?.code).toBe('ERR_SSL_UNSUPPORTED_PROTOCOL');
    expect(near.told.error?.code).toBe('ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION');
    await door.serves({ ca });
  });

  test('when the two have no protocol name in common', async () => {
    await using door = await Door.open({ ...server, ALPNProtocols: ['homing'] });
    const near = door.dial({ ca, ALPNProtocols: ['another'] });
    const far = await door.end(0);
    await until(() => near.told.isClosed && far.told.isClosed, 'both ends to close');
    expect([near.told.names, far.told.names]).toEqual([['closed'], ['closed']]);
    await door.serves({ ca, ALPNProtocols: ['other', 'homing'] });
  });

  test('when a callback of the user throws', async () => {
    const failing = (): never => {
      throw new Error('no idea');
    };
    await using door = await Door.open({ ...server, SNICallback: failing });
    const far = door.dial({ ca }, 'localhost');
    await until(() => far.told.isClosed && door.accepted[0]?.told.isClosed === true, 'both ends to close');
    expect(door.accepted[0]?.told.error?.message).toBe('no idea');
    // An address is no name: nobody is asked for a context.
    await door.serves({ ca });
    const near = door.dial({ ca, checkServerIdentity: failing });
    await until(() => near.told.isClosed, 'the end');
    expect([near.told.names, near.told.error?.message]).toEqual([['closed'], 'no idea']);
  });
});

describe('a TLS connection', () => {
  test('asks for the host it dials, and for another name where one is given', async () => {
    const names: string[] = [];
    const context = createSecureContext(server);
    await using door = await Door.open({
      SNICallback: (name, done) => {
        names.push(name);
        done(null, context);
      },
    });
    const first = door.dial({ ca }, 'localhost');
    await until(() => first.told.isOpen, 'the line to open');
    const second = door.dial({ ca, servername: 'other.example' }, 'localhost');
    await until(() => second.told.isClosed, 'the line to close');
    expect(names).toEqual(['localhost', 'other.example']);
    expect(second.told.error?.code).toBe('ERR_TLS_CERT_ALTNAME_INVALID');
  });

  test.each([
    ['without a certificate', {}],
    ['with an unverified one', stranger.issue({ name: 'client' })],
  ])('of a client %s opens where that is allowed, and shows none', async (_how, shown) => {
    await using door = await Door.open({ ...mutual, rejectUnauthorized: false });
    await door.serves({ ca, ...shown });
    expect((await door.end(0)).line.ends).toMatchObject({ isTrusted: true, certificate: undefined });
  });

  test('to a server that is not verified opens where that is allowed, and shows no certificate', async () => {
    await using door = await Door.open(server);
    const near = door.dial({ ca: stranger.cert, rejectUnauthorized: false });
    await until(() => near.told.isOpen, 'the line to open');
    expect(near.line.ends).toMatchObject({ isTrusted: true, certificate: undefined });
  });

  test('shows the certificate of a client as plain data of its own', async () => {
    await using door = await Door.open(mutual);
    await door.serves({ ca, ...client });
    const certificate = (await door.end(0)).line.ends.certificate as Certificate;
    expect(structuredClone(certificate)).toEqual(certificate);
    expect(certificate).toMatchObject({
      subject: { CN: 'client' },
      issuer: { CN: 'Right' },
      subjectaltname: undefined,
    });
    expect(certificate.fingerprint256).toMatch(/^[0-9A-F]{2}(?::[0-9A-F]{2}){31}$/);
    expect(Object.getPrototypeOf(certificate.raw)).toBe(Uint8Array.prototype);
    expect(certificate.raw.buffer.byteLength).toBe(certificate.raw.length);
    const pem = client.cert.replaceAll(/-----[^-]+-----|\n/gu, '');
    expect(Buffer.from(certificate.raw).toString('base64')).toBe(pem);
  });

  test('is never resumed by TLS itself: the certificate of a client is verified each time', async () => {
    await using door = await Door.open(mutual);
    const tickets: Buffer[] = [];
    const to = { port: door.port, host: '127.0.0.1', ca, ...client };
    const first = connectSecurely(to).on('session', (ticket) => void tickets.push(ticket));
    await until(() => tickets.length > 0, 'a ticket');
    const [session] = tickets;
    const second = connectSecurely({ ...to, ...(session === undefined ? {} : { session }) });
    await until(() => second.authorized, 'the second handshake');
    expect(second.isSessionReused()).toBe(false);
    await until(() => door.accepted[1]?.told.isOpen === true, 'the line to open');
    expect((await door.end(1)).line.ends.certificate).toMatchObject({ subject: { CN: 'client' } });
    first.destroy();
    second.destroy();
  });

  test('sends what it is given before it is open, afterwards', async () => {
    await using door = await Door.open(server);
    const near = door.dial({ ca });
    near.line.write([Buffer.from('early')]);
    near.line.end();
    const far = await door.end(0);
    await until(() => far.told.isClosed, 'the goodbye');
    expect([far.told.text, far.told.names]).toEqual(['early', ['opened', 'closed']]);
    expect(near.told.names).toEqual([]);
  });

  test('does not ask the environment whether to verify', async () => {
    const before = process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
    process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
    try {
      await using door = await Door.open(server);
      const near = door.dial({ ca: stranger.cert });
      await until(() => near.told.isClosed, 'the end');
      expect(near.told.names).toEqual(['closed']);
    } finally {
      if (before === undefined) delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
      else process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = before;
    }
  });
});

describe('tls options', () => {
  test.each<[string, TlsOptions]>([
    ['nothing', {}],
    ['a key alone', { key: server.key }],
    ['a certificate alone', { cert: server.cert }],
    ['a key of another certificate', { key: client.key, cert: server.cert }],
    ['what is no key', { key: 'no key', cert: server.cert }],
    ['what is no certificate', { key: server.key, cert: 'no certificate' }],
    ['what is no PKCS #12', { pfx: new Uint8Array(10) }],
    ['unknown ciphers', { ...server, ciphers: 'no:such' }],
    ['an unknown version', { ...server, minVersion: 'TLSv9' as never }],
    ['a version above the highest', { ...server, minVersion: 'TLSv1.3', maxVersion: 'TLSv1.2' }],
    ['a key of no known form', { key: 5 as never, cert: server.cert }],
  ])('of a server with %s are refused before it listens', (_what, options) => {
    const error = thrownBy(() => tlsTerms(options));
    expect(error).toBeInstanceOf(HomingError);
    expect(error).toMatchObject({ code: 'BadOption' });
    expect(error.message).toMatch(/^expected tls/);
    expect(error.message).not.toContain('PRIVATE');
  });

  test('of a client are refused before it dials', () => {
    const bad = { type: 'tcp', host: '127.0.0.1', port: 1, tls: { cert: 'no certificate' } } as const;
    expect(thrownBy(() => dialAddress(bad))).toMatchObject({ code: 'BadOption' });
    expect(dialTerms({}).context).toBeDefined();
  });

  test('take a context that is there already', () => {
    const secureContext = createSecureContext(server);
    expect(tlsTerms({ secureContext }).context).toBe(secureContext);
    expect(dialTerms({ secureContext }).context).toBe(secureContext);
  });

  test('that are plain data reach another thread', () => {
    const options: TlsOptions = {
      key: Buffer.from(server.key),
      cert: [server.cert, new TextEncoder().encode(ca)],
      ca,
      passphrase: 'x',
      requestCert: true,
      rejectUnauthorized: false,
      minVersion: 'TLSv1.2',
      ALPNProtocols: ['homing'],
      ciphers: undefined,
    };
    expect(() => checkCloneable(options)).not.toThrow();
    expect(() => tlsTerms(structuredClone({ ...options, cert: server.cert }))).not.toThrow();
  });

  test.each<[string, TlsOptions]>([
    ['SNICallback', { ...server, SNICallback: () => {} }],
    ['checkServerIdentity', { ca, checkServerIdentity: () => undefined }],
    ['secureContext', { secureContext: createSecureContext() }],
    ['key', { ...server, key: (() => server.key) as never }],
  ])('that hold a living %s do not, and the error names it', (name, options) => {
    const error = thrownBy(() => checkCloneable(options));
    expect(error).toMatchObject({ code: 'BadOption' });
    expect(error.message).toContain(name);
    expect(error.message).toContain('shards: 0');
    expect(error.message).not.toContain('PRIVATE');
  });
});
