// The behavior cases of remote objects (D) and of the protocol under them (P), each by its id, against the public handles.
import { EventEmitter } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Duplex, duplexPair, pipeline } from 'node:stream';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type Peer as Caller, createClient } from 'homing';
import { describe, expect, test } from 'vitest';
import { FrameType, Kind, writeU64 } from '../../src/wire/frame.ts';
import { Peer } from '../loopback/peer.ts';
import {
  Gate,
  type Loose,
  Loopback,
  type LooseClient,
  type LooseMethods,
  type LooseSession,
  failureOf,
  loopback,
  namesOf,
  nextTick,
  serverDiaryOf,
  until,
} from '../loopback/world.ts';
import { OwnListener } from './own-listener.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

type Work = ((...args: unknown[]) => Promise<unknown>) & Disposable;

const echoing = (session: LooseSession): void => session.expose({ echo: (value) => value });

/** A client that is up, of a server that gives back what it gets. */
async function echo() {
  const world = await loopback(echoing);
  const { client } = await world.pair();
  return {
    back: <Value>(value: Value): Promise<Value> => client.call('echo', value) as Promise<Value>,
    [Symbol.asyncDispose]: () => world[Symbol.asyncDispose](),
  };
}

describe('a remote object', () => {
  test('D1: has members whose names begin with an underscore', async () => {
    await using world = await loopback((session) => session.expose({ _hidden: () => ({ _count: 5, _next: () => 6 }) }));
    const { client } = await world.pair();
    const object = (await client.remote['_hidden']?.()) as { _count: number; _next: Work };
    expect([object._count, await object._next()]).toEqual([5, 6]);
  });

  test('D10: bears members and extra arguments that are null', async () => {
    await using world = await loopback((session) => {
      session.expose({ none: null, count: (...args: unknown[]) => args } as unknown as LooseMethods);
    });
    const { client } = await world.pair();
    expect(await client.call('count', null, undefined, null)).toEqual([null, undefined, null]);
    expect(await failureOf(client.call('none'))).toMatchObject({ code: 'NoMethod' });
    expect(await client.call('count', { work: null })).toEqual([{ work: null }]);
  });

  test('D12: brings its plain members along, beside its methods', async () => {
    await using world = await loopback((session) => {
      session.expose({ desk: () => ({ name: 'front', open: true, hours: [9, 17], ring: () => 'ding' }) });
    });
    const { client } = await world.pair();
    const desk = (await client.call('desk')) as { name: string; open: boolean; hours: number[]; ring: Work };
    expect([desk.name, desk.open, desk.hours, await desk.ring()]).toEqual(['front', true, [9, 17], 'ding']);
  });

  test('D14: answers simple calls', async () => {
    await using world = await loopback((session) => {
      session.expose({ sum: (a, b) => Number(a) + Number(b), later: async (text) => `${String(text)}!` });
    });
    const { client } = await world.pair();
    expect([await client.remote['sum']?.(1, 2), await client.call('later', 'soon')]).toEqual([3, 'soon!']);
  });

  test('D15: is seen from both ends of a raw pipe', async () => {
    await using world = new Loopback((session) => session.expose({ side: () => 'server' }), {});
    const [near, far] = duplexPair();
    world.server.accept(far);
    const client = world.client({}, near);
    client.expose({ side: () => 'client' });
    expect(await client.call('side')).toBe('server');
    expect(await world.sessions[0]?.call('side')).toBe('client');
  });

  test('D4: of each of three clients is told every line in order by the server, until its client is gone', async () => {
    const listeners = new Set<Work>();
    await using world = await loopback((session) => {
      let mine: Work | undefined;
      session.expose({
        join: (listen) => void listeners.add((mine = listen as Work)),
        say: async (line) => void (await Promise.all([...listeners].map((listen) => listen(line)))),
      });
      session.connection.on('closed', () => {
        if (mine !== undefined) listeners.delete(mine);
      });
    });
    const heard: unknown[][] = [[], [], []];
    const clients: LooseClient[] = [];
    for (const lines of heard) {
      const { client } = await world.pair();
      clients.push(client);
      await client.call('join', (line: unknown) => void lines.push(line));
    }
    for (const [index, client] of clients.entries()) await client.call('say', `line of ${index}`);
    const lines = ['line of 0', 'line of 1', 'line of 2'];
    expect(heard).toEqual([lines, lines, lines]);
    await clients[1]?.close();
    await until(() => listeners.size === 2, 'the listener of the client that is gone to go');
    await clients[0]?.call('say', 'last');
    expect(heard).toEqual([[...lines, 'last'], lines, [...lines, 'last']]);
  });

  test('D7: is told a stream of events through the emit of an emitter, two subscribers alike', async () => {
    const emits: Work[] = [];
    await using world = await loopback((session) =>
      session.expose({ follow: (emit) => void emits.push(emit as Work) }),
    );
    const heard: unknown[][] = [[], []];
    for (const events of heard) {
      const emitter = new EventEmitter();
      emitter.on('tick', (...args) => void events.push(args));
      const { client } = await world.pair();
      await client.call('follow', emitter.emit.bind(emitter));
    }
    const ticks = Array.from({ length: 100 }, (_, index) => [index, { at: index }]);
    await Promise.all(ticks.flatMap((tick) => emits.map((emit) => emit('tick', ...tick))));
    expect(heard).toEqual([ticks, ticks]);
  });

  test('D9: is told from that of another link, however calls of the two are mixed', async () => {
    const gates = [new Gate(), new Gate()];
    const worlds = await Promise.all(
      gates.map((gate, index) =>
        loopback((session) => {
          session.expose({
            async name(value) {
              if (value === 0) await gate.passed;
              return `${index}/${String(value)}`;
            },
          });
        }),
      ),
    );
    const clients = await Promise.all(worlds.map(async (world) => (await world.pair()).client));
    const calls = [0, 1, 2].flatMap((value) => clients.map((client) => client.call('name', value)));
    expect(await Promise.all(calls.slice(2))).toEqual(['0/1', '1/1', '0/2', '1/2']);
    gates[1]?.open();
    expect(await calls[1]).toBe('1/0');
    gates[0]?.open();
    expect(await calls[0]).toBe('0/0');
    for (const world of worlds) await world[Symbol.asyncDispose]();
  });

  test('D28: refuses unknown and inherited names and unknown numbers: the caller is told, and the link stays', async () => {
    await using world = await loopback((session) => session.expose({ here: () => 'here' }));
    const told = serverDiaryOf(world.server);
    const { client } = await world.pair();
    for (const name of ['nowhere', 'constructor', 'toString', 'hasOwnProperty', '__proto__', '0', '']) {
      expect(await failureOf(client.call(name))).toMatchObject({ code: 'NoMethod', retry: false });
    }
    const peer = await Peer.dial(world.port);
    await peer.open();
    const body = new Uint8Array(9);
    writeU64(body, 0, 4_711);
    body[8] = 0x80;
    peer.payload(FrameType.DIRECT, Kind.APPLY, 1, body);
    const answer = await peer.nextOf(FrameType.DIRECT);
    expect([answer?.flags, answer?.body[8]]).toEqual([Kind.ANSWER, 2]);
    peer.event(1, ['here'], Kind.CALL);
    expect((await peer.nextOf(FrameType.DIRECT))?.flags).toBe(Kind.RESULT);
    expect(await client.call('here')).toBe('here');
    expect(namesOf(told)).toEqual(['session', 'up', 'session', 'up']);
    peer.socket.destroy();
  });
});

