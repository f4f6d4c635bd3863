// Interleavings that broke models of protocols of this kind, each played out in a world of real ends on virtual time.
import { describe, expect, it } from 'vitest';
import { EPOCH_MAX, sessionId } from '../../src/ids.ts';
import { decodeRefused, encodeHello } from '../../src/wire/control.ts';
import { FrameType, frameOf } from '../../src/wire/frame.ts';
import { Splitter } from '../../src/wire/splitter.ts';
import { SimHost } from '../../src/testing/sim-host.ts';
import { SimPath } from '../../src/testing/sim-path.ts';
import { fairWeather } from '../../src/testing/world.ts';
import { Stage } from './stage.ts';

const quick = { handshakeMs: 500, backoff: { firstMs: 10, baseMs: 50, maxMs: 200 } };

/** Resolves when it is told to. */
function gate(): { readonly promise: Promise<void>; open: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { promise, open: resolve };
}

describe('receipts', () => {
  it('T2: are released as they are received, however long a handler runs at the end that waits for them', async () => {
    const over = gate();
    const stage = new Stage({
      atServer: (session, host) => {
        session.on('long', async () => {
          for (let count = 0; count < 3_000; count += 1) await session.deliver('say', count);
          await Promise.race([host.sleep(3_600_000), over.promise]);
        });
      },
    });
    await stage.up();
    stage.client.send('long');
    let directMax = 0;
    stage.world.onTouch = () => {
      directMax = Math.max(directMax, stage.client.dialler.actor.session.outlet.direct.messages);
    };
    await stage.world.until(() => stage.heardByClient.length === 3_000, 600_000);
    expect(stage.heardByClient).toHaveLength(3_000);
    expect(directMax).toBeLessThan(10);
    over.open();
  });

  it('T3: die with their epoch and never settle the first deliver of the next', async () => {
    const stage = new Stage({ client: quick });
    const gates = [gate(), gate()] as const;
    let turn = 0;
    stage.client.on('slow', () => gates[turn++ % 2]?.promise);
    await stage.up();
    // The client works on the deliver; the server loses its memory before the receipt is written.
    const first = stage.fate(stage.session.deliver('slow'));
    await stage.world.run(20);
    stage.server.crash();
    await stage.world.run(5);
    stage.server.restart();
    await stage.up();
    const fresh = stage.fate(stage.session.deliver('slow'));
    await stage.world.run(100);
    expect([first.word, fresh.word]).toEqual(['open', 'open']);
    gates[0].open();
    await stage.world.run(200);
    expect([first.word, fresh.word, turn]).toEqual(['open', 'open', 2]);
    gates[1].open();
    await stage.world.run(200);
    expect([first.word, fresh.word]).toEqual(['open', 'resolved']);
  });

  it('T9: leave before the goodbye of a client that has nothing else to say', async () => {
    const stage = new Stage();
    await stage.up();
    const delivered = stage.fate(stage.session.deliver('say', 's1'));
    const handled = await stage.world.until(() => stage.heardByClient.length === 1, 1_000);
    const closed = stage.fate(stage.client.close());
    await stage.world.run(100);
    expect([handled, delivered.word, closed.word]).toEqual([true, 'resolved', 'resolved']);
    expect(stage.toldByServer).toEqual(['end closed 0 0']);
  });
});

describe('handlers that wait for each other', () => {
  it('T5: end by their default deadline with a clear code, and nothing else stops', async () => {
    const fates: { word: string }[] = [];
    const stage = new Stage({
      atServer: (session) => {
        session.on('ask', async () => {
          const asked = session.deliver('say', 'from the server');
          fates.push(stage.fate(asked));
          await asked.catch(() => {});
        });
      },
      atClient: (client) => {
        client.on('ask', async () => {
          const asked = client.deliver('say', 'from the client');
          fates.push(stage.fate(asked));
          await asked.catch(() => {});
        });
      },
    });
    await stage.up();
    stage.client.send('ask');
    stage.session.send('ask');
    await stage.world.run(29_000);
    expect(fates.map(({ word }) => word)).toEqual(['open', 'open']);
    expect(stage.client.connection.state).toBe('up');
    await stage.world.run(2_000);
    // They are written, so they are processed once the cycle is broken: nobody can know that at the deadline.
    expect(fates.map(({ word }) => word)).toEqual(['Deadline unknown', 'Deadline unknown']);
    expect([stage.heardByServer, stage.heardByClient]).toEqual([['from the client'], ['from the server']]);
    expect(stage.told).toEqual(['up']);
  });
});

