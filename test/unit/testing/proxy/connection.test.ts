import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import type { LineFault } from '../../../../src/testing/proxy/plan.ts';
import { frame, noise, roundTrip, world } from './ends.ts';

const always = (...faults: LineFault[]) => ({ plan: () => faults });

/** For the first connection only: others show what was on its way. */
const first = (...faults: LineFault[]) => ({ plan: [faults] });

describe('a pace', () => {
  it('with jitter loses nothing and keeps the order', async () => {
    await using line = await world(always({ type: 'slow', latencyMs: 1, jitterMs: 12 }));
    const near = line.dial();
    const far = await line.arrival();
    for (let at = 0; at < 2_000; at += 100) {
      near.socket.write(noise(2_000).subarray(at, at + 100));
      await new Promise((resolve) => setImmediate(resolve));
    }
    near.socket.end();
    await far.over;
    expect(far.bytes().equals(noise(2_000))).toBe(true);
  });

  it('passes what is late also when both ends have said goodbye before', async () => {
    await using line = await world(always({ type: 'slow', latencyMs: 40, direction: 'up' }));
    const near = line.dial();
    const far = await line.arrival();
    far.socket.end('first');
    near.socket.end('late');
    expect(await near.over).toBe('end');
    await far.over;
    expect(far.bytes().toString()).toBe('late');
  });

  it('bounds the bandwidth of one direction and leaves the other free', async () => {
    await using line = await world(always({ type: 'slow', bytesPerMs: 50, direction: 'up' }));
    const near = line.dial();
    const far = await line.arrival();
    far.socket.write(noise(500_000));
    near.socket.write(noise(4_000));
    const beganAt = performance.now();
    await near.got(500_000);
    expect(far.bytes().length).toBeLessThan(4_000);
    await far.got(4_000);
    // 80 ms, less what may leave at once.
    expect(performance.now() - beganAt).toBeGreaterThan(60);
    expect(far.bytes().equals(noise(4_000))).toBe(true);
  });

  it('bounds what waits in the proxy', async () => {
    let seenBytes = 0;
    await using line = await world({
      ...first({ type: 'slow', bufferBytes: 1_000, direction: 'up' }),
      seen: (direction, chunk, connection) => {
        if (direction === 'up' && connection === 0) seenBytes += chunk.length;
      },
    });
    const near = line.dial();
    const far = await line.arrival();
    line.proxy.stall(600_000, 'up');
    near.socket.write(noise(400_000));
    await roundTrip(line);
    await roundTrip(line);
    // One read of the socket may be as long as Node's.
    expect(seenBytes).toBeLessThanOrEqual(65_536 + 1_000);
    await line.proxy.heal();
    await far.got(400_000);
  });

  it.each(['finish', 'reset'] as const)('passes the end of a connection on late (%s)', async (how) => {
    await using line = await world(first({ type: 'slow', closeMs: 60 }));
    const near = line.dial();
    const far = await line.arrival();
    near.socket.write('last words');
    await far.got(10);
    const endedAt = performance.now();
    if (how === 'finish') near.socket.end();
    else near.socket.resetAndDestroy();
    expect(await far.over).toBe(how === 'finish' ? 'end' : 'ECONNRESET');
    expect(performance.now() - endedAt).toBeGreaterThan(50);
  });

  it('by command holds for later connections too, until the line heals', async () => {
    await using line = await world();
    line.proxy.slow({ latencyMs: 600_000 }, 'up');
    const held = line.dial();
    held.socket.write('held');
    const far = await line.arrival();
    far.socket.write('down is free');
    await held.got(12);
    expect(far.bytes().length).toBe(0);
    await line.proxy.heal();
    await roundTrip(line);
  });
});

