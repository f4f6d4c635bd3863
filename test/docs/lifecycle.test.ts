// docs/lifecycle.md against the code: what the page says of the order of events is what real clients and servers tell. The
// diagram is compared in machines.test.ts.
import { type Socket, connect } from 'node:net';
import { duplexPair } from 'node:stream';
import { afterEach, describe, expect, it } from 'vitest';
import {
  type Client,
  type ClientOptions,
  type Connection,
  type Contract,
  type Server,
  createClient,
  createServer,
} from 'homing';
import { diallingMachine } from '../../src/machines/dialling.ts';
import { quoted, rowsOf, rowsWith } from './page.ts';

describe('docs/lifecycle.md', () => {
  it('describes every state of the machine', () => {
    const states = rowsWith('docs/lifecycle.md', /^`(idle|connecting|authenticating|up|backoff|closed)`$/);
    const described = states
      .filter((cells) => cells.length === 3 && !cells[1]?.includes('{'))
      .map(([name]) => quoted(name));
    expect(described).toEqual(expect.arrayContaining(Object.keys(diallingMachine.states)));
  });

  type Any = Contract & { credentials: unknown; identity: { id: string } };
  const names = ['change', 'up', 'down', 'reconnect', 'gap', 'refused', 'closed', 'error'] as const;
  const open: AsyncDisposable[] = [];
  const quick: ClientOptions<Any> = { backoff: { firstMs: 0, baseMs: 1, maxMs: 1 } };

  afterEach(async () => {
    for (const each of open.splice(0)) await each[Symbol.asyncDispose]();
  });

  /** The events of a client in the words of the page, until it is up again or closed. */
  function watched(client: Client<Any>): { readonly told: string[]; next(word: string): Promise<void> } {
    const told: string[] = [];
    const waiting = new Map<string, () => void>();
    for (const name of names) {
      listen(client.connection, name, (first) => {
        const word = wordOf(name, first);
        told.push(word);
        waiting.get(word)?.();
      });
    }
    open.push({ [Symbol.asyncDispose]: () => client.close({ drainMs: 0 }) });
    return { told, next: (word) => new Promise((resolve) => void waiting.set(word, resolve)) };
  }

  /** One listener for events of different types. */
  function listen(connection: Connection, name: string, listener: (first: unknown) => void): void {
    (connection as unknown as { on(name: string, listener: (first: unknown) => void): void }).on(name, listener);
  }

  function wordOf(name: string, first: unknown): string {
    if (name === 'change') return `change ${String(first)}`;
    if (name === 'up') return `up (resumed: ${String((first as { resumed: boolean }).resumed)})`;
    if (name === 'down') return `down ${(first as { code: string }).code}`;
    return name;
  }

  async function serving(
    authenticate?: () => { id: string },
  ): Promise<{ server: Server<Any>; port: number; end: () => void }> {
    let end = (): void => {};
    const server = createServer<Any>({
      ...(authenticate === undefined ? {} : { authenticate }),
      start(session) {
        end = () => void session.close('enough');
      },
    });
    open.push({ [Symbol.asyncDispose]: () => server.close({ drainMs: 0 }) });
    const { port } = await server.listen(0);
    return { server, port, end: () => end() };
  }

  /** What the page says of one happening: its events without the part that it leaves out with an ellipsis. */
  function promised(happening: string): string[] {
    const cell = rowsOf('docs/lifecycle.md').find(([name = '']) => name.replaceAll('`', '') === happening)?.[1] ?? '';
    expect(cell, happening).not.toBe('');
    return cell.replaceAll('`', '').replace(/^… /, '').split(' · ');
  }

  it('has the events of a first connection, a cut and a close in their order', async () => {
    const { port } = await serving();
    let socket: Socket | undefined;
    const client = createClient<Any>({ createConnection: () => (socket = connect(port, '127.0.0.1')) }, quick);
    const { told, next } = watched(client);
    await next('up (resumed: false)');
    expect(told.splice(0)).toEqual(promised('first connection'));
    socket?.destroy();
    await next('up (resumed: true)');
    expect(told.splice(0)).toEqual(promised('the line is lost, the session goes on'));
    await client.close();
    expect(told).toEqual(promised('client.close() while up'));
  });

  it('has those of a server without memory', async () => {
    const first = await serving();
    const client = createClient<Any>(first.port, { ...quick, autoReconnect: false });
    const { told, next } = watched(client);
    await next('up (resumed: false)');
    client.disconnect();
    expect(told.splice(-2)).toEqual(promised('client.disconnect()'));
    await first.server.close({ drainMs: 0 });
    const second = createServer<Any>(() => {});
    open.push({ [Symbol.asyncDispose]: () => second.close({ drainMs: 0 }) });
    await second.listen(first.port);
    const up = next('up (resumed: false)');
    client.connect();
    await up;
    expect(told.slice(-4)).toEqual(promised('the server has no memory of the session'));
  });

  it('has those of refusals', async () => {
    let retry = true;
    const { port } = await serving(() => {
      throw Object.assign(new Error('not you'), { retry });
    });
    const later = watched(createClient<Any>(port, quick));
    await later.next('reconnect');
    expect(later.told.slice(1)).toEqual(promised('the server asks to come later'));
    retry = false;
    const never = watched(createClient<Any>(port, quick));
    await never.next('closed');
    expect(never.told.slice(1)).toEqual(promised('the credentials are refused'));
  });

  it('has those of an end by the server, and of a close before any connection', async () => {
    const { server, port, end } = await serving();
    const seen = new Promise<void>((resolve) => void server.on('up', () => resolve()));
    const client = createClient<Any>(port, quick);
    const { told, next } = watched(client);
    await next('up (resumed: false)');
    await seen;
    told.length = 0;
    const closed = next('closed');
    end();
    await closed;
    expect(told).toEqual(promised('the server ends the session'));

    const unused = createClient<Any>(port, { autoConnect: false });
    const quiet = watched(unused);
    await unused.close();
    expect(quiet.told).toEqual(promised('client.close() before any connection'));
  });

  it('has those of a stream given once', async () => {
    const [near, far] = duplexPair();
    const { server } = await serving();
    server.accept(far);
    const { told, next } = watched(createClient<Any>(near));
    await next('up (resumed: false)');
    told.length = 0;
    const closed = next('closed');
    near.destroy();
    await closed;
    expect(told).toEqual(
      promised('a stream given once has ended').map((word) => word.replace('closed stream-ended', 'closed')),
    );
  });
});