describe('a drain', () => {
  it('T6: that calls itself clean leaves nothing unconfirmed that was in flight when GOAWAY was said', async () => {
    const stage = new Stage({ weather: { latencyMs: 50 }, client: quick });
    await stage.up();
    stage.client.send('say', 'c1');
    await stage.world.run(1);
    const closed = stage.fate(stage.server.server.close({ drainMs: 10_000 }));
    await stage.world.run(2_000);
    expect(closed.word).toBe('resolved');
    expect(stage.heardByServer).toEqual(['c1']);
    expect(stage.client.dialler.actor.session.outlet.counts).toEqual({ unconfirmed: 0, carried: 0 });
    expect(stage.toldByServer).toEqual(['end going-away 0 0']);
  });

  it.each([
    { toward: 'server', speakers: ['client'] },
    { toward: 'client', speakers: ['client'] },
    { toward: 'server', speakers: ['server'] },
    { toward: 'client', speakers: ['server'] },
    { toward: 'server', speakers: ['client', 'server'] },
    { toward: 'client', speakers: ['client', 'server'] },
  ] as const)(
    'T6: of $speakers whose last words to the $toward are lost is clean or not over',
    async ({ toward, speakers }) => {
      for (let bytes = 1; bytes < 260; bytes += 1) {
        const stage = new Stage({ client: quick });
        await stage.up();
        const ends = speakers.map((speaker) => (speaker === 'client' ? stage.client : stage.session));
        for (const end of ends) end.send('say', 'last words');
        await stage.world.run(0);
        stage.node.path.cutAfter(toward, bytes);
        const closed = stage.fate(stage.server.server.close({ drainMs: 5_000 }));
        await stage.world.run(4_000);
        const { unconfirmed } = stage.client.dialler.actor.session.outlet.counts;
        const heard = [stage.heardByServer.length, stage.heardByClient.length, closed.word, unconfirmed];
        const all = [
          speakers.includes('client' as never) ? 1 : 0,
          speakers.includes('server' as never) ? 1 : 0,
          'resolved',
          0,
        ];
        expect(heard, `cut after ${bytes} bytes`).toEqual(all);
        expect(stage.toldByServer).toEqual(['end going-away 0 0']);
      }
    },
  );

  it('T7: writes what a running handler says for the first time after GOAWAY, and does not burn its whole time', async () => {
    const said = gate();
    const stage = new Stage({
      client: quick,
      atClient: (client) => {
        client.on('work', async () => {
          await said.promise;
          await client.deliver('say', 'late');
        });
      },
    });
    await stage.up();
    const worked = stage.fate(stage.session.deliver('work'));
    await stage.world.run(20);
    const closed = stage.fate(stage.server.server.close({ drainMs: 30_000 }));
    await stage.world.run(500);
    expect([closed.word, worked.word]).toEqual(['open', 'open']);
    said.open();
    await stage.world.run(1_000);
    expect([closed.word, worked.word, stage.heardByServer]).toEqual(['resolved', 'resolved', ['late']]);
  });
});

