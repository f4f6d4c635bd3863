// What bugs of one line in the life of connections could still change without any other test noticing.
import { createClient } from 'homing';
import { describe, expect, it } from 'vitest';
import { sessionId } from '../../src/ids.ts';
import { Graveyard } from '../../src/session/registry.ts';
import { encodeRefused } from '../../src/wire/control.ts';
import { FrameType, readU64 } from '../../src/wire/frame.ts';
import { Stage } from '../property/stage.ts';
import { Peer, PeerServer } from '../loopback/peer.ts';
import {
  Gate,
  type Loose,
  Tally,
  loopback,
  nextAt,
  nextInfo,
  nextOf,
  serverDiaryOf,
  until,
} from '../loopback/world.ts';

const known = { id: 's-1', secret: new Uint8Array(32).fill(7), epoch: 1 };

describe('a session that was taken over', () => {
  it('tells its end to the newer connection, which the loss of the older one has not touched', async () => {
    await using world = await loopback();
    const first = await Peer.dial(world.port);
    const mine = await first.open();
    await until(() => world.sessions.length === 1, 'a session');
    const second = await Peer.dial(world.port);
    second.resume(mine, { dialNumber: 2 });
    expect(await second.answer()).toMatchObject({ type: 'welcome' });
    second.ack(0);
    await first.closed;
    await world.sessions[0]?.close('over');
    expect(await second.farewell()).toMatchObject({ code: 'ended', reason: 'over' });
  });
});

describe('a session whose connection is lost while another one is being judged', () => {
  it('does not expire before the verdict', async () => {
    const asked = new Tally();
    const gate = new Gate();
    const authenticate = async (): Promise<{ id: string }> => {
      asked.count();
      if (asked.value > 2) await gate.passed;
      return { id: 'ada' };
    };
    await using world = await loopback({ authenticate }, { lingerMs: 40 });
    const first = await Peer.dial(world.port);
    const mine = await first.open();
    const other = await Peer.dial(world.port);
    const theirs = await other.open();
    await until(() => world.sessions.length === 2, 'both sessions');
    const second = await Peer.dial(world.port);
    second.resume(mine, { dialNumber: 2 });
    await asked.reached(3);
    first.socket.destroy();
    await nextAt(world.server, 'down');
    // The other one lingers from now on: it would end later than the one that is being judged.
    other.socket.destroy();
    expect((await nextAt(world.server, 'end'))[0].id).toBe(theirs.id);
    gate.open();
    expect(await second.answer()).toMatchObject({ welcome: { session: { type: 'resumed' } } });
    second.socket.destroy();
  });
});

describe('a session that is closed', () => {
  it('says before its goodbye what was processed, though no ack was due yet', async () => {
    let heardCount = 0;
    await using world = await loopback((session) => void session.on('say', () => void (heardCount += 1)));
    const peer = await Peer.dial(world.port);
    await peer.open();
    peer.event(1, ['say']);
    await until(() => heardCount === 1, 'the message to be handled');
    void world.sessions[0]?.close('over');
    const ack = await peer.nextOf(FrameType.ACK);
    expect(ack).toBeDefined();
    expect(readU64(ack?.body ?? new Uint8Array(16), 8)).toBe(1);
    expect(await peer.farewell()).toMatchObject({ code: 'ended' });
  });
});

describe('a client that answers WELCOME with a goodbye', () => {
  it('was never there', async () => {
    await using world = await loopback();
    const told = serverDiaryOf(world.server);
    const peer = await Peer.dial(world.port);
    peer.hello();
    expect(await peer.answer()).toMatchObject({ type: 'welcome' });
    peer.close('disconnected');
    await until(() => world.server.counts.connections === 0, 'the connection to be gone');
    expect(world.sessions).toEqual([]);
    expect(told).toEqual([]);
  });
});

