// The behavior cases of an event emitter between servers (U), each by its id, against the public handles. What a case
// says with delays happens on virtual time; what is about sockets, on real ones.
import { type Socket, connect } from 'node:net';
import type { Peer as Caller } from 'homing';
import { describe, expect, test } from 'vitest';
import { Authority } from '../../src/testing/certificates.ts';
import { Peer } from '../loopback/peer.ts';
import { exitOf } from '../loopback/program.ts';
import {
  Gate,
  Loopback,
  type LooseSession,
  Warnings,
  diaryOf,
  failureOf,
  loopback,
  namesOf,
  nextInfo,
  nextOf,
  serverDiaryOf,
  thrownBy,
  until,
} from '../loopback/world.ts';
import { Stage } from '../property/stage.ts';
import { OwnListener } from './own-listener.ts';

const count = (length: number): number[] => Array.from({ length }, (_, index) => index);

describe('two connected ends', () => {
  test('U1: a client that connects to a listening server is told that it is up, once', async () => {
    await using world = await loopback();
    const client = world.client();
    const told = diaryOf(client.connection);
    expect(await nextOf(client.connection, 'up')).toEqual([{ resumed: false }]);
    await until(() => world.sessions.length === 1, 'a session');
    expect([world.sessions[0]?.id, namesOf(told).filter((name) => name === 'up')]).toEqual([client.id, ['up']]);
  });

  test('U2: an event that the server sends runs the handler of the client', async () => {
    await using world = await loopback();
    const { client, session } = await world.pair();
    const heard: unknown[] = [];
    client.on('said', (...args) => void heard.push(args));
    session.send('said', 'hello', 5, { deep: [true] });
    await session.flush();
    expect(heard).toEqual([['hello', 5, { deep: [true] }]]);
  });

  test('U3: an event that the client sends runs the handler of the server', async () => {
    const heard: unknown[] = [];
    await using world = await loopback((session) => void session.on('say', (...args) => void heard.push(args)));
    const { client } = await world.pair();
    client.send('say', 'hello', 5, { deep: [true] });
    await client.flush();
    expect(heard).toEqual([['hello', 5, { deep: [true] }]]);
  });

  test('U4: a socket that the server destroys is told to the client as down', async () => {
    await using world = new Loopback({}, {});
    await using listener = await OwnListener.for(world.server);
    const { client } = await world.pair({ autoReconnect: false }, listener.port);
    const told = diaryOf(client.connection);
    const down = nextOf(client.connection, 'down');
    listener.drop();
    expect(await down).toEqual([{ code: 'line-lost' }]);
    expect([namesOf(told), client.connection.state]).toEqual([['up→idle', 'down'], 'idle']);
  });

  test('U5: an error of the socket is told as the cause of the redial, and nothing crashes or warns', async () => {
    using warnings = new Warnings();
    await using world = await loopback();
    const sockets: Socket[] = [];
    const createConnection = (): Socket => {
      const socket = connect({ port: world.port, host: '127.0.0.1' });
      sockets.push(socket);
      return socket;
    };
    const { client } = await world.pair({}, { createConnection });
    const cut = new Error('somebody tripped over the cable');
    const redial = nextInfo<{ cause: Error }>(client.connection, 'reconnect');
    const back = nextOf(client.connection, 'up');
    sockets[0]?.destroy(cut);
    expect((await redial).cause).toBe(cut);
    expect(await back).toEqual([{ resumed: true }]);
    expect([sockets.length, warnings.list]).toEqual([2, []]);
  });

  test('U6: a stray byte between frames costs that peer its link with a typed code, and nobody else anything', async () => {
    const heard: unknown[] = [];
    await using world = await loopback((session) => void session.on('say', (text) => void heard.push(text)));
    const { client } = await world.pair();
    const told = serverDiaryOf(world.server);
    const peer = await Peer.dial(world.port);
    await peer.open();
    peer.event(1, ['say', 'before']);
    peer.write(Uint8Array.of(0x2a));
    peer.event(2, ['say', 'after']);
    const code = expect.stringMatching(/^(?:bad|unknown|unexpected)-frame$|^frame-too-large$/);
    expect(await peer.farewell()).toMatchObject({ code });
    await peer.closed;
    await until(() => namesOf(told).includes('down'), 'the link to be lost');
    expect(told.find(([name]) => name === 'down')).toMatchObject(['down', {}, { code }]);
    await client.deliver('say', 'alive');
    expect([heard, client.connection.state]).toEqual([['before', 'alive'], 'up']);
  });

  test('U8: over TLS at both ends, what a client sends straight after its creation arrives', async () => {
    const heard: unknown[] = [];
    const peers: Caller[] = [];
    const authority = new Authority('Own');
    const ca = authority.cert;
    const tls = { ...authority.issue({ name: 'server', addresses: ['127.0.0.1'] }), ca, requestCert: true };
    await using world = new Loopback(
      {
        authenticate: (_, peer) => {
          peers.push(peer);
          return { id: 'somebody' };
        },
        start: (session) => void session.on('say', (text) => void heard.push(text)),
      },
      { tls },
    );
    const { port } = await world.server.listen(0);
    const client = world.client({ tls: { ...authority.issue({ name: 'ann' }), ca } }, port);
    client.send('say', 'at once');
    await client.flush();
    expect(heard).toEqual(['at once']);
    expect(peers).toMatchObject([{ certificate: { subject: { CN: 'ann' } } }]);
  });

  test('U9: who sends with deliver is told when the peer has handled it, not when it has arrived', async () => {
    const gate = new Gate();
    let isStarted = false;
    const stage = new Stage({
      atServer: (session) => {
        session.on('work', () => {
          isStarted = true;
          return gate.passed;
        });
      },
    });
    await stage.up();
    const told = stage.fate(stage.client.deliver('work'));
    await stage.world.run(20_000);
    expect([isStarted, told.word]).toEqual([true, 'open']);
    gate.open();
    await stage.world.run(100);
    expect(told.word).toBe('resolved');
  });

  test('U14: a key that the server sets can be read at the client, also when the link is gone', async () => {
    const stage = new Stage({ client: { autoReconnect: false } });
    await stage.up();
    stage.session.store.set('who', { name: 'ann' });
    await stage.world.run(100);
    stage.node.path.cutAfter('client', 0);
    await stage.state('idle');
    expect(stage.client.store.get('who')).toEqual({ name: 'ann' });
    await stage.world.run(60_000);
    expect([stage.client.store.get('who'), stage.client.connection.state]).toEqual([{ name: 'ann' }, 'idle']);
  });

  test('U15: a key that the client sets is read by the server in its change event, whose maker is the peer', async () => {
    const heard: unknown[] = [];
    await using world = await loopback((session) => {
      session.store.on('change', (key, value, by) => void heard.push([key, value, by, session.store.get(key)]));
    });
    const { client } = await world.pair();
    client.store.set('who', { name: 'ann' });
    client.store.set('who', undefined);
    await client.flush();
    expect(heard).toEqual([
      ['who', { name: 'ann' }, 'peer', { name: 'ann' }],
      ['who', undefined, 'peer', undefined],
    ]);
  });

  test('U16: a session that the server ends is told to its client, and its id is of no use any more', async () => {
    await using world = await loopback();
    const { client, session } = await world.pair();
    const { id } = client;
    const closed = nextInfo(client.connection, 'closed');
    await session.close('go away');
    expect(await closed).toEqual({ code: 'ended', reason: 'go away', unconfirmed: 0, carried: 0 });
    expect(thrownBy(() => client.send('say'))).toMatchObject({ code: 'Closed' });
    expect([client.connection.state, world.server.counts.sessions]).toEqual(['closed', 0]);
    const { client: next } = await world.pair();
    expect(next.id).not.toBe(id);
  });
});