describe('the end of a session', () => {
  it('T8: says what was unconfirmed and what was carried, and every promise settles', async () => {
    const stage = new Stage({ server: { limits: { mailboxMessages: 2 } } });
    const stuck = gate();
    await stage.up();
    stage.session.on('stuck', () => stuck.promise);
    stage.client.send('stuck');
    const delivered = stage.fate(stage.client.deliver('say', 'c1'));
    const carried = stage.fate(stage.client.deliver('say', 'c2'));
    const flushed = stage.fate(stage.client.flush());
    await stage.world.run(50);
    void stage.session.close('enough');
    await stage.world.run(50);
    expect(stage.told).toEqual(['up', 'down ended', 'closed ended 2 1']);
    expect(stage.toldByServer).toEqual(['end ended 0 0']);
    expect([delivered.word, carried.word, flushed.word]).toEqual([
      'OutcomeUnknown unknown',
      'OutcomeUnknown never-sent',
      'OutcomeUnknown unknown',
    ]);
    expect(stage.client.connection.state).toBe('closed');
    expect(() => stage.client.send('say', 'c3')).toThrow(expect.objectContaining({ code: 'Closed' }));
    stuck.open();
  });

  it('T13: by expiry counts what was processed though its ack was lost: resend() runs nothing twice', async () => {
    const stage = new Stage({
      client: { ...quick, lingerMs: 1_000 },
      atClient: (client) => client.connection.on('gap', (report) => report.resend()),
    });
    await stage.up();
    stage.client.send('say', 'c1');
    stage.client.send('say', 'c2');
    stage.node.path.swallow('client');
    await stage.world.until(() => stage.heardByServer.length === 2, 100);
    stage.node.path.cutAfter('client', 0);
    stage.node.path.door = 'refuses';
    await stage.world.run(1_500);
    expect(stage.toldByServer).toEqual(['end expired 0 0']);
    stage.node.path.door = 'open';
    await stage.up();
    await stage.world.run(500);
    expect(stage.heardByServer).toEqual(['c1', 'c2']);
    expect(stage.told.filter((word) => word.startsWith('gap'))).toEqual(['gap expired 0 0']);
  });
});

describe('a HELLO', () => {
  it('T14: that arrives late, after the live one attached, is replaced; the live client stays up', async () => {
    const stage = new Stage({ client: quick });
    await stage.up();
    const epoch = stage.client.epoch;
    stage.node.path.cutAfter('server', 0);
    for (let count = 0; count < 2; count += 1) {
      await stage.state('authenticating');
      stage.node.path.orphan('server', 3_000);
    }
    await stage.up();
    const live = stage.told.length;
    await stage.world.run(10_000);
    expect(stage.told.slice(live)).toEqual([]);
    expect(stage.client.connection.state).toBe('up');
    expect(stage.server.server.counts).toMatchObject({ connections: 1, sessions: 1, handshakes: 0 });
    stage.client.send('say', 'still here');
    await stage.world.run(100);
    expect([stage.heardByServer, stage.client.epoch]).toEqual([['still here'], epoch]);
  });

  it('T14: whose auth hook is slow does not replace a newer one that attached meanwhile', async () => {
    const delays = [0, 900, 0];
    const stage = new Stage({
      client: quick,
      server: { handshakeMs: 5_000 },
      authenticate: (host) => async () => {
        await host.sleep(delays.shift() ?? 0);
        return { id: 'one' };
      },
    });
    await stage.up();
    stage.node.path.cutAfter('server', 0);
    await stage.state('authenticating');
    // HELLO is read, and its hook thinks; the client loses the line, and the server does not know.
    await stage.world.run(2);
    expect(delays).toEqual([0]);
    stage.node.path.orphan('server', 3_000);
    await stage.up();
    expect(delays).toEqual([]);
    const live = stage.told.length;
    await stage.world.run(6_000);
    expect(stage.told.slice(live)).toEqual([]);
    expect(stage.server.server.counts).toMatchObject({ connections: 1, sessions: 1 });
  });

  it.each([
    { outcome: 'succeeds', told: ['resumed'], ends: [] },
    { outcome: 'fails', told: ['refused try-later'], ends: ['end expired 0 0'] },
  ])(
    'T15: that is being judged stops the linger clock, and its hook then $outcome',
    async ({ outcome, told, ends }) => {
      let isSlow = false;
      const stage = new Stage({
        client: { ...quick, handshakeMs: 2_000, lingerMs: 1_000, backoff: { firstMs: 60_000 } },
        authenticate: (host) => async () => {
          if (!isSlow) return { id: 'one' };
          await host.sleep(1_500);
          if (outcome === 'fails') throw Object.assign(new Error('not now'), { retry: true });
          return { id: 'one' };
        },
      });
      await stage.up();
      await stage.world.run(11_000);
      stage.client.disconnect();
      await stage.world.run(900);
      isSlow = true;
      stage.client.connect();
      const before = stage.told.length;
      // The linger of 1,000 ms would be over after 100 ms; the hook takes 1,500.
      await stage.world.run(1_400);
      expect([stage.told.slice(before), stage.toldByServer]).toEqual([[], []]);
      await stage.world.run(130);
      expect([stage.told.slice(before), stage.toldByServer]).toEqual([told, []]);
      await stage.world.run(200);
      expect(stage.toldByServer).toEqual(ends);
    },
  );

  it('T16: answered by a WELCOME that is lost leaves no ghost: the behavior sees one session', async () => {
    const stage = new Stage({ client: { ...quick, lingerMs: 1_500 } });
    await stage.world.until(() => stage.client.connection.state === 'authenticating', 100);
    stage.node.path.swallow('client');
    stage.client.send('say', 'c1');
    await stage.up();
    await stage.world.run(5_000);
    expect(stage.sessions).toHaveLength(1);
    expect([stage.heardByServer, stage.told, stage.toldByServer]).toEqual([['c1'], ['up'], []]);
    expect(stage.server.server.counts).toMatchObject({ sessions: 1, connections: 1 });
  });

  it('T19: with an epoch beyond all reason and a bad proof is refused', async () => {
    const stage = new Stage();
    await stage.up();
    const answers = await rawHello(stage, { epoch: Number.MAX_SAFE_INTEGER, id: stage.client.id });
    expect(answers).toEqual(['epoch-refused']);
    expect(await rawHello(stage, { epoch: EPOCH_MAX - 1, id: stage.client.id })).toEqual(['proof-failed']);
    expect(await rawHello(stage, { epoch: EPOCH_MAX, id: 'unheard-of' })).toEqual(['epoch-refused']);
    await stage.world.run(1_000);
    expect([stage.client.connection.state, stage.client.epoch]).toEqual(['up', 1]);
  });
});

