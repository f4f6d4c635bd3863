// What is published on the channels of node:diagnostics_channel, by real ends on loopback, with the fields that are promised.
import { once } from 'node:events';
import { connect } from 'node:net';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { createClient, createServer } from 'homing';
import { describe, expect, it } from 'vitest';
import { type ChannelMessages, type ChannelName, type SessionFacts, channels } from '../../src/actors/channels.ts';
import { failureOf, loopback, nextAt, nextOf, nextTick, until } from '../loopback/world.ts';
import { messageFields } from './message-fields.ts';
import logged, { type Logged } from './logged.behavior.ts';

type Heard = { [Name in ChannelName]: readonly [name: Name, message: ChannelMessages[Name]] }[ChannelName];

/** Hears everything that is published in this thread. */
class Ears implements Disposable {
  readonly heard: Heard[] = [];
  readonly #names = Object.keys(channels) as ChannelName[];
  readonly #listen = (message: unknown, name: string | symbol): void => {
    // As it is now: the message of a call is filled in at its end.
    this.heard.push([name, { ...(message as object) }] as unknown as Heard);
  };

  constructor() {
    for (const name of this.#names) subscribe(name, this.#listen);
  }

  of<Name extends ChannelName>(name: Name): ChannelMessages[Name][] {
    return this.heard.filter(([at]) => at === name).map(([, message]) => message as ChannelMessages[Name]);
  }

  [Symbol.dispose](): void {
    for (const name of this.#names) unsubscribe(name, this.#listen);
  }
}

const backoff = { firstMs: 1, baseMs: 5, maxMs: 20 };
const atServer = (sessions: { session: SessionFacts }[]) => sessions.map(({ session }) => session.shard);

describe('channels', () => {
  it('tell of a connection, of its session, of calls and of errors, at both ends, each with all its fields', async () => {
    using ears = new Ears();
    const server = createServer<Logged>(logged, { shards: 0 });
    server.on('error', () => {});
    const { port } = await server.listen(0);
    const client = createClient<Logged>(port, { backoff, credentials: { token: 'hush' } });
    client.connection.on('error', () => {});
    await client.up();
    await failureOf(client.deliver('fail', 'now'));
    expect(await client.call('ping')).toBe('pong');
    await failureOf((client as unknown as { call(name: string): Promise<unknown> }).call('nothing'));
    const back = nextOf(client.connection, 'up');
    client.reconnect();
    await back;
    client.disconnect();
    const again = nextOf(client.connection, 'up');
    client.connect();
    await again;
    const { id } = client;
    await client.close();
    await server.close();

    const story = (machine: string) =>
      ears
        .of('homing:connection:state')
        .filter((message) => message.machine === machine)
        .map(({ from, to, cause }) => `${from ?? 'new'} → ${to}${cause === undefined ? '' : ` (${cause})`}`);
    expect(story('dialling')).toEqual([
      'new → idle',
      'idle → connecting',
      'connecting → authenticating',
      'authenticating → up',
      'up → connecting (disconnected)',
      'connecting → authenticating',
      'authenticating → up',
      'up → idle (disconnected)',
      'idle → connecting',
      'connecting → authenticating',
      'authenticating → up',
      'up → closed (closed)',
    ]);
    expect(story('accepting').toSorted()).toEqual([
      'authenticating → up',
      'authenticating → up',
      'authenticating → up',
      'new → authenticating',
      'new → authenticating',
      'new → authenticating',
      'up → closed (closed)',
      'up → closed (disconnected)',
      'up → closed (disconnected)',
    ]);
    for (const what of ['begin', 'up', 'down', 'end'] as const) {
      const messages = ears.of(`homing:session:${what}`);
      const count = what === 'up' || what === 'down' ? 3 : 1;
      expect(
        messages.map(({ session }) => session.id),
        what,
      ).toEqual(Array.from({ length: 2 * count }, () => id));
      expect(
        atServer(messages).filter((shard) => shard === 0),
        what,
      ).toHaveLength(count);
      expect(atServer(ears.of(`homing:server:session:${what}`)), what).toEqual(Array.from({ length: count }, () => 0));
    }
    expect(ears.of('homing:session:up').map(({ resumed }) => resumed)).toEqual([false, false, true, true, true, true]);
    expect(ears.of('homing:error').map(({ error, session }) => [error.code, session?.id])).toEqual([
      ['HandlerFailed', id],
    ]);
    expect(ears.of('homing:server:error')).toHaveLength(1);
    const settled = ears
      .of('homing:call:settled')
      .map(({ method, error }) => [method, (error as { code?: string })?.code]);
    expect(settled).toEqual([['ping', undefined], ['nothing', 'NoMethod']]); // prettier-ignore
    expect(ears.of('homing:run:settled').map(({ method }) => method)).toEqual(['ping']);
    for (const { durationMs } of ears.of('homing:call:start')) expect(durationMs).toBeUndefined();
    for (const { durationMs } of ears.of('homing:call:settled')) expect(durationMs).toBeGreaterThan(0);

    expect(ears.heard.length).toBeGreaterThan(30);
    for (const [name, message] of ears.heard)
      expect(Object.keys(message), name).toEqual(Object.keys(messageFields[name]));
    expect(JSON.stringify(ears.heard)).not.toContain('hush');
  });

  it('give the two messages of one call as one object, so that its end can be told from others', async () => {
    await using world = await loopback((session) => session.expose({ ping: () => 'pong' }));
    const { client } = await world.pair();
    const objects: unknown[] = [];
    const listen = (message: unknown): void => void objects.push(message);
    subscribe('homing:call:start', listen);
    subscribe('homing:call:settled', listen);
    await Promise.all([client.call('ping'), client.call('ping')]);
    unsubscribe('homing:call:start', listen);
    unsubscribe('homing:call:settled', listen);
    expect(objects).toHaveLength(4);
    expect(new Set(objects).size).toBe(2);
  });

  it('tell the address of a connection that broke before it said anything', async () => {
    using ears = new Ears();
    const server = createServer<Logged>(logged, { shards: 0 });
    const { port } = await server.listen(0);
    const socket = connect({ port, host: '127.0.0.1' });
    const states = () => ears.of('homing:connection:state');
    await once(socket, 'connect');
    const { localPort } = socket;
    await until(() => states().length > 0, 'the connection to be told of');
    // The server opens the line in the turn after that.
    for (let turn = 0; turn < 3; turn += 1) await nextTick();
    socket.resetAndDestroy();
    await until(() => states().some(({ to }) => to === 'closed'), 'the connection to be closed');
    await server.close();
    expect(states().map(({ to, address }) => [to, address])).toEqual([
      ['authenticating', undefined],
      ['closed', `127.0.0.1:${localPort}`],
    ]);
  });

  it('tell of a refused handshake at both ends, with its code', async () => {
    using ears = new Ears();
    await using world = await loopback({
      authenticate: () => {
        throw new Error('not you');
      },
    });
    const client = world.client();
    await failureOf(client.up());
    const refused = ears.of('homing:handshake:refused');
    expect(refused.map(({ machine, code, reason }) => [machine, code, reason])).toEqual([
      ['accepting', 'refused', 'not you'],
      ['dialling', 'refused', 'not you'],
    ]);
    for (const message of refused) {
      expect(Object.keys(message)).toEqual(Object.keys(messageFields['homing:handshake:refused']));
      expect(message.address).toMatch(/^127\.0\.0\.1:\d+$/u);
    }
  });

  it('tell of lost history', async () => {
    using ears = new Ears();
    await using world = await loopback();
    const client = world.client({ lingerMs: 0 });
    await client.up();
    const { id } = client;
    const over = nextAt(world.server, 'end');
    client.disconnect();
    await over;
    const lost = nextOf(client.connection, 'gap');
    client.connect();
    await lost;
    const [gap] = ears.of('homing:session:gap');
    expect(gap).toEqual({
      session: { id: client.id, epoch: 2, shard: undefined, identityId: undefined, dialled: true },
      oldId: id,
      unconfirmed: 0,
      carried: 0,
    });
    expect(Object.keys(gap ?? {})).toEqual(Object.keys(messageFields['homing:session:gap']));
  });

  it('of shards are those of their threads; the main thread has what it is told, and how shards begin and end', async () => {
    using ears = new Ears();
    const server = createServer<Logged>(logged, { shards: 2 });
    server.on('error', () => {});
    const { port } = await server.listen(0);
    const client = createClient<Logged>(port, { backoff, credentials: { token: 'hush' } });
    await client.up();
    const { id } = client;
    expect(await client.call('heard')).toEqual([`homing:session:begin ${id}`, `homing:session:up ${id}`]);
    await until(() => ears.of('homing:server:session:up').length === 1, 'the main thread to be told');
    // Only the client lives in this thread.
    expect(atServer(ears.of('homing:session:up'))).toEqual([undefined]);
    const gap = nextOf(client.connection, 'gap');
    await client.call('crash').catch(() => {});
    await gap;
    await until(() => ears.of('homing:server:shard:started').length === 3, 'another shard to start');
    const crashed = ears.of('homing:server:session:up')[0]?.session.shard;
    const [lost] = ears.of('homing:server:shard:lost');
    expect(lost).toMatchObject({ shard: crashed, generation: 1, error: { code: 'ShardCrashed' } });
    expect(ears.of('homing:server:session:end')[0]).toMatchObject({ session: { id }, code: 'shard-lost' });
    await client.close({ drainMs: 0 });
    await server.close({ drainMs: 0 });
    expect(ears.of('homing:server:shard:lost').map(({ error }) => error?.code)).toEqual([
      'ShardCrashed',
      undefined,
      undefined,
    ]);
    for (const [name, message] of ears.heard)
      expect(Object.keys(message), name).toEqual(Object.keys(messageFields[name]));
  });
});
