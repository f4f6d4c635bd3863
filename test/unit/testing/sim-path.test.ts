import { describe, expect, it } from 'vitest';
import type { Line, LineEvents } from '../../../src/actors/ports.ts';
import { Loop } from '../../../src/testing/loop.ts';
import { SimHost } from '../../../src/testing/sim-host.ts';
import { SimPath } from '../../../src/testing/sim-path.ts';
import { fairWeather } from '../../../src/testing/world.ts';

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
