import { type AddressInfo, type Socket, connect, createServer } from 'node:net';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { openProxy } from '../../../../src/testing/proxy/chaos-proxy.ts';
import type { Direction } from '../../../../src/testing/proxy/plan.ts';
import { storm } from '../../../../src/testing/proxy/storm.ts';
import { type End, endOf, frame, noise } from './ends.ts';

const CONNECTIONS = 120;
const weather = { upBytesMax: 4_000, downBytesMax: 4_000, stallMsMax: 10, refuseMsMax: 0, latencyMsMax: 3 };

/** What each end of each connection writes: frames, so that triggers find some. */
const streams: Readonly<Record<Direction, Buffer>> = {
  up: Buffer.concat([
    frame('HELLO', 150),
    ...Array.from({ length: 40 }, () => [frame('ACK', 32), frame('ORDERED', 99)]).flat(),
  ]),
  down: Buffer.concat([
    frame('WELCOME', 90),
    ...Array.from({ length: 40 }, () => [frame('ORDERED', 77), frame('ACK', 32)]).flat(),
  ]),
};

/** Where a byte differs from that of the stream. Fails for one too many. */
function differences(end: End, direction: Direction): number[] {
  const got = end.bytes();
  const stream = streams[direction];
  expect(got.length).toBeLessThanOrEqual(stream.length);
  if (got.equals(stream.subarray(0, got.length))) return [];
  return [...got.keys()].filter((at) => got[at] !== stream[at]);
}

/** Many connections at once in a storm, each until it is lost; what came out at both sides. */
async function ride(seed: number, flips: boolean) {
  const fars: End[] = [];
  const write = (socket: Socket, stream: Buffer): void => {
    for (let at = 0; at < stream.length; at += 700) socket.write(stream.subarray(at, at + 700));
  };
  const server = createServer((socket) => {
    fars.push(endOf(socket));
    write(socket, streams.down);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const flipped: Readonly<Record<Direction, Set<number>>> = { up: new Set(), down: new Set() };
  let lost = 0;
  const silent = Promise.withResolvers<void>();
  const nears: End[] = [];
  await using proxy = await openProxy({
    targetPort: (server.address() as AddressInfo).port,
    plan: storm({ seed, flips, ...weather }),
    told: (event) => {
      if (event.type === 'flip') flipped[event.direction].add(event.afterBytes);
      if (event.type === 'cut' || event.type === 'blackHole' || event.type === 'orphan' || event.type === 'turnedAway')
        lost += 1;
      if (lost === CONNECTIONS) silent.resolve();
    },
  });
  for (let index = 0; index < CONNECTIONS; index += 1) {
    // A port that is refused for a moment is dialled again.
    await proxy.accept();
    const near = endOf(connect(proxy.port, '127.0.0.1'));
    nears.push(near);
    await Promise.race([once(near.socket, 'connect').catch(() => {}), near.over]);
    if (near.socket.connecting || proxy.counts.accepted <= index) lost += 1;
    write(near.socket, streams.up);
  }
  await silent.promise;
  await proxy.heal();
  for (const { socket } of nears) socket.destroy();
  for (const { socket } of fars) socket.destroy();
  await Promise.all([...nears, ...fars].map(({ over }) => over));
  server.close();
  return { nears, fars, flipped, counts: proxy.counts };
}

describe('what comes out of a proxy', () => {
  it('is a prefix of what went in, whatever befalls a connection', async () => {
    const { nears, fars, counts } = await ride(1, false);
    for (const near of nears) expect(differences(near, 'down')).toEqual([]);
    for (const far of fars) expect(differences(far, 'up')).toEqual([]);
    expect(counts.cuts).toBeGreaterThan(CONNECTIONS / 2);
  });

  it('differs from it by the bytes that were altered and no others', async () => {
    const { nears, fars, flipped, counts } = await ride(2, true);
    let found = 0;
    for (const [ends, direction] of [[nears, 'down'] as const, [fars, 'up'] as const]) {
      for (const end of ends) {
        const at = differences(end, direction);
        found += at.length;
        for (const place of at) expect(flipped[direction]).toContain(place);
      }
    }
    expect(found).toBeLessThanOrEqual(counts.flips);
    expect(found).toBeGreaterThan(0);
  });
});

it('the streams of this test are no prefixes of each other', () => {
  expect(streams.up.subarray(0, 20).equals(streams.down.subarray(0, 20))).toBe(false);
  expect(noise(300).subarray(0, 40).equals(noise(300).subarray(40, 80))).toBe(false);
});