/** Sends a HELLO with a made-up claim over a path of its own; gives the codes of what was answered. */
async function rawHello(stage: Stage, claim: { readonly id: string; readonly epoch: number }): Promise<string[]> {
  const { world, server } = stage;
  const host = new SimHost(world.loop, 'stranger', 1);
  const options = { name: 'stranger', seed: 1, clock: world.loop.clock, weather: fairWeather, address: '203.0.113.9' };
  const path = new SimPath({ ...options, client: () => host, server: () => server, watch: () => {} });
  const splitter = new Splitter(host.checksum);
  const codes: string[] = [];
  const line = path.dial({
    opened: () => void line.write([frameOf(FrameType.HELLO, madeUpHello(claim), host.checksum)]),
    received: (chunk) => {
      splitter.push(chunk);
      while (splitter.next())
        codes.push(decodeRefused(splitter.bytes, splitter.start, splitter.end)?.code ?? `type ${splitter.type}`);
    },
    drained: () => {},
    closed: () => {},
  });
  await world.run(50);
  return codes;
}

function madeUpHello(claim: { readonly id: string; readonly epoch: number }): Uint8Array {
  const positions = { orderedReceived: 0, cursor: 0, directReceived: 0 };
  return encodeHello(
    {
      versionMin: 1,
      versionMax: 1,
      features: 0,
      heartbeatIntervalMs: 5_000,
      heartbeatTimeoutMs: 15_000,
      lingerMs: 1_000,
      messageBytes: 1_000,
      depth: 32,
      windowMessages: 10,
      windowBytes: 10_000,
      dialNumber: 99,
      seenAddress: '',
      seenPort: 0,
      claim: { mode: 'resume', ...claim, id: sessionId(claim.id), ...positions },
      credentials: new Uint8Array([0xf7]),
    },
    () => new Uint8Array(32).fill(7),
  );
}

