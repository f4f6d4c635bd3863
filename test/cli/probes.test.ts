import { EventEmitter, once } from 'node:events';
import { type AddressInfo, type Server, createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { attempt, connectTo, handOver, listenAtPort, openFileLimit, sampleLoopDelay } from '../../src/cli/probes.ts';

async function listener(): Promise<{ server: Server; port: number }> {
  const server = createServer((socket) => socket.on('error', () => {}).resume()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, port: (server.address() as AddressInfo).port };
}

describe('a probe', () => {
  it('is over at its deadline, whatever it waits for', { timeout: 5_000 }, async () => {
    const work = async (signal: AbortSignal): Promise<void> =>
      void (await once(new EventEmitter(), 'never', { signal }));
    expect(await attempt(work, 5)).toEqual({
      type: 'failed',
      code: 'ETIMEDOUT',
      sentence: 'nothing came within 0.005 s',
    });
  });

  it('repeats what was said of each address that a name has', async () => {
    const errors = ['::1', '127.0.0.1'].map((host) => new Error(`connect ECONNREFUSED ${host}:5`));
    const work = (): Promise<void> =>
      Promise.reject(Object.assign(new AggregateError(errors), { code: 'ECONNREFUSED' }));
    expect(await attempt(work)).toEqual({
      type: 'failed',
      code: 'ECONNREFUSED',
      sentence: 'connect ECONNREFUSED ::1:5, connect ECONNREFUSED 127.0.0.1:5',
    });
  });

  it('tells a port that is taken from one that is free, and gives it back', async () => {
    const { server, port } = await listener();
    expect(await listenAtPort(port)).toMatchObject({ type: 'failed', code: 'EADDRINUSE' });
    server.close();
    await once(server, 'close');
    expect(await listenAtPort(port)).toMatchObject({ type: 'done' });
    expect(await listenAtPort(port)).toMatchObject({ type: 'done' });
  });

  it('opens a connection and closes it, or says that nobody took it', async () => {
    const { server, port } = await listener();
    const address = { host: '127.0.0.1', port };
    expect(await connectTo(address)).toMatchObject({ type: 'done' });
    server.close();
    await once(server, 'close');
    expect(await connectTo(address)).toMatchObject({ type: 'failed', code: 'ECONNREFUSED' });
  });

  it('moves a socket to another thread', async () => {
    expect(await handOver()).toMatchObject({ type: 'done', tookMs: expect.any(Number) });
  });

  it('knows how many files this process may open, where the system tells', () => {
    const limit = openFileLimit();
    if (process.platform === 'win32') expect(limit).toBeUndefined();
    else if (limit !== 'unlimited') expect(limit).toBeGreaterThan(16);
  });

  it('sees an event loop that is held up', async () => {
    const sampling = sampleLoopDelay();
    const held = Promise.withResolvers<void>();
    setImmediate(() => {
      const untilMs = performance.now() + 200;
      while (performance.now() < untilMs);
      held.resolve();
    });
    await held.promise;
    expect(await sampling).toBeGreaterThan(100);
  });
});
