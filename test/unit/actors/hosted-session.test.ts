import { describe, expect, test } from 'vitest';
import { FrameType } from '../../../src/wire/frame.ts';
import { Peer, PeerServer, cborOf } from '../../loopback/peer.ts';
import { Gate, Tally, loopback, nextAt, nextInfo, nextTick, serverDiaryOf, until } from '../../loopback/world.ts';

describe('the newest connection', () => {
  test('takes the session at once; the older one is told that it was replaced (contract 8)', async () => {
    const heard: unknown[] = [];
    await using world = await loopback((session) => void session.on('say', (text) => void heard.push(text)));
    const told = serverDiaryOf(world.server);
    const first = await Peer.dial(world.port);
    const known = await first.open();
    await until(() => world.sessions.length === 1, 'a session');
    const second = await Peer.dial(world.port);
    second.resume(known, { dialNumber: 2 });
    expect(await second.answer()).toMatchObject({ welcome: { session: { type: 'resumed' } } });
    expect(await first.farewell()).toMatchObject({ code: 'replaced' });
    first.event(1, ['say', 'from the older one']);
    await first.closed;
    second.ack(0);
    second.event(1, ['say', 'from the newer one']);
    await until(() => heard.length === 1, 'a message');
    expect(heard).toEqual(['from the newer one']);
    expect(told.map(([name, , detail]) => [name, detail])).toEqual([
      ['session', undefined],
      ['up', { resumed: false }],
      ['down', { code: 'replaced' }],
      ['up', { resumed: true }],
    ]);
    expect(world.server.counts).toMatchObject({ sessions: 1, connections: 1 });
    second.socket.destroy();
  });

  test('takes it from a client of ours, for which that is the end, with counts', async () => {
    const gate = new Gate();
    await using world = await loopback((session) => void session.on('say', () => gate.passed));
    await using middle = await PeerServer.open();
    // A server by hand, so that the test knows the secret that the client was given.
    const client = world.client({}, middle.port);
    const line = await middle.next();
    await line.greeting();
    line.welcomeNew({ id: 's', secret: new Uint8Array(32), epoch: 1 });
    await client.up();
    client.send('say', 1);
    await line.nextOf(FrameType.ORDERED);
    const closed = nextInfo(client.connection, 'closed');
    line.close('replaced', 'a newer one');
    expect(await closed).toEqual({ code: 'replaced', reason: 'a newer one', unconfirmed: 1, carried: 0 });
    gate.open();
  });

  test('is the one with the highest dial number, not the one that came last', async () => {
    await using world = await loopback();
    const first = await Peer.dial(world.port);
    const known = await first.open({ dialNumber: 5 });
    for (const dialNumber of [5, 4, 1]) {
      const stale = await Peer.dial(world.port);
      stale.resume(known, { dialNumber });
      expect(await stale.answer()).toMatchObject({ refused: { code: 'replaced' } });
      await stale.closed;
    }
    expect(world.server.counts.failedProofs).toBe(0);
    const next = await Peer.dial(world.port);
    next.resume(known, { dialNumber: 6 });
    expect(await next.answer()).toMatchObject({ type: 'welcome' });
    next.socket.destroy();
    first.socket.destroy();
  });

  test('is found at the moment of attach: of two in the hook at once the higher wins', async () => {
    const gates = new Map([
      ['slow', new Gate()],
      ['quick', new Gate()],
    ]);
    const asked = new Tally();
    await using world = await loopback({
      authenticate: async (credentials) => {
        asked.count();
        await gates.get(String(credentials))?.passed;
        return { id: 'ada' };
      },
    });
    const first = await Peer.dial(world.port);
    const known = await first.open();
    const slow = await Peer.dial(world.port);
    slow.resume(known, { dialNumber: 2, credentials: cborOf('slow') });
    await asked.reached(2);
    const quick = await Peer.dial(world.port);
    quick.resume(known, { dialNumber: 3, credentials: cborOf('quick') });
    await asked.reached(3);
    gates.get('quick')?.open();
    expect(await quick.answer()).toMatchObject({ type: 'welcome' });
    gates.get('slow')?.open();
    expect(await slow.answer()).toMatchObject({ refused: { code: 'replaced' } });
    expect(world.server.counts.sessions).toBe(1);
    quick.socket.destroy();
    first.socket.destroy();
  });

  test('needs a good proof: replayed bytes of an older HELLO are refused', async () => {
    await using world = await loopback();
    const first = await Peer.dial(world.port);
    const known = await first.open();
    const second = await Peer.dial(world.port);
    const hello = second.resume(known, { dialNumber: 2 });
    expect(await second.answer()).toMatchObject({ type: 'welcome' });
    const thief = await Peer.dial(world.port);
    thief.control(FrameType.HELLO, hello);
    expect(await thief.answer()).toMatchObject({ refused: { code: 'replaced' } });
    expect(world.server.counts).toMatchObject({ sessions: 1, failedProofs: 0 });
    const changed = hello.slice();
    changed[hello.length - 1] = (changed[hello.length - 1] ?? 0) ^ 1;
    const forger = await Peer.dial(world.port);
    forger.control(FrameType.HELLO, changed);
    expect(await forger.answer()).toMatchObject({ refused: { code: 'proof-failed' } });
    expect(world.server.counts).toMatchObject({ sessions: 1, failedProofs: 1 });
    for (const peer of [first, second]) peer.socket.destroy();
  });
});

