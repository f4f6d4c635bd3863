// Outgoing sessions of a server without threads: the same behavior at the dialling end, from the first dial to the drain.
import { duplexPair } from 'node:stream';
import { createClient, createServer } from 'homing';
import { describe, expect, it } from 'vitest';
import { type Loose, type LooseSession, failureOf, loopback, namesOf, serverDiaryOf, until } from './world.ts';

/** A server without listeners whose behavior keeps its sessions; ended with the test. */
function fleetOf(start: (session: LooseSession) => unknown = () => {}, limits = {}) {
  const sessions: LooseSession[] = [];
  const fleet = createServer<Loose>(
    (session) => {
      sessions.push(session);
      return start(session);
    },
    { backoff: { firstMs: 1, baseMs: 1, maxMs: 5 }, limits },
  );
  return { fleet, sessions, told: serverDiaryOf(fleet) };
}

describe('a session that a server dials', () => {
  it('runs the behavior of the dialling server, and is one of its sessions', async () => {
    const heard: unknown[] = [];
    await using world = await loopback({ start: (session) => session.on('word', (...args) => heard.push(...args)) });
    const { fleet, sessions, told } = fleetOf((session) => session.send('word', 'from the fleet'));
    await using _ = fleet;
    const info = await fleet.dial(world.port);
    expect(info).toMatchObject({ dialled: true, shard: 0, epoch: 1, id: sessions[0]?.id });
    expect(fleet.counts).toMatchObject({ sessions: 1, connections: 0 });
    await sessions[0]?.flush();
    expect(heard).toEqual(['from the fleet']);
    expect(namesOf(told)).toEqual(['session', 'up']);
    await fleet.close();
    expect(namesOf(told)).toEqual(['session', 'up', 'down', 'end']);
    expect(told.at(-1)?.[2]).toEqual({ code: 'closed', unconfirmed: 0, carried: 0 });
  });

  it('shows its credentials, asked anew for each connection, and is refused for good with the code', async () => {
    let asked = 0;
    await using world = await loopback({
      authenticate: (credentials) => {
        if (credentials !== 'let me in') throw new Error('not you');
        return { id: 'somebody' };
      },
    });
    const { fleet } = fleetOf();
    await using _ = fleet;
    const refused = await failureOf(fleet.dial(world.port, { credentials: 'open' }));
    expect(refused).toMatchObject({ code: 'refused', message: 'the dialled session has ended: not you' });
    const credentials = (): string => {
      asked += 1;
      return 'let me in';
    };
    await fleet.dial(world.port, { credentials });
    expect([asked, fleet.counts.sessions]).toEqual([1, 1]);
  });

  it('is ended by its signal, before it is up and after', async () => {
    await using world = await loopback({});
    const { fleet, told } = fleetOf();
    await using _ = fleet;
    const early = await failureOf(fleet.dial(world.port, { signal: AbortSignal.abort() }));
    expect(early.code).toBe('closed');
    const stop = new AbortController();
    await fleet.dial(world.port, { signal: stop.signal });
    stop.abort();
    expect(namesOf(told)).toEqual(['session', 'up', 'down', 'end']);
    expect(fleet.counts.sessions).toBe(0);
  });

  it('goes on with a new id after a gap, as the same session of the behavior', async () => {
    await using world = await loopback({});
    const { fleet, sessions, told } = fleetOf();
    await using _ = fleet;
    const info = await fleet.dial(world.port);
    await until(() => world.sessions.length === 1, 'a session at the other end');
    sessions[0]?.connection.on('gap', (report) => report.discard());
    await world.server.close({ drainMs: 0 });
    await using next = createServer<Loose>(() => {});
    await next.listen(world.port);
    await until(() => namesOf(told).includes('gap'), 'a gap');
    await until(() => namesOf(told).filter((name) => name === 'up').length === 2, 'the next connection');
    const [, fresh] = told.find(([name]) => name === 'gap') ?? [];
    expect(fresh).toMatchObject({ dialled: true, epoch: 2, id: sessions[0]?.id });
    expect(sessions).toHaveLength(1);
    expect((fresh as { id: string }).id).not.toBe(info.id);
  });

  it('counts among the sessions of its server, whose bound refuses one more', async () => {
    await using world = await loopback({});
    const { fleet } = fleetOf(() => {}, { sessions: 1 });
    await using _ = fleet;
    await fleet.dial(world.port);
    expect(await failureOf(fleet.dial(world.port))).toMatchObject({ code: 'overloaded', retry: true });
    expect(fleet.counts.sessions).toBe(1);
  });

  it('ends when the behavior fails to start', async () => {
    await using world = await loopback({});
    const { fleet, told } = fleetOf(() => {
      throw new Error('cannot start');
    });
    await using _ = fleet;
    expect(await failureOf(fleet.dial(world.port))).toMatchObject({ code: 'closed' });
    expect(namesOf(told)).toEqual(['error', 'session', 'end']);
  });

  it('ends at once in a drain when it is down and owes nothing', async () => {
    await using world = await loopback({});
    const { fleet, sessions, told } = fleetOf();
    await fleet.dial(world.port);
    await sessions[0]?.flush();
    await world.server.close({ drainMs: 0 });
    await until(() => namesOf(told).includes('down'), 'the line to be lost');
    await fleet.close({ drainMs: 1_000_000 });
    expect(told.at(-1)).toMatchObject(['end', {}, { code: 'closed', unconfirmed: 0 }]);
  });

  it('drains with its peer: nothing that either end has sent is left', async () => {
    let said = 0;
    let heard = 0;
    await using world = await loopback({
      start: (session) => {
        const talking = setInterval(() => {
          for (let i = 0; i < 20; i++, said++) session.send('tick', i);
        }, 1);
        session.connection.on('down', () => clearInterval(talking));
      },
    });
    const ends: unknown[] = [];
    world.server.on('end', (_info, detail) => ends.push(detail));
    const { fleet } = fleetOf((session) => session.on('tick', () => void (heard += 1)));
    await fleet.dial(world.port);
    await until(() => heard > 200, 'ticks');
    await fleet.close({ drainMs: 10_000 });
    await until(() => ends.length === 1, 'the end at the other side');
    expect(ends).toEqual([{ code: 'closed', unconfirmed: 0, carried: said - heard }]);
  });
});

describe('a server that drains', () => {
  it('still takes streams, so that clients of such can finish, and none when it is closed', async () => {
    let release = (): void => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    const server = createServer<Loose>((session) => session.on('work', () => held));
    const stream = () => {
      const [near, far] = duplexPair();
      server.accept(far);
      return near;
    };
    const client = createClient<Loose>({ createConnection: stream }, { backoff: { firstMs: 1, baseMs: 1 } });
    await client.up();
    client.send('work');
    await client
      .with({ timeoutMs: 1 })
      .flush()
      .catch(() => {});
    const closing = server.close({ drainMs: 10_000 });
    client.reconnect();
    await client.up();
    release();
    await closing;
    const [, late] = duplexPair();
    expect(() => server.accept(late)).toThrow(expect.objectContaining({ code: 'Closed' }));
    await client.close({ drainMs: 0 });
  });
});
