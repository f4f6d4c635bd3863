// Two connections that want the same session at the same time, through different shards, at home and over a relay.
import { createServer } from 'homing';
import { describe, expect, it } from 'vitest';
import { FrameType } from '../../src/wire/frame.ts';
import { type Known, Peer, cborOf } from '../loopback/peer.ts';
import { until } from '../loopback/world.ts';
import { Ledger } from './ledger.ts';
import type { Numbered } from './numbered.ts';

const ROUNDS = 16;
const RIVALS = 4;

describe('connections that take the same session over at the same time', () => {
  it('leave exactly one live, the newest, wherever they land', async () => {
    using ledger = new Ledger();
    const behavior = new URL('./modules/numbered.behavior.ts', import.meta.url);
    await using server = createServer<Numbered>(behavior, { shards: 2 });
    const errors: Error[] = [];
    const told = { up: 0, down: 0, gap: 0, end: 0 };
    server.on('error', (error) => errors.push(error));
    for (const name of ['up', 'down', 'gap', 'end'] as const) server.on(name, () => (told[name] += 1));
    const { port } = await server.listen(0);
    // The session sends all the time: with a small window little of it is sent again to each of them.
    const words = { credentials: cborOf({ id: 'rival', ledger: ledger.file }), windowMessages: 4, windowBytes: 4_096 };
    const known: Known[] = [];
    for (let count = 0; count < 2; count += 1) {
      const first = await Peer.dial(port);
      known.push(await first.open(words));
      await until(() => told.up > count, 'a session to be up');
      first.socket.destroy();
      await first.closed;
    }
    let relayed = 0;
    let dialNumber = 1;
    for (let round = 0; round < ROUNDS; round += 1) {
      const one = known[round % 2] ?? { id: '', secret: new Uint8Array(), epoch: 0 };
      const rivals = await Promise.all(Array.from({ length: RIVALS }, () => Peer.dial(port)));
      const dials = rivals.map((peer) => ({ peer, dialNumber: (dialNumber += 1) }));
      // Not in the order of their numbers: an older one may come last.
      if (round % 3 === 1) dials.reverse();
      for (const dial of dials) dial.peer.resume(one, { ...words, dialNumber: dial.dialNumber });
      const newest = dials.find((dial) => dial.dialNumber === dialNumber)?.peer;
      const others = rivals.filter((peer) => peer !== newest);
      const ends = await Promise.all(others.map((peer) => peer.farewell()));
      expect(ends.map((end) => end?.code)).toEqual(others.map(() => 'replaced'));
      expect((await newest?.answer())?.type).toBe('welcome');
      await until(() => server.counts.connections === 1, 'one connection to be left');
      relayed += server.counts.relays;
      expect(server.counts.sessions).toBe(2);
      // It lives: what it sends is taken and acknowledged.
      expect(newest?.socket.destroyed).toBe(false);
      newest?.ack(0);
      newest?.control(FrameType.PING, new Uint8Array(8));
      expect(await newest?.nextOf(FrameType.PONG)).toBeDefined();
      newest?.socket.destroy();
      await newest?.closed;
      for (const peer of others) peer.socket.destroy();
      await until(() => server.counts.connections + server.counts.relays === 0, 'all lines to be gone');
    }
    // Both kinds were the last to live.
    expect(relayed).toBeGreaterThan(0);
    expect(relayed).toBeLessThan(ROUNDS);
    expect(told.gap + told.end).toBe(0);
    await until(() => told.up === told.down, 'each connection that was up to be down');
    expect(errors).toEqual([]);
    // Nobody comes back for what the sessions still have to send: a drain would wait for them in vain.
    await server.close({ drainMs: 0 });
  });
});