describe('a client whose line is lost', () => {
  test('U10: asks its factory once for each link, and every socket of an unreferenced client is unreferenced', async () => {
    await using world = new Loopback({}, {});
    await using listener = await OwnListener.for(world.server);
    const unreferenced: number[] = [];
    const createConnection = (): Socket => {
      const link = unreferenced.push(0) - 1;
      const socket = connect({ port: listener.port, host: '127.0.0.1' });
      const unref = socket.unref.bind(socket);
      socket.unref = () => {
        unreferenced[link] = (unreferenced[link] ?? 0) + 1;
        return unref();
      };
      return socket;
    };
    const client = world.client({}, { createConnection }).unref();
    for (let link = 0; link < 3; link += 1) {
      const up = nextOf(client.connection, 'up');
      listener.drop();
      await up;
    }
    expect(unreferenced).toEqual([1, 1, 1]);
  });

  test('U11: comes back however often the server destroys the socket at its ping, and each ping is heard once', async () => {
    const pings: unknown[] = [];
    const stage: Stage = new Stage({
      atServer: (session) => {
        session.on('ping', (number) => {
          pings.push(number);
          stage.node.path.cutAfter('client', 0);
        });
      },
    });
    let number = 0;
    stage.client.connection.on('up', () => stage.client.send('ping', number++));
    await stage.world.until(() => pings.length === 20, 600_000);
    expect(pings).toEqual(count(20));
    expect(stage.node.path.dialCount).toBeGreaterThanOrEqual(20);
  });

  test('U12: everything sent arrives once and in order while the server drops every link', async () => {
    const stage = new Stage();
    dropEveryLink(stage, 250);
    const sent = count(30);
    for (const text of sent) {
      stage.client.send('say', text);
      await stage.world.run(100);
    }
    await stage.world.until(() => stage.heardByServer.length >= sent.length, 10_000);
    await stage.world.run(1_000);
    expect(stage.heardByServer).toEqual(sent);
    expect(stage.told.filter((word) => word === 'resumed').length).toBeGreaterThanOrEqual(8);
  });

  test('U13: keeps the id of its session at the second connection', async () => {
    const stage = new Stage();
    await stage.up();
    const { id } = stage.client;
    stage.node.path.cutAfter('client', 0);
    await stage.state('backoff');
    await stage.up();
    expect(stage.told).toEqual(['up', 'down line-lost', 'resumed']);
    expect([stage.client.id, stage.session.id, stage.sessions.length]).toEqual([id, id, 1]);
    expect(id).not.toBe('');
  });

  test.each(['server', 'client'] as const)(
    'U24: each message is settled once, after it was handled, wherever the bytes to the %s are cut; an unhandled one never',
    async (toward) => {
      for (let bytes = 1; bytes < 330; bytes += 4) {
        const stage = new Stage();
        await stage.up();
        for (const times of [1, 2, 3]) stage.node.path.cutAfter(toward, bytes * times);
        const settled: unknown[] = [];
        const early: unknown[] = [];
        for (const text of count(5)) {
          void stage.client.deliver('say', text).then(() => {
            settled.push(text);
            if (!stage.heardByServer.includes(text)) early.push(text);
          });
        }
        const unhandled = stage.fate(stage.client.deliver('nobody listens'));
        await stage.world.run(5_000);
        const facts = { bytes, settled, early, heard: stage.heardByServer, unhandled: unhandled.word };
        expect(facts).toEqual({ bytes, settled: count(5), early: [], heard: count(5), unhandled: 'NoHandler' });
      }
    },
  );

  test('U29: stays down when it is disconnected while it waits to try again, and keeps no timer', async () => {
    const stage = new Stage();
    stage.node.path.door = 'refuses';
    await stage.state('backoff');
    const { dialCount } = stage.node.path;
    stage.client.disconnect();
    expect(stage.node.host.timerCount).toBe(0);
    stage.node.path.door = 'open';
    await stage.world.run(3_600_000);
    expect([stage.client.connection.state, stage.node.path.dialCount, stage.told]).toEqual(['idle', dialCount, []]);
  });

  test('U30: makes exactly one new link when it is told to reconnect', async () => {
    const stage = new Stage();
    await stage.up();
    await stage.world.run(20_000);
    const { dialCount } = stage.node.path;
    stage.client.reconnect();
    await stage.world.run(600_000);
    expect(stage.node.path.dialCount).toBe(dialCount + 1);
    expect(stage.told).toEqual(['up', 'down disconnected', 'resumed']);
    expect(stage.server.server.counts).toMatchObject({ connections: 1, sessions: 1 });
  });

  test('U40: is one session at the server after twenty reconnects', async () => {
    const stage = new Stage();
    await stage.up();
    const { id } = stage.client;
    for (let round = 0; round < 20; round += 1) {
      if (round % 2 === 0) stage.client.reconnect();
      else stage.node.path.cutAfter('client', 0);
      await stage.world.until(() => stage.client.connection.state !== 'up', 1_000);
      await stage.up();
    }
    await stage.world.run(1_000);
    expect(stage.told.filter((word) => word === 'resumed')).toHaveLength(20);
    expect(stage.server.server.counts).toMatchObject({ connections: 1, sessions: 1 });
    expect([stage.sessions.length, stage.client.id]).toEqual([1, id]);
  });

  test('U37: whose server process was replaced by a fresh one is told so before anything of the new session leaves', async () => {
    const stage = new Stage();
    await stage.up();
    stage.client.send('say', 'to the first');
    await stage.world.run(1_000);
    const { id } = stage.client;
    stage.server.crash();
    await stage.state('backoff');
    stage.client.send('say', 'while there is none');
    await stage.world.run(1_000);
    const heardAtGap: unknown[] = [];
    stage.client.connection.on('gap', (report) => {
      heardAtGap.push(report.oldId, report.epoch, report.incoming, stage.heardByServer.length);
    });
    stage.server.restart();
    await stage.up();
    await stage.world.run(1_000);
    expect(heardAtGap).toEqual([id, 2, 'unknown', 1]);
    expect(stage.told).toEqual(['up', expect.stringMatching(/^down /), 'gap history-lost 0 1', 'up']);
    expect(stage.heardByServer).toEqual(['to the first', 'while there is none']);
    expect([stage.sessions.length, stage.session.id === stage.client.id, stage.client.id === id]).toEqual([
      2,
      true,
      false,
    ]);
  });
});