describe('a memory that is older than it should be', () => {
  it('T17: of the server is detected by what the client knows; it is told, never silent', async () => {
    for (let copiedAtMs = 0; copiedAtMs < 120; copiedAtMs += 3) {
      const stage = new Stage({ client: quick });
      const double = stage.server.double();
      await stage.world.run(copiedAtMs);
      const known = stage.client.dialler.actor.session;
      for (let count = 0; count < 3; count += 1) stage.client.send('say', `c${count}`);
      await stage.world.run(30);
      double.part();
      const before = { received: known.orderedReceived, released: known.outlet.ordered.released };
      stage.client.send('say', 'forgotten');
      stage.sessions[0]?.send('say', 'forgotten');
      await stage.world.run(100);
      const hasLearned = known.orderedReceived > before.received || known.outlet.ordered.released > before.released;
      stage.server.restoreDouble();
      await stage.world.run(1_000);
      await stage.up();
      const gaps = stage.told.filter((word) => word.startsWith('gap'));
      expect(gaps.length, `copied at ${copiedAtMs} ms`).toBe(hasLearned ? 1 : 0);
      const fate = stage.fate(stage.client.deliver('say', 'after'));
      await stage.world.run(200);
      expect(fate.word).toBe('resolved');
    }
  });

  it('T17: of the client is detected by what the server knows; it is told, never silent', async () => {
    for (const whoSpeaks of ['nobody', 'client', 'server', 'both'] as const) {
      const stage = new Stage({ client: quick });
      const double = stage.node.double();
      await stage.up();
      await stage.world.run(20);
      double.part();
      if (whoSpeaks === 'client' || whoSpeaks === 'both') stage.client.send('say', 'c1');
      if (whoSpeaks === 'server' || whoSpeaks === 'both') stage.session.send('say', 's1');
      await stage.world.run(100);
      stage.told.length = 0;
      stage.node.restoreDouble();
      await stage.world.run(1_000);
      await stage.up();
      const gaps = stage.told.filter((word) => word.startsWith('gap')).length;
      expect([whoSpeaks, gaps]).toEqual([whoSpeaks, whoSpeaks === 'nobody' ? 0 : 1]);
      const fate = stage.fate(stage.client.deliver('say', 'after'));
      await stage.world.run(200);
      expect(fate.word).toBe('resolved');
    }
  });
});

describe('what waits when memory is lost', () => {
  it('T20: rejects with OutcomeUnknown: a deliver and a flush over unconfirmed messages; nobody hangs', async () => {
    const stage = new Stage({ client: quick });
    const stuck = gate();
    await stage.up();
    stage.session.on('stuck', () => stuck.promise);
    const delivered = stage.fate(stage.client.deliver('stuck'));
    const flushed = stage.fate(stage.client.flush());
    await stage.world.run(100);
    expect([delivered.word, flushed.word]).toEqual(['open', 'open']);
    stage.server.crash();
    await stage.world.run(5);
    const carried = stage.fate(stage.client.deliver('say', 'carried'));
    stage.server.restart();
    await stage.world.run(500);
    expect([delivered.word, flushed.word, carried.word]).toEqual([
      'OutcomeUnknown unknown',
      'OutcomeUnknown unknown',
      'resolved',
    ]);
    expect(stage.told.filter((word) => word.startsWith('gap'))).toEqual(['gap history-lost 1 1']);
    expect(stage.heardByServer).toEqual(['carried']);
    stuck.open();
  });
});

describe('credit', () => {
  it('T4: counts messages of old epochs until they settle; they are handled first, in order', async () => {
    const stage = new Stage({ client: { ...quick, limits: { mailboxMessages: 5 } } });
    const heard: unknown[] = [];
    let release = gate();
    stage.client.on('work', async (word) => {
      await release.promise;
      heard.push(word);
    });
    for (let epoch = 1; epoch <= 4; epoch += 1) {
      await stage.up();
      for (let count = 0; count < 5; count += 1) stage.session.send('work', `${epoch}.${count}`);
      await stage.world.run(100);
      const { room } = stage.client.dialler.actor.session;
      expect(room.messages + room.oldMessages).toBeLessThanOrEqual(5);
      stage.server.crash();
      await stage.world.run(10);
      stage.server.restart();
      await stage.world.run(200);
    }
    release.open();
    release = gate();
    release.open();
    await stage.world.run(500);
    expect(heard.slice(0, 5)).toEqual(['1.0', '1.1', '1.2', '1.3', '1.4']);
  });

  it('T18: lets a message larger than the byte window pass alone, after those before it, and never as a violation', async () => {
    const stage = new Stage({
      client: { ...quick, limits: { mailboxBytes: 1_000 } },
      server: { limits: { mailboxBytes: 1_000 } },
    });
    await stage.up();
    const big = 'x'.repeat(200_000);
    for (const word of ['a', big, 'b', 'c', big, 'd']) {
      stage.client.send('say', word);
      stage.session.send('say', word);
    }
    await stage.world.run(2_000);
    expect(stage.heardByServer).toEqual(['a', big, 'b', 'c', big, 'd']);
    expect(stage.heardByClient).toEqual(stage.heardByServer);
    expect(stage.told).toEqual(['up']);
  });
});