describe('an address', () => {
  test('D2: is a port, digits, host and port, or their parts, and an option that is undefined is none', async () => {
    const seen: unknown[] = [];
    await using world = await loopback({
      authenticate: (credentials) => {
        seen.push(credentials);
        return { id: 'somebody' };
      },
      start: echoing,
    });
    const { port } = world;
    const places = [
      port,
      String(port),
      `127.0.0.1:${port}`,
      `localhost:${port}`,
      { port },
      { port, host: '127.0.0.1' },
    ];
    for (const [index, where] of places.entries()) {
      const client = createClient<Loose>(where, { credentials: index, lingerMs: undefined, limits: undefined });
      world.owns(() => client.close({ drainMs: 0 }));
      expect(await client.call('echo', index)).toBe(index);
    }
    expect(seen).toEqual([0, 1, 2, 3, 4, 5]);
  });

  test('D16: of digits is a port, and the session has an id and knows the address of its peer', async () => {
    const peers: Caller[] = [];
    await using world = new Loopback(
      {
        authenticate: (_, peer) => {
          peers.push(peer);
          return { id: 'somebody' };
        },
      },
      {},
    );
    const { port } = await world.server.listen('0');
    const { client, session } = await world.pair({}, String(port));
    expect([session.id, session.id.length]).toEqual([client.id, 32]);
    expect(peers).toMatchObject([{ address: '127.0.0.1', port: expect.any(Number) }]);
    expect(peers[0]?.port).not.toBe(port);
  });

  test('D17: of port 0 gives a real port', async () => {
    await using world = new Loopback({}, {});
    const { port } = await world.server.listen(0);
    expect(port).toBeGreaterThan(0);
    expect(port).toBeLessThan(65_536);
  });

  test('D18: may be a net server and streams of the user', async () => {
    await using world = new Loopback(echoing, {});
    await using listener = await OwnListener.for(world.server);
    const client = world.client({}, { createConnection: () => pathThrough(listener) });
    expect(await client.call('echo', 'by hand')).toBe('by hand');
    expect(listener.sockets).toHaveLength(1);
  });

  test('D21: may be the path of a Unix socket', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'homing-'));
    const path = join(folder, 'd21.sock');
    await using world = new Loopback(echoing, {});
    await world.server.listen({ path });
    const client = world.client({}, { path });
    expect(await client.call('echo', [() => 1, 'x'])).toEqual([expect.any(Function), 'x']);
    await client.close();
    await world.server.close();
    await rm(folder, { recursive: true });
  });

  test('D22: of port 0 serves calls in both directions', async () => {
    await using world = new Loopback(echoing, {});
    const { port } = await world.server.listen({ port: 0, host: '127.0.0.1' });
    const { client, session } = await world.pair({}, port);
    client.expose({ echo: (value) => value });
    expect([await client.call('echo', 1), await session.call('echo', 2)]).toEqual([1, 2]);
  });
});

