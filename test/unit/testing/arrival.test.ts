import { describe, expect, it } from 'vitest';
import type { LineEvents } from '../../../src/actors/ports.ts';
import type { Arrival, PathServer } from '../../../src/testing/arrival.ts';
import { Loop } from '../../../src/testing/loop.ts';
import { SimHost } from '../../../src/testing/sim-host.ts';
import { SimPath } from '../../../src/testing/sim-path.ts';
import { fairWeather } from '../../../src/testing/world.ts';

/** A path to a process that hands its lines on to threads, when a test wants it to. */
class Setting {
  readonly loop = new Loop();
  readonly arrivals: Arrival[] = [];
  readonly client: string[] = [];
  readonly threads = [1, 2].map((number) => new SimHost(this.loop, `thread ${number}`, 1));
  readonly heard: string[] = [];
  readonly path: SimPath;

  constructor() {
    const client = new SimHost(this.loop, 'client', 1);
    const main: PathServer = {
      host: new SimHost(this.loop, 'main', 1),
      accept: () => {
        throw new Error('expected the line to be dealt');
      },
      deal: (arrival) => void this.arrivals.push(arrival),
      at: (port) =>
        port === 20_001 ? { host: this.thread(1), accept: (dial) => void dial(this.log('direct')) } : undefined,
    };
    this.path = new SimPath({
      name: 'path',
      seed: 1,
      clock: this.loop.clock,
      weather: fairWeather,
      address: '198.51.100.1',
      client: () => client,
      server: () => main,
      watch: () => {},
    });
  }

  /** Writes down what happens to a line. */
  log(name: string): LineEvents {
    const tell = (what: string): void => void this.heard.push(`${name} ${what}`);
    return {
      opened: () => tell('opened'),
      received: (chunk) => tell(`got ${chunk.join()}`),
      drained: () => tell('drained'),
      closed: (error) => tell(error === undefined ? 'finished' : 'reset'),
    };
  }

  thread(number: 1 | 2): SimHost {
    const host = this.threads[number - 1];
    if (host === undefined) throw new Error(`expected a thread ${number}`);
    return host;
  }

  /** A thread takes the line that came last. */
  take(number: 1 | 2): void {
    this.arrivals.pop()?.dial(this.thread(number))(this.log(`thread ${number}`));
  }

  run(forMs = 50): Promise<void> {
    return this.loop.run(this.loop.clock.now() + forMs);
  }
}

const three = Uint8Array.of(1, 2, 3);

describe('a line that is dealt to a thread', () => {
  it('stays unread until the thread has it, and loses nothing', async () => {
    const setting = new Setting();
    const line = setting.path.dial(setting.log('client'));
    await setting.run();
    line.write([three]);
    await setting.run();
    expect(setting.heard).toEqual(['client opened']);
    setting.take(2);
    await setting.run();
    expect(setting.heard).toEqual(['client opened', 'thread 2 opened', 'thread 2 got 1,2,3']);
  });

  it('is reset when nobody takes it', async () => {
    const setting = new Setting();
    setting.path.dial(setting.log('client'));
    await setting.run();
    setting.arrivals.pop()?.drop();
    await setting.run();
    expect(setting.heard.length).toBe(2);
    expect(setting.heard[1]).toMatch(/client (reset|finished)/u);
    expect(setting.path.lines).toEqual([]);
  });

  it('is found closed by the thread if it died on the way', async () => {
    const setting = new Setting();
    setting.path.dial(setting.log('client'));
    await setting.run();
    setting.path.cutAfter('server', 0);
    await setting.run();
    setting.take(1);
    await setting.run();
    expect(setting.heard).toEqual(['client opened', 'client reset', 'thread 1 finished']);
  });

  it('dies with its thread, and not with another one', async () => {
    const setting = new Setting();
    setting.path.dial(setting.log('client'));
    await setting.run();
    setting.take(1);
    await setting.run();
    setting.path.sever('server', false, setting.thread(2));
    await setting.run();
    expect(setting.heard).toEqual(['client opened', 'thread 1 opened']);
    setting.path.sever('server', false, setting.thread(1));
    await setting.run();
    expect(setting.heard.slice(2)).toEqual(['client reset']);
  });
});

describe('a dial of another port', () => {
  it('leads to who listens there, and both ends see the port', async () => {
    const setting = new Setting();
    const line = setting.path.dialAt(20_001)(setting.log('client'));
    await setting.run();
    expect(setting.heard.toSorted()).toEqual(['client opened', 'direct opened']);
    expect(line.ends.remotePort).toBe(20_001);
    expect(setting.path.newest?.server.ends.localPort).toBe(20_001);
  });

  it('is refused where nobody listens', async () => {
    const setting = new Setting();
    setting.path.dialAt(20_002)(setting.log('client'));
    await setting.run();
    expect(setting.heard).toEqual(['client reset']);
  });

  it('has a door of its own, which healing opens', async () => {
    const setting = new Setting();
    setting.path.directDoor = 'refuses';
    setting.path.dialAt(20_001)(setting.log('client'));
    setting.path.dial(setting.log('public'));
    await setting.run();
    expect(setting.heard.toSorted()).toEqual(['client reset', 'public opened']);
    setting.path.heal();
    setting.path.dialAt(20_001)(setting.log('again'));
    await setting.run();
    expect(setting.heard).toContain('again opened');
  });
});
