// An inspector beside real servers and clients: what somebody who looks is told, with shards and without.
import { createClient, createServer } from 'homing';
import { type Inspector, openInspector } from 'homing/inspect';
import { describe, expect, it } from 'vitest';
import watched, { type Watched } from './inspector.behavior.ts';
import { type Frame, Looker } from './looker.ts';

interface Stage extends AsyncDisposable {
  readonly inspector: Inspector;
  readonly port: number;
  readonly clients: readonly ReturnType<typeof createClient<Watched>>[];
  readonly looker: Looker;
}

type States = Record<'accepting' | 'dialling', { readonly up: number }>;

const backoff = { firstMs: 1, baseMs: 5, maxMs: 20 };

/** A server, clients that are up, all of them inspected, and somebody who looks. */
async function open(shards: number, count: number, mayCut = true): Promise<Stage> {
  await using stack = new AsyncDisposableStack();
  const inspector = stack.use(await openInspector({ port: 0, mayCut, node: 'test' }));
  const server = stack.use(createServer(watched, { shards, inspect: inspector }));
  const { port } = await server.listen(0);
  const clients = Array.from({ length: count }, () => createClient<Watched>(port, { inspect: inspector, backoff }));
  for (const [index, client] of clients.entries()) {
    stack.defer(() => client.close({ drainMs: 0 }));
    await client.up();
    client.store.set('room', index % 2 === 0 ? 'even' : 'odd');
    await client.call('echo', 'x');
  }
  const looker = stack.use(await Looker.open(`${inspector.url}live`));
  const rest = stack.move();
  return { inspector, port, clients, looker, [Symbol.asyncDispose]: () => rest[Symbol.asyncDispose]() };
}

function shardsOf(frame: Frame): Record<string, unknown>[] {
  return frame['shards'] as Record<string, unknown>[];
}