describe('a value', () => {
  test('D5: that holds itself arrives so, and can be extended and sent back', async () => {
    interface Ring {
      name: string;
      self?: Ring;
      added?: { ring: Ring };
    }
    await using world = await loopback((session) => {
      session.expose({
        extend: (value) => {
          const ring = value as Ring;
          if (ring.self !== ring) throw new Error('expected a ring');
          ring.added = { ring };
          return ring;
        },
      });
    });
    const { client } = await world.pair();
    const ring: Ring = { name: 'ring' };
    ring.self = ring;
    const back = (await client.call('extend', ring)) as Ring;
    expect([back.name, back.self === back, back.added?.ring === back]).toEqual(['ring', true, true]);
    expect([back === ring, 'added' in ring]).toEqual([false, false]);
  });

  test('D13: that is an array in itself keeps its identity', async () => {
    await using line = await echo();
    const list: unknown[] = [1];
    list.push(list, [list]);
    const back = await line.back(list);
    expect([back.length, back[0], back[1] === back, (back[2] as unknown[])[0] === back]).toEqual([3, 1, true, true]);
  });

  test('D19: may hold a function that nobody uses', async () => {
    await using world = await loopback((session) => {
      session.expose({ name: (options) => (options as { name: string }).name });
    });
    const { client } = await world.pair();
    expect(await client.call('name', { name: 'x', unused: () => 'never' })).toBe('x');
  });

  test('D20: of text that is not ASCII arrives intact, as event, argument, result and key', async () => {
    const heard: unknown[] = [];
    await using world = await loopback((session) => {
      echoing(session);
      session.on('größe', (text) => void heard.push(text));
    });
    const { client } = await world.pair();
    const texts = ['grüße', '日本語', '🏠', 'e\u0301', '\u0000', '\u{10ffff}', 'ж'.repeat(5_000)];
    for (const text of texts) {
      client.send('größe', text);
      expect(await client.call('echo', { [text.slice(0, 20)]: text })).toEqual({ [text.slice(0, 20)]: text });
    }
    expect(heard).toEqual(texts);
  });

  test('D27: of every kind that has a form on the wire comes back as what it was', async () => {
    await using line = await echo();
    const value = {
      when: new Date(1_234_567_890_123),
      bytes: Uint8Array.of(0, 127, 255),
      none: undefined,
      map: new Map<unknown, unknown>([
        ['a', 1],
        [{ deep: true }, new Set([1, 'b'])],
      ]),
      big: [0n, -1n, 2n ** 64n, -(2n ** 200n)],
      numbers: [-0, NaN, Infinity, 0.1, Number.MAX_SAFE_INTEGER],
    };
    const back = await line.back(value);
    expect(back).toEqual(value);
    expect([Object.hasOwn(back, 'none'), Object.is(back.numbers[0], -0)]).toEqual([true, true]);
    const failure = await line.back(Object.assign(new RangeError('too far'), { code: 'E_FAR' }));
    expect(failure).toBeInstanceOf(Error);
    expect([failure.name, failure.message, failure.code]).toEqual(['RangeError', 'too far', 'E_FAR']);
  });

  test('P1: whose parts lead back to it arrives with links instead of copies', async () => {
    await using line = await echo();
    const parent = { name: 'parent', children: [] as unknown[] };
    for (const name of ['a', 'b']) parent.children.push({ name, parent });
    const back = (await line.back(parent)) as { children: { parent: unknown }[] };
    expect(back.children.map((child) => child.parent === back)).toEqual([true, true]);
  });

  test('P4: without functions arrives as it was, and the original is untouched and of no further account', async () => {
    await using world = await loopback(echoing, { limits: { functions: 1 } });
    const { client } = await world.pair({ limits: { functions: 1 } });
    const value = Object.freeze({ text: 'x', list: Object.freeze([1, Object.freeze({ deep: true }), null]) });
    for (let round = 0; round < 5; round += 1) expect(await client.call('echo', value)).toEqual(value);
    // The only place for a function is still free.
    const work = (): number => 1;
    expect(await client.call('echo', work)).toBe(work);
  });

  test('P6: with an inner object in several places arrives with that object in all of them', async () => {
    await using line = await echo();
    const inner = { count: 1 };
    const back = await line.back({ first: { inner }, second: [inner], map: new Map([['third', inner]]) });
    expect(back.second[0] === back.first.inner && back.map.get('third') === back.first.inner).toBe(true);
    back.first.inner.count = 2;
    expect([back.second, inner]).toEqual([[{ count: 2 }], { count: 1 }]);
  });

  test('P7: with several links, some of them around others, arrives with each of them', async () => {
    await using line = await echo();
    interface Node {
      name: string;
      next?: Node;
      home?: Node;
    }
    const nodes: Node[] = ['a', 'b', 'c'].map((name) => ({ name }));
    for (const [index, node] of nodes.entries()) {
      Object.assign(node, { next: nodes[(index + 1) % 3], home: nodes[0] });
    }
    const back = await line.back({ nodes, again: nodes });
    const [a, b, c] = back.nodes;
    expect([a?.next === b, b?.next === c, c?.next === a]).toEqual([true, true, true]);
    expect([back.again === back.nodes, b?.home === a, c?.home === a, a?.home === a]).toEqual([true, true, true, true]);
    expect(back.nodes.map(({ name }) => name)).toEqual(['a', 'b', 'c']);
  });
});

