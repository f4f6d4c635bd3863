// TLS in shard threads: the handshake happens there, and what it found out follows a session home, over a relay too.
import { type Client, createClient, createServer } from 'homing';
import { describe, expect, it } from 'vitest';
import { Authority } from '../../src/testing/certificates.ts';
import { failureOf } from '../loopback/world.ts';
import type { Certified } from './modules/certified.behavior.ts';

const authority = new Authority('Authority of the shards');
const serverKeys = authority.issue({ name: 'server', hosts: ['localhost'], addresses: ['127.0.0.1'] });
const behavior = new URL('./modules/certified.behavior.ts', import.meta.url);
const backoff = { firstMs: 1, baseMs: 1, maxMs: 5 };

/** What the server says when it is asked. */
function answerOf(client: Client<Certified>): Promise<string> {
  return new Promise((resolve) => {
    client.once('you', resolve);
    client.send('who');
  });
}

describe('TLS with two shards', () => {
  it.each<[string, false | undefined]>([
    ['by the port of each shard', undefined],
    ['by the public port, so that lines are relayed', false],
  ])('tells clients by their certificates, again and again, %s', async (_, direct) => {
    await using server = createServer<Certified>(behavior, { shards: 2 });
    const tls = { ...serverKeys, ca: authority.cert, requestCert: true };
    const { port } = await server.listen({ port: 0, tls, direct });
    const names = ['ada', 'ben', 'cyd'];
    const clients = names.map((name) =>
      createClient<Certified>({ port, tls: { ...authority.issue({ name }), ca: authority.cert } }, { backoff }),
    );
    let relayed = 0;
    for (let round = 0; round < 12; round += 1) {
      expect(await Promise.all(clients.map(answerOf))).toEqual(names);
      relayed += server.counts.relays;
      for (const client of clients) client.reconnect();
    }
    if (direct === false) expect(relayed).toBeGreaterThan(0);
    else expect(relayed).toBe(0);
    expect(server.counts.sessions).toBe(3);
    // With a connection, so that the server is told.
    await Promise.all(clients.map((client) => client.up()));
    await Promise.all(clients.map((client) => client.close()));
  });

  it('refuses a client without a certificate, and the shards live on', async () => {
    await using server = createServer<Certified>(behavior, { shards: 2 });
    const tls = { ...serverKeys, ca: authority.cert, requestCert: true };
    const { port } = await server.listen({ port: 0, tls });
    const stranger = createClient<Certified>({ port, tls: { ca: authority.cert } }, { backoff });
    expect(await failureOf(stranger.up({ timeoutMs: 500 }))).toMatchObject({ code: 'Deadline' });
    const known = createClient<Certified>(
      { port, tls: { ...authority.issue({ name: 'ada' }), ca: authority.cert } },
      { backoff },
    );
    expect(await answerOf(known)).toBe('ada');
    await Promise.all([stranger, known].map((client) => client.close({ drainMs: 0 })));
  });

  it('refuses what cannot be sent to a shard, with its name', async () => {
    await using server = createServer<Certified>(behavior, { shards: 1 });
    const tls = { ...serverKeys, SNICallback: () => {} };
    expect(await failureOf(server.listen({ port: 0, tls }))).toMatchObject({
      code: 'BadOption',
      message: expect.stringContaining('SNICallback'),
    });
  });
});