describe('late delivery', () => {
  it('takes the line from the dialling end at once, and tells the target after what was on its way', async () => {
    await using line = await world(first({ type: 'orphan', direction: 'up', afterBytes: 4, late: 'up', forMs: 80 }));
    const near = line.dial();
    near.socket.write('1234and the rest');
    const far = await line.arrival();
    expect(await near.over).toBe('ECONNRESET');
    expect(far.bytes().toString()).toBe('1234');
    expect(far.socket.readableEnded).toBe(false);
    expect(await far.over).toBe('end');
    expect(far.bytes().toString()).toBe('1234and the rest');
    expect(line.proxy.counts).toMatchObject({ cuts: 1, orphans: 1 });
  });

  it('takes the line from the target at once, and tells the dialling end later', async () => {
    await using line = await world(
      first({ type: 'orphan', direction: 'down', afterBytes: 2, late: 'down', forMs: 80 }),
    );
    const near = line.dial();
    const far = await line.arrival();
    far.socket.write('late');
    expect(await far.over).toBe('ECONNRESET');
    expect(near.bytes().toString()).toBe('la');
    expect(await near.over).toBe('end');
    expect(near.bytes().toString()).toBe('late');
  });

  it('is over when the line heals', async () => {
    await using line = await world();
    const near = line.dial();
    const far = await line.arrival();
    near.socket.write('x');
    await far.got(1);
    line.proxy.orphan('up', 600_000);
    await near.over;
    await line.proxy.heal();
    expect(await far.over).toBe('end');
  });
});

describe('an altered byte', () => {
  it.each([0, 1, 2_345])('is byte %i of its direction and no other', async (afterBytes) => {
    await using line = await world(
      always({ type: 'flip', direction: 'up', afterBytes, bit: 3 }, { type: 'flip', direction: 'down', afterBytes }),
    );
    const near = line.dial();
    const far = await line.arrival();
    near.socket.end(noise(5_000));
    far.socket.end(noise(5_000));
    await Promise.all([near.over, far.over]);
    const up = noise(5_000);
    up[afterBytes] = (up[afterBytes] ?? 0) ^ 8;
    const down = noise(5_000);
    down[afterBytes] = (down[afterBytes] ?? 0) ^ 1;
    expect(far.bytes().equals(up)).toBe(true);
    expect(near.bytes().equals(down)).toBe(true);
    expect(line.events).toContainEqual({ type: 'flip', connection: 0, direction: 'up', afterBytes });
  });
});

describe('an old HELLO', () => {
  it('arrives once more on a connection of its own, which stays for its time', async () => {
    await using line = await world();
    const hello = frame('HELLO', 200);
    const near = line.dial();
    // In pieces, with something behind it.
    near.socket.write(hello.subarray(0, 9));
    const far = await line.arrival();
    await far.got(9);
    near.socket.write(Buffer.concat([hello.subarray(9), frame('ACK', 32)]));
    await far.got(hello.length + 48);
    far.socket.write('welcome');
    await near.got(7);
    line.proxy.replay(0, 20);
    const again = await line.arrival();
    expect(await again.over).toBe('end');
    expect(again.bytes().equals(hello)).toBe(true);
    expect(line.proxy.counts.replays).toBe(1);
    expect(near.socket.closed).toBe(false);
  });

  it('does not come again while it may still be on its way', async () => {
    await using line = await world();
    const near = line.dial();
    near.socket.write(frame('HELLO', 10));
    const far = await line.arrival();
    await far.got(26);
    line.proxy.replay(0, 20);
    await roundTrip(line);
    expect(line.proxy.counts.replays).toBe(0);
  });

  it('is none if the connection began with something else', async () => {
    await using line = await world();
    const near = line.dial();
    near.socket.write(frame('ORDERED', 10));
    const far = await line.arrival();
    far.socket.write('x');
    await near.got(1);
    await far.got(26);
    line.proxy.replay(0, 20);
    expect(line.proxy.counts.replays).toBe(0);
  });
});

describe('a dial', () => {
  it('that is turned away in silence is open and hears nothing', async () => {
    await using line = await world(first({ type: 'turnAway', how: 'silence' }));
    const near = line.dial();
    await once(near.socket, 'connect');
    near.socket.write('hello?');
    await roundTrip(line);
    expect(near.socket.closed).toBe(false);
    expect(near.bytes().length).toBe(0);
    expect(line.arrivals).toEqual([]);
    expect(line.proxy.counts).toMatchObject({ accepted: 2, turnedAway: 1 });
  });

  it('is turned away by command until the proxy accepts again', async () => {
    await using line = await world();
    line.proxy.turnAway('reset');
    expect(await line.dial().over).toBe('ECONNRESET');
    await line.proxy.accept();
    await roundTrip(line);
  });
});