describe.each([0, 2])('an inspector of a server with %i shards', (shards) => {
  it('says what it is, which machines there are, and counts connections by state', async () => {
    await using stage = await open(shards, 4);
    const hello = await stage.looker.frame(({ type }) => type === 'hello');
    expect(hello).toMatchObject({ node: 'test', mayCut: true, machines: { dialling: { initial: 'idle' } } });
    const sumOf = (frame: Frame, name: string): number =>
      shardsOf(frame).reduce((total, shard) => total + Number(shard[name]), 0);
    // Verdicts of the stores, and acks, may still be on their way.
    const isDone = (frame: Frame): boolean =>
      sumOf(frame, 'messagesOut') === 4 * 4 &&
      sumOf(frame, 'messagesIn') === 4 * 4 &&
      sumOf(frame, 'bytesIn') === sumOf(frame, 'bytesOut');
    const fleet = await stage.looker.frame((frame) => frame.type === 'fleet' && isDone(frame));
    const all = shardsOf(fleet);
    expect(all.map(({ place }) => place)).toEqual(shards === 0 ? ['0', 'clients'] : ['0', '1', 'clients']);
    const up = (machine: 'accepting' | 'dialling'): number =>
      all.reduce((sum, { states }) => sum + (states as States)[machine].up, 0);
    expect([up('accepting'), up('dialling')]).toEqual([4, 4]);
  });

  it('lists connections by state, by values of the store and by what is known of them', async () => {
    await using stage = await open(shards, 5);
    const { looker, clients } = stage;
    expect(await looker.list({ state: 'up' })).toMatchObject({ total: 10 });
    expect(await looker.list({ state: 'backoff' })).toMatchObject({ total: 0, rows: [] });
    const { total, rows } = await looker.list({ shard: 'clients', filter: { room: 'odd' } });
    expect(total).toBe(2);
    expect(new Set(rows.map(({ sessionId }) => sessionId))).toEqual(new Set([clients[1]?.id, clients[3]?.id]));
    expect(rows[0]).toMatchObject({ machine: 'dialling', state: 'up', store: { room: 'odd' }, epoch: 1, resumes: 0 });
    expect(await looker.list({ search: clients[0]?.id })).toMatchObject({ total: 2 });
    const few = await looker.list({ limit: 3 });
    expect([few.total, few.rows.length]).toEqual([10, 3]);
  });

  it('shows a session survive the cut that a viewer asks for, at both ends', async () => {
    await using stage = await open(shards, 2);
    const { looker, clients } = stage;
    const id = clients[0]?.id ?? '';
    looker.say({ type: 'watch', id });
    await looker.frame(({ type, session }) => type === 'detail' && (session as { id: string }).id === id);
    looker.say({ type: 'cut', id });
    const isBack = (event: Record<string, unknown>): boolean => event['what'] === 'up' && event['resumed'] === true;
    const events = await looker.events(id, (all) => {
      const states = all.filter(({ machine }) => machine === 'dialling').map(({ state }) => state);
      return all.some(isBack) && states.includes('backoff.waiting') && states.at(-1) === 'up';
    });
    const steps = events.filter(({ machine, type }) => machine === 'dialling' && type === 'step');
    const story = steps.map(({ state }) => String(state)).slice(-5);
    expect(story).toEqual(['backoff.planning', 'backoff.waiting', 'connecting', 'authenticating', 'up']);
    expect(steps.map(({ event }) => event)).toContain('after redial');
    expect(events.filter(({ type }) => type === 'end')).toHaveLength(1);
    expect(events).toContainEqual(expect.objectContaining({ type: 'session', what: 'down', code: 'line-lost' }));
    expect(clients[0]?.id).toBe(id);
    const cut = await looker.frame(
      (frame) => frame.type === 'fleet' && shardsOf(frame).some(({ resumes }) => resumes === 1),
    );
    expect(shardsOf(cut).some(({ cuts }) => cuts === 1)).toBe(true);
  });

  it('tells what the last events of a connection were before anybody watched', async () => {
    await using stage = await open(shards, 1);
    const { looker, clients } = stage;
    looker.say({ type: 'watch', id: 'clients/1' });
    const events = await looker.events('clients/1', (all) => all.some(({ type }) => type === 'actor'));
    expect(events.map(({ state }) => state)).toEqual(['idle', 'connecting', 'authenticating', 'up', 'up', 'up']);
    expect(events.map(({ event }) => event)).toEqual([
      'init',
      'CONNECT',
      'SOCKET_OPEN',
      'WELCOMED',
      'SESSION_ADVANCED',
      undefined,
    ]);
    clients[0]?.disconnect();
    await looker.events('clients/1', (all) => all.at(-1)?.['state'] === 'idle');
  });

  it('tells all that is kept of a connection once more to a viewer who asks again', async () => {
    await using stage = await open(shards, 1);
    const { looker } = stage;
    const ask = { type: 'watch', id: 'clients/1' };
    looker.say(ask);
    await looker.events('clients/1', (all) => all.some(({ type }) => type === 'actor'));
    looker.say({ type: 'cut', id: 'clients/1' });
    const told = await looker.events('clients/1', (all) => all.at(-1)?.['event'] === 'WELCOMED');
    looker.say(ask);
    const whole = await looker.frame(({ type, isWhole }) => type === 'watched' && isWhole === true);
    expect((whole['events'] as unknown[]).slice(0, told.length)).toEqual(told);
  });

  it('keeps showing a session that has no connection, and says when it is gone', async () => {
    await using stage = await open(shards, 1);
    const { looker, clients } = stage;
    const id = clients[0]?.id ?? '';
    clients[0]?.disconnect();
    looker.say({ type: 'watch', id });
    await looker.frame(
      ({ type, session }) => type === 'detail' && (session as { state?: string } | undefined)?.state === 'detached',
    );
    const { rows } = await looker.list({ state: 'detached' });
    expect(rows).toMatchObject([{ id: `s/${id}`, sessionId: id, state: 'detached', store: { room: 'even' } }]);
    looker.say({ type: 'watch', id: '0/4711' });
    await looker.frame((frame) => frame.type === 'gone' && frame['id'] === '0/4711');
  });
});

