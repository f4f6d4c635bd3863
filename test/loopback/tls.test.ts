import { duplexPair } from 'node:stream';
import { type HomingError, createClient } from 'homing';
import { describe, expect, test } from 'vitest';
import type { Peer } from '../../src/server/behavior.ts';
import type { Certificate } from '../../src/transports/ends.ts';
import { Authority } from '../../src/testing/certificates.ts';
import { Relay } from './relay.ts';
import { type Loose, Loopback, Warnings, nextInfo, nextOf, thrownBy, until } from './world.ts';

const authority = new Authority('Right');
const server = authority.issue({ name: 'server', hosts: ['localhost'], addresses: ['127.0.0.1'] });
const ca = authority.cert;

describe('a session over TLS', () => {
  test('survives a cut: what is sent meanwhile arrives once, in order', async () => {
    const heard: unknown[] = [];
    await using world = new Loopback((session) => void session.on('say', (text) => void heard.push(text)), {});
    const { port } = await world.server.listen({ port: 0, tls: server });
    await using relay = await Relay.to(port);
    const { client } = await world.pair({ tls: { ca } }, relay.port);
    const { id } = client;
    for (let round = 0; round < 3; round += 1) {
      client.send('say', `before ${round}`);
      const isBack = nextOf(client.connection, 'up');
      relay.cut();
      client.send('say', `meanwhile ${round}`);
      expect(await isBack).toEqual([{ resumed: true }]);
      await client.deliver('say', `after ${round}`);
    }
    expect(heard).toEqual([0, 1, 2].flatMap((round) => [`before ${round}`, `meanwhile ${round}`, `after ${round}`]));
    expect([client.id, world.sessions.length]).toEqual([id, 1]);
  });

  test('shows the certificate of its client to authenticate, on every connection', async () => {
    const peers: Peer[] = [];
    const authenticate = (_credentials: unknown, peer: Peer) => {
      peers.push(peer);
      const { CN } = (peer.certificate as Certificate).subject;
      return { id: String(CN) };
    };
    await using world = new Loopback({ authenticate }, {});
    const { port } = await world.server.listen({ port: 0, tls: { ...server, ca, requestCert: true } });
    await using relay = await Relay.to(port);
    const tls = { ca, ...authority.issue({ name: 'ann' }) };
    const { client, session } = await world.pair({}, { port: relay.port, tls });
    const isBack = nextOf(client.connection, 'up');
    relay.cut();
    expect(await isBack).toEqual([{ resumed: true }]);
    expect(session.identity).toMatchObject({ id: 'ann' });
    expect(peers).toHaveLength(2);
    for (const peer of peers) {
      expect(peer).toMatchObject({ address: '127.0.0.1', certificate: { subject: { CN: 'ann' } } });
    }
  });

  test('is made with a server that is dialled by its name', async () => {
    await using world = new Loopback((session) => void session.on('say', () => {}), {});
    const { port } = await world.server.listen({ port: 0, tls: server });
    const { client } = await world.pair({ tls: { ca } }, `localhost:${port}`);
    await client.deliver('say');
  });

  test('is not made with a server nobody vouches for: the client says why and tries again', async () => {
    using warnings = new Warnings();
    await using world = new Loopback({}, {});
    const { port } = await world.server.listen({ port: 0, tls: server });
    const client = world.client({ tls: { ca: new Authority('Wrong').cert } }, port);
    const causes: unknown[] = [];
    client.connection.on('reconnect', ({ cause }) => void causes.push((cause as HomingError).code));
    await until(() => causes.length >= 3, 'three failed dials');
    expect(new Set(causes)).toEqual(new Set(['UNABLE_TO_VERIFY_LEAF_SIGNATURE']));
    await client.close({ drainMs: 0 });
    const good = world.client({ tls: { ca } }, port);
    await good.up();
    expect(world.server.counts.sessions).toBe(1);
    expect(warnings.list).toEqual([]);
  });

  test('is not made without the certificate that the server asks for, and the server goes on', async () => {
    using warnings = new Warnings();
    await using world = new Loopback({}, {});
    const { port } = await world.server.listen({ port: 0, tls: { ...server, ca, requestCert: true } });
    const client = world.client({ tls: { ca } }, port);
    const { cause } = await nextInfo<{ cause: HomingError }>(client.connection, 'reconnect');
    expect(cause.code).toBe('ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED');
    await client.close({ drainMs: 0 });
    const good = world.client({ tls: { ca, ...authority.issue({ name: 'ben' }) } }, port);
    await good.up();
    expect([world.server.counts.sessions, warnings.list]).toEqual([1, []]);
  });

  test('is not made between an end with TLS and one without', async () => {
    using warnings = new Warnings();
    await using world = new Loopback({}, {});
    const { port: tlsPort } = await world.server.listen({ port: 0, tls: server });
    const { port: plainPort } = await world.server.listen(0);
    const plain = world.client({}, tlsPort);
    const secure = world.client({ tls: { ca } }, plainPort);
    const causes = await Promise.all([
      nextInfo<{ cause: Error }>(plain.connection, 'reconnect'),
      nextInfo<{ cause: Error }>(secure.connection, 'reconnect'),
    ]);
    for (const { cause } of causes) expect(cause).toBeInstanceOf(Error);
    expect(world.server.counts.sessions).toBe(0);
    await world.client({ tls: { ca } }, tlsPort).up();
    await world.client({}, plainPort).up();
    expect(warnings.list).toEqual([]);
  });

  test('that never shakes hands is given up in time', async () => {
    await using world = new Loopback({}, { handshakeMs: 50 });
    const { port } = await world.server.listen({ port: 0, tls: server });
    await using relay = await Relay.to(port);
    const client = world.client({ autoReconnect: false }, relay.port);
    await relay.taken.reached(1);
    relay.stall();
    await until(() => world.server.counts.connections === 1, 'the connection to be taken');
    await until(() => world.server.counts.connections === 0, 'the connection to be given up');
    client.disconnect();
    expect(world.server.counts).toMatchObject({ handshakes: 0, sessions: 0 });
  });

  test('is refused as an option beside a stream', () => {
    const [near] = duplexPair();
    for (const where of [near, { createConnection: () => near }]) {
      expect(thrownBy(() => createClient<Loose>(where, { tls: { ca } }))).toMatchObject({ code: 'BadOption' });
    }
    near.destroy();
  });

  test('to another host than loopback needs no insecure', async () => {
    const client = createClient<Loose>('homing.invalid:80', { tls: { ca }, autoConnect: false });
    await client.close({ drainMs: 0 });
    expect(thrownBy(() => createClient<Loose>('homing.invalid:80'))).toMatchObject({ code: 'InsecureHost' });
    const open = createClient<Loose>('homing.invalid:80', { insecure: true, autoConnect: false });
    await open.close({ drainMs: 0 });
  });

  test('is refused before it listens or dials where the options are no good', async () => {
    await using world = new Loopback({}, {});
    await expect(world.server.listen({ port: 0, tls: { ca } })).rejects.toMatchObject({ code: 'BadOption' });
    expect(thrownBy(() => createClient<Loose>(1, { tls: { key: 'no key' } }))).toMatchObject({ code: 'BadOption' });
  });
});