describe('a session that nobody has seen yet', () => {
  it('is not thrown out for room while it has a connection', async () => {
    await using world = await loopback({}, { limits: { sessions: 1 } });
    const first = await Peer.dial(world.port);
    first.hello();
    expect(await first.answer()).toMatchObject({ type: 'welcome' });
    const second = await Peer.dial(world.port);
    second.hello();
    expect(await second.answer()).toMatchObject({ refused: { code: 'overloaded' } });
    first.ack(0);
    await until(() => world.sessions.length === 1, 'the first session to be seen');
    first.socket.destroy();
  });
});

describe('a client that comes to a draining server', () => {
  it('is told that the server is going away', async () => {
    const gate = new Gate();
    const started = new Gate();
    await using world = await loopback((session) => {
      session.on('say', () => {
        started.open();
        return gate.passed;
      });
    });
    const first = await Peer.dial(world.port);
    await first.open();
    first.event(1, ['say']);
    await started.passed;
    const closing = world.server.close({ drainMs: 30_000 });
    const late = await Peer.dial(world.port);
    late.hello();
    expect(await late.answer()).toMatchObject({ refused: { code: 'going-away' } });
    gate.open();
    await world.server.close({ drainMs: 0 });
    await closing;
  });
});

describe('a client', () => {
  it('keeps no timer of a connection that is gone, not even until it would have rung', async () => {
    const stage = new Stage({ client: { autoReconnect: false } });
    await stage.up();
    expect(stage.node.host.timerCount).toBeGreaterThan(0);
    const closed = stage.fate(stage.client.close({ drainMs: 0 }));
    await stage.world.run(20);
    expect(closed.word).toBe('resolved');
    expect(stage.node.host.timerCount).toBe(0);
  });

  it('does not count by a final cursor whose proof is a wrong one', async () => {
    await using server = await PeerServer.open();
    const client = createClient<Loose>(server.port, { backoff: { firstMs: 1 } });
    const peer = await server.next();
    await peer.greeting();
    peer.welcomeNew(known);
    await client.up();
    client.send('say', 1);
    await peer.nextOf(FrameType.ORDERED);
    const closed = nextInfo(client.connection, 'closed');
    peer.socket.destroy();
    const second = await server.next();
    await second.greeting();
    const refused = { code: 'ended', reason: 'so it says', retryAfterMs: 0, finalCursor: 1 } as const;
    second.control(
      FrameType.REFUSED,
      encodeRefused(refused, () => new Uint8Array(32)),
    );
    expect(await closed).toMatchObject({ code: 'ended', unconfirmed: 1 });
  });

  it('waits longer each time for a server that acknowledges something and then breaks the connection', async () => {
    await using server = await PeerServer.open();
    const client = createClient<Loose>(server.port, { backoff: { firstMs: 1, baseMs: 1, maxMs: 1 } });
    const attempts: number[] = [];
    client.connection.on('reconnect', ({ attempt }) => void attempts.push(attempt));
    for (let dial = 1; dial <= 3; dial += 1) {
      const peer = await server.next();
      const { body } = await peer.greeting();
      const planned = nextOf(client.connection, 'reconnect');
      if (dial === 1) peer.welcomeNew(known);
      else peer.welcomeBack(known.secret, body);
      peer.ack(0);
      peer.control(FrameType.WELCOME, new Uint8Array(4));
      await planned;
    }
    expect(attempts).toEqual([1, 2, 3]);
    await client.close({ drainMs: 0 });
  });
});

describe('tombstones', () => {
  it('are bounded in number and in time: the oldest makes room', () => {
    const graves = new Graveyard(2);
    for (const name of ['one', 'two', 'three']) {
      graves.bury({
        id: sessionId(name),
        secret: new Uint8Array(32),
        epoch: 1,
        code: 'ended',
        reason: '',
        finalCursor: 0,
        diesAtMs: 1_000,
      });
    }
    expect(graves.size).toBe(2);
    expect(graves.find(sessionId('one'), 0)).toBeUndefined();
    expect(graves.find(sessionId('three'), 999)).toMatchObject({ id: 'three' });
    expect(graves.find(sessionId('three'), 1_000)).toBeUndefined();
  });
});