describe('who may not look, or not so', () => {
  it('cannot cut unless the inspector allows it', async () => {
    await using stage = await open(0, 1, false);
    const { looker, clients } = stage;
    looker.say({ type: 'cut', id: clients[0]?.id });
    const failed = await looker.frame(({ type }) => type === 'failed');
    expect(failed['message']).toMatch(/does not allow cutting/u);
    expect(clients[0]?.connection.state).toBe('up');
  });

  it('is told what was wrong with a request, and goes on', async () => {
    await using stage = await open(0, 1);
    const { looker } = stage;
    for (const request of [42, { type: 'dance', id: 'x' }, { type: 'watch' }, { type: 'list', ask: 9, limit: 'all' }])
      looker.say(request as object);
    await looker.frame(() => looker.frames.filter(({ type }) => type === 'failed').length === 4);
    expect(await looker.list({})).toMatchObject({ total: 2 });
  });

  it('is a page of another origin, or one that reached loopback under another name', async () => {
    await using inspector = await openInspector({ port: 0 });
    const { url, port } = inspector;
    await expect(Looker.open(`${url}live`, { origin: 'http://evil.example' })).rejects.toThrow('status 403');
    await expect(Looker.open(`${url}live`, { host: 'evil.example' })).rejects.toThrow('status 421');
    await expect(Looker.open(`${url}other`)).rejects.toThrow('status 404');
    await (await Looker.open(`${url}live`, { origin: `http://127.0.0.1:${port}` }))[Symbol.asyncDispose]();
    await (
      await Looker.open(`http://localhost:${port}/live`, { origin: `http://localhost:${port}` })
    )[Symbol.asyncDispose]();
  });

  it('does not know the token, which a browser keeps as a cookie', async () => {
    await using inspector = await openInspector({ port: 0, token: 'secret' });
    const { url } = inspector;
    await expect(Looker.open(`${url}live`)).rejects.toThrow('status 401');
    await expect(Looker.open(`${url}live?token=wrong`)).rejects.toThrow('status 401');
    await (await Looker.open(`${url}live?token=secret`))[Symbol.asyncDispose]();
    const first = await fetch(`${url}metrics?token=secret`, { redirect: 'manual' });
    expect([first.status, first.headers.get('location')]).toEqual([303, '/metrics']);
    const cookie = first.headers.get('set-cookie') ?? '';
    expect(cookie).toMatch(/HttpOnly; SameSite=Strict/u);
    const second = await fetch(`${url}metrics`, { headers: { cookie: cookie.split(';')[0] ?? '' } });
    expect(second.status).toBe(200);
    expect((await fetch(`${url}metrics`, { headers: { authorization: 'Bearer secret' } })).status).toBe(200);
    expect((await fetch(`${url}metrics`)).status).toBe(401);
  });

  it('sees what the redactor leaves', async () => {
    const redact = (value: unknown): unknown =>
      JSON.parse(JSON.stringify(value).replaceAll(/"room":"[^"]*"/gu, '"room":"…"')) as unknown;
    await using inspector = await openInspector({ port: 0, redact });
    await using server = createServer(watched, { shards: 0, inspect: inspector });
    const { port } = await server.listen(0);
    await using client = createClient<Watched>(port);
    await client.up();
    client.store.set('room', 'secret');
    await client.call('echo', 'x');
    await using looker = await Looker.open(`${inspector.url}live`);
    const { rows } = await looker.list({});
    expect(rows).toMatchObject([{ store: { room: '…' } }]);
    expect(await (await fetch(`${inspector.url}snapshot.json`)).text()).not.toMatch(/secret/u);
  });
});

describe('an inspector', () => {
  it('serves its page, the page for Stately, and nothing else; a browser keeps what has not changed', async () => {
    await using inspector = await openInspector({ port: 0 });
    const get = (path: string, headers: Record<string, string> = {}): Promise<Response> =>
      fetch(new URL(path, inspector.url), { headers });
    const page = await get('/');
    expect(await page.text()).toMatch(/^<!doctype html>/iu);
    expect(page.headers.get('content-security-policy')).toMatch(/^default-src 'none'; script-src 'self'/u);
    expect((await get('/', { 'if-none-match': page.headers.get('etag') ?? '' })).status).toBe(304);
    expect((await get('/elk.js')).headers.get('content-type')).toMatch(/javascript/u);
    const bridge = await get('/stately.html');
    expect(await bridge.text()).toContain('src="https://stately.ai/inspect"');
    expect(bridge.headers.get('content-security-policy')).toMatch(/frame-src https:\/\/stately\.ai$/u);
    for (const path of ['/stately.js', '/stately.css', '/metrics', '/snapshot.json'])
      expect((await get(path)).status, path).toBe(200);
    expect((await get('/nothing')).status).toBe(404);
    expect((await fetch(inspector.url, { method: 'POST' })).status).toBe(405);
  });

  it('of the server itself opens with the option and ends with the server', async () => {
    await using probe = await openInspector({ port: 0 });
    const { port: free } = probe;
    await probe.close();
    const server = createServer(watched, { shards: 0, inspect: { port: free } });
    await server.listen(0);
    const until = async (isThere: boolean): Promise<void> => {
      for (;;) {
        const found = await fetch(`http://127.0.0.1:${free}/metrics`).then(
          ({ status }) => status === 200,
          () => false,
        );
        if (found === isThere) return;
      }
    };
    await until(true);
    await server.close();
    await until(false);
  });

  it('that cannot be opened is told as an error of the server, which goes on', async () => {
    await using taken = await openInspector({ port: 0 });
    await using server = createServer(watched, { shards: 0, inspect: { port: taken.port } });
    const failed = new Promise<string>((resolve) => {
      server.on('error', ({ code }) => resolve(code));
    });
    expect(await failed).toBe('AddressInUse');
    const { port } = await server.listen(0);
    await using client = createClient<Watched>(port);
    expect(await client.call('echo', 'x')).toBe('x');
  });

  it('beyond this machine is refused without a token', async () => {
    await expect(openInspector({ port: 0, host: '0.0.0.0' })).rejects.toMatchObject({ code: 'BadOption' });
    await expect(openInspector({ port: 70_000 })).rejects.toMatchObject({ code: 'BadOption' });
  });
});
