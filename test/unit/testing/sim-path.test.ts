import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { Line, LineEvents } from '../../../src/actors/ports.ts';
import { Loop } from '../../../src/testing/loop.ts';
import { SimHost } from '../../../src/testing/sim-host.ts';
import { SimPath } from '../../../src/testing/sim-path.ts';
import { fairWeather } from '../../../src/testing/world.ts';
import { ACK_BYTES, FrameType, frameOf, writeU64 } from '../../../src/wire/frame.ts';

/** One end of a line that writes down what happens to it. */
class Witness implements LineEvents {
  readonly log: string[] = [];
  readonly bytes: number[] = [];
  line: Line | undefined;

  opened(): void {
    this.log.push('opened');
  }

  received(chunk: Uint8Array): void {
    this.bytes.push(...chunk);
  }

  drained(): void {
    this.log.push('drained');
  }

  closed(error: Error | undefined): void {
    this.log.push(error === undefined ? 'finished' : 'reset');
  }
}

/** A path between two processes that only watch. */
class Setting {
  readonly loop = new Loop();
  readonly clientHost = new SimHost(this.loop, 'client', 1);
  readonly serverHost = new SimHost(this.loop, 'server', 1);
  readonly accepted: Witness[] = [];
  isDown = false;
  readonly path = new SimPath({
    name: 'path',
    seed: 1,
    clock: this.loop.clock,
    weather: fairWeather,
    address: '198.51.100.1',
    client: () => this.clientHost,
    server: () => (this.isDown ? undefined : { host: this.serverHost, accept: (dial) => this.#accept(dial) }),
    watch: () => {},
  });

  dial(): Witness {
    const witness = new Witness();
    witness.line = this.path.dial(witness);
    return witness;
  }

  run(forMs: number): Promise<void> {
    return this.loop.run(this.loop.clock.now() + forMs);
  }

  /** Both ends of a line that is open. */
  async pair(): Promise<[client: Witness, server: Witness]> {
    const client = this.dial();
    await this.run(10);
    const server = this.accepted.at(-1);
    if (server === undefined) throw new Error('expected a line at the server');
    return [client, server];
  }

  #accept(dial: (events: LineEvents) => Line): void {
    const witness = new Witness();
    witness.line = dial(witness);
    this.accepted.push(witness);
  }
}

const three = Uint8Array.of(1, 2, 3);

describe('a dial', () => {
  it('opens both ends and carries bytes in both directions', async () => {
    const setting = new Setting();
    const [client, server] = await setting.pair();
    client.line?.write([three, three]);
    server.line?.write([three]);
    await setting.run(10);
    expect([client.log, server.log]).toEqual([['opened'], ['opened']]);
    expect([server.bytes, client.bytes]).toEqual([
      [1, 2, 3, 1, 2, 3],
      [1, 2, 3],
    ]);
  });

  it.each([
    ['refuses', ['reset']],
    ['closesAtOnce', ['opened', 'finished']],
    ['staysSilent', ['opened']],
    ['neverAnswers', []],
  ] as const)('at a door that %s: the client sees that, the server nothing', async (door, log) => {
    const setting = new Setting();
    setting.path.door = door;
    const client = setting.dial();
    client.line?.write([three]);
    await setting.run(1_000);
    expect([client.log, setting.accepted]).toEqual([log, []]);
    client.line?.destroy();
    expect(setting.path.lines).toEqual([]);
  });

  it('to a process that is down is refused, also if it went down on the way', async () => {
    const setting = new Setting();
    setting.isDown = true;
    const early = setting.dial();
    await setting.run(10);
    setting.isDown = false;
    const late = setting.dial();
    setting.isDown = true;
    await setting.run(10);
    expect([early.log, late.log.at(-1), setting.accepted]).toEqual([['reset'], 'reset', []]);
  });
});

describe('the end of a line', () => {
  it('by a goodbye brings what was written before, and is answered', async () => {
    const setting = new Setting();
    const [client, server] = await setting.pair();
    client.line?.write([three]);
    client.line?.end();
    await setting.run(10);
    expect([server.bytes, server.log, client.log]).toEqual([[1, 2, 3], ['opened', 'finished'], ['opened']]);
    expect(setting.path.lines).toEqual([]);
  });

  it('by destroying is told to the other end, with or without what was on its way', async () => {
    const seen = new Set<string>();
    for (let count = 0; count < 20; count += 1) {
      const setting = new Setting();
      for (let dials = 0; dials <= count; dials += 1) await setting.pair();
      const [client, server] = await setting.pair();
      client.line?.write([three]);
      client.line?.destroy();
      await setting.run(10);
      seen.add(`${server.bytes.length} ${server.log.at(-1)}`);
    }
    expect([...seen].toSorted()).toEqual(['0 reset', '3 finished']);
  });
});

describe('a fault', () => {
  it.each(['reset', 'finish'] as const)('cuts by %s after exactly the byte it names, over all lines', async (by) => {
    const setting = new Setting();
    setting.path.cutAfter('server', 8, by);
    const [first, firstFar] = await setting.pair();
    first.line?.write([three]);
    await setting.run(10);
    first.line?.end();
    const [client, server] = await setting.pair();
    client.line?.write([three, three, three]);
    await setting.run(10);
    expect([firstFar.bytes.length, server.bytes.length]).toEqual([3, 5]);
    const word = by === 'reset' ? 'reset' : 'finished';
    expect([server.log, client.log]).toEqual([
      ['opened', word],
      ['opened', word],
    ]);
    expect(setting.path.lossCount).toBe(1);
  });

  it('swallows everything in one direction, the goodbye too', async () => {
    const setting = new Setting();
    const [client, server] = await setting.pair();
    setting.path.swallow('server');
    client.line?.write([three]);
    server.line?.write([three]);
    await setting.run(10);
    client.line?.end();
    await setting.run(60_000);
    expect([server.bytes, client.bytes, server.log]).toEqual([[], [1, 2, 3], ['opened']]);
  });

  it('orphans one end: the other reads what was on its way much later, and only then loses the line', async () => {
    const setting = new Setting();
    const [client, server] = await setting.pair();
    client.line?.write([three]);
    setting.path.orphan('server', 500);
    await setting.run(499);
    expect([client.log, server.log, server.bytes]).toEqual([['opened', 'reset'], ['opened'], []]);
    await setting.run(10);
    expect([server.log, server.bytes]).toEqual([
      ['opened', 'finished'],
      [1, 2, 3],
    ]);
  });

  it('replays an old HELLO on a line of its own, but never one that may still be on its way', async () => {
    const setting = new Setting();
    const [first] = await setting.pair();
    first.line?.write([Uint8Array.of(1)]);
    setting.path.replayHello(0, 100);
    await setting.run(10);
    expect(setting.accepted).toHaveLength(1);
    first.line?.end();
    const [second, far] = await setting.pair();
    second.line?.write([Uint8Array.of(2)]);
    setting.path.replayHello(0, 100);
    await setting.run(10);
    expect(setting.accepted.at(-1)?.bytes).toEqual([1]);
    far.line?.write([three]);
    await setting.run(10);
    setting.path.replayHello(0, 100);
    await setting.run(200);
    expect([setting.accepted.at(-1)?.bytes, setting.accepted.at(-1)?.log]).toEqual([[2], ['opened', 'finished']]);
  });

  it('that kills a process is told to its peers, or not', async () => {
    for (const isSilent of [false, true]) {
      const setting = new Setting();
      const [client, server] = await setting.pair();
      setting.path.sever('server', isSilent);
      client.line?.write([three]);
      await setting.run(10);
      expect([client.log, server.bytes]).toEqual([isSilent ? ['opened'] : ['opened', 'reset'], []]);
    }
  });

  it('waits no longer once the world is healed', async () => {
    const setting = new Setting();
    setting.path.cutAfter('server', 2);
    setting.path.flipAfter('server', 1);
    setting.path.setWeather('server', { latencyMs: 5_000 });
    setting.path.door = 'refuses';
    setting.path.heal();
    const [client, server] = await setting.pair();
    client.line?.write([three]);
    await setting.run(10);
    expect([server.bytes, client.log]).toEqual([[1, 2, 3], ['opened']]);
  });

  it('tells that a line is open before it gives bytes, though the weather has become better since the dial', async () => {
    const world = new Setting();
    world.path.setWeather('client', { latencyMs: 400 });
    const client = world.dial();
    world.path.setWeather('client', { latencyMs: 0 });
    await world.run(2);
    world.accepted[0]?.line?.write([new Uint8Array([7])]);
    await world.run(300);
    expect([client.log, client.bytes]).toEqual([[], []]);
    await world.run(200);
    expect([client.log, client.bytes]).toEqual([['opened'], [7]]);
  });
});

describe('a fault on a frame', () => {
  const ping = frameOf(FrameType.PING, new Uint8Array(8), undefined);
  const ack = frameOf(FrameType.ACK, new Uint8Array(ACK_BYTES), crc32);
  const cutOn = (setting: Setting, nth: number, afterBytes: number): void =>
    setting.path.on({ frame: 'ACK', nth, toward: 'client', afterBytes }, (line) =>
      setting.path.cutAfter('client', 0, 'reset', line),
    );

  it.each([
    [0, 72],
    [3, 75],
    [48, 120],
    [60, 132],
  ])('comes after byte %d of it', async (afterBytes, expected) => {
    const setting = new Setting();
    cutOn(setting, 2, afterBytes);
    const [client, server] = await setting.pair();
    server.line?.write([ack, ping.subarray(0, 16)]);
    server.line?.write([ping.subarray(16), ack, ping, ping]);
    await setting.run(10);
    expect([client.bytes.length, client.log]).toEqual([expected, ['opened', 'reset']]);
  });

  it('waits for the frame over as many lines as it takes, and is not there for frames of the other direction', async () => {
    const setting = new Setting();
    cutOn(setting, 3, 1);
    for (let lines = 0; lines < 2; lines += 1) {
      const [client, server] = await setting.pair();
      server.line?.write([ack]);
      client.line?.write([ack, ack, ack]);
      await setting.run(10);
      expect([client.bytes.length, client.log]).toEqual([48, ['opened']]);
    }
    const [client, server] = await setting.pair();
    server.line?.write([ping, ack, ack]);
    await setting.run(10);
    expect([client.bytes.length, client.log]).toEqual([25, ['opened', 'reset']]);
  });

  it('counts frames of a line that is open already from the moment it is asked for', async () => {
    const setting = new Setting();
    const [client, server] = await setting.pair();
    server.line?.write([ack]);
    cutOn(setting, 1, 2);
    server.line?.write([ack, ack]);
    await setting.run(10);
    expect(client.bytes.length).toBe(50);
  });

  it('alters exactly the byte it names', async () => {
    const setting = new Setting();
    setting.path.on({ frame: 'ACK', nth: 1, toward: 'client', afterBytes: 20 }, (line) =>
      setting.path.flipAfter('client', 0, line),
    );
    const [client, server] = await setting.pair();
    server.line?.write([ping, ack]);
    await setting.run(10);
    const sent = [...ping, ...ack];
    expect(client.bytes.flatMap((byte, index) => (byte === sent[index] ? [] : [index]))).toEqual([44]);
  });

  it('does not come any more once the path is healed', async () => {
    const setting = new Setting();
    cutOn(setting, 1, 0);
    cutOn(setting, 2, 0);
    const [client, server] = await setting.pair();
    server.line?.write([ack]);
    setting.path.heal();
    server.line?.write([ack]);
    await setting.run(10);
    expect([client.bytes.length, client.log]).toEqual([96, ['opened']]);
  });
});

describe('a reader that does not read', () => {
  it('finds every write of the other end too much, until it reads on', async () => {
    const setting = new Setting();
    const [client, server] = await setting.pair();
    setting.path.clog('client');
    expect(server.line?.write([three])).toBe(false);
    await setting.run(60_000);
    expect([client.bytes, server.log]).toEqual([[], ['opened']]);
    setting.path.heal();
    await setting.run(10);
    expect([client.bytes, server.log]).toEqual([
      [1, 2, 3],
      ['opened', 'drained'],
    ]);
    expect(server.line?.write([three])).toBe(true);
  });
});

describe('a middlebox that changes ACKs', () => {
  const ackOf = (cursor: number): Uint8Array => {
    const body = new Uint8Array(ACK_BYTES);
    for (const at of [0, 8, 16]) writeU64(body, at, cursor);
    return frameOf(FrameType.ACK, body, crc32);
  };
  const ping = frameOf(FrameType.PING, new Uint8Array(8), crc32);

  it.each([
    ['byOne', [5, 6, 7]],
    ['withheld', []],
    ['back', [0, 0, 0]],
    ['beyond', [1, 1, 1].map(() => Number.MAX_SAFE_INTEGER)],
  ] as const)(
    'that plays %s carries cursors %j, with checksums that hold, and all else as it was',
    async (how, cursors) => {
      const setting = new Setting();
      const [client, server] = await setting.pair();
      setting.path.trick('client', how);
      server.line?.write([ackOf(5), ping, ackOf(9)]);
      server.line?.write([ackOf(9)]);
      await setting.run(10);
      const frames: Buffer[] = [];
      for (let at = 0; at < client.bytes.length; at += 16 + (frames.at(-1)?.readUIntBE(5, 3) ?? 0))
        frames.push(Buffer.from(client.bytes.slice(at, at + 16 + Buffer.from(client.bytes).readUIntBE(at + 5, 3))));
      const acks = frames.filter((each) => each[4] === FrameType.ACK);
      expect(acks.map((each) => Number(each.readBigUInt64BE(24)))).toEqual(cursors);
      for (const each of frames) expect(each.readUInt32BE(0)).toBe(crc32(each.subarray(4)));
      expect(frames.filter((each) => each[4] === FrameType.PING)).toEqual([Buffer.from(ping)]);
    },
  );

  it('takes its line with it when the path is healed', async () => {
    const setting = new Setting();
    const [client] = await setting.pair();
    setting.path.trick('client', 'withheld');
    setting.path.heal();
    await setting.run(10);
    expect(client.log).toEqual(['opened', 'reset']);
  });
});