describe('a client whose session has expired', () => {
  test('U39: finds an empty store at both ends, and what it had only in the report', async () => {
    const stage = new Stage({ server: { lingerMs: 2_000 } });
    await stage.up();
    stage.session.store.set('by server', 1);
    stage.client.store.set('by client', 2);
    await stage.world.run(100);
    stage.client.disconnect();
    await stage.world.run(5_000);
    stage.client.store.set('while away', 3);
    const lost: unknown[] = [];
    stage.client.connection.on('gap', ({ store }) => lost.push([...store.copy], store.pending));
    stage.client.connect();
    await stage.up();
    await stage.world.run(5_000);
    const stores = [stage.client.store, stage.session.store];
    expect(stores.map((store) => [...store.entries()])).toEqual([[], []]);
    expect(lost).toEqual([
      [
        ['by server', 1],
        ['by client', 2],
      ],
      [{ key: 'while away', value: 3 }],
    ]);
    expect([stage.toldByServer, stage.sessions.length]).toEqual([['end expired 0 0'], 2]);
  });
});

describe('a client that is not connected yet', () => {
  test('U41: whose factory answers later has everything that was sent and set before arrive once it does', async () => {
    const heard: unknown[] = [];
    await using world = await loopback((session) => {
      session.on('say', (text) => void heard.push(text));
      session.store.on('change', (key, value) => void heard.push([key, value]));
      session.expose({ twice: (value) => Number(value) * 2 });
    });
    const gate = new Gate();
    const createConnection = async (): Promise<Socket> => {
      await gate.passed;
      return connect({ port: world.port, host: '127.0.0.1' });
    };
    const client = world.client({}, { createConnection });
    client.send('say', 'first');
    client.store.set('key', 'value');
    const called = client.call('twice', 21);
    client.send('say', 'second');
    await until(() => client.connection.state === 'connecting', 'the first dial');
    expect(heard).toEqual([]);
    gate.open();
    await client.flush();
    expect([heard, await called]).toEqual([['first', ['key', 'value'], 'second'], 42]);
  });

  test('U42: and is unreferenced lets the process exit while it waits to try again', async () => {
    expect(await exitOf('unreferenced.ts', 'backoff')).toEqual({ code: 0, output: 'waiting\n' });
  });

  test('U35: accepts exactly its bound while it is down, refuses the rest, and says when there is room', async () => {
    const heard: unknown[] = [];
    await using world = await loopback((session) => void session.on('say', (text) => void heard.push(text)));
    const { client } = await world.pair({ limits: { outboxMessages: 8 } });
    client.disconnect();
    const answers = count(13).map((text) => {
      try {
        return client.send('say', text) ? 'room' : 'slow down';
      } catch (error) {
        return (error as { code: string }).code;
      }
    });
    const refused = Array.from({ length: 5 }, () => 'OutboxFull');
    expect(answers).toEqual([...count(3).map(() => 'room'), ...count(5).map(() => 'slow down'), ...refused]);
    const room = client.writable();
    client.connect();
    await room;
    await client.flush();
    expect([heard, client.send('say', 'again')]).toEqual([count(8), true]);
  });
});