describe('linger', () => {
  test('ends a session nobody comes back to; the client goes on with a new one (U39)', async () => {
    const heard: unknown[] = [];
    await using world = await loopback((session) => void session.on('say', (text) => void heard.push(text)), {
      // The grave lasts as long, and on a busy machine the client needs a while to come back to it.
      lingerMs: 300,
    });
    const told = serverDiaryOf(world.server);
    const { client } = await world.pair();
    await client.deliver('say', 'processed');
    world.sessions[0]?.send('said', 'never read');
    client.disconnect();
    const [info, detail] = await nextAt(world.server, 'end');
    expect(detail).toMatchObject({ code: 'expired' });
    expect(world.server.counts).toMatchObject({ sessions: 0, graves: 1 });
    client.send('say', 'carried');
    const gap = nextInfo(client.connection, 'gap');
    client.connect();
    expect(await gap).toMatchObject({ reason: 'expired', oldId: info.id, epoch: 2, unconfirmed: 0, carried: 1 });
    await client.flush();
    expect(heard).toEqual(['processed', 'carried']);
    expect(told.filter(([name]) => name === 'session')).toHaveLength(2);
  });

  test('is the smaller wish of the two ends; 0 ends the session with its connection', async () => {
    await using world = await loopback({}, { lingerMs: 60_000 });
    const { client } = await world.pair({ lingerMs: 0 });
    const end = nextAt(world.server, 'end');
    client.disconnect();
    expect((await end)[1]).toMatchObject({ code: 'expired' });
  });

  test('stands still while a good HELLO is judged, and goes on when it was refused', async () => {
    const asked = new Tally();
    const gate = new Gate();
    await using world = await loopback(
      {
        authenticate: async () => {
          asked.count();
          if (asked.value <= 2) return { id: 'ada' };
          await gate.passed;
          throw new Error('not now');
        },
      },
      { lingerMs: 40 },
    );
    const told = serverDiaryOf(world.server);
    const first = await Peer.dial(world.port);
    const known = await first.open();
    const other = await Peer.dial(world.port);
    await other.open();
    await until(() => told.filter(([name]) => name === 'up').length === 2, 'both to be up');
    first.socket.destroy();
    await nextAt(world.server, 'down');
    const second = await Peer.dial(world.port);
    second.resume(known, { dialNumber: 2 });
    await asked.reached(3);
    // The other session lingers from now on, so that its end is later than that of the first would have been.
    other.socket.destroy();
    await nextAt(world.server, 'end');
    expect(told.filter(([name]) => name === 'end')).toHaveLength(1);
    expect(world.server.counts.sessions).toBe(1);
    const end = nextAt(world.server, 'end');
    gate.open();
    expect(await second.answer()).toMatchObject({ refused: { code: 'refused' } });
    expect((await end)[1]).toMatchObject({ code: 'expired' });
  });
});

describe('a tombstone', () => {
  test('says ended to who comes back with a good proof, and nothing to others', async () => {
    await using world = await loopback((session) => void session.on('say', () => {}));
    const first = await Peer.dial(world.port);
    const known = await first.open();
    first.event(1, ['say']);
    first.event(2, ['say']);
    await until(() => world.sessions.length === 1, 'a session');
    await first.nextOf(FrameType.ACK);
    await world.sessions[0]?.close('over');
    await first.closed;
    const second = await Peer.dial(world.port);
    second.resume(known, { dialNumber: 2 });
    expect(await second.answer()).toMatchObject({ refused: { code: 'ended', reason: 'over', finalCursor: 2 } });
    const stranger = await Peer.dial(world.port);
    stranger.resume({ ...known, secret: new Uint8Array(32) }, { dialNumber: 3 });
    const answer = await stranger.answer();
    expect(answer).toMatchObject({ refused: { code: 'proof-failed', finalCursor: undefined } });
    expect(JSON.stringify(answer)).not.toContain('over');
    await nextTick();
    expect(world.server.counts).toMatchObject({ sessions: 0, graves: 1, failedProofs: 1 });
  });

  test('has the cursor of the handler that ended after the session', async () => {
    const gate = new Gate();
    const started = new Gate();
    await using world = await loopback((session) => {
      session.on('say', async () => {
        started.open();
        await gate.passed;
      });
    });
    const first = await Peer.dial(world.port);
    const known = await first.open();
    first.event(1, ['say']);
    await started.passed;
    await world.sessions[0]?.close();
    gate.open();
    await nextTick();
    const second = await Peer.dial(world.port);
    second.resume(known, { dialNumber: 2 });
    expect(await second.answer()).toMatchObject({ refused: { code: 'ended', finalCursor: 1 } });
  });

  test('is gone after one linger: a new session, and the gap is told', async () => {
    await using world = await loopback({}, { lingerMs: 20 });
    const first = await Peer.dial(world.port);
    const known = await first.open();
    await until(() => world.sessions.length === 1, 'a session');
    await world.sessions[0]?.close();
    // The linger of another session begins later than the burial of this one, and is as long.
    const other = await Peer.dial(world.port);
    await other.open();
    await until(() => world.sessions.length === 2, 'another session');
    other.socket.destroy();
    await nextAt(world.server, 'end');
    const second = await Peer.dial(world.port);
    second.resume(known, { dialNumber: 2 });
    const session = { type: 'new', epoch: 2, loss: 'history-lost', finalCursor: undefined };
    expect(await second.answer()).toMatchObject({ welcome: { session } });
    second.socket.destroy();
  });
});
