import { describe, expect, it } from 'vitest';
import { Draws } from '../../../src/testing/draws.ts';
import { Loop } from '../../../src/testing/loop.ts';
import { type ChannelEnd, type EndOwner, openChannel, simPipe } from '../../../src/testing/sim-channel.ts';
import { SimHost } from '../../../src/testing/sim-host.ts';

/** Two threads with a channel between them. */
class Setting {
  readonly loop = new Loop();
  readonly log: string[] = [];
  readonly lost: string[] = [];
  readonly near: ChannelEnd<string>;
  readonly far: ChannelEnd<string>;
  readonly here: EndOwner = this.#thread('here');
  readonly there: EndOwner = this.#thread('there');

  constructor(seed = 1, delayMs = 10) {
    const draws = new Draws(seed, 'channel');
    [this.near, this.far] = openChannel<string>({ clock: this.loop.clock, draws, delayMs, touched: () => {} });
    this.near.belong(this.here);
    this.far.belong(this.there);
  }

  /** The far end writes down what comes. */
  listen(): void {
    this.far.open({ received: (message) => this.log.push(message), closed: () => this.log.push('closed') });
  }

  post(...messages: string[]): void {
    for (const message of messages) this.near.post(message, () => this.lost.push(message));
  }

  run(forMs = 1_000): Promise<void> {
    return this.loop.run(this.loop.clock.now() + forMs);
  }

  die(owner: EndOwner): void {
    owner.host.kill();
    for (const end of owner.ends) end.die();
  }

  #thread(name: string): EndOwner {
    return { host: new SimHost(this.loop, name, 1), ends: new Set() };
  }
}

describe('a channel between threads', () => {
  it('carries messages in order, late, never in the call that posts them', async () => {
    const setting = new Setting();
    setting.listen();
    setting.post('a', 'b', 'c');
    expect(setting.log).toEqual([]);
    await setting.run(100);
    expect([setting.log, setting.lost]).toEqual([['a', 'b', 'c'], []]);
  });

  it('keeps what comes before the other end is opened, and its order after that', async () => {
    const setting = new Setting();
    setting.post('a', 'b');
    await setting.run(50);
    setting.listen();
    setting.post('c');
    setting.near.close();
    expect(setting.log).toEqual([]);
    await setting.run();
    expect(setting.log).toEqual(['a', 'b', 'c', 'closed']);
  });

  it('tells of a close after everything posted, once, and of nothing after it', async () => {
    const setting = new Setting();
    setting.listen();
    setting.post('a');
    setting.near.close();
    setting.near.close();
    setting.post('b');
    await setting.run();
    expect([setting.log, setting.lost]).toEqual([['a', 'closed'], ['b']]);
    expect([setting.near.isOver, setting.far.isOver, setting.here.ends.size, setting.there.ends.size]).toEqual([
      true,
      true,
      0,
      0,
    ]);
  });

  it('gives nothing more to an end that closed, and calls what was on its way lost', async () => {
    const setting = new Setting();
    setting.listen();
    setting.post('a', 'b');
    setting.far.close();
    await setting.run();
    expect([setting.log, setting.lost]).toEqual([[], ['a', 'b']]);
  });

  it('carries the first of what a dead thread posted, loses the rest, and tells that it is gone', async () => {
    const ends = new Set<number>();
    for (let seed = 1; seed <= 40; seed += 1) {
      const setting = new Setting(seed);
      setting.listen();
      setting.post('a', 'b', 'c');
      setting.die(setting.here);
      await setting.run();
      const kept = ['a', 'b', 'c'].slice(0, 3 - setting.lost.length);
      expect([...kept, 'closed']).toEqual(setting.log);
      ends.add(kept.length);
    }
    expect(ends).toEqual(new Set([0, 1, 2, 3]));
  });

  it('loses all that is on its way to a dead thread, also what that one had not come to yet', async () => {
    const setting = new Setting();
    setting.listen();
    setting.there.host.stall(500);
    setting.post('a');
    await setting.run(100);
    setting.post('b');
    setting.die(setting.there);
    await setting.run();
    expect([setting.log, setting.lost.toSorted()]).toEqual([[], ['a', 'b']]);
  });

  it('waits for a thread that stands still', async () => {
    const setting = new Setting();
    setting.listen();
    setting.there.host.stall(500);
    setting.post('a', 'b');
    await setting.run(400);
    expect(setting.log).toEqual([]);
    await setting.run(200);
    expect(setting.log).toEqual(['a', 'b']);
  });
});

describe('a pipe over a channel', () => {
  it('moves bytes: the poster has none left', async () => {
    const loop = new Loop();
    const owner = { host: new SimHost(loop, 'one', 1), ends: new Set<{ die(): void }>() };
    const draws = new Draws(1, 'pipe');
    const [near, far] = openChannel<Uint8Array | number | 'end'>({
      clock: loop.clock,
      draws,
      delayMs: 1,
      touched: () => {},
    });
    near.belong(owner);
    far.belong(owner);
    const got: unknown[] = [];
    simPipe(far).open({ received: (message) => got.push(message), closed: () => got.push('closed') });
    const pipe = simPipe(near);
    const bytes = Uint8Array.of(1, 2, 3);
    pipe.post(bytes);
    pipe.post(7);
    pipe.post('end');
    pipe.close();
    expect(bytes.length).toBe(0);
    await loop.run(100);
    expect(got).toEqual([Uint8Array.of(1, 2, 3), 7, 'end', 'closed']);
  });
});