describe('a peer', () => {
  const lifecycle = [
    'session',
    'up',
    'down',
    'gap',
    'end',
    'error',
    'change',
    'reconnect',
    'refused',
    'closed',
    'connect',
    'disconnect',
    'close',
    '__proto__',
  ];

  test('U32: that sends events named after lifecycle events raises none of them, at either end', async () => {
    const heard: string[] = [];
    const listen = (end: Pick<LooseSession, 'on'>): void => {
      for (const name of lifecycle) end.on(name, (from) => void heard.push(`${name} ${String(from)}`));
    };
    await using world = await loopback(listen);
    const { client, session } = await world.pair();
    listen(client);
    const peer = await Peer.dial(world.port);
    await peer.open();
    await until(() => world.sessions.length === 2, 'the session of the peer');
    const diaries = [client, session, world.sessions[1] ?? session].map(({ connection }) => diaryOf(connection));
    const told = serverDiaryOf(world.server);
    for (const [index, name] of lifecycle.entries()) peer.event(index + 1, [name, 'by hand']);
    for (const name of lifecycle) await Promise.all([session.deliver(name, 'server'), client.deliver(name, 'client')]);
    await until(() => heard.length === 3 * lifecycle.length, 'every event');
    expect([...diaries, told]).toEqual([[], [], [], []]);
    const all = lifecycle.flatMap((name) => [`${name} by hand`, `${name} server`, `${name} client`]);
    expect(heard.toSorted()).toEqual(all.toSorted());
    peer.socket.destroy();
  });

  test('U34: whose handler throws has handled its message: told once with its id, never run again, the next one goes on', async () => {
    const runs: unknown[] = [];
    await using world = await loopback((session) => {
      session.on('say', (text) => {
        runs.push(text);
        if (text === 'bad') throw new RangeError('not this one');
      });
    });
    const told = serverDiaryOf(world.server);
    const { client, session } = await world.pair();
    const refused = failureOf(client.deliver('say', 'bad'));
    client.send('say', 'good');
    expect(await refused).toMatchObject({ code: 'HandlerFailed', cause: { message: 'not this one' } });
    const back = nextOf(client.connection, 'up');
    client.reconnect();
    await back;
    await client.flush();
    expect(runs).toEqual(['bad', 'good']);
    const errors = told.filter(([name]) => name === 'error');
    const messageId = `${session.id}/1/1`;
    expect(errors).toEqual([
      ['error', expect.objectContaining({ code: 'HandlerFailed' }), expect.objectContaining({ messageId })],
    ]);
    expect(errors[0]?.[1]).toMatchObject({ cause: expect.any(RangeError) });
  });
});

/** The server drops every link so long after it came up. */
function dropEveryLink(stage: Stage, afterMs: number): void {
  stage.server.server.on('up', () => {
    stage.server.host.clock.setTimeout(() => stage.node.path.cutAfter('client', 0), afterMs);
  });
}