describe('a function that crosses', () => {
  test('D30: is the original again when it comes back to its owner', async () => {
    await using line = await echo();
    const work = (): string => 'mine';
    const back = await line.back({ work, list: [work] });
    // A method belongs to its object, and so does what comes back of it.
    expect([back.list[0] === work, (await line.back(work)) === work, back.work()]).toEqual([true, true, 'mine']);
  });

  test('P5: is replaced by one that can be called, wherever it stands, each calling its own', async () => {
    const results: unknown[] = [];
    await using world = await loopback((session) => {
      session.expose({
        async use(one, inner) {
          const { list, deep } = inner as { list: Work[]; deep: { work: Work } };
          for (const work of [one as Work, ...list, deep.work]) results.push(await work('x'));
        },
      });
    });
    const { client } = await world.pair();
    const named = (name: string) => (text: unknown) => `${name} ${String(text)}`;
    await client.call('use', named('a'), { list: [named('b'), named('c')], deep: { work: named('d') } });
    expect(results).toEqual(['a x', 'b x', 'c x', 'd x']);
  });

  test('P11: is wrapped once, however often it is received while it is in use', async () => {
    const got = new Set<unknown>();
    let arrivals = 0;
    await using world = await loopback((session) => {
      session.on('take', (...works) => {
        for (const work of works) got.add(work);
        arrivals += works.length;
      });
    });
    const { client } = await world.pair();
    const one = (): number => 1;
    const two = (): number => 2;
    for (let round = 0; round < 10; round += 1) client.send('take', one, two, one);
    await client.flush();
    expect([got.size, arrivals]).toEqual([2, 30]);
    expect(await Promise.all([...got].map((work) => (work as Work)()))).toEqual([1, 2]);
  });

  test('D25: is forgotten when nobody has it any more: 20,000 fresh callbacks, under a bound of 3,000 at each end', async () => {
    const limits = { functions: 3_000 };
    const use: LooseMethods = { use: (work) => void (work as Work)(1), count: (works) => (works as unknown[]).length };
    await using world = await loopback((session) => session.expose(use), { limits });
    const { client, session } = await world.pair({ limits });
    client.expose(use);
    let heard = 0;
    const passed = (end: Pick<LooseClient, 'call'>): Promise<unknown> => end.call('use', () => void (heard += 1));
    for (let round = 1; round <= 40; round += 1) {
      await Promise.all(Array.from({ length: 250 }, () => [passed(client), passed(session)]).flat());
      await until(() => heard === round * 500, 'every callback');
      // What is unused is found by the garbage collector, and told to its owner in a message.
      if (round % 8 === 0) await collected();
    }
    // Both tables are back where they began: they take as many functions as they may ever hold.
    const all = Array.from({ length: 3_000 }, () => () => 1);
    for (const end of [client, session]) expect(await countedBy(end, all)).toBe(3_000);
    expect(heard).toBe(20_000);
  });

  test('D29: costs no more time at the end of 300,000 calls than at their beginning, and leaves nothing behind', async () => {
    await using world = await loopback((session) => session.expose({ twice: (value) => Number(value) * 2 }));
    const { client } = await world.pair();
    const costs: number[] = [];
    let heapBytes = 0;
    for (let block = 0; block < 15; block += 1) {
      const before = process.threadCpuUsage();
      for (let batch = 0; batch < 100; batch += 1) {
        const calls = Array.from({ length: 200 }, (_, index) => client.call('twice', index));
        const results = await Promise.all(calls);
        if (results[199] !== 398) throw new Error(`expected 398, got ${String(results[199])}`);
      }
      const { user, system } = process.threadCpuUsage(before);
      costs.push(user + system);
      if (block === 4) heapBytes = await restingHeapBytes();
    }
    // The first block warms up; of those at each end the quietest counts.
    const [early, late] = [Math.min(...costs.slice(1, 5)), Math.min(...costs.slice(11))];
    expect(late, costs.join(', ')).toBeLessThan(early * 2);
    // Twenty bytes for each of the last 200,000 calls would be found.
    expect((await restingHeapBytes()) - heapBytes).toBeLessThan(4_000_000);
  });
});

/** Has the garbage collector find what is unused, and lets what follows from it happen. */
async function collected(): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) {
    collectGarbage();
    for (let tick = 0; tick < 10; tick += 1) await nextTick();
  }
}

/** What is in use when the garbage is gone. */
async function restingHeapBytes(): Promise<number> {
  await collected();
  return process.memoryUsage().heapUsed;
}

/** Has the peer count these functions, again while those that were there before are not forgotten. */
async function countedBy(end: Pick<LooseClient, 'call'>, works: unknown[]): Promise<unknown> {
  let outcome: unknown;
  for (let attempt = 0; attempt < 10 && outcome !== works.length; attempt += 1) {
    await collected();
    outcome = await end.call('count', works).catch((error: { code: string }) => error.code);
  }
  return outcome;
}

/** A stream of the user's own that leads to a listener. */
function pathThrough(listener: OwnListener): Duplex {
  const [near, far] = duplexPair();
  const socket = connect({ port: listener.port, host: '127.0.0.1' });
  pipeline(far, socket, far, () => {});
  return near;
}
