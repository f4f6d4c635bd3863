import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { type Socket, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from 'homing';
import { describe, expect, test } from 'vitest';
import type { LineEvents } from '../../../src/actors/ports.ts';
import { acceptedLine, dialAddress, listenTcp } from '../../../src/transports/tcp.ts';
import { tlsTerms } from '../../../src/transports/tls.ts';
import { Authority } from '../../../src/testing/certificates.ts';
import { type Loose, Tally, failureOf, loopback, nextInfo, until } from '../../loopback/world.ts';

/** A folder for socket files that is gone after the test. */
async function folder(): Promise<{ path: string; [Symbol.asyncDispose](): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'homing-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}

const DIALS = 1_000;

/** The longest queue of a listener that this system allows; 0 where it does not say. */
function queueMax(): number {
  const file = '/proc/sys/net/core/somaxconn';
  return existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0;
}

/** Connections of a listener on loopback that are open and not yet accepted, as Linux counts them. */
function queued(port: number): number | undefined {
  const local = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const rows = readFileSync('/proc/net/tcp', 'utf8').split('\n');
  const LISTEN = '0A';
  const row = rows.map((line) => line.trim().split(/\s+/)).find(([, at, , state]) => at === local && state === LISTEN);
  return row?.[4] === undefined ? undefined : Number.parseInt(row[4].split(':')[1] ?? '', 16);
}

const silent: LineEvents = { opened: () => {}, received: () => {}, drained: () => {}, closed: () => {} };

describe('listening', () => {
  test('at port 0 takes a free port and reports it (N18, D17, D22)', async () => {
    await using world = await loopback();
    const address = await world.server.listen({ port: 0 });
    expect(address).toEqual({ host: '127.0.0.1', port: expect.any(Number), path: undefined });
    expect(address.port).toBeGreaterThan(0);
    expect(address.port).not.toBe(world.port);
    const { client } = await world.pair({}, `localhost:${address.port}`);
    expect(client.connection.state).toBe('up');
  });

  test('at a path and at ports at once: sessions are found through any of them (N19, D21)', async () => {
    await using files = await folder();
    await using world = await loopback((session) => void session.on('say', () => {}));
    const path = join(files.path, 'home.sock');
    expect(await world.server.listen(path)).toEqual({ host: '', port: 0, path });
    const v6 = await world.server.listen('[::1]:0').catch(() => undefined);
    let where: string | number = path;
    const createConnection = () => (typeof where === 'number' ? connect(where, '127.0.0.1') : connect(where));
    const { client } = await world.pair({}, { createConnection });
    await client.deliver('say');
    where = world.port;
    client.reconnect();
    await client.deliver('say');
    if (v6 !== undefined) {
      const other = world.client({}, { host: '::1', port: v6.port });
      await other.deliver('say');
    }
    expect(world.sessions.filter(({ id }) => id === client.id)).toHaveLength(1);
  });

  // The kernel of Linux tells how many wait; where it allows fewer than are asked for, nothing can be seen.
  test.skipIf(queueMax() < DIALS)(
    'a thousand dials of one moment all wait to be accepted, none is dropped',
    async () => {
      const listener = await listenTcp({ type: 'tcp', host: '127.0.0.1', port: 0 }, (socket) => void socket.destroy());
      const { port } = listener.address;
      const sockets = Array.from({ length: DIALS }, () => connect(port, '127.0.0.1').on('error', () => {}));
      // They dial in this tick, behind which nothing is accepted yet.
      await new Promise<void>((resolve) => process.nextTick(resolve));
      expect(queued(port)).toBe(DIALS);
      for (const socket of sockets) socket.destroy();
      await listener.close();
    },
  );

  test('where another listens is AddressInUse, with a hint', async () => {
    await using files = await folder();
    await using world = await loopback();
    const path = join(files.path, 'taken.sock');
    await world.server.listen(path);
    const port = await failureOf(world.server.listen(world.port));
    expect(port).toMatchObject({ code: 'AddressInUse', retry: true, cause: { code: 'EADDRINUSE' } });
    expect(port.message).toMatch(/port 0 takes a free one/);
    const file = await failureOf(world.server.listen(path));
    expect(file).toMatchObject({ code: 'AddressInUse' });
    expect(file.message).toMatch(/remove the file/);
    await world.client().up();
  });

  test('where the system refuses is ListenFailed', async () => {
    await using files = await folder();
    await using world = await loopback();
    for (const where of [
      join(files.path, 'no', 'such', 'folder.sock'),
      { host: '192.0.2.1', port: 0, insecure: true },
    ]) {
      expect(await failureOf(world.server.listen(where))).toMatchObject({
        code: 'ListenFailed',
        cause: expect.any(Error),
      });
    }
  });

  test('at a bad address rejects, it does not throw', async () => {
    await using world = await loopback();
    expect(await failureOf(world.server.listen(-1))).toMatchObject({ code: 'BadAddress' });
    expect(await failureOf(world.server.listen('example.org:80'))).toMatchObject({ code: 'InsecureHost' });
  });

  test('ends: connections that were taken stay', async () => {
    const taken = new Tally();
    const door = await listenTcp({ type: 'tcp', host: '127.0.0.1', port: 0 }, (socket) => {
      const line = acceptedLine(
        socket,
        undefined,
      )({ ...silent, opened: () => taken.count(), closed: () => taken.count() });
      expect(line.ends.remoteAddress).toBe('');
    });
    const { port } = door.address;
    let isOpen = false;
    const line = dialAddress({ type: 'tcp', host: '127.0.0.1', port })({ ...silent, opened: () => (isOpen = true) });
    await taken.reached(1);
    await until(() => isOpen, 'the line to open');
    expect(line.ends).toMatchObject({ remoteAddress: '127.0.0.1', remotePort: port, isTrusted: true });
    const closing = door.close();
    line.destroy();
    await closing;
    expect(taken.value).toBe(2);
    const late = Promise.withResolvers<Error | undefined>();
    dialAddress({ type: 'tcp', host: '127.0.0.1', port })({ ...silent, closed: late.resolve });
    expect(await late.promise).toMatchObject({ code: 'ECONNREFUSED' });
  });
});

describe('an accepted socket', () => {
  test('that was left unread keeps what has come for the line made over it', async () => {
    const accepted = Promise.withResolvers<Socket>();
    const door = await listenTcp({ type: 'tcp', host: '127.0.0.1', port: 0 }, accepted.resolve, {
      pauseOnConnect: true,
    });
    const client = connect(door.address.port, '127.0.0.1', () => client.write('hello'));
    const socket = await accepted.promise;
    await until(() => client.bytesWritten === 5, 'bytes on their way');
    expect([socket.isPaused(), socket.bytesRead]).toEqual([true, 0]);
    const heard: string[] = [];
    const line = acceptedLine(
      socket,
      undefined,
    )({ ...silent, received: (chunk) => void heard.push(Buffer.from(chunk).toString()) });
    await until(() => heard.length > 0, 'bytes');
    expect(heard).toEqual(['hello']);
    line.destroy();
    client.destroy();
    await door.close();
  });

  test('that is gone already is a line that closes', async () => {
    const closed = Promise.withResolvers<Error | undefined>();
    const door = await listenTcp({ type: 'tcp', host: '127.0.0.1', port: 0 }, (socket) => {
      socket.destroy();
      acceptedLine(socket, tlsTerms(new Authority('a').issue({ name: 'b' })))({ ...silent, closed: closed.resolve });
    });
    const client = connect(door.address.port, '127.0.0.1').on('error', () => {});
    await closed.promise;
    client.destroy();
    await door.close();
  });
});

describe('dialling', () => {
  test.each([
    ['a port where nobody listens', 1],
    ['a file that is not there', 'nowhere/at/all.sock'],
    ['a path that is too long', 'x'.repeat(5_000)],
    ['a name that does not exist', { host: 'no-such-host.invalid', port: 80, insecure: true }],
  ])('%s tells the cause and tries again (N27)', async (_what, where) => {
    const client = createClient<Loose>(where, { backoff: { firstMs: 1 } });
    const { cause, attempt } = await nextInfo<{ cause: Error; attempt: number }>(client.connection, 'reconnect');
    expect(attempt).toBe(1);
    expect(cause).toBeInstanceOf(Error);
    expect(cause).toHaveProperty('code');
    await client.close();
  });
});