describe('a trigger on a frame', () => {
  const bytes = Buffer.concat([
    frame('HELLO', 100),
    frame('ACK', 32),
    frame('ORDERED', 5),
    frame('ACK', 32),
    frame('PING', 8),
  ]);
  const secondAck = 116 + 48 + 21;

  it.each([1, 5, 16, 47, 1_000])('cuts exactly there, in writes of %i bytes', async (count) => {
    await using line = await world(
      always({ type: 'cut', how: 'finish', on: { frame: 'ACK', nth: 2, direction: 'down', afterBytes: 3 } }),
    );
    const near = line.dial();
    const far = await line.arrival();
    far.socket.setNoDelay(true);
    for (let at = 0; at < bytes.length; at += count) {
      far.socket.write(bytes.subarray(at, at + count));
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await near.over).toBe('end');
    expect(near.bytes().equals(bytes.subarray(0, secondAck + 3))).toBe(true);
  });

  it('comes before the frame if nothing else is said, and its bytes count on behind the frame', async () => {
    for (const [afterBytes, expected] of [
      [undefined, 116],
      [60, 176],
    ] as const) {
      await using line = await world(
        always({ type: 'cut', how: 'reset', on: { frame: 'ACK', direction: 'up', afterBytes } }),
      );
      const near = line.dial();
      near.socket.write(bytes);
      const far = await line.arrival();
      expect(await far.over).toBe('ECONNRESET');
      expect(far.bytes().length).toBe(expected);
    }
  });

  it('holds back no more than the beginning of a header, and that not for ever', async () => {
    await using line = await world(
      first({ type: 'cut', how: 'reset', on: { frame: 'CLOSE', direction: 'up', afterBytes: 0 } }),
    );
    const near = line.dial();
    near.socket.write(Buffer.concat([bytes, Buffer.from([1, 2, 3])]));
    const far = await line.arrival();
    await far.got(bytes.length);
    await roundTrip(line);
    expect(far.bytes().length).toBe(bytes.length);
    near.socket.end();
    expect(await far.over).toBe('end');
    expect(far.bytes().length).toBe(bytes.length + 3);
  });
});

describe('a strike', () => {
  it('counts bytes from now on, and the next connection inherits what is left', async () => {
    await using line = await world();
    const one = line.dial();
    one.socket.write('12345');
    const far = await line.arrival();
    await far.got(5);
    line.proxy.strike({ type: 'cut', how: 'finish', direction: 'up', afterBytes: 10 });
    one.socket.write('6789');
    await far.got(9);
    const two = line.dial();
    two.socket.write('abcdefghijkl');
    const next = await line.arrival();
    expect(await next.over).toBe('end');
    expect(next.bytes().toString()).toBe('abcdef');
    one.socket.write('still there');
    await far.got(20);
    expect(line.proxy.counts.cuts).toBe(1);
  });

  it('counts frames over connections alike', async () => {
    await using line = await world();
    const one = line.dial();
    const far = await line.arrival();
    line.proxy.strike({ type: 'cut', how: 'finish', on: { frame: 'ACK', nth: 3, direction: 'up', afterBytes: 1 } });
    one.socket.write(Buffer.concat([frame('ACK', 32), frame('PING', 8), frame('ACK', 32)]));
    await far.got(120);
    const two = line.dial();
    two.socket.write(Buffer.concat([frame('HELLO', 20), frame('ACK', 32)]));
    const next = await line.arrival();
    expect(await next.over).toBe('end');
    expect(next.bytes().length).toBe(37);
  });

  it('waits for a connection if there is none, and is forgotten when the line heals', async () => {
    await using line = await world();
    line.proxy.strike({ type: 'cut', how: 'reset', direction: 'up', afterBytes: 2 });
    const near = line.dial();
    near.socket.write('four');
    expect(await near.over).toBe('ECONNRESET');
    line.proxy.strike({ type: 'cut', how: 'reset', direction: 'up', afterBytes: 2 });
    await line.proxy.heal();
    await line.arrival();
    await roundTrip(line);
    expect(line.proxy.counts.cuts).toBe(1);
  });
});
